/* The configuration file. What was right is printed as a file, and read again as the same. */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "config/config_table.h"

#include <stdio.h>
#include <string.h>

static bool parse(struct view bytes, struct config *out)
{
    AUTO_FREE struct config_problems *problems = mem_zero(sizeof *problems);
    bool ok;

    memset(out, 0, sizeof *out);
    config_take_defaults(out);
    ok = config_file_parse(bytes, "/etc/c.yaml", out, problems);
    ASSERT(ok == (problems->errors == 0));
    ASSERT(problems->count <= CONFIG_PROBLEMS_MAX && problems->count <= problems->errors + problems->warnings);
    for (size_t i = 0; i < problems->count; i++)
        ASSERT(fuzz_is_sentence(problems->all[i].text, ERROR_TEXT_MAX));
    return ok;
}

static void check(const struct config *c)
{
    ASSERT(c->listen_count <= NET_ADDRESSES_MAX && c->declared_count <= CONFIG_DECLARED_MAX);
    ASSERT(c->org_share_percent >= 1 && c->org_share_percent <= 100);
    ASSERT(c->drain_ms >= 0 && c->drain_ms <= 600000 && c->threads <= 64);
    for (size_t i = 0; i < c->listen_count; i++)
        ASSERT(c->listen[i].role == NET_READER || c->listen[i].role == NET_ADMIN);
}

static char *print(const struct config *c)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    config_print(c, to);
    fclose(to);
    return text;
}

static void again(const struct config *c)
{
    AUTO_FREE struct config *back = mem_zero(sizeof *back);
    AUTO_FREE char *text = print(c);
    AUTO_BUF struct buf names = BUF(4096);

    if (!parse(view_of(text), back)) {
        fprintf(stderr, "%s\n", text);
        ASSERT(!"what was printed is a file");
    }
    ASSERT(config_changes(c, back, true, &names) == 0 && config_changes(c, back, false, &names) == 0);
    ASSERT(c->declared_count == back->declared_count);
    for (size_t i = 0; i < c->declared_count; i++)
        ASSERT(config_declared_eq(&c->declared[i], &back->declared[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE struct config *c = mem_zero(sizeof *c);

    if (size > CONFIG_FILE_BYTES_MAX)
        return 0;
    if (parse(fuzz_view(data, size), c)) {
        check(c);
        again(c);
    }
    return 0;
}
