#include "store_command.h"
#include "backup/backup.h"
#include "base/clock.h"
#include "base/str.h"
#include "store_meaning.h"
#include "version.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

#define MOVED_EVERY_MS 1000 /* a line of progress; on a terminal only */

struct flags {
    const char *data_dir, *to, *from, *seal_key_file;
    bool wants_help;
};

struct command {
    const char *name, *usage, *help;
    int (*run)(const struct flags *flags);
};

/* ---- what is told meanwhile ---- */

static void problem(void *ctx, const char *sentence)
{
    (void)ctx;
    printf("%s\n", sentence);
    fflush(stdout);
}

static void moved(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    int64_t *last_mono_ms = ctx, now = clock_mono_ms(&clock_system);
    unsigned percent = total > 0 ? (unsigned)(done < total ? done * 100 / total : 100) : 0;

    if (now - *last_mono_ms < MOVED_EVERY_MS || !isatty(STDERR_FILENO))
        return;
    *last_mono_ms = now;
    fprintf(stderr, "%s: %u %%\n", what, percent);
}

static int64_t moved_last_mono_ms;
static const struct verify_listener listener = { problem, moved, &moved_last_mono_ms };

static int failed(const char *command, const struct error *err)
{
    fprintf(stderr, "okta-connectord %s: %s\n", command, err->text);
    return err->code == ERROR_DATA_LOSS ? EXIT_DAMAGED : EXIT_FAILED;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "verify: 1 store, 249 events, 40 users": rows of a kind without any are left out, but for the first. */
static void tell(const char *done, unsigned stores, uint64_t events, const uint64_t rows[STORE_ROW_KINDS_MAX])
{
    printf("%s: %u store%s, %llu event%s", done, stores, plural(stores), (unsigned long long)events, plural(events));
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++)
        if (kind == 1 || rows[kind] > 0)
            printf(", %llu %s%s", (unsigned long long)rows[kind], store_meaning.row_name(NULL, kind),
                   plural(rows[kind]));
}

/* ---- the three ---- */

static struct backup_options options_of(const struct flags *f, const char *dir)
{
    return (struct backup_options){
        .data_dir = f->data_dir,
        .dir = dir,
        .program = "okta-connectord " VERSION_TEXT,
        .now_unix_ms = clock_unix_ms(&clock_system),
        .meaning = &store_meaning,
        .listener = &listener,
        .seal_key_file = f->seal_key_file,
    };
}

static int run_backup(const struct flags *f)
{
    const struct backup_options options = options_of(f, f->to);
    struct backup_result result;
    struct error err;

    if (!backup_make(&options, &result, &err))
        return failed("backup", &err);
    tell("backup", result.stores, result.events, result.rows);
    printf(", %llu bytes, in %s\n", (unsigned long long)result.bytes, f->to);
    return EXIT_OK;
}

static void tell_secrets(const struct backup_result *result)
{
    if (result->secrets_lost > 0)
        printf("%u stored credential%s not taken over, as no --seal-key-file was given: configure these connectors "
               "again (their status says RECONNECT_REQUIRED); they go on where they were\n",
               result->secrets_lost, result->secrets_lost == 1 ? " was" : "s were");
    if (result->secrets_kept > 0)
        printf("%u stored credential%s taken over: start the server with the same --seal-key-file, or with that file "
               "as DATA_DIR/seal.key\n",
               result->secrets_kept, result->secrets_kept == 1 ? " was" : "s were");
}

static int run_restore(const struct flags *f)
{
    const struct backup_options options = options_of(f, f->from);
    struct backup_result result;
    struct error err;

    if (!backup_restore(&options, &result, &err))
        return failed("restore", &err);
    tell("restore", result.stores, result.events, result.rows);
    printf(", in %s; tokens from before are answered with STORE_REWOUND\n", f->data_dir);
    tell_secrets(&result);
    return EXIT_OK;
}

static int run_verify(const struct flags *f)
{
    struct verify_result result;
    struct error err;
    bool ok = f->from != NULL ? verify_backup(f->from, &store_meaning, &listener, &result, &err)
                              : verify_data_dir(f->data_dir, &store_meaning, &listener, &result, &err);

    if (!ok)
        return failed("verify", &err);
    tell("verify", result.stores, result.events, result.rows);
    if (result.problems == 0)
        printf(": all is well\n");
    else
        printf(": %llu problem%s\n", (unsigned long long)result.problems, plural(result.problems));
    return result.problems == 0 ? EXIT_OK : EXIT_DAMAGED;
}

static const struct command commands[] = {
    { "backup", "--data-dir DIR --to DIR",
      "Copies a data folder to a new folder, while its server runs or not: the registry, and for each connector its\n"
      "users, logins and positions. It is read once more and checked before it gets its name. The seal key is not in "
      "it:\n"
      "keep seal.key, or the file of --seal-key-file, elsewhere.\n",
      run_backup },
    { "restore", "--from DIR --data-dir DIR [--seal-key-file FILE]",
      "Checks a backup and copies it to a new or empty data folder, as the user that the server runs as. Collecting "
      "goes\n"
      "on from where the backup was; resume tokens from before are answered with STORE_REWOUND. Stored credentials "
      "are\n"
      "taken over with the key that sealed them (--seal-key-file), and are else to be given again.\n",
      run_restore },
    { "verify", "--data-dir DIR | --from DIR",
      "Checks a data folder, while its server runs or not, or a backup: every table, every event and user, and how "
      "they\n"
      "belong together; of a backup the sums too. Says what is wrong and where.\n",
      run_verify },
};
#define COMMANDS (sizeof commands / sizeof commands[0])

/* ---- flags ---- */

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

bool store_command_is(const char *name)
{
    return find(name) != NULL;
}

static int usage(const struct command *c, const char *what, const char *why)
{
    fprintf(stderr, "okta-connectord %s: %s%s\nusage: okta-connectord %s %s\n", c->name, what, why, c->name, c->usage);
    return EXIT_USAGE;
}

/* --name VALUE, or --name=VALUE. */
static bool take_flag(int argc, const char *const *argv, int *at, struct flags *f)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = { { "--data-dir", &f->data_dir },
                  { "--to", &f->to },
                  { "--from", &f->from },
                  { "--seal-key-file", &f->seal_key_file } };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t len = strlen(known[i].name);

        if (strncmp(argv[*at], known[i].name, len) != 0)
            continue;
        if (argv[*at][len] == '=')
            *known[i].value = argv[*at] + len + 1;
        else if (argv[*at][len] == '\0' && *at + 1 < argc)
            *known[i].value = argv[++*at];
        else
            continue;
        return **known[i].value != '\0';
    }
    return false;
}

static bool is_complete(const struct command *c, const struct flags *f)
{
    if (c->run == run_backup)
        return f->data_dir != NULL && f->to != NULL && f->from == NULL && f->seal_key_file == NULL;
    if (c->run == run_restore)
        return f->data_dir != NULL && f->from != NULL && f->to == NULL;
    return (f->data_dir != NULL) != (f->from != NULL) && f->to == NULL && f->seal_key_file == NULL;
}

int store_command(int argc, const char *const *argv, const char *(*env)(const char *name))
{
    const struct command *c = find(argv[1]);
    struct flags flags = { .data_dir = NULL };

    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            flags.wants_help = true;
        else if (!take_flag(argc, argv, &i, &flags))
            return usage(c, argv[i], " is not one of its flags, or has no value");
    }
    if (flags.wants_help) {
        printf(
            "usage: okta-connectord %s %s\n\n%s\nExit codes: 0 done, and all is well; 1 it could not be done; 2 wrong "
            "usage; 3 something is damaged.\n",
            c->name, c->usage, c->help);
        return EXIT_OK;
    }
    if (flags.data_dir == NULL && (c->run != run_verify || flags.from == NULL))
        flags.data_dir = env("OKTA_CONNECTOR_DATA_DIR");
    if (flags.seal_key_file == NULL && c->run == run_restore)
        flags.seal_key_file = env("OKTA_CONNECTOR_SEAL_KEY_FILE");
    if (!is_complete(c, &flags))
        return usage(c, "", "it needs these flags, and takes no others");
    return c->run(&flags);
}
