/* Which addresses are the internet's. Rows from IANA's special-purpose registries, and what stands right beside them.
 */
#include "okta/address.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const struct row {
    const char *name; /* the address */
    enum address_class want;
} rows[] = {
    { "0.0.0.0", ADDRESS_NEVER },
    { "0.255.255.255", ADDRESS_NEVER },
    { "1.0.0.0", ADDRESS_PUBLIC },
    { "9.255.255.255", ADDRESS_PUBLIC },
    { "10.0.0.0", ADDRESS_PRIVATE },
    { "10.255.255.255", ADDRESS_PRIVATE },
    { "11.0.0.0", ADDRESS_PUBLIC },
    { "100.63.255.255", ADDRESS_PUBLIC },
    { "100.64.0.0", ADDRESS_PRIVATE },
    { "100.127.255.255", ADDRESS_PRIVATE },
    { "100.128.0.0", ADDRESS_PUBLIC },
    { "100.100.100.200", ADDRESS_NEVER },
    { "126.255.255.255", ADDRESS_PUBLIC },
    { "127.0.0.1", ADDRESS_LOOPBACK },
    { "127.255.255.255", ADDRESS_LOOPBACK },
    { "128.0.0.0", ADDRESS_PUBLIC },
    { "168.63.129.16", ADDRESS_NEVER },
    { "168.63.129.17", ADDRESS_PUBLIC },
    { "169.253.255.255", ADDRESS_PUBLIC },
    { "169.254.169.254", ADDRESS_NEVER },
    { "169.254.0.0", ADDRESS_NEVER },
    { "169.255.0.0", ADDRESS_PUBLIC },
    { "172.15.255.255", ADDRESS_PUBLIC },
    { "172.16.0.0", ADDRESS_PRIVATE },
    { "172.31.255.255", ADDRESS_PRIVATE },
    { "172.32.0.0", ADDRESS_PUBLIC },
    { "192.0.0.192", ADDRESS_NEVER },
    { "192.0.2.1", ADDRESS_PRIVATE },
    { "192.167.255.255", ADDRESS_PUBLIC },
    { "192.168.0.0", ADDRESS_PRIVATE },
    { "192.168.255.255", ADDRESS_PRIVATE },
    { "192.169.0.0", ADDRESS_PUBLIC },
    { "198.17.255.255", ADDRESS_PUBLIC },
    { "198.18.0.1", ADDRESS_PRIVATE },
    { "198.19.255.255", ADDRESS_PRIVATE },
    { "198.20.0.0", ADDRESS_PUBLIC },
    { "198.51.100.7", ADDRESS_PRIVATE },
    { "203.0.113.7", ADDRESS_PRIVATE },
    { "223.255.255.255", ADDRESS_PUBLIC },
    { "224.0.0.1", ADDRESS_NEVER },
    { "239.255.255.255", ADDRESS_NEVER },
    { "240.0.0.1", ADDRESS_PRIVATE },
    { "255.255.255.255", ADDRESS_NEVER },
    { "::", ADDRESS_NEVER },
    { "::1", ADDRESS_LOOPBACK },
    { "::2", ADDRESS_PRIVATE },
    { "::ffff:10.0.0.1", ADDRESS_PRIVATE },
    { "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
    { "::ffff:169.254.169.254", ADDRESS_NEVER },
    { "::ffff:0.0.0.0", ADDRESS_NEVER },
    { "::ffff:1.1.1.1", ADDRESS_PUBLIC },
    { "::ffff:0:127.0.0.1", ADDRESS_LOOPBACK },
    { "::127.0.0.1", ADDRESS_LOOPBACK },
    { "::10.0.0.1", ADDRESS_PRIVATE },
    { "64:ff9b::7f00:1", ADDRESS_LOOPBACK },
    { "64:ff9b::a9fe:a9fe", ADDRESS_NEVER },
    { "64:ff9b::808:808", ADDRESS_PUBLIC },
    { "64:ff9b:1::808:808", ADDRESS_PRIVATE },
    { "2002:7f00:1::", ADDRESS_LOOPBACK },
    { "2002:a00:1::1", ADDRESS_PRIVATE },
    { "2002:808:808::1", ADDRESS_PUBLIC },
    { "2001::1", ADDRESS_PRIVATE },
    { "2001:1ff:ffff::1", ADDRESS_PRIVATE },
    { "2001:200::1", ADDRESS_PUBLIC },
    { "2001:db8::1", ADDRESS_PRIVATE },
    { "2600:1f18::1", ADDRESS_PUBLIC },
    { "3fff:ffff::1", ADDRESS_PUBLIC },
    { "4000::1", ADDRESS_PRIVATE },
    { "100::1", ADDRESS_PRIVATE },
    { "fbff::1", ADDRESS_PRIVATE },
    { "fc00::1", ADDRESS_PRIVATE },
    { "fdff::1", ADDRESS_PRIVATE },
    { "fd00:ec2::254", ADDRESS_NEVER },
    { "fd20:ce::254", ADDRESS_NEVER },
    { "fe80::1", ADDRESS_NEVER },
    { "febf::1", ADDRESS_NEVER },
    { "fec0::1", ADDRESS_PRIVATE },
    { "ff02::1", ADDRESS_NEVER },
};

static void an_address_is(void **state)
{
    const struct row *row = *state;
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct address got;

    if (strchr(row->name, ':') == NULL) {
        assert_int_equal(inet_pton(AF_INET, row->name, &in.sin_addr), 1);
        got = address_of((const struct sockaddr *)&in, sizeof in);
    } else {
        assert_int_equal(inet_pton(AF_INET6, row->name, &in6.sin6_addr), 1);
        got = address_of((const struct sockaddr *)&in6, sizeof in6);
    }
    assert_int_equal(got.class, row->want);
    assert_int_equal(got.what[0] == '\0', row->want == ADDRESS_PUBLIC);
}

static void what_is_no_ip_address_is_never_asked(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in6 cut = { .sin6_family = AF_INET6 };

    (void)state;
    assert_int_equal(address_of((const struct sockaddr *)&un, sizeof un).class, ADDRESS_NEVER);
    assert_int_equal(address_of((const struct sockaddr *)&cut, sizeof cut - 1).class, ADDRESS_NEVER);
}

static void what_is_allowed(void **state)
{
    (void)state;
    assert_true(address_is_allowed(ADDRESS_PUBLIC, false, false));
    assert_false(address_is_allowed(ADDRESS_PRIVATE, false, true));
    assert_true(address_is_allowed(ADDRESS_PRIVATE, true, false));
    assert_false(address_is_allowed(ADDRESS_LOOPBACK, true, false));
    assert_true(address_is_allowed(ADDRESS_LOOPBACK, false, true));
    assert_false(address_is_allowed(ADDRESS_NEVER, true, true));
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_no_ip_address_is_never_asked),
                                               cmocka_unit_test(what_is_allowed) };

    return RUN_ROWS(an_address_is, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
