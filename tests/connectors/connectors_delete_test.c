#include "rows.h"

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "world/connectors_world.h"
#include "model/state.h"
#include "registry/registry.h"
#include "store/journal.h"
#include "store/store.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static int setup(void **state)
{
    struct world *w = world_create();
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);

    assert_taken(world_configure(w, &r));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    return 0;
}

static bool has_folder(struct world *w, const char *org_id)
{
    struct buf dir = BUF(4096);
    bool ok = registry_store_dir(world_registry(w), org_id, &dir, NULL) && access(buf_cstr(&dir), F_OK) == 0;

    buf_deinit(&dir);
    return ok;
}

static void epoch_of(struct world *w, const char *name, char epoch[STORE_EPOCH_SIZE])
{
    struct connector *c = connectors_find(world_connectors(w), view_of(name), NULL);

    assert_non_null(c);
    assert_non_null(connector_store(c));
    memcpy(epoch, store_epoch(connector_store(c)), STORE_EPOCH_SIZE);
    connector_release(c);
}

static void purging_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct answer *a;

    assert_true(has_folder(w, ACME_ID));
    a = world_delete(w, "acme", false);
    assert_taken(a);
    assert_true(a->deleted.purged);
    assert_false(has_folder(w, ACME_ID));
    assert_false(world_is_stored(w, "acme"));
    assert_false(world_exists(w, "acme"));
    assert_int_equal(world_health(w, "acme"), 'g');
    assert_int_equal(a->deleted.remaining_count, 2);
    assert_non_null(strstr(a->deleted.remaining[0], "Security > API > Tokens"));
    assert_non_null(strstr(a->deleted.remaining[0], ACME_URL));
}

static void kept_data_is_retired_and_readable(void **state)
{
    struct world *w = *state;
    char before[STORE_EPOCH_SIZE], after[STORE_EPOCH_SIZE];
    struct answer *a;
    uint64_t rounds;
    struct connector *c;
    struct error err;

    epoch_of(w, "acme", before);
    a = world_delete(w, "acme", true);
    assert_taken(a);
    assert_false(a->deleted.purged);
    assert_int_equal(world_state(w, "acme"), CONNECTOR_RETIRED);
    epoch_of(w, "acme", after);
    assert_string_equal(before, after);
    assert_true(world_entry(w, "acme").is_retired);
    assert_false(world_entry(w, "acme").has_secret);
    assert_int_equal(world_health(w, "acme"), 'g'); /* nobody waits for it to be fresh */
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    assert_false(connector_poll_now(c, &rounds, &err));
    assert_string_equal(err.reason, "RETIRED");
    connector_release(c);
}

static void its_readers_are_told_to_end(void **state)
{
    struct world *w = *state;
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct connector *next;
    unsigned topic = connector_topic(c);

    assert_taken(world_delete(w, "acme", true));
    assert_true(connector_is_deleted(c));
    assert_non_null(connector_store(c)); /* and can read on to their end */
    next = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    assert_false(connector_is_deleted(next));
    assert_int_equal(connector_topic(next), topic);
    connector_release(next);
    connector_release(c);
}

static void a_retired_one_needs_a_token_again(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", NULL, NULL);

    assert_taken(world_delete(w, "acme", true));
    assert_refused(world_configure(w, &r), ERROR_INVALID_ARGUMENT, "TOKEN_INVALID");
}

static void configuring_a_retired_one_continues_its_store(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    char before[STORE_EPOCH_SIZE], after[STORE_EPOCH_SIZE];
    struct connector *retired;
    struct answer *a;

    epoch_of(w, "acme", before);
    assert_taken(world_delete(w, "acme", true));
    orgs_add_login(world_orgs(w), ACME_PORT);
    retired = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    a = world_configure(w, &r);
    assert_taken(a);
    assert_false(a->configured.created);
    epoch_of(w, "acme", after);
    assert_string_equal(before, after);
    assert_true(world_wait_logins(w, "acme", 1)); /* what happened while it was retired */
    assert_true(connector_is_deleted(retired));
    connector_release(retired);
    assert_false(world_entry(w, "acme").is_retired);
}

static void a_retired_org_may_come_back_under_another_name(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("again", ACME_URL, ORG_TOKEN);
    char before[STORE_EPOCH_SIZE], after[STORE_EPOCH_SIZE];

    epoch_of(w, "acme", before);
    assert_taken(world_delete(w, "acme", true));
    assert_taken(world_configure(w, &r));
    assert_false(world_exists(w, "acme"));
    assert_false(world_is_stored(w, "acme"));
    epoch_of(w, "again", after);
    assert_string_equal(before, after);
    assert_true(world_wait_state(w, "again", CONNECTOR_LIVE));
    assert_int_equal(world_health(w, "acme"), 'g');
}

static void a_retired_one_can_be_purged(void **state)
{
    struct world *w = *state;
    struct answer *a;

    assert_taken(world_delete(w, "acme", true));
    a = world_delete(w, "acme", false);
    assert_taken(a);
    assert_true(a->deleted.purged);
    assert_false(has_folder(w, ACME_ID));
}

static void a_purge_waits_for_its_readers(void **state)
{
    struct world *w = *state;
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    const struct configure_request beta = request_of("beta", BETA_URL, ORG_TOKEN);
    struct answer a;
    struct journal_bounds bounds;

    world_delete_begin(w, &a, "acme", false);
    while (!connector_is_deleted(c))
        world_wait_state(w, "acme", 0);
    /* Time enough for another org's whole Configure, and so for a purge that does not wait. */
    assert_taken(world_configure(w, &beta));
    assert_true(world_wait_state(w, "beta", CONNECTOR_LIVE));
    assert_true(has_folder(w, ACME_ID));
    assert_true(journal_bounds(connector_store(c), &bounds, NULL)); /* still open */
    connector_release(c);
    world_answered(&a);
    assert_taken(&a);
    assert_false(has_folder(w, ACME_ID));
}

static void a_reader_that_never_ends_leaves_it_retired(void **state)
{
    struct world *w = *state;
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct answer a, *again;

    world_delete_begin(w, &a, "acme", false);
    while (!connector_is_deleted(c))
        world_wait_state(w, "acme", 0);
    world_skip_ms(w, 6000);
    world_answered(&a);
    assert_int_equal(a.err.code, ERROR_UNAVAILABLE);
    assert_int_equal(world_state(w, "acme"), CONNECTOR_RETIRED);
    connector_release(c);
    again = world_delete(w, "acme", false);
    assert_taken(again);
    assert_false(world_is_stored(w, "acme"));
}

static void nobody_of_that_name(void **state)
{
    assert_refused(world_delete(*state, "other", false), ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR");
    assert_refused(world_delete(*state, "", false), ERROR_INVALID_ARGUMENT, "NAME_REQUIRED");
    assert_true(world_exists(*state, "acme"));
}

static void after_a_purge_the_org_begins_anew(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    char before[STORE_EPOCH_SIZE], after[STORE_EPOCH_SIZE];
    struct answer *a;

    epoch_of(w, "acme", before);
    assert_taken(world_delete(w, "acme", false));
    a = world_configure(w, &r);
    assert_taken(a);
    assert_true(a->configured.created);
    epoch_of(w, "acme", after);
    assert_string_not_equal(before, after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(purging_leaves_nothing),
        TEST(kept_data_is_retired_and_readable),
        TEST(its_readers_are_told_to_end),
        TEST(a_retired_one_needs_a_token_again),
        TEST(configuring_a_retired_one_continues_its_store),
        TEST(a_retired_org_may_come_back_under_another_name),
        TEST(a_retired_one_can_be_purged),
        TEST(a_purge_waits_for_its_readers),
        TEST(a_reader_that_never_ends_leaves_it_retired),
        TEST(nobody_of_that_name),
        TEST(after_a_purge_the_org_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
