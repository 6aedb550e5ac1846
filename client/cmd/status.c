/* status: how things stand, as a page that answers "is it working, and if not, why not". */
#include "client/cli/cli.h"
#include "client/cmd/collection.h"
#include "client/term/text.h"

#include <stdio.h>
#include <string.h>

#define STATUS_TIMEOUT_MS 10000
#define LABEL_COLUMNS     12

struct page {
    struct cli *cli;
    int64_t now_unix_ms; /* the server's clock: ages must not depend on ours */
};

/* A line "  label  text", the text made safe. */
static void line(struct page *p, const char *label, const char *format, ...) PRINTF(3, 4);
static void line(struct page *p, const char *label, const char *format, ...)
{
    AUTO_BUF struct buf text = BUF(8192);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    cli_say(p->cli, "  %-*s  %s", LABEL_COLUMNS, label, buf_cstr(&text));
}

static const char *age(const struct page *p, const Google__Protobuf__Timestamp *t, char out[TEXT_SHORT_SIZE])
{
    text_age(cli_unix_ms(t), p->now_unix_ms, out);
    return out;
}

static const char *count(uint64_t n, char out[TEXT_SHORT_SIZE])
{
    text_count(n, out);
    return out;
}

static const char *bytes(uint64_t n, char out[TEXT_SHORT_SIZE])
{
    text_bytes(n, out);
    return out;
}

static const char *date(const Google__Protobuf__Timestamp *t, char out[TEXT_SHORT_SIZE])
{
    text_date(cli_unix_ms(t), out);
    return out;
}

/* "LIVE" of CONNECTOR_STATE_LIVE. */
static const char *state_word(Okta__Connector__V1__ConnectorState state, enum style *style)
{
    static const struct {
        const char *word;
        enum style style;
    } states[] = { { "?", STYLE_WARN },     { "STARTING", STYLE_WARN }, { "SYNCING", STYLE_WARN },
                   { "LIVE", STYLE_GOOD },  { "DEGRADED", STYLE_BAD },  { "RECONNECT REQUIRED", STYLE_BAD },
                   { "RETIRED", STYLE_DIM } };
    size_t i = (size_t)state < sizeof states / sizeof states[0] ? (size_t)state : 0;

    *style = states[i].style;
    return states[i].word;
}

static void show_state(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char since[TEXT_SHORT_SIZE];
    enum style style;
    const char *word = state_word(c->state, &style);
    bool has_color = p->cli->has_color;

    output_printf(&p->cli->out, "  %-*s  %s%s%s", LABEL_COLUMNS, "state", has_color ? style_begin(style) : "", word,
                  has_color ? STYLE_END : "");
    output_printf(&p->cli->out, c->state_since != NULL ? ", since %s\n" : "\n", age(p, c->state_since, since));
    if (c->state_reason[0] != '\0')
        line(p, "", "%s", c->state_reason);
    if (c->remedy[0] != '\0')
        line(p, "", "next: %s", c->remedy);
    if (c->state == OKTA__CONNECTOR__V1__CONNECTOR_STATE__CONNECTOR_STATE_DEGRADED)
        line(p, "", "more: %s doctor %s", PROGRAM, c->name);
}

static void show_credential(struct page *p, const Okta__Connector__V1__CredentialStatus *c)
{
    AUTO_BUF struct buf scopes = BUF(4096);
    char since[TEXT_SHORT_SIZE];
    bool is_app;

    if (c == NULL)
        return;
    is_app = c->kind == OKTA__CONNECTOR__V1__CREDENTIAL_KIND__CREDENTIAL_KIND_SERVICE_APP;
    line(p, "signs in", "%s%s, %s, set %s; fingerprint %s", is_app ? "as service app " : "with an API token",
         is_app ? c->client_id : "", c->from_file ? "from a file" : "sealed in the store", age(p, c->set_since, since),
         c->fingerprint);
    for (size_t i = 0; i < c->n_scopes_granted; i++)
        buf_printf(&scopes, "%s%s", i > 0 ? " " : "scopes ", c->scopes_granted[i]);
    for (size_t i = 0; i < c->n_scopes_missing; i++)
        buf_printf(&scopes, "%s%s",
                   i > 0            ? " "
                   : scopes.len > 0 ? "; not granted: "
                                    : "not granted: ",
                   c->scopes_missing[i]);
    if (scopes.len > 0)
        line(p, "", "%s", buf_cstr(&scopes));
}

static void show_tail(struct page *p, const Okta__Connector__V1__TailStatus *t)
{
    char a[TEXT_SHORT_SIZE], b[TEXT_SHORT_SIZE], every[TEXT_SHORT_SIZE] = "?";
    char read[TEXT_SHORT_SIZE], stored[TEXT_SHORT_SIZE], known[TEXT_SHORT_SIZE], late[TEXT_SHORT_SIZE],
        unparsed[TEXT_SHORT_SIZE];

    if (t == NULL)
        return;
    if (t->interval != NULL && t->interval->seconds >= 0 && t->interval->seconds < 86400)
        text_span(t->interval->seconds * 1000 + t->interval->nanos / 1000000, every);
    line(p, "tail", "%s; last answer %s, asked %s; polls every %s", t->at_head ? "at the head" : "catching up",
         age(p, t->last_success, a), age(p, t->last_attempt, b), every);
    line(p, "", "newest event %s; %s events read, %s logins stored, %s known already, %s late, %s unreadable",
         age(p, t->last_published, a), count(t->events_read, read), count(t->logins_stored, stored),
         count(t->duplicates_dropped, known), count(t->late, late), count(t->unparsed, unparsed));
}

static void show_history(struct page *p, const Okta__Connector__V1__HistoryStatus *h)
{
    char n[TEXT_SHORT_SIZE], reached[TEXT_SHORT_SIZE], target[TEXT_SHORT_SIZE];

    if (h == NULL)
        return;
    count(h->logins_stored, n);
    date(h->reached, reached);
    date(h->target, target);
    switch (h->state) {
    case OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_OFF:
        line(p, "history", "not asked for");
        return;
    case OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_RUNNING:
        line(p, "history", "on its way from now to %s, at %s; %s logins so far", target, reached, n);
        return;
    case OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_COMPLETE:
        line(p, "history", "complete back to %s; %s logins", target, n);
        return;
    case OKTA__CONNECTOR__V1__HISTORY_STATE__HISTORY_STATE_LIMITED_BY_SIZE:
        line(p, "history", "stopped for good at %s, since the store is full; %s logins", reached, n);
        return;
    default:
        line(p, "history", "?");
    }
}

static void show_collections(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char n[TEXT_SHORT_SIZE], listed[TEXT_SHORT_SIZE], last[TEXT_SHORT_SIZE];

    for (size_t i = 0; i < c->n_collections; i++) {
        const Okta__Connector__V1__CollectionStatus *s = c->collections[i];
        char name[COLLECTION_WORD_SIZE];
        const char *word = collection_word(s->collection, name);

        if (s->complete)
            line(p, word, "%s, complete; last looked %s", count(s->objects, n), age(p, s->last_success, last));
        else
            line(p, word, "%s, not complete; %s listed so far", count(s->objects, n), count(s->listed, listed));
    }
}

static void show_budgets(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char reset[TEXT_SHORT_SIZE];

    for (size_t i = 0; i < c->n_budgets; i++) {
        const Okta__Connector__V1__BudgetStatus *b = c->budgets[i];

        line(p, i == 0 ? "budgets" : "", "%s: %u of %u a minute left, %u ours (at most %u %%), window %s %s", b->bucket,
             b->remaining, b->limit, b->spent, b->share_percent,
             cli_unix_ms(b->reset) < p->now_unix_ms ? "ended" : "ends", age(p, b->reset, reset));
    }
}

static void show_waits(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char until[TEXT_SHORT_SIZE];

    for (size_t i = 0; i < c->n_waits; i++) {
        const Okta__Connector__V1__Wait *w = c->waits[i];

        line(p, i == 0 ? "waiting" : "", "%s, %s%s%s: %s", w->what,
             w->until != NULL ? age(p, w->until, until) : "until that changes", w->bucket[0] != '\0' ? ", for " : "",
             w->bucket, w->reason);
    }
}

static void show_subscribers(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char since[TEXT_SHORT_SIZE], sent[TEXT_SHORT_SIZE], lag[TEXT_SHORT_SIZE], size[TEXT_SHORT_SIZE];

    if (c->n_subscribers == 0)
        line(p, "readers", "none");
    for (size_t i = 0; i < c->n_subscribers; i++) {
        const Okta__Connector__V1__Subscriber *s = c->subscribers[i];

        line(p, i == 0 ? "readers" : "", "%s, since %s: %s sent (%s), %s behind", s->peer, age(p, s->since, since),
             count(s->events_sent, sent), bytes(s->bytes_sent, size), count(s->lag_events, lag));
    }
}

static void show_store(struct page *p, const Okta__Connector__V1__StoreStatus *s)
{
    char n[TEXT_SHORT_SIZE], gone[TEXT_SHORT_SIZE], oldest[TEXT_SHORT_SIZE], used[TEXT_SHORT_SIZE],
        most[TEXT_SHORT_SIZE];

    if (s == NULL)
        return;
    line(p, "store", "%s logins since %s, %s removed by age or size; %s of %s", count(s->events, n),
         s->oldest_published != NULL ? date(s->oldest_published, oldest) : "-", count(s->events_pruned, gone),
         bytes(s->bytes, used), bytes(s->max_bytes, most));
    line(p, "", "sequence %llu to %llu, epoch %s", (unsigned long long)s->oldest_sequence,
         (unsigned long long)s->head_sequence, s->epoch);
}

static void show_error(struct page *p, const Okta__Connector__V1__LastError *e)
{
    char when[TEXT_SHORT_SIZE], status[64] = "";

    if (e == NULL)
        return;
    if (e->http_status != 0)
        snprintf(status, sizeof status, "HTTP %u, ", e->http_status);
    line(p, "last error", "%s: %s", age(p, e->when, when), e->message);
    if (e->http_status != 0 || e->error_code[0] != '\0' || e->request_id[0] != '\0')
        line(p, "", "%s%s, Okta's request id %s", status, e->error_code[0] != '\0' ? e->error_code : "no error code",
             e->request_id[0] != '\0' ? e->request_id : "unknown");
}

static void show_connector(struct page *p, const Okta__Connector__V1__ConnectorStatus *c)
{
    char all[TEXT_SHORT_SIZE], limited[TEXT_SHORT_SIZE], failed[TEXT_SHORT_SIZE];

    output_puts(&p->cli->out, "\n");
    cli_say(p->cli, "%s  %s (%s)", c->name, c->org_url, c->org_id);
    show_state(p, c);
    show_credential(p, c->credential);
    show_tail(p, c->tail);
    show_history(p, c->history);
    show_collections(p, c);
    show_waits(p, c);
    show_budgets(p, c);
    line(p, "requests", "%s to Okta since the start, %s of them told to slow down, %s failed", count(c->requests, all),
         count(c->requests_429, limited), count(c->requests_failed, failed));
    show_subscribers(p, c);
    show_store(p, c->store);
    show_error(p, c->last_error);
}

static void show(struct cli *cli, const Okta__Connector__V1__StatusResponse *r)
{
    struct page page = { cli, cli_unix_ms(r->now) };
    char started[TEXT_SHORT_SIZE];

    cli_say(cli, "okta-connectord %s at %s, started %s", r->version, cli->address, age(&page, r->started, started));
    for (size_t i = 0; i < r->n_connectors; i++)
        show_connector(&page, r->connectors[i]);
    if (r->n_connectors == 0)
        cli_say(cli, "no connectors yet; next: %s configure", PROGRAM);
}

static void names(struct cli *cli, const Okta__Connector__V1__StatusResponse *r)
{
    for (size_t i = 0; i < r->n_connectors; i++)
        cli_say(cli, "%s", r->connectors[i]->name);
}

static int run_status(struct cli *cli)
{
    Okta__Connector__V1__StatusRequest request = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    ProtobufCMessage *response;
    struct error err;

    request.name = cli_name(cli);
    if (!cli_call(cli, &method_status, &request.base, STATUS_TIMEOUT_MS, &response, &err))
        return cli_fail(cli, &err, "status");
    if (args_has(&cli->args, "names"))
        names(cli, (const void *)response);
    else if (cli->format == FORMAT_TABLE)
        show(cli, (const void *)response);
    else
        cli_json(cli, response);
    protobuf_c_message_free_unpacked(response, NULL);
    return cli_done(cli);
}

static const struct option options[] = {
    { "names", '\0', NULL, "the names of the connectors alone, one a line" },
    { NULL, '\0', NULL, NULL },
};

const struct command command_status = {
    .name = "status",
    .synopsis = "[NAME] [--names]",
    .summary = "how things stand: is it working, and if not, why not",
    .details = "Without NAME: every connector. Ages are by the server's clock.",
    .operands_max = 1,
    .options = options,
    .run = run_status,
};
