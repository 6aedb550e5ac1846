/* server/rpc/error_status.h: turns an error into a gRPC status: code, grpc-message and grpc-status-details-bin. */
#ifndef RPC_ERROR_STATUS_H
#define RPC_ERROR_STATUS_H

#include "base/error.h"

#include <grpc/slice.h>

#define ERROR_STATUS_DETAILS_KEY "grpc-status-details-bin"
#define ERROR_STATUS_BYTES_MAX   3600 /* 4.7 KiB in base64; clients accept 8 KiB of trailers, text and token included */

/* The code that the catalogue gives to the error's reason; INTERNAL for a code that no reason has. */
enum error_code error_status_code(const struct error *err);

/* The error's text as grpc-message: valid UTF-8, never empty, less than ERROR_TEXT_MAX bytes. */
grpc_slice error_status_text(const struct error *err);

/* An encoded google.rpc.Status. It always has an ErrorInfo; BadRequest, QuotaFailure, RetryInfo and Help as the error
 * and the catalogue provide them. Each part has a maximum, so that the whole never exceeds ERROR_STATUS_BYTES_MAX. */
grpc_slice error_status_details(const struct error *err);

#endif
