/* sync: waits until everything chosen is there, and shows how far it is. */
#include "client/cli/cli.h"
#include "client/cmd/progress.h"
#include "client/term/interrupt.h"
#include "client/term/text.h"
#include "client/term/ticker.h"

#include "base/clock.h"

#include <unistd.h>

static struct progress progress_of(const Okta__Connector__V1__SyncResponse *r, bool counts_history)
{
    return (struct progress){
        .collections = r->collections,
        .collection_count = r->n_collections,
        .is_at_head = r->tail_at_head,
        .history = r->history,
        .counts_history = counts_history,
        .plan = r->plan,
        .waits = r->waits,
        .wait_count = r->n_waits,
        .now_unix_ms = clock_unix_ms(&clock_system),
    };
}

static void show(struct cli *cli, struct ticker *t, const Okta__Connector__V1__SyncResponse *r, bool counts_history)
{
    AUTO_BUF struct buf line = BUF(4096);
    struct progress p = progress_of(r, counts_history);
    unsigned permille = r->done ? 1000 : progress_permille(&p);

    if (cli->format == FORMAT_JSONL) {
        cli_json(cli, &r->base);
        output_flush(&cli->out);
        return;
    }
    if (t->is_terminal)
        ticker_bar(permille, 1000, &line);
    buf_printf(&line, "%s%u %%  ", t->is_terminal ? " " : "sync ", permille / 10);
    progress_text(&p, &line);
    ticker_show(t, buf_view(&line), r->done);
}

static void sum_up(struct cli *cli, const Okta__Connector__V1__SyncResponse *r, int64_t took_ms)
{
    AUTO_BUF struct buf line = BUF(4096);
    struct progress p = progress_of(r, false);
    char span[TEXT_SHORT_SIZE];

    if (cli->format == FORMAT_JSONL)
        return;
    if (cli->format == FORMAT_JSON) {
        cli_json(cli, &r->base);
        return;
    }
    progress_text(&p, &line);
    text_span(took_ms, span);
    cli_say(cli, "in sync after %s: %s", span, buf_cstr(&line));
}

/* Reads to the end of the stream. *last is the newest message, the caller's. */
static bool read_all(struct cli *cli, struct stream *st, struct ticker *t, bool counts_history, ProtobufCMessage **last,
                     struct error *err)
{
    enum stream_state state;
    ProtobufCMessage *message;

    while ((state = stream_next(st, INT64_MAX, &message, err)) == STREAM_MESSAGE) {
        protobuf_c_message_free_unpacked(*last, NULL);
        *last = message;
        show(cli, t, (const void *)message, counts_history);
        if (!output_ok(&cli->out))
            return true;
    }
    if (state == STREAM_WAITING)
        return error_set(err, ERROR_CANCELLED, "interrupted");
    if (err->code != ERROR_OK)
        return false;
    if (*last == NULL || !((const Okta__Connector__V1__SyncResponse *)(const void *)*last)->done)
        return error_set(err, ERROR_INTERNAL, "the server ended without saying that it is done");
    return true;
}

static int run_sync(struct cli *cli)
{
    Okta__Connector__V1__SyncRequest request = OKTA__CONNECTOR__V1__SYNC_REQUEST__INIT;
    int64_t began_mono_ms = clock_mono_ms(&clock_system);
    ProtobufCMessage *last = NULL;
    struct stream *st;
    struct ticker t;
    struct error err;
    bool ok;

    request.name = cli_name(cli);
    request.history = args_has(&cli->args, "history");
    if (!cli_connect(cli, &err))
        return cli_fail(cli, &err, "sync");
    ticker_init(&t);
    st = stream_open(cli->session, &method_sync, &request.base, cli->timeout_ms);
    ok = read_all(cli, st, &t, request.history, &last, &err);
    stream_close(&st);
    ticker_deinit(&t);
    if (ok && last != NULL && output_ok(&cli->out))
        sum_up(cli, (const void *)last, clock_mono_ms(&clock_system) - began_mono_ms);
    protobuf_c_message_free_unpacked(last, NULL);
    return ok ? cli_done(cli) : cli_fail(cli, &err, "sync");
}

static const struct option options[] = {
    { "history", '\0', NULL, "wait for the back-fill of past logins as well" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_sync = {
    .name = "sync",
    .synopsis = "[NAME] [--history]",
    .summary = "poll now, and wait until everything is there",
    .details = "Leaving early does not stop the server's work. -o jsonl prints every step, -o json the last.",
    .operands_max = 1,
    .options = options,
    .run = run_sync,
};
