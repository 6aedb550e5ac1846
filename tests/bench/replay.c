/* bench replay: how fast one subscriber reads stored events, beside what gRPC's C core can do at all.
 *
 *     replay --server PATH [--events N] [--runs N]
 *
 * 1. Fills a store with N login events, made by the emulator, encoded by the connector's own code.
 * 2. Starts the server program on it (a retired connector: readable, and nobody to poll), reads all of it once, and
 * writes the messages down as they came.
 * 3. Starts this program again as the limit: a bare C-core server that sends the same bytes in the same messages from
 * memory.
 * 4. Reads both in turn, and prints the medians: of each, and of the ratio of each pair. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/stream.h"
#include "emulator/emulator.h"
#include "record/record.h"
#include "store/registry.h"

#include <inttypes.h>
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
#define RUNS_MAX      101
#define START_WAIT_MS 10000
#define TOKEN         "00benchTokenNotReal"

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", what, why);
    exit(1);
}

/* ---- the store ---- */

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

static void fill_store(const char *data_dir, uint64_t events)
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
    struct registry_entry entry = { .name = "bench", .org_id = "00obench", .org_url = "https://bench.example" };
    struct emulator *emulator = emulator_create(&org);
    struct emulator_response response;
    struct record_page_result page_result;
    AUTO_BUF struct buf dir = BUF(4096), path = BUF(8192);
    struct store_options store_options = { NULL, 0, false };
    struct fill fill = { NULL, 0, events };
    struct registry *registry;
    struct record_maker *maker;
    struct store *store;
    struct error err;
    char since[TIME_TEXT_SIZE];

    entry.is_retired = true;
    entry.collections = 1u << 1;
    entry.history_days = 30;
    entry.retention_days = 3650;
    store_options.max_bytes = STORE_BYTES_DEFAULT;
    if (!registry_open(&registry, &registry_options, &err) || !registry_put(registry, &entry, VIEW_NONE, &err) ||
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

static pid_t start(const char *const argv[], const char *log)
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

static void await_socket(const char *path)
{
    for (int waited_ms = 0; !answers(path); waited_ms += 10) {
        if (waited_ms > START_WAIT_MS)
            fail(path, "nobody listens");
        usleep(10000);
    }
}

static void end(pid_t child)
{
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

static double events_per_s(const char *address, const char *name, uint64_t want)
{
    struct stream_read read = { .address = address, .name = name };

    stream_read(&read);
    if (read.events != want) {
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " events\n", read.events, want);
        fail(address, "not every event came");
    }
    return (double)read.events / read.seconds;
}

static void bench(const char *server, const char *self, const char *dir, uint64_t events, size_t runs)
{
    double ours[RUNS_MAX], limit[RUNS_MAX], ratio[RUNS_MAX];
    char data[512], socket[512], listen[530], bare_socket[512], bare_listen[530], messages[512], log[512];
    struct stream_read first = { .name = "bench" };
    pid_t server_pid, bare_pid;

    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(socket, sizeof socket, "%s/ours.sock", dir);
    snprintf(listen, sizeof listen, "unix:%s/ours.sock", dir);
    snprintf(bare_socket, sizeof bare_socket, "%s/limit.sock", dir);
    snprintf(bare_listen, sizeof bare_listen, "unix:%s/limit.sock", dir);
    snprintf(messages, sizeof messages, "%s/messages", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    fill_store(data, events);
    server_pid = start((const char *const[]){ server, "--data-dir", data, "--listen", listen, NULL }, log);
    await_socket(socket);
    first.address = listen;
    first.record_to = messages;
    stream_read(&first);
    bare_pid = start((const char *const[]){ self, "--limit", bare_listen, messages, NULL }, log);
    await_socket(bare_socket);
    events_per_s(bare_listen, "", events);
    for (size_t i = 0; i < runs; i++) {
        ours[i] = events_per_s(listen, "bench", events);
        limit[i] = events_per_s(bare_listen, "", events);
        ratio[i] = ours[i] / limit[i];
    }
    end(bare_pid);
    end(server_pid);
    printf("bench replay ours=%.0f limit=%.0f ratio=%.2f unit=events/s events=%" PRIu64 " bytes_per_event=%" PRIu64
           " messages=%" PRIu64 " runs=%zu\n",
           median(ours, runs), median(limit, runs), median(ratio, runs), events, first.bytes / first.events,
           first.messages, runs);
}

int main(int argc, char **argv)
{
    const char *server = NULL;
    uint64_t events = 200000, runs = 21;
    char dir[] = "/tmp/okta-bench.XXXXXX", command[64];
    char self[512];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    ASSERT(len > 0);
    self[len] = '\0';
    if (argc == 4 && strcmp(argv[1], "--limit") == 0)
        return stream_serve(argv[2], argv[3]);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            server = argv[i + 1];
        else if (strcmp(argv[i], "--events") == 0 && view_u64(view_of(argv[i + 1]), 1, 10000000, &events))
            continue;
        else if (strcmp(argv[i], "--runs") == 0 && view_u64(view_of(argv[i + 1]), 1, RUNS_MAX, &runs))
            continue;
        else if (strcmp(argv[i], "--server") != 0)
            fail(argv[i], "unknown, or out of range");
    }
    if (server == NULL)
        fail("--server", "give the path of okta-connectord");
    if (mkdtemp(dir) == NULL)
        fail(dir, "cannot be made");
    bench(server, self, dir, events, runs);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
