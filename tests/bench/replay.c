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
#include "base/str.h"
#include "bench/fill.h"
#include "bench/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUNS_MAX 101

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", what, why);
    exit(1);
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
    fill_store(data, events, true);
    server_pid = fill_start((const char *const[]){ server, "--data-dir", data, "--listen", listen, NULL }, log);
    fill_await_socket(socket, 10000);
    first.address = listen;
    first.record_to = messages;
    stream_read(&first);
    bare_pid = fill_start((const char *const[]){ self, "--limit", bare_listen, messages, NULL }, log);
    fill_await_socket(bare_socket, 10000);
    events_per_s(bare_listen, "", events);
    for (size_t i = 0; i < runs; i++) {
        ours[i] = events_per_s(listen, "bench", events);
        limit[i] = events_per_s(bare_listen, "", events);
        ratio[i] = ours[i] / limit[i];
    }
    fill_end(bare_pid);
    fill_end(server_pid);
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
