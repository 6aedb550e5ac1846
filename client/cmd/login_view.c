#include "client/cmd/login_view.h"

#include "client/term/terminal.h"

#include <string.h>
#include <unistd.h>

#define CELL_BYTES_MAX (16u << 10)

static const struct table_column columns[] = { { "TIME", 8 }, { "RESULT", 10 }, { "EVENT", 18 },
                                               { "WHO", 26 }, { "APP", 16 },    { "FROM", 15 } };

void login_view_init(struct login_view *v, struct cli *cli)
{
    v->cli = cli;
    v->date[0] = '\0';
    table_init(&v->table, &cli->out, columns, sizeof columns / sizeof columns[0], terminal_columns(STDOUT_FILENO),
               cli->has_color);
    cli_list_begin(cli);
}

void login_view_deinit(struct login_view *v)
{
    table_deinit(&v->table);
}

static struct table_cell result_cell(Okta__Connector__V1__LoginResult result)
{
    static const struct {
        const char *word;
        enum style style;
    } words[] = { { "?", STYLE_PLAIN },      { "success", STYLE_GOOD },    { "failure", STYLE_BAD },
                  { "denied", STYLE_BAD },   { "challenged", STYLE_WARN }, { "skipped", STYLE_DIM },
                  { "pending", STYLE_WARN }, { "unknown", STYLE_PLAIN } };
    size_t i = (size_t)result < sizeof words / sizeof words[0] ? (size_t)result : 0;

    return (struct table_cell){ view_of(words[i].word), words[i].style };
}

/* Most types begin alike: "user.session.start" is "session.start". */
static struct view event_word(const Okta__Connector__V1__LoginEvent *e)
{
    struct view type = view_of(e->event_type);

    if (e->kind == OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_UNPARSED)
        return VIEW("(unreadable)");
    if (view_starts(type, "user.")) {
        type.at += strlen("user.");
        type.len -= strlen("user.");
    }
    return type;
}

static struct view first_of(const char *a, const char *b, const char *c)
{
    return view_of(a[0] != '\0' ? a : b[0] != '\0' ? b : c);
}

static struct view who(const Okta__Connector__V1__Actor *a)
{
    if (a == NULL)
        return VIEW_NONE;
    return a->masked ? VIEW("(a name Okta does not know)") : first_of(a->alternate_id, a->display_name, a->id);
}

static void where(const Okta__Connector__V1__Client *c, struct buf *out)
{
    const Okta__Connector__V1__GeographicalContext *g;

    if (c == NULL)
        return;
    buf_puts(out, c->ip_address);
    g = c->geographical_context;
    if (g == NULL || (g->city[0] == '\0' && g->country[0] == '\0'))
        return;
    buf_printf(out, "%s%s%s%s", out->len > 0 ? " " : "", g->city,
               g->city[0] != '\0' && g->country[0] != '\0' ? ", " : "", g->country);
}

static void put_row(struct login_view *v, const Okta__Connector__V1__LoginEvent *e)
{
    AUTO_BUF struct buf from = BUF(CELL_BYTES_MAX);
    char clock[TEXT_SHORT_SIZE], date[TEXT_SHORT_SIZE];

    text_clock(cli_unix_ms(e->published), clock);
    text_date(cli_unix_ms(e->published), date);
    if (e->published != NULL && strcmp(date, v->date) != 0) {
        AUTO_BUF struct buf day = BUF(64);

        memcpy(v->date, date, sizeof date);
        buf_printf(&day, "-- %s UTC", date);
        table_line(&v->table, buf_cstr(&day));
    }
    where(e->client, &from);
    table_row(&v->table, (const struct table_cell[]){
                             { view_of(clock), STYLE_DIM },
                             result_cell(e->result),
                             { event_word(e), STYLE_PLAIN },
                             { who(e->actor), STYLE_BOLD },
                             { e->app != NULL ? first_of(e->app->label, e->app->display_name, e->app->id) : VIEW_NONE,
                               STYLE_PLAIN },
                             { buf_view(&from), STYLE_PLAIN } });
}

void login_view_put(struct login_view *v, const Okta__Connector__V1__LoginEvent *event)
{
    if (v->cli->format == FORMAT_TABLE)
        put_row(v, event);
    else
        cli_list_item(v->cli, &event->base);
}

void login_view_flush(struct login_view *v)
{
    if (v->cli->format == FORMAT_TABLE) {
        v->table.screen = terminal_columns(STDOUT_FILENO);
        table_flush(&v->table);
    }
    output_flush(&v->cli->out);
}

void login_view_end(struct login_view *v)
{
    login_view_flush(v);
    cli_list_end(v->cli);
}
