/* The names of reasons and states are the API's. */
#include "model/state.h"

#include "rows.h"

#include "okta/connector/v1/connector.pb-c.h"

#include <string.h>

static void reasons_are_named_as_in_the_api(void **state)
{
    const ProtobufCEnumDescriptor *d = &okta__connector__v1__reason__descriptor;

    (void)state;
    assert_int_equal(d->n_values, REASONS_END);
    for (int i = 1; i < REASONS_END; i++) {
        const char *name = protobuf_c_enum_descriptor_get_value(d, i)->name;

        assert_memory_equal(name, "REASON_", 7);
        assert_string_equal(reason_name((enum connector_reason)i), name + 7);
    }
    assert_string_equal(reason_name(REASON_NONE), "NONE");
    assert_string_equal(reason_name(REASONS_END), "NONE");
}

static void states_are_named_as_in_the_api(void **state)
{
    const ProtobufCEnumDescriptor *d = &okta__connector__v1__connector_state__descriptor;

    (void)state;
    assert_int_equal(d->n_values, CONNECTOR_RETIRED + 1);
    for (int i = 1; i <= CONNECTOR_RETIRED; i++)
        assert_string_equal(state_name((enum connector_state)i),
                            protobuf_c_enum_descriptor_get_value(d, i)->name + strlen("CONNECTOR_STATE_"));
    assert_string_equal(state_name((enum connector_state)0), "UNKNOWN");
}

static void what_is_wrong_has_a_remedy(void **state)
{
    (void)state;
    for (int i = REASON_TOKEN_REFUSED; i < REASONS_END; i++)
        assert_true(strlen(reason_remedy((enum connector_reason)i)) > 10);
    assert_string_equal(reason_remedy(REASON_NONE), "");
    assert_string_equal(reason_remedy(REASON_FIRST_SYNC), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_are_named_as_in_the_api),
        cmocka_unit_test(states_are_named_as_in_the_api),
        cmocka_unit_test(what_is_wrong_has_a_remedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
