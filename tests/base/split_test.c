#include "base/json.h"
#include "tests/rows.h"

#include <string.h>

/* What was visited, as "<element>" and, for an unfinished one, "<element~". */
static void note(void *ctx, struct view element, bool is_whole)
{
    buf_putc(ctx, '<');
    buf_put(ctx, element.at, element.len);
    buf_putc(ctx, is_whole ? '>' : '~');
}

static const struct row {
    const char *name, *text, *want;
    bool is_closed;
} rows[] = {
    { "empty", "[]", "", true },
    { "empty, with blanks", " [ \n\t ] \r\n", "", true },
    { "one", "[1]", "<1>", true },
    { "blanks are trimmed", "[ {\"a\" : 1} ,\n [2] ]", "<{\"a\" : 1}><[2]>", true },
    { "commas and brackets in strings", "[\"],[\",{\"}\":\"{\"}]", "<\"],[\"><{\"}\":\"{\"}>", true },
    { "an escaped quote", "[\"a\\\"],\",2]", "<\"a\\\"],\"><2>", true },
    { "an escaped backslash ends a string", "[\"a\\\\\",2]", "<\"a\\\\\"><2>", true },
    { "three backslashes and a quote", "[\"a\\\\\\\",\",2]", "<\"a\\\\\\\",\"><2>", true },
    { "nested", "[[[1,2],{\"a\":[3]}],4]", "<[[1,2],{\"a\":[3]}]><4>", true },
    { "a bracket of the wrong kind spoils its own element only", "[{\"a\":[1}},{\"b\":2}]", "<{\"a\":[1}}><{\"b\":2}>",
      true },
    { "a bracket too many", "[{\"a\":1}},{\"b\":2}]", "<{\"a\":1}}><{\"b\":2}>", true },
    { "nothing between commas", "[1,,2,]", "<1><2>", true },
    { "an element that ends early", "[1,{\"a\":\"b", "<1><{\"a\":\"b~", false },
    { "a string that ends with its escape", "[1,\"a\\", "<1><\"a\\~", false },
    { "an array that ends behind a comma", "[1,2, ", "<1><2>", false },
    { "an array that ends behind an element", "[1,2", "<1><2~", false },
    { "an array that ends at once", "[", "", false },
    { "an object", "{\"a\":[1]}", "", false },
    { "a page of HTML", "<html>[1]</html>", "", false },
    { "nothing", "", "", false },
    { "blanks", " \n", "", false },
    { "more behind the array", "[1] [2]", "<1><[2]>", true },
};

static void splits(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf seen = BUF(4096);

    assert_int_equal(json_split(view_of(row->text), note, &seen), row->is_closed);
    assert_string_equal(buf_cstr(&seen), row->want);
}

int main(void)
{
    return RUN_ROWS(splits, rows);
}
