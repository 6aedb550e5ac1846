#include "client/cmd/collection.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "COLLECTION_"

static void collection_write_word(const ProtobufCEnumValue *value, char word[COLLECTION_WORD_SIZE])
{
    const char *name = value->name + (strncmp(value->name, PREFIX, sizeof PREFIX - 1) == 0 ? sizeof PREFIX - 1 : 0);
    size_t i;

    for (i = 0; name[i] != '\0' && i < COLLECTION_WORD_SIZE - 1; i++)
        word[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + ('a' - 'A')) : name[i];
    word[i] = '\0';
}

const char *collection_word(Okta__Connector__V1__Collection collection, char word[COLLECTION_WORD_SIZE])
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&okta__connector__v1__collection__descriptor, (int)collection);

    if (value != NULL)
        collection_write_word(value, word);
    else
        snprintf(word, COLLECTION_WORD_SIZE, "collection %d", (int)collection);
    return word;
}

/* The enum's values in their order; NULL beyond the last. */
static const ProtobufCEnumValue *collection_value(unsigned index)
{
    const ProtobufCEnumDescriptor *d = &okta__connector__v1__collection__descriptor;

    return index < d->n_values ? &d->values[index] : NULL;
}

bool collection_named(struct view word, Okta__Connector__V1__Collection *out)
{
    const ProtobufCEnumValue *value;
    char known[COLLECTION_WORD_SIZE];

    for (unsigned i = 0; (value = collection_value(i)) != NULL; i++) {
        collection_write_word(value, known);
        if (value->value == 0 || !view_is(word, known))
            continue;
        *out = (Okta__Connector__V1__Collection)value->value;
        return true;
    }
    return false;
}

void collection_words(struct buf *out)
{
    const ProtobufCEnumValue *value;
    const char *between = "";
    char word[COLLECTION_WORD_SIZE];

    for (unsigned i = 0; (value = collection_value(i)) != NULL; i++) {
        if (value->value == 0)
            continue;
        collection_write_word(value, word);
        buf_printf(out, "%s%s", between, word);
        between = ", ";
    }
}

bool collection_is_log(Okta__Connector__V1__Collection collection)
{
    return collection == OKTA__CONNECTOR__V1__COLLECTION__COLLECTION_LOGINS;
}
