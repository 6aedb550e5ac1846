#include "client/cmd/collection.h"

#include "rows.h"

#include <string.h>

static void every_value_of_the_api_has_a_word_that_names_it(void **state)
{
    const ProtobufCEnumDescriptor *d = &okta__connector__v1__collection__descriptor;

    (void)state;
    assert_true(d->n_values > 2);
    for (unsigned i = 0; i < d->n_values; i++) {
        char word[COLLECTION_WORD_SIZE];
        Okta__Connector__V1__Collection found;

        collection_word((Okta__Connector__V1__Collection)d->values[i].value, word);
        if (d->values[i].value == 0) {
            assert_false(collection_named(view_of(word), &found));
            continue;
        }
        assert_true(collection_named(view_of(word), &found));
        assert_int_equal(found, d->values[i].value);
    }
}

static void words_are_the_names_in_lower_case(void **state)
{
    char word[COLLECTION_WORD_SIZE];
    AUTO_BUF struct buf all = BUF(256);

    (void)state;
    assert_string_equal(collection_word(OKTA__CONNECTOR__V1__COLLECTION__COLLECTION_USERS, word), "users");
    collection_words(&all);
    assert_string_equal(buf_cstr(&all), "logins, users");
}

static void a_newer_servers_collection_has_a_word_too(void **state)
{
    Okta__Connector__V1__Collection found;
    char word[COLLECTION_WORD_SIZE];

    (void)state;
    assert_string_equal(collection_word((Okta__Connector__V1__Collection)9, word), "collection 9");
    assert_false(collection_named(VIEW("collection 9"), &found));
    assert_false(collection_named(VIEW("user"), &found));
    assert_false(collection_named(VIEW(""), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_the_api_has_a_word_that_names_it),
        cmocka_unit_test(words_are_the_names_in_lower_case),
        cmocka_unit_test(a_newer_servers_collection_has_a_word_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
