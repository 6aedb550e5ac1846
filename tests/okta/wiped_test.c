/* What stays of a token in this process' memory when the client that used it has gone: nothing. The server that it was
 * shown to is a process of its own. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/okta/loopback.h"
#include "tests/rows.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define TOKEN_LEN  42
#define MASK       0x5a

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"

static const struct loopback_page pages[] = {
    { "/api/v1/logs", OK, sizeof OK - 1, LOOPBACK_KEEP, 0 },
    { NULL, NULL, 0, LOOPBACK_CLOSE, 0 },
};

/* The token, never whole in this memory but where it is used. */
static unsigned char masked[TOKEN_LEN];

static void mask_token(void)
{
    for (int i = 0; i < TOKEN_LEN; i++)
        masked[i] = (unsigned char)((i < 2 ? '0' : 'A' + (i * 7) % 26) ^ MASK);
}

static size_t count_in(const unsigned char *at, size_t len)
{
    size_t found = 0;

    for (size_t i = 0; i + TOKEN_LEN <= len; i++) {
        size_t same = 0;

        while (same < TOKEN_LEN && (at[i + same] ^ MASK) == masked[same])
            same++;
        found += same == TOKEN_LEN;
    }
    return found;
}

/* In all that was ever allocated: the heap and what has no name. */
__attribute__((no_sanitize("address", "thread"))) static size_t count_in_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    size_t found = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from, to;
        char mode[5], name[256] = "";

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %255s", &from, &to, mode, name) < 3 ||
            strcmp(mode, "rw-p") != 0 || (name[0] != '\0' && strcmp(name, "[heap]") != 0))
            continue;
        found += count_in((const unsigned char *)from, to - from);
    }
    fclose(maps);
    return found;
}

static pid_t start_server(int *port)
{
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        *port = loopback_port(loopback_start(pages));
        if (write(pipes[1], port, sizeof *port) == (ssize_t)sizeof *port)
            (void)pause();
        _exit(0);
    }
    assert_int_equal(read(pipes[0], port, sizeof *port), sizeof *port);
    close(pipes[0]);
    close(pipes[1]);
    return pid;
}

static enum okta_verdict verdict;
static int tells;

static void on_told(struct okta_request *r, const struct okta_answer *answer)
{
    (void)r;
    verdict = answer->verdict;
    tells++;
}

/* In a function of its own, whose stack is gone afterwards. */
__attribute__((noinline)) static void use_token(int port)
{
    struct okta_options options = { .clock = &clock_system };
    struct okta_request r = { .path = VIEW("/api/v1/logs"), .priority = OKTA_PRIORITY_TAIL, .done = on_told };
    char url[64], *token = mem_alloc(TOKEN_LEN + 1);
    struct okta *okta;

    for (int i = 0; i < TOKEN_LEN; i++)
        token[i] = (char)(masked[i] ^ MASK);
    token[TOKEN_LEN] = '\0';
    assert_true(count_in_memory() > 0); /* it is found where it is */
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    assert_true(okta_url_parse(view_of(url), true, &options.url, NULL));
    okta = okta_create(&options);
    okta_set_credential(okta, (struct view){ token, TOKEN_LEN });
    explicit_bzero(token, TOKEN_LEN);
    free(token);
    okta_send(okta, &r);
    for (int i = 0; i < ROUNDS_MAX && tells == 0; i++)
        okta_run(okta, 60000);
    assert_int_equal(tells, 1);
    assert_int_equal(verdict, OKTA_DONE);
    okta_destroy(okta);
}

static void nothing_is_left_of_a_token(void **state)
{
    int port = 0, status;
    pid_t server = start_server(&port);

    (void)state;
    use_token(port);
    assert_int_equal(count_in_memory(), 0);
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, &status, 0), server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_left_of_a_token) };
    struct error err = { 0 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    printf("SKIPPED: the sanitizers keep freed memory, and forbid to look at it\n");
    return 0;
#endif
    mask_token();
    return okta_global_init(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
