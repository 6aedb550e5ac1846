/* server/rpc/error_status.h: an error as the end of a call: grpc-message, and grpc-status-details-bin. */
#ifndef RPC_ERROR_STATUS_H
#define RPC_ERROR_STATUS_H

#include "base/error.h"

#include <grpc/slice.h>

#define ERROR_STATUS_DETAILS_KEY "grpc-status-details-bin"
#define ERROR_STATUS_BYTES_MAX   3600 /* in base64 4.7 KiB: clients take 8 KiB of trailers, text and token with it */

/* Its code as its reason always comes with; INTERNAL for a code that none of the reasons has. */
enum error_code error_status_code(const struct error *err);

/* The error's text as a status carries it: valid UTF-8, never empty, less than ERROR_TEXT_MAX bytes. */
grpc_slice error_status_text(const struct error *err);

/* A google.rpc.Status: an ErrorInfo always; BadRequest, QuotaFailure, RetryInfo and Help as the error and the catalogue
 * have it. All its parts have maxima, so that it is never larger than ERROR_STATUS_BYTES_MAX. */
grpc_slice error_status_details(const struct error *err);

#endif
