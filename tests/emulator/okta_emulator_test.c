/* The program: what it says when it listens, and how it ends. */
/* clang-format off: cmocka wants these before it */
#include "tests/rows.h"
/* clang-format on */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "tests/emulator/okta-emulator"

/* Starts it; what it prints is read from *out. */
static pid_t start(char *const argv[], FILE **out)
{
    posix_spawn_file_actions_t actions;
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&pid, PROGRAM, &actions, NULL, argv, NULL), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    *out = fdopen(pipes[0], "r");
    assert_non_null(*out);
    return pid;
}

static int status_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct row {
    const char *name;
    char *argv[9];
    int signal;       /* 0: it ends by itself */
    const char *want; /* with which its first line begins */
    const char *want_end;
    int want_status;
} rows[] = {
    { "it listens until SIGTERM",
      { (char *)PROGRAM, (char *)"--users", (char *)"7", (char *)"--history-events=11", (char *)"--quiet" },
      SIGTERM,
      "{\"event\":\"listen\",\"url\":\"http://127.0.0.1:",
      "\",\"users\":7,\"events\":11}\n",
      0 },
    { "or SIGINT",
      { (char *)PROGRAM, (char *)"--listen=localhost:0", (char *)"--login-every", (char *)"0", (char *)"--quiet" },
      SIGINT,
      "{\"event\":\"listen\",\"url\":\"http://127.0.0.1:",
      "\",\"users\":2000,\"events\":20000}\n",
      0 },
    { "help", { (char *)PROGRAM, (char *)"--help" }, 0, "okta-emulator: ", "SIGTERM.\n", 0 },
    { "an unknown flag", { (char *)PROGRAM, (char *)"--bogus" }, 0, "", "", 2 },
    { "a flag without its value", { (char *)PROGRAM, (char *)"--seed" }, 0, "", "", 2 },
    { "a number that is none", { (char *)PROGRAM, (char *)"--users=many" }, 0, "", "", 2 },
    { "a switch with a value", { (char *)PROGRAM, (char *)"--quiet=no" }, 0, "", "", 2 },
    { "an address beyond loopback", { (char *)PROGRAM, (char *)"--listen", (char *)"0.0.0.0:0" }, 0, "", "", 2 },
    { "a role that is none", { (char *)PROGRAM, (char *)"--role=king" }, 0, "", "", 2 },
    { "a key that is nowhere", { (char *)PROGRAM, (char *)"--client-key=k=/nowhere/at/all" }, 0, "", "", 1 },
    { "a key that is none", { (char *)PROGRAM, (char *)"--client-key=/dev/null" }, 0, "", "", 1 },
    { "a fault script that is nowhere", { (char *)PROGRAM, (char *)"--faults=/nowhere/at/all" }, 0, "", "", 1 },
    { "an empty fault script, and an app",
      { (char *)PROGRAM, (char *)"--faults=/dev/null", (char *)"--client-id=0oaX", (char *)"--dpop=required",
        (char *)"--role=none", (char *)"--users=3", (char *)"--quiet" },
      SIGTERM,
      "{\"event\":\"listen\",\"url\":\"http://127.0.0.1:",
      "\",\"users\":3,\"events\":20000}\n",
      0 },
    { "a port file that cannot be", { (char *)PROGRAM, (char *)"--port-file=/nowhere/at/all" }, 0, "", "", 1 },
};

static void runs(void **state)
{
    const struct row *row = *state;
    char line[512] = "";
    FILE *out;
    pid_t pid = start(row->argv, &out);
    size_t len;

    len = fgets(line, sizeof line, out) != NULL ? strlen(line) : 0;
    if (row->signal != 0)
        assert_int_equal(kill(pid, row->signal), 0);
    assert_int_equal(status_of(pid), row->want_status);
    assert_int_equal(strncmp(line, row->want, strlen(row->want)), 0);
    assert_true(len >= strlen(row->want_end));
    assert_string_equal(line + len - strlen(row->want_end), row->want_end);
    fclose(out);
}

static void the_port_file_holds_the_port(void **state)
{
    const char *folder = getenv("TEST_TMPDIR");
    char path[1024], flag[1100], line[512], want[64];
    char *argv[] = { (char *)PROGRAM, flag, (char *)"--quiet", NULL };
    FILE *out, *file;
    unsigned port = 0;
    pid_t pid;

    (void)state;
    snprintf(path, sizeof path, "%s/port", folder != NULL ? folder : "/tmp");
    snprintf(flag, sizeof flag, "--port-file=%s", path);
    pid = start(argv, &out);
    assert_non_null(fgets(line, sizeof line, out));
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%u", &port), 1);
    fclose(file);
    snprintf(want, sizeof want, "http://127.0.0.1:%u\"", port);
    assert_non_null(strstr(line, want));
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(status_of(pid), 0);
    fclose(out);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_port_file_holds_the_port) };

    return RUN_ROWS(runs, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
