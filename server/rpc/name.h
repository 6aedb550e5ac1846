/* server/rpc/name.h: the names in a certificate, and the lists of those that we know. rpc_name_parse is in server.h. */
#ifndef RPC_NAME_H
#define RPC_NAME_H

#include "rpc/server.h"

/* One subject alternative name as it stands in a certificate: any bytes. Of an IP address its 4 or 16. */
struct name {
    enum rpc_name_kind kind;
    struct view text;
};

bool name_is_listed(const struct name *n, const struct rpc_name *list, size_t count);

#endif
