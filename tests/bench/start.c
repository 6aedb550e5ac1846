/* bench start: from the server's start to serving, with much stored.
 *
 *     start --server PATH [--events N] [--runs N]
 *
 * Fills a data folder once, then starts the server program on it again and again: from fork to the answer SERVING of
 * its health, asked by a client that looks each half millisecond. Prints the median. */
#include "base/assert.h"
#include "base/str.h"
#include "bench/fill.h"

#include <dirent.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX  101
#define LIMIT_MS  100
#define LOOK_US   500
#define TIMEOUT_S 10

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "start: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- health ---- */

/* HealthCheckResponse { status = 1 }: SERVING. */
static bool says_serving(grpc_byte_buffer *answer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice all;
    bool is_serving;

    if (answer == NULL || !grpc_byte_buffer_reader_init(&reader, answer))
        return false;
    all = grpc_byte_buffer_reader_readall(&reader);
    is_serving = GRPC_SLICE_LENGTH(all) == 2 && memcmp(GRPC_SLICE_START_PTR(all), "\x08\x01", 2) == 0;
    grpc_slice_unref(all);
    grpc_byte_buffer_reader_destroy(&reader);
    return is_serving;
}

static bool check(grpc_channel *channel, grpc_completion_queue *cq)
{
    grpc_slice method = grpc_slice_from_static_string("/grpc.health.v1.Health/Check"), empty = grpc_empty_slice();
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(TIMEOUT_S, GPR_TIMESPAN));
    grpc_call *call = grpc_channel_create_call(channel, NULL, 0, cq, method, NULL, until, NULL);
    grpc_byte_buffer *request = grpc_raw_byte_buffer_create(&empty, 1), *answer = NULL;
    grpc_metadata_array first, last;
    grpc_status_code status = GRPC_STATUS_UNKNOWN;
    grpc_slice text = grpc_empty_slice();
    grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },  { .op = GRPC_OP_SEND_MESSAGE },
                      { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT }, { .op = GRPC_OP_RECV_INITIAL_METADATA },
                      { .op = GRPC_OP_RECV_MESSAGE },           { .op = GRPC_OP_RECV_STATUS_ON_CLIENT } };
    bool is_serving;

    grpc_metadata_array_init(&first);
    grpc_metadata_array_init(&last);
    ops[1].data.send_message.send_message = request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &first;
    ops[4].data.recv_message.recv_message = &answer;
    ops[5].data.recv_status_on_client.trailing_metadata = &last;
    ops[5].data.recv_status_on_client.status = &status;
    ops[5].data.recv_status_on_client.status_details = &text;
    ASSERT(grpc_call_start_batch(call, ops, 6, NULL, NULL) == GRPC_CALL_OK);
    if (grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type != GRPC_OP_COMPLETE)
        fail("no answer");
    is_serving = status == GRPC_STATUS_OK && says_serving(answer);
    grpc_slice_unref(text);
    grpc_metadata_array_destroy(&first);
    grpc_metadata_array_destroy(&last);
    grpc_byte_buffer_destroy(request);
    grpc_byte_buffer_destroy(answer);
    grpc_call_unref(call);
    return is_serving;
}

/* Waits until it serves. */
static void await_serving(const char *socket, const char *address)
{
    grpc_completion_queue *cq = grpc_completion_queue_create_for_next(NULL);
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_arg own = { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, { .integer = 1 } };
    const grpc_channel_args args = { 1, &own };
    grpc_channel *channel;
    double until_ms = now_ms() + TIMEOUT_S * 1000.0;

    fill_await_socket(socket, LOOK_US);
    channel = grpc_channel_create(address, plain, &args);
    while (!check(channel, cq)) {
        if (now_ms() > until_ms)
            fail("it does not serve");
        usleep(LOOK_US);
    }
    grpc_channel_destroy(channel);
    grpc_channel_credentials_release(plain);
    grpc_completion_queue_shutdown(cq);
    while (grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(cq);
}

/* ---- the bench ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What it has used of the processor, by all its threads: on a machine that others use, the better figure. */
static double cpu_ms(pid_t pid)
{
    char path[64];
    double ns = 0, one;
    struct dirent *task;
    DIR *tasks;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks != NULL && (task = readdir(tasks)) != NULL) {
        char file[sizeof path + sizeof task->d_name + 16];
        FILE *f;

        snprintf(file, sizeof file, "%s/%s/schedstat", path, task->d_name);
        f = fopen(file, "r");
        if (f != NULL && fscanf(f, "%lf", &one) == 1)
            ns += one;
        if (f != NULL)
            fclose(f);
    }
    if (tasks != NULL)
        closedir(tasks);
    return ns / 1e6;
}

static void bench(const char *server, const char *dir, uint64_t events, size_t runs)
{
    char data[512], socket[512], address[530], log[512];
    double ms[RUNS_MAX], cpu[RUNS_MAX];

    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(socket, sizeof socket, "%s/s.sock", dir);
    snprintf(address, sizeof address, "unix:%s", socket);
    snprintf(log, sizeof log, "%s/log", dir);
    fill_store(data, events, false);
    grpc_init();
    for (size_t i = 0; i < runs; i++) {
        double begun_ms = now_ms();
        pid_t pid = fill_start((const char *const[]){ server, "--data-dir", data, "--listen", address,
                                                      "--allow-http-loopback-org", NULL },
                               log);

        await_serving(socket, address);
        ms[i] = now_ms() - begun_ms;
        cpu[i] = cpu_ms(pid);
        fill_end(pid);
    }
    qsort(ms, runs, sizeof ms[0], by_value);
    qsort(cpu, runs, sizeof cpu[0], by_value);
    printf("bench start ms=%.1f limit=%d ratio=%.2f cpu_ms=%.1f events=%" PRIu64 " runs=%zu min=%.1f max=%.1f\n",
           ms[runs / 2], LIMIT_MS, ms[runs / 2] / LIMIT_MS, cpu[runs / 2], events, runs, ms[0], ms[runs - 1]);
}

int main(int argc, char **argv)
{
    const char *server = NULL;
    uint64_t events = 1000000, runs = 11;
    char dir[] = "/tmp/okta-bench.XXXXXX", command[64];

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            server = argv[i + 1];
        else if (!(strcmp(argv[i], "--events") == 0 && view_u64(view_of(argv[i + 1]), 1, 10000000, &events)) &&
                 !(strcmp(argv[i], "--runs") == 0 && view_u64(view_of(argv[i + 1]), 1, RUNS_MAX, &runs)))
            fail(argv[i]);
    }
    if (server == NULL)
        fail("--server: give the path of okta-connectord");
    if (mkdtemp(dir) == NULL)
        fail("no folder in /tmp");
    bench(server, dir, events, runs);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
