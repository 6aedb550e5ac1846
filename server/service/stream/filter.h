/* server/service/stream/filter.h: the allow and deny lists of StreamLogins. */
#ifndef SERVICE_STREAM_FILTER_H
#define SERVICE_STREAM_FILTER_H

#include "store/journal.h"

#include "okta/connector/v1/connector.pb-c.h"

struct login_filter;

/* Checks and keeps both lists; *out is NULL where the request has none. INVALID_ARGUMENT / FILTER_INVALID names the
 * field, as in "allow[0].ip_addresses[1]". */
MUST_CHECK bool login_filter_create(struct login_filter **out, const Okta__Connector__V1__StreamLoginsRequest *request,
                                    struct error *err);
void login_filter_destroy(struct login_filter *f); /* NULL is fine */

/* Whether the stream delivers this record: for journal_want.takes. Allocates nothing. */
bool login_filter_takes(const void *filter, const struct journal_record *record);

#endif
