/* server/main.c: arguments -> config -> app, then waits for a signal.
 *
 * Exit codes: 0 stopped cleanly, 1 failed, 2 wrong usage. */
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "version.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A terminal's Ctrl-C and a script that passes it on are one wish: a second signal this soon is the same. */
#define SAME_SIGNAL_MS 1000

static int64_t stopping_since_mono_ms; /* set before the handler is in place */

static void leave_at_once(int signal)
{
    static const char line[] = "{\"level\":\"warn\",\"event\":\"stop.abandoned\"}\n";

    (void)signal;
    if (clock_mono_ms(&clock_system) - stopping_since_mono_ms < SAME_SIGNAL_MS)
        return;
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(EXIT_FAILED);
    _exit(EXIT_FAILED);
}

static const char *environment(const char *name)
{
    return getenv(name);
}

/* What is taken over from the environment need not be read there by whoever may look at our /proc. */
static void forget_proxy(void)
{
    char *value = getenv("OKTA_CONNECTOR_PROXY");

    if (value != NULL)
        explicit_bzero(value, strlen(value));
}

static void signals_we_wait_for(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

/* Blocked before there are threads, so that each inherits it and only the main thread takes one. */
static void block_signals(void)
{
    sigset_t set;

    signals_we_wait_for(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* SIGTERM or SIGINT. */
static int wait_for_stop(struct app *a)
{
    sigset_t set;
    int got;

    signals_we_wait_for(&set);
    for (;;) {
        if (sigwait(&set, &got) != 0)
            continue;
        if (got != SIGHUP)
            return got;
        log_info("reread", "signal=SIGHUP");
        app_reread(a);
    }
}

static void let_second_signal_leave(void)
{
    struct sigaction action = { .sa_handler = leave_at_once };
    sigset_t set;

    stopping_since_mono_ms = clock_mono_ms(&clock_system);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A page of a log is some megabytes for a moment. Without this, each thread's arena keeps its own high-water mark. */
static void keep_memory_small(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* and fixed: glibc would raise it with each large free */
    mallopt(M_TRIM_THRESHOLD,
            2 << 20); /* room for a stream's batches, so that they are not faulted in anew each time */
}

static void limits(void)
{
    const struct rlimit none = { 0, 0 };
    struct rlimit files;

    /* Secrets are in memory: no core of it, whatever the kernel pipes cores to, and no debugger of our own user. */
    setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(077);
}

static int run(const struct config *config)
{
    struct app *a = NULL;
    struct error err;
    int got;

    log_set_level(config->log_level);
    if (!app_start(&a, config, &err)) {
        log_error("start.failed", "error=%s", err.text);
        return EXIT_FAILED;
    }
    log_info("start", "version=%s connectors_declared=%zu data_dir=%s", VERSION_TEXT, config->declared_count,
             config->data_dir);
    got = wait_for_stop(a);
    log_info("stop.begin", "signal=%s", got == SIGTERM ? "SIGTERM" : "SIGINT");
    let_second_signal_leave();
    app_stop(a);
    log_info("stop", "version=%s", VERSION_TEXT);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct config config;
    struct error err;

    if (!config_parse(&config, argc, (const char *const *)argv, environment, &err)) {
        fprintf(stderr, "okta-connectord: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (config.wants_help || config.wants_version) {
        if (config.wants_help)
            config_help(stdout);
        else
            puts("okta-connectord " VERSION_TEXT);
        return EXIT_OK;
    }
    forget_proxy();
    keep_memory_small();
    limits();
    block_signals();
    return run(&config);
}
