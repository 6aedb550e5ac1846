/* What each method means: requests, and what happens around their calls, in any order. The call and the connector are
 * stand-ins, so that there is no socket and no wait; service and store are the real ones.
 *
 * The input is a list of steps: a byte that says which (see `steps`), and what that one needs. */
#include "tests/fuzz/fuzz.h"

#include "rpc/message.h"
#include "service/stream/token.h"
#include "tests/fuzz/methods_world.h"
#include "tests/fuzz/readers.h"
#include "tests/world/stored.h"

#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

#include <string.h>

#define CALLS      4
#define STEPS_MAX  200
#define TURNS_MAX  50
#define TOKEN_MAX  128
#define ANSWER_MAX (4u << 20)

typedef Okta__Connector__V1__StreamLoginsResponse response_type;

/* ---- calls ---- */

struct call {
    const ProtobufCMessageDescriptor *answers;
    const struct call_stream_ops *ops;
    void *stream;
    bool is_open, is_over, wrote, is_drained, has_topic;
    unsigned messages;
    uint64_t sequence; /* of the last event that came */
    char token[TOKEN_MAX];
};

/* A ticket is its call. */
struct call_ticket {
    struct call call;
};

static struct call_ticket calls[CALLS];

/* A stream goes upwards, and every message of it says where to go on. */
static void see_logins(struct call *c, const response_type *m)
{
    c->messages++;
    ASSERT(m->resume_token[0] != '\0' && strlen(m->resume_token) < sizeof c->token);
    ASSERT((c->messages == 1) == (m->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_HELLO));
    memcpy(c->token, m->resume_token, strlen(m->resume_token) + 1);
    for (size_t i = 0; i < m->n_logins; i++) {
        ASSERT(m->logins[i]->sequence > c->sequence);
        c->sequence = m->logins[i]->sequence;
    }
    if (!is_changed) {
        struct token_place place;

        ASSERT(token_resolve(acme.store, view_of(c->token), &place, NULL) && place.sequence >= c->sequence);
    }
}

static void see(struct call *c, struct view bytes)
{
    ProtobufCMessage *m;

    ASSERT(c->is_open && !c->is_over && !c->wrote && bytes.len <= ANSWER_MAX);
    ASSERT(message_check(c->answers, bytes, NULL));
    m = protobuf_c_message_unpack(c->answers, NULL, bytes.len, (const uint8_t *)bytes.at);
    ASSERT(m != NULL);
    if (c->answers == &okta__connector__v1__stream_logins_response__descriptor)
        see_logins(c, (const response_type *)m);
    protobuf_c_message_free_unpacked(m, NULL);
    c->wrote = true;
}

static void see_message(struct call *c, const ProtobufCMessage *m)
{
    AUTO_BUF struct buf bytes = BUF(0);

    ASSERT(m->descriptor == c->answers && message_pack(m, &bytes, NULL));
    see(c, buf_view(&bytes));
}

static void end(struct call *c, const struct error *err)
{
    ASSERT(c->is_open && !c->is_over);
    c->is_over = true;
    if (err != NULL) {
        ASSERT(err->code > ERROR_OK && err->code <= ERROR_UNAUTHENTICATED && err->code != ERROR_INTERNAL);
        ASSERT(fuzz_is_sentence(err->text, ERROR_TEXT_MAX));
    }
}

void call_reply(struct call *c, const ProtobufCMessage *response)
{
    see_message(c, response);
    end(c, NULL);
}
void call_reply_bytes(struct call *c, struct buf *bytes)
{
    see(c, buf_view(bytes));
    buf_deinit(bytes);
    end(c, NULL);
}
void call_fail(struct call *c, const struct error *err)
{
    end(c, err);
}
struct call_ticket *call_defer(struct call *c)
{
    return (struct call_ticket *)c;
}
bool call_ticket_is_cancelled(const struct call_ticket *t)
{
    return t->call.is_over;
}
void call_ticket_reply(struct call_ticket **t, const ProtobufCMessage *response)
{
    call_reply(&(*t)->call, response);
    *t = NULL;
}
void call_ticket_fail(struct call_ticket **t, const struct error *err)
{
    end(&(*t)->call, err);
    *t = NULL;
}
void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream)
{
    ASSERT(c->is_open && !c->is_over && c->ops == NULL && ops->ended != NULL);
    c->ops = ops;
    c->stream = stream;
}
void call_write(struct call *c, struct buf *bytes)
{
    see(c, buf_view(bytes));
    buf_deinit(bytes);
}
void call_write_message(struct call *c, const ProtobufCMessage *m)
{
    see_message(c, m);
}
void call_finish(struct call *c, const struct error *err)
{
    end(c, err);
}
void call_finish_message(struct call *c, const ProtobufCMessage *last, const struct error *err)
{
    see_message(c, last);
    end(c, err);
}
void call_trailer(struct call *c, const char *key, const char *value)
{
    ASSERT(c->is_open && strcmp(key, "okta-resume-token") == 0 && strlen(value) < sizeof c->token);
    memcpy(c->token, value, strlen(value) + 1);
}
void call_timer(struct call *c, int64_t at_mono_ms)
{
    (void)c;
    ASSERT(at_mono_ms > 0);
}
void call_topic(struct call *c, unsigned topic)
{
    ASSERT(topic == TOPIC && !c->has_topic);
    c->has_topic = true;
}
const char *call_peer(const struct call *c)
{
    (void)c;
    return "admin unix:/test";
}

/* ---- steps ---- */

static struct call *call_at(uint8_t byte)
{
    return &calls[byte % CALLS].call;
}

static void drop(struct call *c)
{
    if (!c->is_open)
        return;
    c->is_over = true;
    if (c->ops != NULL)
        c->ops->ended(c->stream);
    memset(c, 0, sizeof *c);
}

/* Lets it write until it waits or is over. */
static void run(struct call *c)
{
    for (int i = 0; i < TURNS_MAX && c->ops != NULL && !c->is_over; i++) {
        c->wrote = false;
        c->ops->ready(c->stream, c);
        if (!c->wrote)
            return;
    }
}

/* Their order is the seeds': add behind the last. */
static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *answers;
} methods[] = {
    { "/okta.connector.v1.Connector/Configure", &okta__connector__v1__configure_response__descriptor },
    { "/okta.connector.v1.Connector/Sync", &okta__connector__v1__sync_response__descriptor },
    { "/okta.connector.v1.Connector/Status", &okta__connector__v1__status_response__descriptor },
    { "/okta.connector.v1.Connector/StreamLogins", &okta__connector__v1__stream_logins_response__descriptor },
    { "/okta.connector.v1.Connector/Delete", &okta__connector__v1__delete_response__descriptor },
    { "/okta.connector.v1.Directory/GetUser", &okta__connector__v1__get_user_response__descriptor },
    { "/okta.connector.v1.Directory/ListUsers", &okta__connector__v1__list_users_response__descriptor },
    { "/okta.connector.v1.Connector/Diagnose", &okta__connector__v1__diagnose_response__descriptor },
};
#define METHODS       (sizeof methods / sizeof methods[0])
#define STREAM_LOGINS 3

static const struct call_method *find_method(const char *path)
{
    const struct call_method *m = service_methods;

    while (m->path != NULL && strcmp(m->path, path) != 0)
        m++;
    ASSERT(m->path != NULL);
    return m;
}

static void start(struct call *c, size_t which, struct view bytes)
{
    const struct call_method *method = find_method(methods[which].name);
    ProtobufCMessage *request;

    if (c->is_open || !message_check(method->request, bytes, NULL))
        return;
    request = protobuf_c_message_unpack(method->request, NULL, bytes.len, (const uint8_t *)bytes.at);
    if (request == NULL)
        return;
    c->is_open = true;
    c->answers = methods[which].answers;
    method->start(&service, c, request);
    protobuf_c_message_free_unpacked(request, NULL);
    ASSERT(c->is_over != (c->ops != NULL)); /* answered, or a stream */
}

static void step_start(struct view *rest)
{
    struct call *c = call_at(fuzz_byte(rest));
    size_t which = fuzz_byte(rest) % METHODS;
    size_t len = fuzz_byte(rest);
    struct view bytes = { rest->at, len < rest->len ? len : rest->len };

    start(c, which, bytes);
    *rest = (struct view){ rest->at + bytes.len, rest->len - bytes.len };
}

static void step_run(struct view *rest)
{
    run(call_at(fuzz_byte(rest)));
}

static void step_wait(struct view *rest)
{
    static const int64_t spans_ms[] = { 1, 20, 100, 1000, 5000, 15000, 60000, 86400000 };

    now_ms += spans_ms[fuzz_byte(rest) % 8];
}

static void step_store(struct view *rest)
{
    uint8_t byte = fuzz_byte(rest);

    is_changed = true;
    if (byte < 64)
        stored_add(acme.store, byte % 16 + 1, T0 + now_ms);
    else if (byte < 96)
        stored_prune(acme.store, T0 + (byte - 80) * 1000);
}

static void step_connector(struct view *rest)
{
    uint8_t what = fuzz_byte(rest), how = fuzz_byte(rest);
    struct poller_snapshot *now = &acme.snapshot;

    now->version++;
    switch (what % 8) {
    case 0:
        now->state = (enum connector_state)(how % CONNECTOR_RETIRED + 1);
        now->state_changes++;
        break;
    case 1:
        now->reason = (enum connector_reason)(how % REASONS_END);
        now->state_changes++;
        break;
    case 2:
        now->history = (enum connector_history)(how % HISTORY_LIMITED_BY_SIZE + 1);
        break;
    case 3:
        now->collections[how % COLLECTION_IDS_MAX].is_complete ^= true;
        break;
    case 4:
        acme.is_deleted = how > 250;
        break;
    case 5:
        now->tail_rounds += how;
        now->tail_at_head = how % 2 == 0;
        break;
    case 6:
        now->is_log_silent ^= true;
        now->log_silences++;
        break;
    default:
        now->late += how;
        break;
    }
}

static void step_drain(struct view *rest)
{
    static const struct error whys[] = {
        { .code = ERROR_UNAVAILABLE, .reason = "SHUTTING_DOWN", .text = "going" },
        { .code = ERROR_DEADLINE_EXCEEDED, .reason = "DEADLINE_EXCEEDED", .text = "late" },
    };
    uint8_t byte = fuzz_byte(rest);
    struct call *c = call_at(byte);

    if (c->ops == NULL || c->is_over || c->is_drained)
        return;
    c->is_drained = true;
    if (c->ops->drain != NULL)
        c->ops->drain(c->stream, c, &whys[byte > 127]);
    run(c);
}

static void step_drop(struct view *rest)
{
    drop(call_at(fuzz_byte(rest)));
}

/* Goes on behind the last token that another call was given. */
static void step_resume(struct view *rest)
{
    const struct call *from = call_at(fuzz_byte(rest));
    uint8_t byte = fuzz_byte(rest);
    AUTO_BUF struct buf request = BUF(256);
    uint64_t sequence = from->sequence;
    struct call *c = call_at(byte);

    if (from->token[0] == '\0' || c->is_open)
        return;
    buf_printf(&request, "\x12%c%s", (char)strlen(from->token), from->token);
    buf_put(&request, (char[]){ 0x38, byte > 127 }, 2);
    start(c, STREAM_LOGINS, buf_view(&request));
    c->sequence = c->is_over ? 0 : sequence;
}

static void (*const steps[])(struct view *rest) = {
    step_start, step_run, step_wait, step_store, step_connector, step_drain, step_drop, step_resume,
};

static void begin(void)
{
    make_store();
    memset(&acme.snapshot, 0, sizeof acme.snapshot);
    acme.is_deleted = false;
    acme.snapshot.state = CONNECTOR_LIVE;
    acme.snapshot.history = HISTORY_COMPLETE;
    now_ms = 100000;
    service.sync_runs = sync_runs_create();
    service.subscribers = subscribers_create();
}

static void finish(void)
{
    for (size_t i = 0; i < CALLS; i++)
        drop(&calls[i].call);
    ASSERT(acme.refs == 0 && readers_open(folder) == 0);
    ASSERT(subscribers_list(service.subscribers, TOPIC, NULL, 0) == 0);
    sync_runs_destroy(service.sync_runs);
    subscribers_destroy(service.subscribers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_view(data, size);

    begin();
    for (int i = 0; i < STEPS_MAX && rest.len > 0; i++)
        steps[fuzz_byte(&rest) % (sizeof steps / sizeof steps[0])](&rest);
    finish();
    return 0;
}
