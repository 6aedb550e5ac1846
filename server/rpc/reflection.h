/* server/rpc/reflection.h: serves grpc.reflection.v1 and v1alpha from a FileDescriptorSet. */
#ifndef RPC_REFLECTION_H
#define RPC_REFLECTION_H

#include "rpc/call.h"

struct reflection;

/* Ends with a NULL path. Its service is the struct reflection. */
extern const struct call_method reflection_methods[];

/* Borrows the descriptors until reflection_destroy. `tables` are the methods that are served; each ends with a NULL
 * path. */
struct reflection *reflection_create(struct view descriptors, const struct call_method *const *tables,
                                     size_t table_count);
void reflection_destroy(struct reflection *r);

#endif
