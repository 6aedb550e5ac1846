#include "client/term/table.h"

#include "client/term/text.h"

#include "base/assert.h"

#define GAP            2           /* blanks between columns */
#define NARROWEST      6           /* a column that has to give way keeps this much */
#define GATHERED_MAX   (16u << 20) /* bytes of text gathered; far above 256 rows of what is sent */
#define CELL_BYTES     (64u << 10) /* of one cell; longer is cut, since nobody reads on */
#define LINE_MAX_BYTES (2u << 20)

const char *style_begin(enum style style)
{
    static const char *const sequences[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[33m" };

    return sequences[style];
}

void table_init(struct table *t, struct output *out, const struct table_column *columns, size_t count, size_t screen,
                bool has_color)
{
    ASSERT(count > 0 && count <= TABLE_COLUMNS_MAX);
    t->out = out;
    t->columns = columns;
    t->count = count;
    t->screen = screen;
    t->has_color = has_color;
    t->has_header = false;
    t->rows = 0;
    buf_init(&t->text, GATHERED_MAX);
    for (size_t c = 0; c < count; c++) {
        size_t title = view_of(columns[c].title).len;

        t->least[c] = t->widths[c] = columns[c].min > title ? columns[c].min : title;
    }
}

void table_deinit(struct table *t)
{
    buf_deinit(&t->text);
}

static void set_slot(struct table *t, size_t column, const struct table_cell *cell)
{
    struct table_slot *slot = &t->slots[t->rows][column];
    struct view text = cell->text;

    if (text.len > CELL_BYTES)
        text.len = CELL_BYTES;
    slot->at = t->text.len;
    slot->style = cell->style;
    text_safe(text, &t->text, &slot->columns);
    slot->len = t->text.len - slot->at;
}

static void make_room(struct table *t)
{
    if (t->rows == TABLE_ROWS_MAX || t->text.len > GATHERED_MAX / 2)
        table_flush(t);
}

void table_row(struct table *t, const struct table_cell *cells)
{
    make_room(t);
    for (size_t c = 0; c < t->count; c++)
        set_slot(t, c, &cells[c]);
    t->is_line[t->rows++] = false;
}

void table_line(struct table *t, const char *text)
{
    const struct table_cell cell = { view_of(text), STYLE_DIM };

    make_room(t);
    set_slot(t, 0, &cell);
    t->is_line[t->rows++] = true;
}

/* Widens to the rows gathered. Off a terminal one monstrous name must not push all other rows aside: it just sticks
 * out of its own. */
static void widen(struct table *t)
{
    const size_t most = 48;

    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->count && !t->is_line[r]; c++) {
            size_t wanted = t->slots[r][c].columns;

            if (wanted > most)
                wanted = most;
            if (wanted > t->widths[c])
                t->widths[c] = wanted;
        }
}

/* The column to take a column from: the one furthest above its minimum; when none is above, the widest. */
static size_t giver(const struct table *t, const size_t *widths)
{
    size_t best = 0, most = 0;

    for (size_t c = 0; c < t->count; c++)
        if (widths[c] > t->least[c] && widths[c] - t->least[c] > most) {
            most = widths[c] - t->least[c];
            best = c;
        }
    for (size_t c = 0; most == 0 && c < t->count; c++)
        if (widths[c] > widths[best])
            best = c;
    return best;
}

/* The widths for the screen as it is now. */
static void fit(const struct table *t, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t total = GAP * (t->count - 1);

    for (size_t c = 0; c < t->count; c++)
        total += widths[c] = t->widths[c];
    while (t->screen > 0 && total > t->screen) {
        size_t c = giver(t, widths);

        if (widths[c] <= NARROWEST)
            return;
        widths[c]--;
        total--;
    }
}

static void put_blanks(struct output *out, size_t count)
{
    output_printf(out, "%*s", (int)count, "");
}

static void put_cell(const struct table *t, struct view safe, size_t columns, enum style style, size_t width,
                     bool is_last)
{
    AUTO_BUF struct buf clipped = BUF(LINE_MAX_BYTES);
    bool is_styled = t->has_color && style != STYLE_PLAIN && safe.len > 0;

    if (is_styled)
        output_puts(t->out, style_begin(style));
    if (t->screen > 0 && columns > width) {
        columns = text_clip(safe, width, &clipped);
        safe = buf_view(&clipped);
    }
    output_put(t->out, safe);
    if (is_styled)
        output_puts(t->out, STYLE_END);
    if (!is_last)
        put_blanks(t->out, (columns < width ? width - columns : 0) + GAP);
}

static void put_header(struct table *t, const size_t *widths)
{
    if (t->has_header)
        return;
    t->has_header = true;
    for (size_t c = 0; c < t->count; c++) {
        struct view title = view_of(t->columns[c].title);

        put_cell(t, title, title.len, STYLE_BOLD, widths[c], c + 1 == t->count);
    }
    output_puts(t->out, "\n");
}

/* The last cell of a row that has text: nothing needs to stand behind it. */
static size_t last_filled(const struct table *t, size_t row)
{
    size_t last = t->is_line[row] ? 0 : t->count - 1;

    while (last > 0 && t->slots[row][last].len == 0)
        last--;
    return last;
}

static void put_row(struct table *t, size_t row, const size_t *widths)
{
    size_t last = last_filled(t, row);

    for (size_t c = 0; c <= last; c++) {
        const struct table_slot *slot = &t->slots[row][c];
        struct view safe = slot->len > 0 ? (struct view){ t->text.at + slot->at, slot->len } : VIEW_NONE;

        put_cell(t, safe, slot->columns, slot->style, t->is_line[row] ? t->screen : widths[c], c == last);
    }
    output_puts(t->out, "\n");
}

void table_flush(struct table *t)
{
    size_t widths[TABLE_COLUMNS_MAX];

    widen(t);
    fit(t, widths);
    if (t->rows > 0)
        put_header(t, widths);
    for (size_t r = 0; r < t->rows; r++)
        put_row(t, r, widths);
    t->rows = 0;
    buf_reset(&t->text);
}
