#include "rpc/acceptor.h"

#include "tests/rows.h"

#include <unistd.h>

#define OTHER  4242u /* a user other than ours and root */
#define READER 4300u
#define GROUP  4400u

static const struct row {
    const char *name;
    enum net_role role;
    bool is_unix;
    uint32_t uid, groups[3];
    int64_t reader_uid, reader_gid;
    bool want, is_tls;
} rows[] = {
    { "root on the admin socket", NET_ADMIN, true, 0, { 0 }, -1, -1, true, false },
    { "another user on the admin socket", NET_ADMIN, true, OTHER, { OTHER }, -1, -1, false, false },
    { "the reader on the admin socket", NET_ADMIN, true, READER, { GROUP }, READER, GROUP, false, false },
    { "root on a reader socket", NET_READER, true, 0, { 0 }, -1, -1, true, false },
    { "another user on a reader socket", NET_READER, true, OTHER, { OTHER }, READER, GROUP, false, false },
    { "the reader on a reader socket", NET_READER, true, READER, { OTHER }, READER, -1, true, false },
    { "the reader when none is named", NET_READER, true, READER, { OTHER }, -1, -1, false, false },
    { "by the primary group", NET_READER, true, OTHER, { GROUP }, -1, GROUP, true, false },
    { "by a supplementary group", NET_READER, true, OTHER, { OTHER, 7, GROUP }, -1, GROUP, true, false },
    { "uid 4294967295 does not match -1, which means none",
      NET_READER,
      true,
      UINT32_MAX,
      { UINT32_MAX },
      -1,
      -1,
      false,
      false },
    { "any user on loopback TCP, as a reader", NET_READER, false, 0, { 0 }, -1, -1, true, false },
    { "no user on TCP as admin", NET_ADMIN, false, 0, { 0 }, -1, -1, false, false },
    { "any peer over TLS, to present a certificate", NET_READER, false, 0, { 0 }, -1, -1, true, true },
    { "any peer over TLS at an admin address", NET_ADMIN, false, 0, { 0 }, -1, -1, true, true },
};

static void the_acceptor_admits(void **state)
{
    const struct row *row = *state;
    const struct acceptor_options options = { .reader_uid = row->reader_uid, .reader_gid = row->reader_gid };
    const struct acceptor_peer peer = { row->is_unix, row->is_tls, row->uid, row->groups, 3 };

    assert_int_equal(acceptor_admits(&options, row->role, &peer), row->want);
}

static void we_may_use_both_sockets(void **state)
{
    const struct acceptor_options options = { .reader_uid = -1, .reader_gid = -1 };
    const struct acceptor_peer peer = { .is_unix = true, .uid = geteuid() };

    (void)state;
    assert_true(acceptor_admits(&options, NET_ADMIN, &peer));
    assert_true(acceptor_admits(&options, NET_READER, &peer));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(we_may_use_both_sockets) };

    return RUN_ROWS(the_acceptor_admits, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
