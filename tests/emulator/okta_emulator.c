/* okta-emulator: an Okta org on a loopback port, until it is told to end. */
#include "base/clock.h"
#include "emulator.h"
#include "shell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USERS_MAX        1000000
#define EVENTS_MAX       50000000
#define CLIENT_KEYS_MAX  50
#define KEY_BYTES_MAX    16384
#define SCRIPT_BYTES_MAX (16u << 20)
#define EXIT_USAGE       2
#define EXIT_FAILED      1

struct settings {
    struct emulator_options org;
    const char *port_file, *faults_file;
    const char *client_keys[CLIENT_KEYS_MAX]; /* "FILE" or "KID=FILE" */
    size_t client_keys_count;
    uint64_t port;
    uint64_t seed, users, apps, history_events, history_days, late_percent, other_percent, neighbour_percent;
    uint64_t logs_limit, users_limit, other_limit, burst_percent;
    int64_t token_life_ms;
    bool is_quiet, wants_help;
};

/* ---- arguments ---- */

enum flag_kind {
    FLAG_NUMBER,
    FLAG_DURATION,
    FLAG_TEXT,
    FLAG_LISTEN,
    FLAG_SWITCH,
    FLAG_ROLE,
    FLAG_DPOP,
    FLAG_LINKS,
    FLAG_KEY
};

struct flag {
    const char *name;
    enum flag_kind kind;
    void *to;
    uint64_t min, max;
    const char *help;
};

static bool read_listen(struct view value, uint64_t *port)
{
    const char *const hosts[] = { "127.0.0.1:", "localhost:" };

    for (size_t i = 0; i < 2; i++)
        if (view_starts(value, hosts[i]))
            return view_u64((struct view){ value.at + 10, value.len - 10 }, 0, 65535, port);
    return false;
}

static bool add_client_key(struct settings *s, const char *text)
{
    if (s->client_keys_count == CLIENT_KEYS_MAX || *text == '\0')
        return false;
    s->client_keys[s->client_keys_count++] = text;
    return true;
}

static bool read_flag(const struct flag *flag, const char *text)
{
    struct view value = view_of(text);

    switch (flag->kind) {
    case FLAG_NUMBER:
        return view_u64(value, flag->min, flag->max, flag->to);
    case FLAG_DURATION:
        return duration_parse(value, flag->to);
    case FLAG_LISTEN:
        return read_listen(value, flag->to);
    case FLAG_TEXT:
        *(const char **)flag->to = text;
        return value.len > 0;
    case FLAG_SWITCH:
        *(bool *)flag->to = true;
        return true;
    case FLAG_ROLE:
        return emulator_role_named(value, flag->to);
    case FLAG_DPOP:
        return emulator_dpop_named(value, flag->to);
    case FLAG_LINKS:
        return emulator_links_named(value, flag->to);
    case FLAG_KEY:
        return add_client_key(flag->to, text);
    }
    return false;
}

static const struct flag *find_flag(const struct flag *flags, struct view name)
{
    for (; flags->name != NULL; flags++)
        if (view_is(name, flags->name))
            return flags;
    return NULL;
}

static bool read_args(const struct flag *flags, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        struct view name = { argv[i], equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]) };
        const struct flag *flag = find_flag(flags, name);
        const char *value = equals != NULL ? equals + 1 : "";

        if (flag == NULL || (flag->kind == FLAG_SWITCH && equals != NULL)) {
            fprintf(stderr, "okta-emulator: unknown flag %s; see --help\n", argv[i]);
            return false;
        }
        if (flag->kind != FLAG_SWITCH && equals == NULL)
            value = i + 1 < argc ? argv[++i] : "";
        if (!read_flag(flag, value)) {
            fprintf(stderr, "okta-emulator: %s cannot be \"%s\": %s\n", flag->name, value, flag->help);
            return false;
        }
    }
    return true;
}

static void print_help(const struct flag *flags)
{
    puts("okta-emulator: an Okta org on a loopback port. Ends on SIGINT or SIGTERM.\n");
    for (; flags->name != NULL; flags++)
        printf("  %-22s %s\n", flags->name, flags->help);
}

static bool configure(struct settings *s, int argc, char **argv)
{
    const struct flag flags[] = {
        { "--listen", FLAG_LISTEN, &s->port, 0, 0, "127.0.0.1:PORT; 0, the default, is any that is free" },
        { "--port-file", FLAG_TEXT, &s->port_file, 0, 0, "where to write the port once it listens" },
        { "--seed", FLAG_NUMBER, &s->seed, 0, UINT64_MAX, "the same seed gives the same org; 1" },
        { "--token", FLAG_TEXT, &s->org.token, 0, 0, "the API token that works; 00emulatorTokenNotReal" },
        { "--users", FLAG_NUMBER, &s->users, 0, USERS_MAX, "how many; 2000" },
        { "--apps", FLAG_NUMBER, &s->apps, 0, 100000, "how many; 30" },
        { "--history-events", FLAG_NUMBER, &s->history_events, 0, EVENTS_MAX, "how many before the start; 20000" },
        { "--history-days", FLAG_NUMBER, &s->history_days, 1, 400, "over how many days; 30" },
        { "--login-every", FLAG_DURATION, &s->org.login_every_ms, 0, 0, "such as 300ms, the default; 0: none" },
        { "--late-percent", FLAG_NUMBER, &s->late_percent, 0, 100, "of new events: persisted up to 5 minutes late; 2" },
        { "--other-percent", FLAG_NUMBER, &s->other_percent, 0, 100, "of all events: no logins; 20" },
        { "--logs-limit", FLAG_NUMBER, &s->logs_limit, 1, 1000000, "requests for logs a minute; 60" },
        { "--users-limit", FLAG_NUMBER, &s->users_limit, 1, 1000000, "requests for lists of users a minute; 300" },
        { "--neighbour-percent", FLAG_NUMBER, &s->neighbour_percent, 0, 100, "of each limit, used by others; 0" },
        { "--index-lag", FLAG_DURATION, &s->org.index_lag_ms, 0, 0, "how far search lags behind, such as 2s; 0" },
        { "--burst-percent", FLAG_NUMBER, &s->burst_percent, 0, 100,
          "of each limit, at once in one minute of four; 0" },
        { "--other-limit", FLAG_NUMBER, &s->other_limit, 1, 1000000, "requests of every other kind a minute; 300" },
        { "--cursor-life", FLAG_DURATION, &s->org.cursor_life_ms, 0, 0,
          "of the log's cursors, such as 10m; 0: no end" },
        { "--links", FLAG_LINKS, &s->org.links, 0, 0, "how Link is written: plain, folded, lower or unquoted; plain" },
        { "--no-next-when-empty", FLAG_SWITCH, &s->org.has_no_next_when_empty, 0, 0, "no next on an empty log page" },
        { "--next-when-full", FLAG_SWITCH, &s->org.has_next_when_full, 0, 0, "a next on a full last page" },
        { "--role", FLAG_ROLE, &s->org.role, 0, 0, "read-only, report, super, org, app, help-desk or none; read-only" },
        { "--client-id", FLAG_TEXT, &s->org.client_id, 0, 0, "an OAuth service app's; without it there is none" },
        { "--client-key", FLAG_KEY, s, 0, 0, "[KID=]FILE, its public key as PEM or JWK; again for another" },
        { "--scopes", FLAG_TEXT, &s->org.scopes, 0, 0, "granted to it; users, groups, apps, logs, orgs to read" },
        { "--dpop", FLAG_DPOP, &s->org.dpop, 0, 0, "off, required, or strict: a nonce at every call; off" },
        { "--token-life", FLAG_DURATION, &s->token_life_ms, 0, 0, "of access tokens, in whole seconds; 1h" },
        { "--base-url", FLAG_TEXT, &s->org.base_url, 0, 0,
          "what the org calls itself, when something stands before it" },
        { "--faults", FLAG_TEXT, &s->faults_file, 0, 0, "FILE, a fault script: what goes wrong from the start" },
        { "--quiet", FLAG_SWITCH, &s->is_quiet, 0, 0, "no line about the requests at the end" },
        { "--help", FLAG_SWITCH, &s->wants_help, 0, 0, "this" },
        { NULL, FLAG_SWITCH, NULL, 0, 0, NULL },
    };

    if (!read_args(flags, argc, argv))
        return false;
    if (s->wants_help)
        print_help(flags);
    s->org.seed = s->seed;
    s->org.users = (uint32_t)s->users;
    s->org.apps = (uint32_t)s->apps;
    s->org.history_events = s->history_events;
    s->org.history_days = (uint32_t)s->history_days;
    s->org.late_percent = (uint32_t)s->late_percent;
    s->org.other_percent = (uint32_t)s->other_percent;
    s->org.logs_limit = (int32_t)s->logs_limit;
    s->org.users_limit = (int32_t)s->users_limit;
    s->org.other_limit = (int32_t)s->other_limit;
    s->org.burst_percent = (int32_t)s->burst_percent;
    s->org.token_life_s = s->token_life_ms / 1000;
    s->org.is_base_url_fixed = s->org.base_url != NULL;
    s->org.neighbour_percent = (int32_t)s->neighbour_percent;
    return true;
}

/* ---- running ---- */

/* Whole or not at all: who waits for the file reads it at once. */
static bool write_port(const char *path, uint16_t port)
{
    AUTO_BUF struct buf temporary = BUF(8192);
    FILE *file;
    bool is_written;

    buf_printf(&temporary, "%s.new", path);
    file = fopen(buf_cstr(&temporary), "we");
    if (file == NULL)
        return false;
    is_written = fprintf(file, "%u\n", (unsigned)port) > 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(buf_cstr(&temporary), path) == 0;
}

static bool read_file(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    char block[4096];
    size_t len;

    if (file == NULL) {
        fprintf(stderr, "okta-emulator: %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((len = fread(block, 1, sizeof block, file)) > 0)
        buf_put(text, block, len);
    fclose(file);
    if (!buf_ok(text))
        fprintf(stderr, "okta-emulator: %s is too large\n", path);
    return buf_ok(text);
}

static bool load_key(struct emulator *e, const char *given)
{
    const char *equals = strchr(given, '=');
    struct view kid = equals != NULL ? (struct view){ given, (size_t)(equals - given) } : VIEW_NONE;
    AUTO_BUF struct buf text = BUF(KEY_BYTES_MAX);
    struct error err;

    if (!read_file(equals != NULL ? equals + 1 : given, &text))
        return false;
    if (emulator_add_key(e, kid, buf_view(&text), &err))
        return true;
    fprintf(stderr, "okta-emulator: --client-key: %s\n", err.text);
    return false;
}

static bool load_faults(const struct settings *s, struct emulator *e)
{
    AUTO_BUF struct buf text = BUF(SCRIPT_BYTES_MAX);
    struct error err;

    if (s->faults_file == NULL)
        return true;
    if (!read_file(s->faults_file, &text))
        return false;
    if (emulator_load_faults(e, buf_view(&text), &err))
        return true;
    fprintf(stderr, "okta-emulator: --faults: %s\n", err.text);
    return false;
}

static bool load_keys(const struct settings *s, struct emulator *e)
{
    for (size_t i = 0; i < s->client_keys_count; i++)
        if (!load_key(e, s->client_keys[i]))
            return false;
    return true;
}

static bool announce(const struct settings *s, const struct shell *shell, const struct emulator *e)
{
    if (s->port_file != NULL && !write_port(s->port_file, shell_port(shell))) {
        perror("okta-emulator: --port-file");
        return false;
    }
    printf("{\"event\":\"listen\",\"url\":\"%s\",\"users\":%zu,\"events\":%zu}\n", shell_url(shell),
           emulator_user_count(e), emulator_truth_count(e));
    return fflush(stdout) == 0;
}

static int run(const struct settings *s, const sigset_t *signals)
{
    struct emulator *e = emulator_create(&s->org);
    struct shell *shell = NULL;
    struct error err;
    int signal, status = EXIT_FAILED;

    if (!load_keys(s, e) || !load_faults(s, e)) {
        emulator_destroy(e);
        return EXIT_FAILED;
    }
    if (!shell_start(&shell, e, &clock_system, (uint16_t)s->port, &err)) {
        fprintf(stderr, "okta-emulator: %s\n", err.text);
    } else if (announce(s, shell, e)) {
        sigwait(signals, &signal);
        status = 0;
    }
    shell_stop(shell);
    if (status == 0 && !s->is_quiet)
        fprintf(stderr, "okta-emulator: %llu requests, %llu violations, %llu answered 429\n",
                (unsigned long long)emulator_requests(e, ""), (unsigned long long)emulator_violations(e),
                (unsigned long long)emulator_answers_429(e));
    emulator_destroy(e);
    return status;
}

int main(int argc, char **argv)
{
    struct settings s = { .org = { .token = "00emulatorTokenNotReal", .login_every_ms = 300 },
                          .seed = 1,
                          .users = 2000,
                          .apps = 30,
                          .history_events = 20000,
                          .history_days = 30,
                          .late_percent = 2,
                          .other_percent = 20 };
    sigset_t signals;

    if (!configure(&s, argc, argv))
        return EXIT_USAGE;
    if (s.wants_help)
        return 0;
    /* Before there are threads, so that no other gets them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    s.org.start_unix_ms = clock_unix_ms(&clock_system);
    return run(&s, &signals);
}
