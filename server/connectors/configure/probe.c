/* server/connectors/configure/probe.c: asks Okta what a credential can do, before anything is stored.
 *
 * First the org itself, without the credential: is there one, and which. Then one object of each chosen collection.
 * Then, if anything works, whether the credential can do more than it should. The probe sends one request at a time, on
 * a client of its own; a passing failure is tried again a few times, within the deadline. */
#include "connectors/configure/probe.h"
#include "connectors/connectors_internal.h"

#include "base/error_reasons.h"
#include "base/json.h"
#include "base/mem.h"
#include "version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX   3           /* of one request: a person waits */
#define RUN_SLICE_MS   100         /* how soon a probe notices that nobody wants it any more */
#define BODY_BYTES_MAX (64u << 10) /* of an answer that is kept: the org's page is 300 bytes */
#define BODY_DEPTH_MAX 32

struct probe {
    struct connectors *set;
    struct okta *okta;
    const struct okta_url *url;
    const struct job_limit *limit;
    enum credential_kind kind;
    struct configure_result *result;

    /* the request under way */
    bool is_answered;
    struct okta_answer answer; /* without its views */
    struct buf body;
};

/* ---- one request ---- */

static void probe_answered(struct okta_request *r, const struct okta_answer *answer)
{
    struct probe *p = r->ctx;

    p->is_answered = true;
    p->answer = *answer;
    p->answer.body = VIEW_NONE;
    p->answer.next = VIEW_NONE;
    if (answer->date_unix_s > 0) {
        p->result->okta_date_unix_s = answer->date_unix_s;
        p->result->date_seen_unix_ms = clock_unix_ms(p->set->options.clock);
    }
    buf_reset(&p->body);
    buf_put(&p->body, answer->body.at, answer->body.len < BODY_BYTES_MAX ? answer->body.len : BODY_BYTES_MAX);
}

static bool probe_ask_once(struct probe *p, const char *path, bool is_anonymous, struct error *err)
{
    struct okta_request request = {
        .path = view_of(path),
        .priority = OKTA_PRIORITY_READ,
        .who = "configure",
        .is_anonymous = is_anonymous,
        .done = probe_answered,
        .ctx = p,
    };

    p->is_answered = false;
    okta_send(p->okta, &request);
    while (!p->is_answered) {
        if (!job_may_continue(p->set, p->limit, err)) {
            okta_cancel_all(p->okta); /* answers, so that the request above is ours again */
            return false;
        }
        okta_run(p->okta, RUN_SLICE_MS);
    }
    return true;
}

static bool probe_wait_until(struct probe *p, int64_t mono_ms, struct error *err)
{
    while (connectors_mono_ms(p->set) < mono_ms) {
        int64_t left_ms = mono_ms - connectors_mono_ms(p->set);

        if (!job_may_continue(p->set, p->limit, err))
            return false;
        pthread_mutex_lock(&p->set->lock);
        connectors_wait(p->set, left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS);
        pthread_mutex_unlock(&p->set->lock);
    }
    return true;
}

/* False when the caller is gone or the time is over. Otherwise p->answer has come; it may still be OKTA_RETRY. */
static bool probe_ask(struct probe *p, const char *path, bool is_anonymous, struct error *err)
{
    for (int attempt = 1;; attempt++) {
        if (!probe_ask_once(p, path, is_anonymous, err))
            return false;
        if (p->answer.verdict != OKTA_RETRY || p->answer.is_address_refused || attempt == ATTEMPTS_MAX ||
            p->answer.retry_mono_ms >= p->limit->deadline_mono_ms)
            return true;
        if (!probe_wait_until(p, p->answer.retry_mono_ms, err))
            return false;
    }
}

/* ---- the org ---- */

static bool probe_is_org_id(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (memchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-", v.at[i], 64) == NULL)
            return false;
    return v.len > 0 && v.len <= REGISTRY_ORG_ID_MAX;
}

static bool probe_read_org_id(struct view body, char out[REGISTRY_ORG_ID_MAX + 1])
{
    struct json_parser *parser = json_parser_create(BODY_BYTES_MAX, BODY_DEPTH_MAX);
    struct json document;
    struct view id;
    bool ok =
        json_parse(parser, body, &document, NULL) && json_string(json_get(document, "id"), &id) && probe_is_org_id(id);

    if (ok)
        snprintf(out, REGISTRY_ORG_ID_MAX + 1, VIEW_FMT, VIEW_ARG(id));
    json_parser_destroy(parser);
    return ok;
}

static struct permission *probe_add_row(struct probe *p, unsigned collection, const char *endpoint,
                                        enum permission_verdict verdict)
{
    struct permission *row = &p->result->permissions[p->result->permission_count++];

    row->collection = collection;
    row->verdict = verdict;
    row->http_status = p->answer.http_status;
    if (p->answer.http_status == 429)
        row->retry_ms = p->answer.retry_mono_ms - connectors_mono_ms(p->set);
    snprintf(row->endpoint, sizeof row->endpoint, "%s", endpoint);
    snprintf(row->error_code, sizeof row->error_code, "%s", p->answer.error_code);
    snprintf(row->request_id, sizeof row->request_id, "%s", p->answer.request_id);
    return row;
}

/* Adds Okta's own codes, for Okta's support, and the rate limit that a 429 names. Returns false. */
static bool probe_add_answer(const struct permission *row, struct error *err)
{
    char status[16] = "", bucket[sizeof "bucket:" + sizeof row->endpoint];

    if (row->http_status != 0)
        snprintf(status, sizeof status, "%d", row->http_status);
    error_fact(err, "okta_endpoint", row->endpoint);
    error_fact(err, "okta_http_status", status);
    error_fact(err, "okta_error_code", row->error_code);
    error_fact(err, "okta_request_id", row->request_id);
    if (row->http_status != 429)
        return false;
    snprintf(bucket, sizeof bucket, "bucket:%s", row->endpoint);
    error_quota(err, bucket, "Okta answers 429 for %.1f s still", (double)row->retry_ms / 1000);
    return error_retry(err, row->retry_ms);
}

static void probe_refuse_org(const struct probe *p, const struct permission *row, struct error *err)
{
    if (row->http_status == 429)
        error_reason(err, ERROR_RESOURCE_EXHAUSTED, "ORG_RATE_LIMITED",
                     "%s answers, but its rate limit for %s is used up", p->url->text, row->endpoint);
    else if (p->answer.is_address_refused)
        error_reason(err, ERROR_FAILED_PRECONDITION, "ORG_ADDRESS_REFUSED", "%s is %s", p->url->text,
                     p->answer.message);
    /* A page that is no JSON has been asked for again, since a proxy may have put it there; a web site keeps sending
     * it. */
    else if (p->answer.verdict == OKTA_RETRY && p->answer.http_status != 200)
        error_reason(err, ERROR_FAILED_PRECONDITION, "OKTA_UNREACHABLE",
                     "%s %s (%s): check the org's spelling, and that this host may connect to it "
                     "(DNS, proxy, firewall, port 443)",
                     p->url->text, p->answer.http_status == 0 ? "does not answer" : "cannot be read",
                     p->answer.message[0] != '\0' ? p->answer.message : "no reason given");
    else
        error_reason(err, ERROR_FAILED_PRECONDITION, "NOT_AN_OKTA_ORG",
                     "%s answers, but not as an Okta org does (HTTP %d): check the spelling, and whether a proxy on "
                     "the way answers in its place; the address is the one that people see in the browser when they "
                     "sign in, such as https://acme.okta.com",
                     p->url->text, p->answer.http_status);
}

static bool probe_org(struct probe *p, struct error *err)
{
    const char *endpoint = "/.well-known/okta-organization";
    struct permission *row;

    if (!probe_ask(p, endpoint, true, err))
        return false;
    if (p->answer.verdict == OKTA_DONE && probe_read_org_id(buf_view(&p->body), p->result->org_id)) {
        probe_add_row(p, 0, endpoint, PERMISSION_WORKS);
        return true;
    }
    row = probe_add_row(p, 0, endpoint, PERMISSION_NO_ANSWER);
    probe_advise_no_answer(&p->answer, row);
    probe_refuse_org(p, row, err);
    return probe_add_answer(row, err);
}

/* ---- the collections ---- */

static bool probe_collections(struct probe *p, collection_set collections, struct error *err)
{
    const struct collection *c;

    for (size_t i = 0; (c = probe_subject(i)) != NULL; i++) {
        struct okta_grants grants;
        struct permission *row;
        char path[64];

        if ((collections & collection_bit(c)) == 0)
            continue;
        snprintf(path, sizeof path, "%s?limit=1", c->path);
        if (!probe_ask(p, path, false, err))
            return false;
        grants = okta_grants(p->okta);
        row = probe_add_row(p, c->id, c->path, probe_verdict_of(c, &p->answer, buf_view(&p->body), &grants));
        probe_advise(c, p->kind, &p->answer, row);
    }
    return true;
}

/* ---- more than it should ---- */

static bool probe_anything_works(const struct configure_result *result)
{
    for (size_t i = 0; i < result->permission_count; i++)
        if (result->permissions[i].collection != 0 && result->permissions[i].verdict == PERMISSION_WORKS)
            return true;
    return false;
}

/* Warns at most: an answer other than the two looked at here says nothing about the credential. */
static bool probe_overreach(struct probe *p, struct error *err)
{
    struct okta_grants grants = okta_grants(p->okta);

    if (!probe_anything_works(p->result))
        return true;
    if (p->kind == CREDENTIAL_SERVICE_APP) {
        probe_warn_of_scopes(&grants, p->result);
        return true;
    }
    if (!probe_ask_once(p, probe_overreach_path, false, err))
        return false;
    if (p->answer.verdict == OKTA_DONE)
        probe_warn_of_role(p->result);
    return true;
}

bool probe_run(struct connectors *cs, const struct okta_url *url, struct view credential, uint32_t collections,
               const struct job_limit *limit, struct configure_result *result, struct error *err)
{
    struct credential_facts facts;
    struct okta_transport *transport =
        cs->options.make_transport != NULL ? cs->options.make_transport(cs->options.ctx) : NULL;
    struct okta_options options = {
        .url = *url,
        .clock = cs->options.clock,
        .transport = transport,
        .share_percent = cs->options.share_percent,
        .user_agent = VERSION_USER_AGENT,
        .proxy = cs->options.proxy,
        .ca_file = cs->options.ca_file,
        .allow_private = cs->options.allow_private_org,
    };
    struct probe p = { .set = cs, .url = url, .limit = limit, .result = result, .body = BUF(BODY_BYTES_MAX) };
    bool ok;

    credential_describe(credential, &facts);
    p.kind = facts.kind;
    p.okta = okta_create(&options);
    okta_set_credential(p.okta, credential);
    ok = probe_org(&p, err) && probe_collections(&p, collections, err) && probe_overreach(&p, err);
    okta_destroy(p.okta);
    if (transport != NULL)
        transport->destroy(transport);
    buf_deinit(&p.body);
    return ok;
}

/* ---- the verdict ---- */

static const char *probe_reason_of(const struct permission *row)
{
    if (row->verdict == PERMISSION_CREDENTIAL_REFUSED)
        return "OKTA_TOKEN_REFUSED";
    if (row->verdict == PERMISSION_NO_ANSWER)
        return row->http_status == 429 ? "ORG_RATE_LIMITED" : "OKTA_UNREACHABLE";
    return "OKTA_PERMISSION_MISSING";
}

static bool probe_refuse(const struct permission *row, struct error *err)
{
    const char *reason = probe_reason_of(row);

    error_reason(err, error_meaning(reason)->code, reason, "%s (GET %s: HTTP %d%s%s%s%s)", row->remedy, row->endpoint,
                 row->http_status, row->error_code[0] != '\0' ? " " : "", row->error_code,
                 row->request_id[0] != '\0' ? ", request " : "", row->request_id);
    return probe_add_answer(row, err);
}

bool probe_verdict(const struct configure_result *result, bool allow_partial, struct error *err)
{
    const struct permission *first_bad = NULL;
    size_t works = 0;

    for (size_t i = 0; i < result->permission_count; i++) {
        const struct permission *row = &result->permissions[i];

        if (row->verdict == PERMISSION_CREDENTIAL_REFUSED)
            return probe_refuse(row, err);
        if (row->verdict == PERMISSION_WORKS)
            works += row->collection != 0;
        else if (first_bad == NULL)
            first_bad = row;
    }
    if (first_bad == NULL || (allow_partial && works > 0))
        return true;
    return probe_refuse(first_bad, err);
}
