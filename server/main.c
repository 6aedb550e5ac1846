/* server/main.c: arguments -> config -> app, then waits for a signal.
 *
 * Exit codes: 0 stopped cleanly, 1 failed, 2 wrong usage. */
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "check.h"
#include "confine.h"
#include "store_command.h"
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

#define PROXY_VARIABLE "OKTA_CONNECTOR_PROXY"

static char *proxy; /* the environment's, for reloads; NULL: none. Main thread */

static const char *environment(const char *name)
{
    return strcmp(name, PROXY_VARIABLE) == 0 && proxy != NULL ? proxy : getenv(name);
}

/* What is taken over from the environment need not be read there by whoever may look at our /proc. */
static void take_proxy(void)
{
    char *value = getenv(PROXY_VARIABLE);

    if (value == NULL || value[0] == '\0')
        return;
    proxy = mem_strdup(value);
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

static void log_warnings(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (problems->all[i].is_warning)
            log_warn("config.warning", "text=%s", problems->all[i].text);
}

/* The same file, environment and flags again. */
static void reload(struct app *a, int argc, char **argv)
{
    AUTO_FREE struct config *next = mem_zero(sizeof *next);
    AUTO_FREE struct config_problems *problems = mem_zero(sizeof *problems);
    bool ok = config_load(next, argc, (const char *const *)argv, environment, problems);

    log_warnings(problems);
    app_reload(a, ok ? next : NULL, problems);
}

/* SIGTERM or SIGINT. Meanwhile each SIGHUP is a reload; several that come during one are one more. */
static int wait_for_stop(struct app *a, int argc, char **argv)
{
    sigset_t set;
    int got;

    signals_we_wait_for(&set);
    for (;;) {
        if (sigwait(&set, &got) != 0)
            continue;
        if (got != SIGHUP)
            return got;
        reload(a, argc, argv);
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

static int run(const struct config *config, int argc, char **argv)
{
    struct app *a = NULL;
    struct error err;
    int got;

    if (!confine(config, &err) || !app_start(&a, config, &err)) {
        log_error("start.failed", "error=%s", err.text);
        return EXIT_FAILED;
    }
    log_info("start", "version=%s connectors_declared=%zu data_dir=%s", VERSION_TEXT, config->declared_count,
             config->data_dir);
    got = wait_for_stop(a, argc, argv);
    log_info("stop.begin", "signal=%s", got == SIGTERM ? "SIGTERM" : "SIGINT");
    let_second_signal_leave();
    app_stop(a);
    log_info("stop", "version=%s", VERSION_TEXT);
    return EXIT_OK;
}

/* ---- the configuration ---- */

static void say_problems(const struct config_problems *problems)
{
    size_t untold = problems->errors + problems->warnings - problems->count;

    for (size_t i = 0; i < problems->count; i++)
        fprintf(stderr, "okta-connectord: %s%s\n", problems->all[i].is_warning ? "warning: " : "",
                problems->all[i].text);
    if (untold > 0)
        fprintf(stderr, "okta-connectord: and %zu more\n", untold);
}

/* All of them, not the first alone. */
static int check(const struct config *config, struct config_problems *problems)
{
    check_config(config, problems);
    say_problems(problems);
    if (problems->errors > 0)
        return EXIT_USAGE;
    printf("okta-connectord: nothing is wrong with the configuration%s%s\n", config->file[0] != '\0' ? " of " : "",
           config->file);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* What was asked for in place of running. */
static int answer(const struct config *config)
{
    if (config->wants_help)
        config_help(stdout);
    else if (config->wants_version)
        puts("okta-connectord " VERSION_TEXT);
    else
        config_print(config, stdout);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    static struct config config;
    static struct config_problems problems;

    if (argc > 1 && store_command_is(argv[1])) {
        limits();
        return store_command(argc, (const char *const *)argv, environment);
    }
    block_signals(); /* a SIGHUP that comes before we are ready for it waits */
    take_proxy();
    if (!config_load(&config, argc, (const char *const *)argv, environment, &problems)) {
        say_problems(&problems);
        return EXIT_USAGE;
    }
    if (config.wants_help || config.wants_version || config.wants_print)
        return answer(&config);
    if (config.wants_check)
        return check(&config, &problems);
    log_set_level(config.log_level);
    log_warnings(&problems);
    keep_memory_small();
    limits();
    return run(&config, argc, argv);
}
