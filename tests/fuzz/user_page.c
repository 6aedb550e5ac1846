/* A page of users -> rows of the directory. */
#include "tests/fuzz/fuzz.h"

#include "record/record.h"
#include "rpc/message.h"
#include "rpc/wire.h"
#include "store/row.h"

#include "okta/connector/v1/directory.pb-c.h"

#include <string.h>

static void check_message(const struct directory_row *row)
{
    struct view rest = row->encoded;
    struct wire_field field;
    Okta__Connector__V1__User *u;

    ASSERT(wire_next(&rest, &field) && rest.len == 0 && field.number == 1 && field.type == WIRE_BYTES);
    ASSERT(message_check(&okta__connector__v1__user__descriptor, field.bytes, NULL));
    u = okta__connector__v1__user__unpack(NULL, field.bytes.len, (const uint8_t *)field.bytes.at);
    ASSERT(u != NULL && view_is(row->id, u->id));
    ASSERT(u->profile == NULL || row->alias.len == 0 || view_eq_nocase(row->alias, view_of(u->profile->login)));
    okta__connector__v1__user__free_unpacked(u, NULL);
}

static bool visit(void *ctx, const struct directory_row *row)
{
    struct directory_row back;
    unsigned char *at;

    ++*(size_t *)ctx;
    ASSERT(row->id.len > 0 && row->id.len <= DIRECTORY_ID_MAX && utf8_is_clean(row->id));
    ASSERT(row->alias.len <= ROW_ALIAS_MAX && row->encoded.len <= DIRECTORY_ROW_MAX);
    check_message(row);
    at = malloc(row_bytes(row));
    row_write(row, at);
    ASSERT(row_read((struct view){ (const char *)at, row_bytes(row) }, row->id, &back));
    ASSERT(view_eq(back.alias, row->alias) && view_eq(back.encoded, row->encoded));
    ASSERT(back.last_updated_ms == row->last_updated_ms && back.facets == row->facets && back.deleted_ms == 0);
    free(at);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[STORE_HASH_KEY_SIZE] = { 7 };
    static struct record_maker *m;
    struct record_objects_result result;
    struct error err = { 0 };
    size_t count = 0;

    if (m == NULL)
        m = record_maker_create(key);
    if (record_objects(m, collection_by_name(VIEW("users")), fuzz_view(data, size), visit, &count, &result, &err))
        ASSERT(result.elements == count + result.skipped && result.last_updated_max_ms >= 0);
    else
        ASSERT(count == 0 && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
    return 0;
}
