#include "okta/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint8_t first[16]; /* of an IPv4 range, four */
    unsigned bits;
    struct address is;
};

/* The first that matches counts. */
static const struct range v4[] = {
    { { 100, 100, 100, 200 }, 32, { ADDRESS_NEVER, "a cloud's metadata service" } },
    { { 168, 63, 129, 16 }, 32, { ADDRESS_NEVER, "a cloud's metadata service" } },
    { { 0 }, 8, { ADDRESS_NEVER, "an unspecified address (0.0.0.0/8)" } },
    { { 10 }, 8, { ADDRESS_PRIVATE, "a private address (10.0.0.0/8)" } },
    { { 100, 64 }, 10, { ADDRESS_PRIVATE, "a provider's shared address (100.64.0.0/10)" } },
    { { 127 }, 8, { ADDRESS_LOOPBACK, "a loopback address (127.0.0.0/8)" } },
    { { 169, 254 }, 16, { ADDRESS_NEVER, "a link-local address (169.254.0.0/16), as of a cloud's metadata service" } },
    { { 172, 16 }, 12, { ADDRESS_PRIVATE, "a private address (172.16.0.0/12)" } },
    { { 192, 0, 0 }, 24, { ADDRESS_NEVER, "an address for protocols (192.0.0.0/24)" } },
    { { 192, 0, 2 }, 24, { ADDRESS_PRIVATE, "an address for documents (192.0.2.0/24)" } },
    { { 192, 168 }, 16, { ADDRESS_PRIVATE, "a private address (192.168.0.0/16)" } },
    { { 198, 18 }, 15, { ADDRESS_PRIVATE, "an address for benchmarks (198.18.0.0/15)" } },
    { { 198, 51, 100 }, 24, { ADDRESS_PRIVATE, "an address for documents (198.51.100.0/24)" } },
    { { 203, 0, 113 }, 24, { ADDRESS_PRIVATE, "an address for documents (203.0.113.0/24)" } },
    { { 224 }, 4, { ADDRESS_NEVER, "a multicast address (224.0.0.0/4)" } },
    { { 255, 255, 255, 255 }, 32, { ADDRESS_NEVER, "the broadcast address" } },
    { { 240 }, 4, { ADDRESS_PRIVATE, "a reserved address (240.0.0.0/4)" } },
    { { 0 }, 0, { ADDRESS_PUBLIC, "" } },
};

/* After those that hold an IPv4 address. */
static const struct range v6[] = {
    { { [15] = 0 }, 128, { ADDRESS_NEVER, "an unspecified address (::)" } },
    { { [15] = 1 }, 128, { ADDRESS_LOOPBACK, "a loopback address (::1)" } },
    { { 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54 }, 128, { ADDRESS_NEVER, "a cloud's metadata service" } },
    { { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54 }, 128, { ADDRESS_NEVER, "a cloud's metadata service" } },
    { { 0xfc }, 7, { ADDRESS_PRIVATE, "a unique local address (fc00::/7)" } },
    { { 0xfe, 0x80 }, 10, { ADDRESS_NEVER, "a link-local address (fe80::/10)" } },
    { { 0xff }, 8, { ADDRESS_NEVER, "a multicast address (ff00::/8)" } },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, { ADDRESS_PRIVATE, "an address for documents (2001:db8::/32)" } },
    { { 0x20, 0x01 }, 23, { ADDRESS_PRIVATE, "an address for protocols (2001::/23)" } },
    { { 0x20 }, 3, { ADDRESS_PUBLIC, "" } },
    { { 0 }, 0, { ADDRESS_PRIVATE, "an address that is not of the internet" } },
};

/* Where an IPv4 address lies in an IPv6 one. */
static const struct inside {
    uint8_t first[16];
    unsigned bits, offset;
} insides[] = {
    { { [10] = 0xff, [11] = 0xff }, 96, 12 }, /* ::ffff:a.b.c.d, mapped */
    { { [8] = 0xff, [9] = 0xff }, 96, 12 },   /* ::ffff:0:a.b.c.d, translated */
    { { 0x00, 0x64, 0xff, 0x9b }, 96, 12 },   /* 64:ff9b::a.b.c.d, NAT64 */
    { { 0x20, 0x02 }, 16, 2 },                /* 6to4 */
};

static bool is_in(const uint8_t *at, const uint8_t *first, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(at, first, whole) == 0 && (rest == 0 || (at[whole] ^ first[whole]) >> (8 - rest) == 0);
}

static struct address find(const struct range *ranges, const uint8_t *at)
{
    while (!is_in(at, ranges->first, ranges->bits))
        ranges++;
    return ranges->is;
}

static struct address of_v6(const uint8_t *at)
{
    static const uint8_t zeros[12];

    for (size_t i = 0; i < sizeof insides / sizeof insides[0]; i++)
        if (is_in(at, insides[i].first, insides[i].bits))
            return find(v4, at + insides[i].offset);
    /* ::a.b.c.d, long withdrawn; but :: and ::1 are themselves. */
    if (memcmp(at, zeros, sizeof zeros) == 0 && (at[12] | at[13] | at[14]) != 0)
        return find(v4, at + 12);
    return find(v6, at);
}

struct address address_of(const struct sockaddr *at, socklen_t len)
{
    if (len >= sizeof(struct sockaddr_in) && at->sa_family == AF_INET)
        return find(v4, (const uint8_t *)&((const struct sockaddr_in *)(const void *)at)->sin_addr);
    if (len >= sizeof(struct sockaddr_in6) && at->sa_family == AF_INET6)
        return of_v6(((const struct sockaddr_in6 *)(const void *)at)->sin6_addr.s6_addr);
    return (struct address){ ADDRESS_NEVER, "no IP address" };
}

bool address_is_allowed(enum address_class class, bool allow_private, bool allow_loopback)
{
    return class == ADDRESS_PUBLIC || (class == ADDRESS_PRIVATE && allow_private) ||
           (class == ADDRESS_LOOPBACK && allow_loopback);
}
