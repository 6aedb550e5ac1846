/* server/service/stream/stream.h: shared by the files of StreamLogins.
 *
 *     stream_logins.c    a stream's life: what it does next
 *     stream_start.c     from the request to the place to start at
 *     filter.c           which events it leaves out
 *     stream_messages.c  the messages without events: hello, progress, notice
 *     notices.c          which notices it gets, and when */
#ifndef SERVICE_STREAM_STREAM_H
#define SERVICE_STREAM_STREAM_H

#include "service/service.h"
#include "service/stream/filter.h"
#include "service/stream/notices.h"
#include "service/stream/token.h"

#include "okta/connector/v1/connector.pb-c.h"

typedef Okta__Connector__V1__StreamLoginsRequest request_type;

struct stream {
    /* set at the start, then read-only */
    struct service *service;
    struct connector *connector;
    struct subscriber *subscriber;
    int start;                   /* the request's start_case */
    uint32_t last;               /* for a start at the last so many */
    uint64_t up_to;              /* UINT64_MAX when following */
    int64_t since_ms;            /* JOURNAL_NO_TIME: everything */
    int64_t until_ms;            /* INT64_MAX: everything */
    uint64_t limit;              /* events still to deliver; UINT64_MAX: all */
    struct login_filter *filter; /* NULL: none */
    int64_t progress_ms;
    uint32_t batch_events;

    /* where it stands */
    struct token_place place;
    bool has_said_hello, awaits_history, has_told_head;
    /* A start at the last so many events that a filter lets through: searched for downwards, a stretch a turn. */
    bool seeks_last;
    uint64_t seek_high, seek_left; /* the highest sequence not looked at; how many are still to be found */
    int64_t told_mono_ms;          /* when the last message went out */
    size_t batch_bytes;            /* of the last batch, at the most */

    /* notices */
    struct notices notices;
    int64_t noticed_mono_ms; /* when notices were last looked for */
    bool is_idle;            /* nothing was sent in the last step: the stream waits */
    bool is_draining, is_late,
        is_aged; /* it ends early; because of the caller's deadline; because of the connection's age */
};

static inline bool stream_follows(const struct stream *s)
{
    return s->up_to == UINT64_MAX;
}

/* ---- stream_start.c ---- */

/* Checks the request and finds the place; service and connector have been set. Fails with INVALID_ARGUMENT,
 * OUT_OF_RANGE and FAILED_PRECONDITION as the API documents. */
MUST_CHECK bool stream_open(struct stream *s, const request_type *request, struct error *err);
/* Checks whether the history that the stream waits for is complete; if it is, finds the place to start at. */
MUST_CHECK bool stream_await_history(struct stream *s, struct error *err);
/* Searches the next stretch downwards for the last so many; once they are found, that is the place. */
MUST_CHECK bool stream_seek_last(struct stream *s, struct error *err);
/* Whether from_beginning delivers everything. */
bool stream_history_is_complete(const struct poller_snapshot *now);

/* ---- stream_say.c: each is one message, with the token of the place ---- */

void stream_token(const struct stream *s, char text[TOKEN_TEXT_SIZE]);
/* Call for each message that is sent: the next progress mark is due one interval later. */
void stream_told(struct stream *s, struct call *c);
MUST_CHECK bool stream_say_hello(struct stream *s, struct call *c, struct error *err);
MUST_CHECK bool stream_say_progress(struct stream *s, struct call *c, struct error *err);
void stream_say_notice(struct stream *s, struct call *c, const struct notice *notice);
/* Ends the stream with its place in the trailers; with OK when err is NULL. `last`: a final notice, or NULL. */
void stream_end(struct stream *s, struct call *c, const struct notice *last, const struct error *err);

#endif
