/* users: everybody in the org, page by page. */
#include "client/cli/cli.h"
#include "client/term/interrupt.h"
#include "client/term/terminal.h"
#include "client/term/text.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE_TIMEOUT_MS 30000
#define PAGE_USERS      1000

static const struct table_column columns[] = {
    { "LOGIN", 24 }, { "NAME", 16 }, { "STATUS", 11 }, { "LAST LOGIN", 10 }, { "ID", 20 }
};

static enum style status_style(const char *status)
{
    if (strcmp(status, "ACTIVE") == 0)
        return STYLE_GOOD;
    if (strcmp(status, "LOCKED_OUT") == 0 || strcmp(status, "SUSPENDED") == 0)
        return STYLE_BAD;
    return strcmp(status, "DEPROVISIONED") == 0 ? STYLE_DIM : STYLE_PLAIN;
}

static void user_row(struct table *t, const Okta__Connector__V1__User *u)
{
    AUTO_BUF struct buf name = BUF(64u << 10);
    char last[TEXT_SHORT_SIZE] = "never";
    const Okta__Connector__V1__UserProfile *p = u->profile;

    if (p != NULL)
        buf_printf(&name, "%s%s%s", p->first_name, p->first_name[0] != '\0' ? " " : "", p->last_name);
    if (u->last_login != NULL)
        text_date(cli_unix_ms(u->last_login), last);
    table_row(t, (const struct table_cell[]){ { view_of(p != NULL ? p->login : ""), STYLE_PLAIN },
                                              { view_of(buf_cstr(&name)), STYLE_PLAIN },
                                              { view_of(u->status), status_style(u->status) },
                                              { view_of(last), STYLE_PLAIN },
                                              { view_of(u->id), STYLE_DIM } });
}

static void put_page(struct cli *cli, struct table *t, const Okta__Connector__V1__ListUsersResponse *page)
{
    for (size_t i = 0; i < page->n_users && output_ok(&cli->out); i++) {
        if (cli->format == FORMAT_TABLE)
            user_row(t, page->users[i]);
        else
            cli_list_item(cli, &page->users[i]->base);
    }
    if (cli->format == FORMAT_TABLE)
        table_flush(t);
}

/* Follows the pages to the end. *is_complete is that of the last. */
static bool put_all(struct cli *cli, struct table *t, uint64_t *count, bool *is_complete, struct error *err)
{
    Okta__Connector__V1__ListUsersRequest request = OKTA__CONNECTOR__V1__LIST_USERS_REQUEST__INIT;
    char *token = mem_strdup("");
    bool ok;

    request.connector = cli_name(cli);
    request.page_size = PAGE_USERS;
    do {
        const Okta__Connector__V1__ListUsersResponse *page;
        ProtobufCMessage *response;

        request.page_token = token;
        ok = cli_call(cli, &method_list_users, &request.base, PAGE_TIMEOUT_MS, &response, err);
        if (!ok)
            break;
        page = (const void *)response;
        put_page(cli, t, page);
        *count += page->n_users;
        *is_complete = page->complete;
        if (page->next_page_token[0] != '\0' && strcmp(page->next_page_token, token) == 0)
            ok = error_set(err, ERROR_INTERNAL, "the server's pages go round in a circle");
        free(token);
        token = mem_strdup(page->next_page_token);
        protobuf_c_message_free_unpacked(response, NULL);
    } while (ok && token[0] != '\0' && output_ok(&cli->out) && interrupt_signal() == 0);
    free(token);
    return ok;
}

static int run_users(struct cli *cli)
{
    static struct table t;
    struct error err;
    uint64_t count = 0;
    bool is_complete = true, ok;
    char text[TEXT_SHORT_SIZE];

    table_init(&t, &cli->out, columns, sizeof columns / sizeof columns[0], terminal_columns(STDOUT_FILENO),
               cli->has_color);
    if (cli_connect(cli, &err)) {
        cli_list_begin(cli);
        ok = put_all(cli, &t, &count, &is_complete, &err);
        if (ok)
            cli_list_end(cli);
    } else {
        ok = false;
    }
    table_deinit(&t);
    if (!ok)
        return cli_fail(cli, &err, "users");
    output_flush(&cli->out);
    text_count(count, text);
    if (cli->format == FORMAT_TABLE && output_ok(&cli->out))
        cli_note("%s users", text);
    if (!is_complete && cli_signal_exit() == 0)
        cli_note("note: the first sync of users has not finished: some may be missing here");
    return cli_done(cli);
}

static const struct option options[] = { { NULL, '\0', NULL, NULL } };

const struct command command_users = {
    .name = "users",
    .synopsis = "[NAME]",
    .summary = "list the org's users, in all states",
    .details = "NAME may be left out where there is only one connector. -o json prints one array, -o jsonl one object\n"
               "a line.",
    .operands_max = 1,
    .options = options,
    .run = run_users,
};
