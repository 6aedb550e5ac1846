#include "bench/fill.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/emulator.h"
#include "record/record.h"
#include "registry/registry.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW_MS        INT64_C(1773480412000) /* any moment will do */
#define DAY_MS        INT64_C(86400000)
#define START_WAIT_MS 10000
#define TOKEN         "00benchTokenNotReal0123456789abcdefghijklmn"

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

struct fill {
    struct store_txn *txn;
    uint64_t stored, wanted;
};

static bool append(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct fill *fill = ctx;
    enum journal_fate fate;
    uint64_t sequence;
    struct error err;

    if (outcome != RECORD_LOGIN)
        return true;
    if (!journal_append(fill->txn, record, false, &fate, &sequence, &err))
        fail("append", err.text);
    fill->stored += fate == JOURNAL_STORED;
    return fill->stored < fill->wanted;
}

/* The path of the rel="next" link, copied into `path`. */
static bool next_path(const struct emulator_response *response, struct buf *path)
{
    const char *head = response->head.at;
    AUTO_FREE char *text = view_dup((struct view){ head, response->head.len });
    char *rel = strstr(text, "; rel=\"next\""), *open, *slash;

    if (rel == NULL)
        return false;
    rel[-1] = '\0';
    open = rel;
    while (open > text && *open != '<')
        open--;
    slash = strchr(strstr(open, "://") + 3, '/');
    buf_reset(path);
    buf_puts(path, slash);
    return true;
}

void fill_store(const char *data_dir, uint64_t events, bool is_retired)
{
    const struct registry_options registry_options = { data_dir, NULL };
    const struct emulator_options org = { .seed = 1,
                                          .base_url = "https://bench.example",
                                          .token = TOKEN,
                                          .users = 2000,
                                          .apps = 40,
                                          .history_events = events + events / 2,
                                          .history_days = 30,
                                          .start_unix_ms = NOW_MS,
                                          .other_percent = 10,
                                          .logs_limit = INT32_MAX };
    struct registry_entry entry = { .name = "bench", .org_id = "00obench", .org_url = "http://127.0.0.1:9" };
    struct emulator *emulator = emulator_create(&org);
    struct emulator_response response;
    struct record_page_result page_result;
    AUTO_BUF struct buf dir = BUF(4096), path = BUF(8192);
    struct store_options store_options = { .dir = NULL };
    struct fill fill = { NULL, 0, events };
    struct registry *registry;
    struct record_maker *maker;
    struct store *store;
    struct error err;
    char since[TIME_TEXT_SIZE];

    entry.is_retired = is_retired;
    entry.has_secret = !is_retired;
    entry.collections = 1u << 1;
    entry.history_days = 30;
    entry.retention_days = 3650;
    store_options.max_bytes = STORE_BYTES_DEFAULT;
    if (!registry_open(&registry, &registry_options, &err) ||
        !registry_put(registry, &entry, is_retired ? VIEW_NONE : VIEW(TOKEN), &err) ||
        !registry_store_dir(registry, entry.org_id, &dir, &err))
        fail("registry", err.text);
    store_options.dir = buf_cstr(&dir);
    if (!store_open(&store, &store_options, &err))
        fail("store", err.text);
    maker = record_maker_create(store_hash_key(store));
    emulator_response_init(&response);
    time_format(NOW_MS - 31 * DAY_MS, since);
    buf_printf(&path, "/api/v1/logs?since=%s&limit=1000&sortOrder=ASCENDING", since);
    while (fill.stored < events) {
        struct emulator_request request = { .method = "GET",
                                            .target = buf_view(&path),
                                            .authorization = VIEW("SSWS " TOKEN),
                                            .accept = VIEW("application/json"),
                                            .now_unix_ms = NOW_MS };
        struct record_page page;

        emulator_answer(emulator, &request, &response);
        if (response.status != 200)
            fail("emulator", response.body.at);
        page = (struct record_page){ response.body, JOURNAL_NO_TIME, JOURNAL_TAIL };
        if (!store_begin(store, &fill.txn, &err) || !record_page(maker, &page, append, &fill, &page_result, &err) ||
            !store_commit(&fill.txn, &err))
            fail("store", err.text);
        if (page_result.elements == 0 || !next_path(&response, &path))
            fail("emulator", "too few events");
    }
    emulator_response_deinit(&response);
    emulator_destroy(emulator);
    record_maker_destroy(maker);
    store_close(store);
    registry_close(registry);
}

/* ---- processes ---- */

pid_t fill_start(const char *const argv[], const char *log)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen(log, "w", stderr) == NULL || freopen("/dev/null", "r", stdin) == NULL)
        _exit(127);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

static bool answers(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ok = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

void fill_await_socket(const char *path, unsigned every_us)
{
    int64_t until_mono_ms = clock_mono_ms(&clock_system) + START_WAIT_MS;

    while (!answers(path)) {
        if (clock_mono_ms(&clock_system) > until_mono_ms)
            fail(path, "nobody listens");
        usleep(every_us);
    }
}

void fill_end(pid_t child)
{
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
}
