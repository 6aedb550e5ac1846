/* client/term/table.h: aligned columns that stay aligned while rows keep coming.
 *
 * Rows gather until table_flush, which widens the columns to what it sees and never narrows them again. On a terminal
 * every line fits the screen: what is wider than its minimum gives way first and say so with "…". Elsewhere nothing is
 * cut. All cell text is made safe here. */
#ifndef CLIENT_TERM_TABLE_H
#define CLIENT_TERM_TABLE_H

#include "client/term/output.h"

#define TABLE_COLUMNS_MAX 8
#define TABLE_ROWS_MAX    256 /* gathered at a time; a longer list is flushed on the way */

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD, STYLE_WARN };

/* The escape sequence that begins a style; "" for plain. STYLE_END ends any. */
const char *style_begin(enum style style);
#define STYLE_END "\033[0m"

struct table_column {
    const char *title;
    size_t min; /* display columns to begin with */
};

struct table_cell {
    struct view text;
    enum style style;
};

struct table {
    struct output *out;
    const struct table_column *columns; /* borrowed */
    size_t count;
    size_t screen; /* display columns of the terminal; 0: no terminal, no cutting */
    bool has_color;
    bool has_header; /* it has been printed */
    size_t least[TABLE_COLUMNS_MAX], widths[TABLE_COLUMNS_MAX];
    struct buf text; /* safe text of all cells gathered */
    struct table_slot {
        size_t at, len, columns;
        enum style style;
    } slots[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX];
    bool is_line[TABLE_ROWS_MAX]; /* one text across, in the first slot */
    size_t rows;
};

void table_init(struct table *t, struct output *out, const struct table_column *columns, size_t count, size_t screen,
                bool has_color);
void table_deinit(struct table *t);

/* One cell a column; what they point at may go afterwards. */
void table_row(struct table *t, const struct table_cell *cells);

/* A line across, between rows. */
void table_line(struct table *t, const char *text);

void table_flush(struct table *t);

#endif
