/* server/rpc/descriptors.h: finding files in an encoded google.protobuf.FileDescriptorSet.
 *
 * It is asked rarely and is a few dozen kilobytes, so it is walked anew each time: nothing is kept but where each file
 * begins. */
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

/* Is the full name that of a message? */
bool descriptors_is_message(const struct descriptors *d, struct view name);

/* Marks a file and all that it imports, directly or not. */
void descriptors_with_imports(const struct descriptors *d, int file, bool marked[DESCRIPTORS_FILES_MAX]);

#endif
