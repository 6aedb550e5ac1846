/* probe: one question to the server's health, for those who look at exit codes only: kubelet's exec probes (its own
 * gRPC probe knows neither Unix sockets nor client certificates), start-up scripts, watchdogs.
 *
 * Each try is a connection of its own and ends within --timeout; with --wait tries follow each other until it serves.
 * Should anything hold us longer (a resolver that answers nobody, a library that will not end), an alarm ends the
 * process. */
#include "client/cli/cli.h"
#include "client/term/interrupt.h"

#include "base/clock.h"

#include "grpc/health/v1/health.pb-c.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_MS     1000
#define ALARM_AFTER_MS 250 /* behind the time-out: what ends in time tells more */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS   500

static const struct method method_check = { "/grpc.health.v1.Health/Check",
                                            &grpc__health__v1__health_check_response__descriptor };

struct probe {
    struct cli *cli;
    const char *service;   /* "": the server itself */
    bool waits;            /* asks again */
    int64_t until_mono_ms; /* in all */
    int64_t began_mono_ms;
};

/* ---- the alarm ---- */

static char alarm_text[64];
static volatile sig_atomic_t alarm_code = EXIT_TIMED_OUT; /* what is known already, when only our own end hangs */

static void on_alarm(int number)
{
    ssize_t ignored = 0;

    (void)number;
    if (alarm_code == EXIT_TIMED_OUT)
        ignored = write(STDERR_FILENO, alarm_text, strlen(alarm_text));
    (void)ignored;
    _exit(alarm_code);
}

static void set_alarm(int64_t ms)
{
    struct sigaction action = { .sa_handler = on_alarm };
    const struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };
    sigset_t set;

    snprintf(alarm_text, sizeof alarm_text, PROGRAM ": probe: nothing within %lld ms\n", (long long)ms);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* ---- one try ---- */

static bool check(struct probe *p, int64_t until_mono_ms, ProtobufCMessage **response, struct error *err)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct session *session;
    int64_t left_ms;
    bool ok;

    request.service = (char *)p->service;
    p->cli->address[0] = '\0'; /* another socket may have appeared */
    if (!cli_find_server(p->cli, err))
        return false;
    left_ms = until_mono_ms - clock_mono_ms(&clock_system);
    if (!session_open(&session, p->cli->address, &p->cli->tls, left_ms > 0 ? left_ms : 1, err))
        return false;
    left_ms = until_mono_ms - clock_mono_ms(&clock_system);
    ok = session_call(session, &method_check, &request.base, left_ms > 0 ? left_ms : 1, response, err);
    session_close(session);
    return ok || error_wrap(err, "the server at %s", p->cli->address);
}

static bool is_serving(const ProtobufCMessage *response)
{
    return ((const Grpc__Health__V1__HealthCheckResponse *)(const void *)response)->status ==
           GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

/* Tries once, or until it serves or the time is over. *response is the last answer, NULL before the first; a last try
 * that had less than its time does not gainsay the one before. False: no answer, and why. */
static bool ask(struct probe *p, int64_t timeout_ms, ProtobufCMessage **response, struct error *err)
{
    int64_t pause_ms = PAUSE_FIRST_MS;

    for (;;) {
        int64_t now = clock_mono_ms(&clock_system);
        bool is_cut = now + timeout_ms > p->until_mono_ms;
        ProtobufCMessage *answer = NULL;
        bool ok = check(p, is_cut ? p->until_mono_ms : now + timeout_ms, &answer, err);
        bool is_final = !p->waits || (ok ? is_serving(answer) : err->code == ERROR_INVALID_ARGUMENT);

        if (ok || !is_cut || err->code != ERROR_DEADLINE_EXCEEDED) {
            if (*response != NULL)
                protobuf_c_message_free_unpacked(*response, NULL);
            *response = answer;
        }
        now = clock_mono_ms(&clock_system);
        if (is_final || interrupt_signal() != 0 || now + pause_ms >= p->until_mono_ms)
            return *response != NULL;
        interrupt_wait(-1, now + pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
}

/* ---- what it means ---- */

static int told(struct probe *p, const ProtobufCMessage *response)
{
    const char *what = p->service[0] != '\0' ? p->service : "the server";
    int code;

    if (p->cli->format != FORMAT_TABLE)
        cli_json(p->cli, response);
    else if (is_serving(response))
        cli_say(p->cli, "%s is serving, at %s, asked and answered in %lld ms", what, p->cli->address,
                (long long)(clock_mono_ms(&clock_system) - p->began_mono_ms));
    else
        cli_note("%s: probe: %s is not serving, says the server at %s", PROGRAM, what, p->cli->address);
    code = cli_done(p->cli);
    return code == EXIT_OK && !is_serving(response) ? EXIT_NOT_SERVING : code;
}

static int failed(const struct error *err)
{
    if (cli_signal_exit() != 0)
        return cli_signal_exit();
    cli_note("%s: probe: %s", PROGRAM, err->text);
    if (err->code == ERROR_NOT_FOUND)
        return EXIT_NOT_FOUND;
    return err->code == ERROR_DEADLINE_EXCEEDED ? EXIT_TIMED_OUT : (int)reason_exit(err);
}

static int run_probe(struct cli *cli)
{
    struct probe p = { .cli = cli, .service = args_value(&cli->args, "service") };
    int64_t timeout_ms = cli->timeout_ms > 0 ? cli->timeout_ms : TIMEOUT_MS, wait_ms = timeout_ms;
    ProtobufCMessage *response = NULL;
    struct error err;
    int code;

    if (!args_duration(&cli->args, "wait", &wait_ms, &err))
        return cli_fail(cli, &err, "probe");
    p.waits = args_has(&cli->args, "wait");
    if (p.service == NULL)
        p.service = "";
    p.began_mono_ms = clock_mono_ms(&clock_system);
    p.until_mono_ms = p.began_mono_ms + wait_ms;
    set_alarm(wait_ms + ALARM_AFTER_MS);
    if (ask(&p, timeout_ms, &response, &err)) {
        code = told(&p, response);
        protobuf_c_message_free_unpacked(response, NULL);
    } else {
        code = failed(&err);
    }
    alarm_code = code;
    return code;
}

static const struct option options[] = {
    { "service", '\0', "SERVICE", "whose health: upstream, upstream/NAME, or a service by its full name" },
    { "wait", '\0', "TIME", "ask again until it serves, at most so long" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_probe = {
    .name = "probe",
    .synopsis = "[--service SERVICE] [--timeout TIME] [--wait TIME]",
    .summary = "ask the server for its health, for exec probes",
    .details =
        "Without --service it is the server itself (liveness: an outage of Okta's does not count). upstream is every\n"
        "connector, upstream/NAME one of them (readiness: it syncs or is live). Each try takes at most --timeout "
        "(1s).\n"
        "Prints one line. Exit codes: 0 serving, 8 not serving, 9 no answer in time, 4 cannot be reached, 3 no such\n"
        "service or connector, 2 wrong command line, 7 this user may not open the socket.",
    .operands_max = 0,
    .options = options,
    .run = run_probe,
};
