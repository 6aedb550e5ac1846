#include "outgoing.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

#define READER_BLOCK_BYTES (64u << 10)
#define GZIP_LEVEL         1         /* a page of 2 MB in some 10 ms; the best level takes ten times that */
#define GZIP_WINDOW_BITS   (15 + 16) /* the largest window, in gzip's frame */
#define STALL_MS           600000    /* longer than any client waits for a body */

struct outgoing {
    char *at;
    size_t len;
    uint64_t blanks; /* that follow */
    struct emulator_delivery delivery;
    bool is_truth;
    struct truth_reader truth;
    bool has_stalled;
    int64_t next_mono_ms; /* when the next drop is due */
    struct MHD_Connection *connection;
    struct pauses *pauses;
};

/* ---- compression ---- */

static void deflate_all(z_stream *z, int flush, char **to, size_t *room)
{
    do {
        if (z->avail_out == 0) {
            size_t used = *room;

            *room = *room * 2 + READER_BLOCK_BYTES;
            *to = mem_grow(*to, *room);
            z->next_out = (Bytef *)*to + used;
            z->avail_out = (uInt)(*room - used);
        }
        if (deflate(z, flush) == Z_STREAM_ERROR)
            abort(); /* our own state is broken */
    } while (z->avail_out == 0);
}

/* A hundred megabytes of blanks become a hundred kilobytes, and are nowhere meanwhile. */
static void gzip(struct outgoing *o)
{
    z_stream z = { .next_in = (Bytef *)o->at, .avail_in = (uInt)o->len };
    char block[READER_BLOCK_BYTES], *to = NULL;
    size_t room = 0;

    memset(block, ' ', sizeof block);
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory */
    deflate_all(&z, o->blanks > 0 ? Z_NO_FLUSH : Z_FINISH, &to, &room);
    while (o->blanks > 0) {
        z.next_in = (Bytef *)block;
        z.avail_in = (uInt)(o->blanks < sizeof block ? o->blanks : sizeof block);
        o->blanks -= z.avail_in;
        deflate_all(&z, o->blanks > 0 ? Z_NO_FLUSH : Z_FINISH, &to, &room);
    }
    free(o->at);
    o->at = to;
    o->len = z.total_out;
    deflateEnd(&z);
}

/* ---- making one ---- */

struct outgoing *outgoing_create(struct view body, const struct emulator_delivery *delivery, bool is_gzip)
{
    struct outgoing *o = mem_zero(sizeof *o);

    o->at = mem_copy(body.at, body.len);
    o->len = body.len;
    o->blanks = delivery->blanks;
    o->delivery = *delivery;
    if (is_gzip)
        gzip(o);
    /* The frame is whole, and what is in it is not. Uncompressed there is only the frame to break. */
    if (delivery->how == EMULATOR_FAULT_TRUNCATED_GZIP && is_gzip)
        o->len /= 2;
    else if (delivery->how == EMULATOR_FAULT_TRUNCATED_GZIP)
        o->delivery.how = EMULATOR_FAULT_TRUNCATED;
    return o;
}

struct outgoing *outgoing_of_truth(const struct truth_reader *truth)
{
    struct outgoing *o = mem_zero(sizeof *o);

    o->is_truth = true;
    o->truth = *truth;
    return o;
}

/* ---- on its way ---- */

void outgoing_break(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    if (info != NULL)
        (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Half of the body is out. 0: wait; else the end. */
static ssize_t end_early(struct outgoing *o)
{
    if (o->delivery.how == EMULATOR_FAULT_STALL && !o->has_stalled) {
        o->has_stalled = true;
        if (pauses_wait(o->pauses, o->connection, STALL_MS))
            return 0;
    }
    if (o->delivery.how == EMULATOR_FAULT_RESET_BODY)
        outgoing_break(o->connection);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* How much of what is left may go now; 0: wait. */
static size_t drop(struct outgoing *o, size_t room)
{
    int64_t now_ms = clock_mono_ms(&clock_system);

    if (now_ms < o->next_mono_ms && pauses_wait(o->pauses, o->connection, o->next_mono_ms - now_ms))
        return 0;
    o->next_mono_ms = now_ms + o->delivery.drip_ms;
    return room < o->delivery.drip_bytes ? room : o->delivery.drip_bytes;
}

static ssize_t read_outgoing(void *cls, uint64_t at, char *to, size_t room)
{
    struct outgoing *o = cls;
    bool ends_early = o->delivery.how == EMULATOR_FAULT_STALL || o->delivery.how == EMULATOR_FAULT_RESET_BODY ||
                      o->delivery.how == EMULATOR_FAULT_TRUNCATED;
    uint64_t end = ends_early ? o->len / 2 : o->len + o->blanks;
    size_t len;

    if (o->is_truth) {
        len = truth_read(&o->truth, to, room);
        return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (at >= end)
        return ends_early ? end_early(o) : MHD_CONTENT_READER_END_OF_STREAM;
    len = end - at < room ? (size_t)(end - at) : room;
    if (o->delivery.how == EMULATOR_FAULT_DRIP)
        len = drop(o, len);
    if (at >= o->len) {
        memset(to, ' ', len);
    } else {
        len = o->len - at < len ? (size_t)(o->len - at) : len;
        memcpy(to, o->at + at, len);
    }
    return (ssize_t)len;
}

static void free_outgoing(void *cls)
{
    struct outgoing *o = cls;

    if (o->is_truth)
        buf_deinit(&o->truth.lines);
    free(o->at);
    free(o);
}

struct MHD_Response *outgoing_response(struct outgoing *o, struct MHD_Connection *connection, struct pauses *pauses)
{
    o->connection = connection;
    o->pauses = pauses;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READER_BLOCK_BYTES, read_outgoing, o, free_outgoing);
}
