/* logins: shows login events, once or for ever. */
#include "client/cmd/filter.h"
#include "client/cmd/login_view.h"
#include "client/cmd/progress.h"
#include "client/cmd/reader.h"
#include "client/term/interrupt.h"
#include "client/term/ticker.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LAST_DEFAULT    20
#define LAST_MAX        1000000
#define SILENCE_MS      60000 /* four progress marks of the usual pace */
#define MARK_MS_MIN     1000  /* what the server takes */
#define MARK_MS_MAX     15000
#define STATUS_EVERY_MS 1000

struct logins {
    struct cli *cli;
    Okta__Connector__V1__StreamLoginsRequest request;
    Google__Protobuf__Timestamp since, until;
    struct filter only, not ;
    Google__Protobuf__Duration interval;
    struct login_view view;
    struct reader reader;
    /* --progress */
    struct ticker ticker;
    struct call *status; /* under way; NULL: none */
    int64_t next_status_mono_ms;
};

/* ---- what is asked for ---- */

static int64_t now_mono_ms(void)
{
    return clock_mono_ms(&clock_system);
}

/* "15m" ago, a time, or a day. */
static bool when_ms(const char *option, const char *text, int64_t *unix_ms, struct error *err)
{
    struct view v = view_of(text);
    char day[sizeof "2026-03-14T00:00:00Z"];
    int64_t ago_ms;

    if (time_parse(v, unix_ms))
        return true;
    if (duration_parse(v, &ago_ms)) {
        *unix_ms = clock_unix_ms(&clock_system) - ago_ms;
        if (*unix_ms < 0)
            *unix_ms = 0;
        return true;
    }
    snprintf(day, sizeof day, "%.10sT00:00:00Z", text);
    if (v.len == strlen("2026-03-14") && time_parse(view_of(day), unix_ms))
        return true;
    return error_set(err, ERROR_INVALID_ARGUMENT,
                     "--%s %s: it must be a time ago such as 15m, 2h or 7d, a day such as 2026-03-14, or a time "
                     "such as 2026-03-14T09:26:53Z",
                     option, text);
}

static bool take_when(const char *option, const char *text, Google__Protobuf__Timestamp *out, struct error *err)
{
    int64_t unix_ms;

    if (!when_ms(option, text, &unix_ms, err))
        return false;
    google__protobuf__timestamp__init(out);
    out->seconds = unix_ms / 1000;
    out->nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return true;
}

static bool take_since(struct logins *l, const char *text, struct error *err)
{
    if (!take_when("since", text, &l->since, err))
        return false;
    l->request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE;
    l->request.since = &l->since;
    return true;
}

static bool take_last(struct logins *l, const struct args *a, struct error *err)
{
    uint64_t last = LAST_DEFAULT;

    if (!args_number(a, "last", 0, LAST_MAX, &last, err))
        return false;
    l->request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST;
    l->request.last = (uint32_t)last;
    return true;
}

static bool take_start(struct logins *l, const struct args *a, struct error *err)
{
    const char *token = args_value(a, "resume"), *since = args_value(a, "since");
    bool from_beginning = args_has(a, "from-beginning");

    if ((token != NULL) + (since != NULL) + from_beginning + args_has(a, "last") > 1)
        return error_set(err, ERROR_INVALID_ARGUMENT, "choose one of --last, --since, --from-beginning and --resume");
    if (token != NULL && args_has(a, "require-complete-history"))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "--require-complete-history is for a first reading: it does not go with --resume");
    if (since != NULL)
        return take_since(l, since, err);
    if (token != NULL) {
        if (token[0] == '\0')
            return error_set(err, ERROR_INVALID_ARGUMENT, "--resume: the token is empty");
        l->request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
        l->request.resume_token = (char *)token;
        return true;
    }
    if (from_beginning) {
        l->request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING;
        l->request.from_beginning = true;
        return true;
    }
    return take_last(l, a, err);
}

/* Where it ends, and what it leaves out. */
static bool take_ends(struct logins *l, const struct args *a, struct error *err)
{
    const char *until = args_value(a, "until"), *only = args_value(a, "only"), *not = args_value(a, "not");

    if (!args_number(a, "limit", 1, UINT64_MAX, &l->request.limit, err))
        return false;
    if (until != NULL) {
        if (l->request.follow)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "--until does not go with --follow: late events come when they please; use --for");
        if (!take_when("until", until, &l->until, err))
            return false;
        l->request.until = &l->until;
    }
    if (only != NULL) {
        if (!filter_parse(&l->only, "only", only, false, err))
            return false;
        l->request.allow = l->only.list;
        l->request.n_allow = l->only.count;
    }
    if (not != NULL) {
        if (!filter_parse(&l->not, "not", not, true, err))
            return false;
        l->request.deny = l->not .list;
        l->request.n_deny = l->not .count;
    }
    return true;
}

/* The server's marks come four times before silence is silence. */
static void set_pace(struct logins *l, int64_t timeout_ms)
{
    int64_t mark_ms;

    l->reader.silence_ms = timeout_ms > 0 ? timeout_ms : SILENCE_MS;
    if (l->reader.silence_ms < 2 * MARK_MS_MIN)
        l->reader.silence_ms = 2 * MARK_MS_MIN;
    mark_ms = l->reader.silence_ms / 4;
    if (mark_ms < MARK_MS_MIN)
        mark_ms = MARK_MS_MIN;
    if (mark_ms > MARK_MS_MAX)
        mark_ms = MARK_MS_MAX;
    google__protobuf__duration__init(&l->interval);
    l->interval.seconds = mark_ms / 1000;
    l->interval.nanos = (int32_t)(mark_ms % 1000) * 1000000;
    l->request.progress_interval = &l->interval;
}

static bool take_options(struct logins *l, struct error *err)
{
    const struct args *a = &l->cli->args;
    int64_t for_ms = 0;

    okta__connector__v1__stream_logins_request__init(&l->request);
    l->request.name = cli_name(l->cli);
    l->request.follow = args_has(a, "follow");
    l->request.require_complete_history = args_has(a, "require-complete-history");
    if (l->request.follow && l->cli->format == FORMAT_JSON)
        return error_set(err, ERROR_INVALID_ARGUMENT, "-o json is one document, and --follow has no end: use -o jsonl");
    if (!take_start(l, a, err) || !take_ends(l, a, err) || !args_duration(a, "for", &for_ms, err))
        return false;
    l->reader.until_mono_ms = for_ms > 0 ? now_mono_ms() + for_ms : INT64_MAX;
    set_pace(l, l->cli->timeout_ms);
    return true;
}

/* ---- while it runs ---- */

/* On stderr: what is on stdout is events, whatever the format. */
static void put_notice(struct logins *l, const Okta__Connector__V1__Notice *n)
{
    ticker_hide(&l->ticker);
    cli_note("%s: notice: %s%s%s", PROGRAM, n->text, n->remedy[0] != '\0' ? " - " : "", n->remedy);
}

static void on_message(void *ctx, const Okta__Connector__V1__StreamLoginsResponse *m)
{
    struct logins *l = ctx;

    if (m->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_NOTICE)
        put_notice(l, m->notice);
    for (size_t i = 0; i < m->n_logins && output_ok(&l->cli->out); i++)
        login_view_put(&l->view, m->logins[i]);
    if (m->n_logins == 0 || !l->request.follow)
        return;
    ticker_hide(&l->ticker);
    login_view_flush(&l->view);
    ticker_again(&l->ticker);
}

static void on_note(void *ctx, const char *text)
{
    struct logins *l = ctx;

    ticker_hide(&l->ticker);
    cli_note("%s: %s", PROGRAM, text);
}

static void on_disconnected(void *ctx)
{
    struct logins *l = ctx;

    call_drop(&l->status);
}

static struct progress progress_of(const Okta__Connector__V1__ConnectorStatus *c)
{
    return (struct progress){
        .collections = c->collections,
        .collection_count = c->n_collections,
        .is_at_head = c->tail != NULL && c->tail->at_head,
        .history = c->history,
        .counts_history = true,
        .plan = c->plan,
        .waits = c->waits,
        .wait_count = c->n_waits,
        .now_unix_ms = clock_unix_ms(&clock_system),
    };
}

static void show_progress(struct logins *l, const Okta__Connector__V1__ConnectorStatus *c)
{
    AUTO_BUF struct buf text = BUF(4096);
    struct progress p = progress_of(c);
    unsigned permille = progress_permille(&p);

    if (permille < 1000) {
        if (l->ticker.is_terminal)
            ticker_bar(permille, 1000, &text);
        buf_printf(&text, "%sfirst sync %u %%  ", l->ticker.is_terminal ? " " : "", permille / 10);
    } else {
        buf_puts(&text, "all there  ");
    }
    progress_text(&p, &text);
    ticker_show(&l->ticker, buf_view(&text), false);
}

/* Once a second: asks for the status, without keeping the stream waiting for the answer. */
static int64_t on_tick(void *ctx, struct session *session)
{
    struct logins *l = ctx;
    Okta__Connector__V1__StatusRequest request = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    ProtobufCMessage *response;
    struct error ignored;

    if (l->status != NULL && call_is_done(l->status) && call_finish(&l->status, &response, &ignored)) {
        const Okta__Connector__V1__StatusResponse *r = (const void *)response;

        if (r->n_connectors > 0)
            show_progress(l, r->connectors[0]);
        protobuf_c_message_free_unpacked(response, NULL);
    }
    if (l->status != NULL)
        return INT64_MAX; /* its answer wakes us */
    if (now_mono_ms() >= l->next_status_mono_ms) {
        l->next_status_mono_ms = now_mono_ms() + STATUS_EVERY_MS;
        request.name = l->request.name;
        l->status = call_start(session, &method_status, &request.base, STATUS_EVERY_MS);
        return INT64_MAX;
    }
    return l->next_status_mono_ms;
}

/* ---- the run ---- */

static int finish(struct logins *l, bool ok, const struct error *err)
{
    bool shows_token = args_has(&l->cli->args, "show-token");

    call_drop(&l->status);
    ticker_deinit(&l->ticker);
    if (ok)
        login_view_end(&l->view);
    else
        login_view_flush(&l->view);
    if (l->reader.token != NULL && (shows_token || (!ok && l->reader.events > 0)))
        cli_note("resume token: %s", l->reader.token);
    return ok ? cli_done(l->cli) : cli_fail(l->cli, err, "logins");
}

static int run_logins(struct cli *cli)
{
    static struct logins l;
    struct error err;
    int code;
    bool ok;

    l.cli = cli;
    if (!take_options(&l, &err) || !cli_connect(cli, &err))
        return cli_fail(cli, &err, "logins");
    l.reader.cli = cli;
    l.reader.request = &l.request;
    l.reader.message = on_message;
    l.reader.note = on_note;
    l.reader.tick = args_has(&cli->args, "progress") ? on_tick : NULL;
    l.reader.disconnected = on_disconnected;
    l.reader.ctx = &l;
    login_view_init(&l.view, cli);
    ticker_init(&l.ticker);
    ok = reader_run(&l.reader, &err);
    code = finish(&l, ok, &err);
    reader_deinit(&l.reader);
    login_view_deinit(&l.view);
    return code;
}

static const struct option options[] = {
    { "follow", 'f', NULL, "go on with new ones as they come" },
    { "last", 'n', "N", "begin with the last N, 0 to 1,000,000 (20)" },
    { "since", '\0', "WHEN", "begin 15m, 2h or 7d ago, or at a day or time" },
    { "from-beginning", '\0', NULL, "begin with the oldest that is held" },
    { "resume", '\0', "TOKEN", "begin behind the place of a token" },
    { "until", '\0', "WHEN", "leave out what was published from then on; not with --follow" },
    { "limit", '\0', "N", "end after N events" },
    { "only", '\0', "FILTER", "only events like result=failure,denied;country=SE: all of these conditions" },
    { "not", '\0', "FILTER", "leave out events like user=svc@acme.example;kind=factor: any of these" },
    { "require-complete-history", '\0', NULL, "nothing before the back-fill is complete" },
    { "show-token", '\0', NULL, "at the end, print the token of the place on stderr" },
    { "progress", '\0', NULL, "keep a line that says how far the first sync is" },
    { "for", '\0', "TIME", "end after so long, such as 20s" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_logins = {
    .name = "logins",
    .synopsis = "[NAME] [--follow] [--last N | --since WHEN | --from-beginning | --resume TOKEN]",
    .summary = "show login events, once or as they come",
    .details =
        "Times are UTC. With --follow it reconnects by itself and goes on at the same place: nothing is shown\n"
        "twice, nothing is left out; a note on stderr says so. --timeout is then the longest silence (60s).\n"
        "Ctrl-C ends it with exit code 130, SIGTERM with 143, --for with 0. -o json prints one array, -o jsonl one\n"
        "object a line, written out at once when following.\n"
        "\n"
        "A FILTER is NAME=VALUE[,VALUE...], several divided by \";\". Names: kind, result, type (whole, or from\n"
        "the front as user.authentication.*), user (id or login), domain (of the login), app (id or label), ip\n"
        "(address or network), country (SE). The server applies it, and --last counts what is left.",
    .operands_max = 1,
    .options = options,
    .run = run_logins,
};
