#include "sandbox/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64 /* of two words of the kernel's */

static bool fail(struct error *err, const char *what)
{
    return error_set(err, ERROR_FAILED_PRECONDITION, "sandbox: %s: %s", what, strerror(errno));
}

/* What could be got back by starting a program; only who has CAP_SETPCAP can give it up, and who has not, needs not. */
static void empty_bounding_set(uint64_t keep)
{
    for (unsigned long c = 0; c < CAPABILITIES_MAX; c++)
        if ((keep & UINT64_C(1) << c) == 0)
            (void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* Says which change is left to be made, if any: whoever started us may have taken all of them, and the call with them,
 * as systemd does. */
static bool reduce(struct __user_cap_data_struct data[2], uint64_t keep)
{
    uint32_t too_many = 0;

    for (int i = 0; i < 2; i++) {
        uint32_t kept = data[i].permitted & (uint32_t)(keep >> (32 * i));

        too_many |= (data[i].permitted ^ kept) | (data[i].effective & ~kept) | data[i].inheritable;
        data[i] = (struct __user_cap_data_struct){ .permitted = kept, .effective = kept };
    }
    return too_many != 0;
}

bool privileges_drop(bool keep_low_ports, struct error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];
    uint64_t keep = keep_low_ports ? UINT64_C(1) << CAP_NET_BIND_SERVICE : 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(err, "no_new_privs");
    empty_bounding_set(keep);
    if (syscall(SYS_capget, &header, data) != 0)
        return fail(err, "capget");
    return !reduce(data, keep) || syscall(SYS_capset, &header, data) == 0 || fail(err, "capset");
}
