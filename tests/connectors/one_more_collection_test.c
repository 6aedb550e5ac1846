/* With one more row in the table of collections, and no other change: Configure probes it and stores that it is chosen,
 * and verify counts its rows. tests/poller has the rest. */
#include "backup/verify.h"
#include "connectors/connector.h"
#include "model/snapshot.h"
#include "store_meaning.h"
#include "world/collections.h"
#include "world/connectors_world.h"

#include "rows.h"

#include <stdio.h>
#include <string.h>

static const struct permission *permission_of(const struct answer *a, unsigned collection)
{
    for (size_t i = 0; i < a->configured.permission_count; i++)
        if (a->configured.permissions[i].collection == collection)
            return &a->configured.permissions[i];
    return NULL;
}

static void configure_probes_it(void **state)
{
    struct world *w = world_create();
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    const struct answer *a = world_configure(w, &r);
    const struct permission *groups = permission_of(a, COLLECTION_ONE_MORE);

    (void)state;
    assert_taken(a);
    assert_non_null(groups);
    assert_string_equal(groups->endpoint, "/api/v1/groups");
    assert_int_equal(groups->verdict, PERMISSION_WORKS);
    assert_int_equal(world_entry(w, "acme").collections,
                     1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS | 1u << COLLECTION_ONE_MORE);
    world_destroy(w);
}

static void a_role_that_is_missing_for_it_is_told(void **state)
{
    struct world *w = world_create();
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    const struct answer *a;

    (void)state;
    orgs_fault(world_orgs(w), ACME_PORT, "/api/v1/groups", 9, 403, "{\"errorCode\":\"E0000006\"}");
    a = world_configure(w, &r);
    assert_refused(a, ERROR_FAILED_PRECONDITION, "OKTA_PERMISSION_MISSING");
    assert_int_equal(permission_of(a, COLLECTION_ONE_MORE)->verdict, PERMISSION_ROLE_MISSING);
    assert_non_null(strstr(permission_of(a, COLLECTION_ONE_MORE)->remedy, "may not list groups"));
    world_destroy(w);
}

static bool is_complete(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct poller_snapshot now;

    (void)ctx;
    connector_snapshot(c, &now);
    connector_release(c);
    return now.collections[COLLECTION_ONE_MORE].is_complete && now.collections[COLLECTION_USERS].is_complete;
}

static void verify_counts_its_rows(void **state)
{
    struct world *w = world_create();
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct verify_result result;
    char data_dir[600];
    struct error err;

    (void)state;
    snprintf(data_dir, sizeof data_dir, "%s/data", world_dir(w));
    assert_taken(world_configure(w, &r));
    assert_true(world_wait(w, is_complete, NULL));
    world_stop(w);
    assert_true(verify_data_dir(data_dir, &store_meaning, NULL, &result, &err));
    assert_int_equal(result.problems, 0);
    assert_true(result.rows[1] > 0);
    assert_true(result.rows[2] > 0);
    assert_string_equal(store_meaning.row_name(NULL, 2), "group");
    world_start(w);
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configure_probes_it),
        cmocka_unit_test(a_role_that_is_missing_for_it_is_told),
        cmocka_unit_test(verify_counts_its_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
