/* The names that a reflection request may ask for, looked up in what is really served. */
#include "tests/fuzz/fuzz.h"

#include "descriptors.h"
#include "rpc/descriptors.h"
#include "rpc/wire.h"

#include <string.h>

enum { FILE_NAME = 1, FILE_DEPENDENCY = 3 };

/* All that a marked file imports is marked. */
static void check_imports(const struct descriptors *d, int file)
{
    bool marked[DESCRIPTORS_FILES_MAX] = { false };

    descriptors_with_imports(d, file, marked);
    ASSERT(marked[file]);
    for (size_t i = 0; i < d->count; i++) {
        struct view rest = d->files[i];
        struct wire_field field;

        while (marked[i] && wire_next(&rest, &field)) {
            int import = field.number == FILE_DEPENDENCY ? descriptors_file(d, field.bytes) : -1;

            ASSERT(field.number != FILE_DEPENDENCY || (import >= 0 && marked[import]));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct descriptors d;
    struct view name = fuzz_view(data, size);
    int file, symbol;

    if (d.count == 0)
        descriptors_init(&d, (struct view){ (const char *)descriptors, descriptors_size });
    file = descriptors_file(&d, name);
    symbol = descriptors_symbol(&d, name);
    ASSERT(file >= -1 && file < (int)d.count && symbol >= -1 && symbol < (int)d.count);
    ASSERT(file < 0 || view_eq(wire_find(d.files[file], FILE_NAME), name));
    ASSERT(!descriptors_is_message(&d, name) || symbol >= 0);
    ASSERT(name.len > 0 || symbol < 0);
    if (file >= 0)
        check_imports(&d, file);
    if (symbol >= 0)
        check_imports(&d, symbol);
    return 0;
}
