/* server/rpc/descriptors.h: finds files and symbols in an encoded google.protobuf.FileDescriptorSet.
 *
 * Reflection asks rarely, and the set is a few dozen kilobytes. So there is no index: each look-up walks over the
 * encoded bytes, and only the start of each file is kept. */
#ifndef RPC_DESCRIPTORS_H
#define RPC_DESCRIPTORS_H

#include "base/str.h"

#define DESCRIPTORS_FILES_MAX 64 /* ours are a dozen */

struct descriptors {
    struct view files[DESCRIPTORS_FILES_MAX]; /* each an encoded FileDescriptorProto */
    size_t count;
};

/* Borrows the bytes. ASSERTs that there are not too many files. */
void descriptors_init(struct descriptors *d, struct view set);

/* The index of a file, or -1. */
int descriptors_file(const struct descriptors *d, struct view name);

/* The file that declares a full name: a message, field, oneof, enum, enum value, extension, service or method
 * ("pkg.Service.Method", "pkg.Service/Method" too); or -1. */
int descriptors_symbol(const struct descriptors *d, struct view name);

/* True if the full name is that of a message. */
bool descriptors_is_message(const struct descriptors *d, struct view name);

/* Marks a file and all files that it imports, directly or indirectly. */
void descriptors_with_imports(const struct descriptors *d, int file, bool marked[DESCRIPTORS_FILES_MAX]);

#endif
