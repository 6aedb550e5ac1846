/* server/rpc/reflection.h: grpc.reflection.v1 and v1alpha, from a FileDescriptorSet. */
#ifndef RPC_REFLECTION_H
#define RPC_REFLECTION_H

#include "rpc/call.h"

struct reflection;

/* Ended by a NULL path; its service is the struct reflection. */
extern const struct call_method reflection_methods[];

/* Borrows the descriptors. `tables` are the methods that are served, each ended by a NULL path. */
struct reflection *reflection_create(struct view descriptors, const struct call_method *const *tables,
                                     size_t table_count);
void reflection_destroy(struct reflection *r);

#endif
