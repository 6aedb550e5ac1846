/* tests/emulator/outgoing.h: a body on its way out, and what happens to it there. */
#ifndef EMULATOR_OUTGOING_H
#define EMULATOR_OUTGOING_H

#include "control.h"
#include "pause.h"

#include <microhttpd.h>

struct outgoing;

/* A copy of the body. With is_gzip it is compressed, blanks and all. */
struct outgoing *outgoing_create(struct view body, const struct emulator_delivery *delivery, bool is_gzip);
/* The truth, as it is read; takes its lines. */
struct outgoing *outgoing_of_truth(const struct truth_reader *truth);

/* A response that reads it, and frees it in the end. Chunked, as Okta's are: the length is not told. */
struct MHD_Response *outgoing_response(struct outgoing *o, struct MHD_Connection *connection, struct pauses *pauses);

/* Makes what closes this connection next a reset. */
void outgoing_break(struct MHD_Connection *connection);

#endif
