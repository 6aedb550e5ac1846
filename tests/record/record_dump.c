/* record_dump FOLDER: writes what became of every hostile element, between good ones, as other languages get to see it:
 * FOLDER/logins is a StreamLoginsResponse, FOLDER/users a ListUsersResponse, FOLDER/names one line an element. */
#include "tests/record/pages.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define PAGE_BYTES_MAX (8u << 20)

static const char users[] =
    "[{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"created\":\"2025-11-02T08:14:05.000Z\",\"profile\":{\"login\":\"a@b.c\","
    "\"firstName\":\"\\u00c5sa\\u0000\",\"card\":42,\"tags\":[\"x\",true,null,{\"deep\":[1.5]}]}},"
    "{\"id\":\"00u2\",\"profile\":null},{x},{\"id\":\"00u3\",\"profile\":{\"k\\u0000\":\"v\\u0000\"}}]";

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void dump_row(const struct pages_hostile *row, struct record_maker *m, FILE *logins, FILE *names)
{
    static const char *const outcomes[] = { "login", "unparsed", "other" };
    AUTO_BUF struct buf element = BUF(PAGE_BYTES_MAX);
    AUTO_BUF struct buf body = BUF(PAGE_BYTES_MAX);
    struct record_page page;
    struct pages_read r;

    pages_element(row, &element);
    pages_between(&body, buf_view(&element));
    page = (struct record_page){ buf_view(&body), PAGES_PUBLISHED_MS + 90001, JOURNAL_TAIL };
    pages_read(&r, m, &page);
    for (size_t i = 0; i < r.count; i++) {
        struct view encoded = r.seen[i].record.encoded;

        fprintf(names, "%s\t%s\n", outcomes[r.seen[i].outcome], row->name);
        fwrite(encoded.at, 1, encoded.len, logins);
    }
    pages_deinit(&r);
}

static bool dump_user(void *ctx, const struct directory_row *row)
{
    return fwrite(row->encoded.at, 1, row->encoded.len, ctx) == row->encoded.len;
}

static void dump(const char *folder)
{
    struct record_maker *m = pages_maker();
    FILE *logins = open_in(folder, "logins"), *names = open_in(folder, "names"), *rows = open_in(folder, "users");
    struct record_objects_result result;
    struct error err;

    for (size_t i = 0; i < pages_hostile_count; i++)
        dump_row(&pages_hostile[i], m, logins, names);
    if (!record_objects(m, collection_by_name(VIEW("users")), view_of(users), dump_user, rows, &result, &err))
        exit(1);
    if (fclose(logins) != 0 || fclose(names) != 0 || fclose(rows) != 0)
        exit(1);
    record_maker_destroy(m);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    dump(argv[1]);
    return 0;
}
