/* A full name such as "pkg.Outer.Inner.field" is resolved from the outside in: the package is stripped, then the name
 * of each declaration that contains the rest. The table `nestings` says which field of which kind of descriptor holds
 * which kind of declaration, so that one recursive function walks them all. A package or a message may share a prefix
 * with another ("a.b" and "a.bc"); a prefix therefore counts only up to a dot, and a mismatch tries the next
 * declaration. */
#include "rpc/descriptors.h"

#include "base/assert.h"
#include "rpc/wire.h"

#include <string.h>

/* Field numbers of google/protobuf/descriptor.proto. */
enum { SET_FILE = 1 };
enum { FILE_NAME = 1, FILE_PACKAGE = 2, FILE_DEPENDENCY = 3 };
enum { ANY_NAME = 1 }; /* the number of `name` in every kind of descriptor */

/* Which field of a descriptor holds declarations, and of which kind. Leaves hold none. */
enum descriptor_kind { FILE_KIND, MESSAGE_KIND, ENUM_KIND, SERVICE_KIND, LEAF_KIND };
static const struct {
    enum descriptor_kind outer;
    uint32_t field;
    enum descriptor_kind inner;
} nestings[] = {
    { FILE_KIND, 4, MESSAGE_KIND },    /* message_type */
    { FILE_KIND, 5, ENUM_KIND },       /* enum_type */
    { FILE_KIND, 6, SERVICE_KIND },    /* service */
    { FILE_KIND, 7, LEAF_KIND },       /* extension */
    { MESSAGE_KIND, 2, LEAF_KIND },    /* field */
    { MESSAGE_KIND, 3, MESSAGE_KIND }, /* nested_type */
    { MESSAGE_KIND, 4, ENUM_KIND },    /* enum_type */
    { MESSAGE_KIND, 6, LEAF_KIND },    /* extension */
    { MESSAGE_KIND, 8, LEAF_KIND },    /* oneof_decl */
    { SERVICE_KIND, 2, LEAF_KIND },    /* method */
    { ENUM_KIND, 2, LEAF_KIND },       /* value */
};

void descriptors_init(struct descriptors *d, struct view set)
{
    struct wire_field field;

    d->count = 0;
    while (wire_next(&set, &field)) {
        if (field.number != SET_FILE || field.type != WIRE_BYTES)
            continue;
        ASSERT(d->count < DESCRIPTORS_FILES_MAX);
        d->files[d->count++] = field.bytes;
    }
    ASSERT(set.len == 0);
}

int descriptors_file(const struct descriptors *d, struct view name)
{
    for (size_t i = 0; i < d->count; i++) {
        if (view_eq(wire_find(d->files[i], FILE_NAME), name))
            return (int)i;
    }
    return -1;
}

/* Strips "name." or "name/" from the front of *path. False if it does not start so. */
static bool descriptors_strip_prefix(struct view *path, struct view name)
{
    if (path->len <= name.len + 1 || (name.len > 0 && memcmp(path->at, name.at, name.len) != 0) ||
        (path->at[name.len] != '.' && path->at[name.len] != '/'))
        return false;
    path->at += name.len + 1;
    path->len -= name.len + 1;
    return true;
}

static bool descriptors_find_below(struct view outer, enum descriptor_kind kind, struct view path,
                                   enum descriptor_kind *found);

static bool descriptors_find_in(struct view inner, enum descriptor_kind kind, struct view path,
                                enum descriptor_kind *found)
{
    struct view name = wire_find(inner, ANY_NAME);

    if (view_eq(name, path)) {
        *found = kind;
        return true;
    }
    /* In protobuf, the values of an enum are siblings of the enum, not members: "pkg.VALUE", not "pkg.Enum.VALUE". */
    if (kind == ENUM_KIND)
        return descriptors_find_below(inner, kind, path, found);
    return descriptors_strip_prefix(&path, name) && descriptors_find_below(inner, kind, path, found);
}

/* Looks for a path of names among the declarations in `outer`. The depth of the recursion is that of our own messages,
 * and not up to a client. */
static bool descriptors_find_below(struct view outer, enum descriptor_kind kind, struct view path,
                                   enum descriptor_kind *found)
{
    struct wire_field field;

    while (wire_next(&outer, &field)) {
        for (size_t i = 0; i < sizeof nestings / sizeof nestings[0] && field.type == WIRE_BYTES; i++) {
            if (nestings[i].outer == kind && nestings[i].field == field.number &&
                descriptors_find_in(field.bytes, nestings[i].inner, path, found))
                return true;
        }
    }
    return false;
}

static int descriptors_find_file(const struct descriptors *d, struct view name, enum descriptor_kind *found)
{
    for (size_t i = 0; i < d->count; i++) {
        struct view package = wire_find(d->files[i], FILE_PACKAGE);
        struct view path = name;

        if ((package.len == 0 || descriptors_strip_prefix(&path, package)) &&
            descriptors_find_below(d->files[i], FILE_KIND, path, found))
            return (int)i;
    }
    return -1;
}

/* Descriptors write full names as ".pkg.Name". */
static struct view descriptors_without_dot(struct view name)
{
    return view_starts(name, ".") ? (struct view){ name.at + 1, name.len - 1 } : name;
}

int descriptors_symbol(const struct descriptors *d, struct view name)
{
    enum descriptor_kind found;

    return descriptors_find_file(d, descriptors_without_dot(name), &found);
}

bool descriptors_is_message(const struct descriptors *d, struct view name)
{
    enum descriptor_kind found;

    return descriptors_find_file(d, descriptors_without_dot(name), &found) >= 0 && found == MESSAGE_KIND;
}

void descriptors_with_imports(const struct descriptors *d, int file, bool marked[DESCRIPTORS_FILES_MAX])
{
    struct view rest = d->files[file];
    struct wire_field field;

    if (marked[file])
        return;
    marked[file] = true;
    while (wire_next(&rest, &field)) {
        int imported = -1;

        if (field.number == FILE_DEPENDENCY && field.type == WIRE_BYTES)
            imported = descriptors_file(d, field.bytes);
        if (imported >= 0)
            descriptors_with_imports(d, imported, marked);
    }
}
