#include "client/cli/args.h"

#include "client/term/text.h"

#include "base/assert.h"

#include <string.h>

#define NEAR_LETTERS 3 /* a name further away than this is not what was meant */

void args_learn(struct args *a, const struct option *table)
{
    size_t count = 0;

    ASSERT(a->table_count < ARGS_TABLES_MAX);
    while (table[count].name != NULL)
        count++;
    ASSERT(count <= ARGS_OPTIONS_MAX);
    a->tables[a->table_count++] = table;
}

/* Finds by name, or, when name is empty, by letter. */
static const struct option *find(const struct args *a, struct view name, char letter, size_t *table, size_t *index)
{
    for (size_t t = 0; t < a->table_count; t++)
        for (size_t i = 0; a->tables[t][i].name != NULL; i++) {
            const struct option *o = &a->tables[t][i];

            if (name.len > 0 ? view_is(name, o->name) : letter != '\0' && letter == o->letter) {
                *table = t;
                *index = i;
                return o;
            }
        }
    return NULL;
}

static bool unknown(const struct args *a, struct view name, struct error *err)
{
    const char *nearest = NULL;
    size_t distance = NEAR_LETTERS + 1;

    for (size_t t = 0; t < a->table_count; t++)
        for (const struct option *o = a->tables[t]; o->name != NULL; o++) {
            size_t d = text_distance(name, view_of(o->name));

            if (name.len > 2 && strlen(o->name) > name.len && memcmp(o->name, name.at, name.len) == 0)
                d = 1;
            if (d < distance && d < name.len) {
                distance = d;
                nearest = o->name;
            }
        }
    if (nearest != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "there is no option --" VIEW_FMT "; did you mean --%s?",
                         VIEW_ARG(name), nearest);
    return error_set(err, ERROR_INVALID_ARGUMENT, "there is no option --" VIEW_FMT, VIEW_ARG(name));
}

/* Notes an option with its value, if it takes one: `attached` when it came in the same word, else the next word. */
static bool note(struct args *a, size_t table, size_t index, const char *attached, int argc, char *const *argv, int *at,
                 struct error *err)
{
    const struct option *o = &a->tables[table][index];

    if (a->values[table][index] != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s is given twice", o->name);
    if (o->value == NULL) {
        if (attached != NULL)
            return error_set(err, ERROR_INVALID_ARGUMENT, "--%s takes no value", o->name);
        a->values[table][index] = "";
        return true;
    }
    if (attached == NULL) {
        if (*at >= argc)
            return error_set(err, ERROR_INVALID_ARGUMENT, "--%s wants a value: --%s %s", o->name, o->name, o->value);
        attached = argv[(*at)++];
    }
    a->values[table][index] = attached;
    return true;
}

static bool take_long(struct args *a, const char *word, int argc, char *const *argv, int *at, struct error *err)
{
    const char *equals = strchr(word, '=');
    struct view name = { word, equals != NULL ? (size_t)(equals - word) : strlen(word) };
    size_t table, index;

    if (name.len == 0 || find(a, name, '\0', &table, &index) == NULL)
        return unknown(a, name, err);
    return note(a, table, index, equals != NULL ? equals + 1 : NULL, argc, argv, at, err);
}

static bool take_letters(struct args *a, const char *letters, int argc, char *const *argv, int *at, struct error *err)
{
    for (; *letters != '\0'; letters++) {
        size_t table, index;
        const struct option *o = find(a, VIEW_NONE, *letters, &table, &index);
        bool has_rest = letters[1] != '\0';

        if (o == NULL)
            return error_set(err, ERROR_INVALID_ARGUMENT, "there is no option -%c", *letters);
        if (o->value != NULL)
            return note(a, table, index, has_rest ? letters + 1 : NULL, argc, argv, at, err);
        if (!note(a, table, index, NULL, argc, argv, at, err))
            return false;
    }
    return true;
}

static bool take_operand(struct args *a, const char *word, struct error *err)
{
    if (a->operand_count == ARGS_OPERANDS_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "'%s' is one word too many", word);
    a->operands[a->operand_count++] = word;
    return true;
}

bool args_parse(struct args *a, int argc, char *const *argv, int *at, bool stop_at_operand, struct error *err)
{
    bool is_over = false;

    while (*at < argc) {
        const char *word = argv[*at];
        bool is_option = !is_over && word[0] == '-' && word[1] != '\0';
        bool ok;

        if (!is_option && stop_at_operand)
            return true;
        (*at)++;
        if (is_option && strcmp(word, "--") == 0) {
            is_over = true;
            continue;
        }
        if (!is_option)
            ok = take_operand(a, word, err);
        else if (word[1] == '-')
            ok = take_long(a, word + 2, argc, argv, at, err);
        else
            ok = take_letters(a, word + 1, argc, argv, at, err);
        if (!ok)
            return false;
    }
    return true;
}

const char *args_value(const struct args *a, const char *name)
{
    size_t table, index;

    ASSERT(find(a, view_of(name), '\0', &table, &index) != NULL);
    return a->values[table][index];
}

bool args_has(const struct args *a, const char *name)
{
    return args_value(a, name) != NULL;
}

bool args_number(const struct args *a, const char *name, uint64_t min, uint64_t max, uint64_t *out, struct error *err)
{
    const char *value = args_value(a, name);

    if (value == NULL || view_u64(view_of(value), min, max, out))
        return true;
    return error_set(err, ERROR_INVALID_ARGUMENT, "--%s %s: it must be a whole number from %llu to %llu", name, value,
                     (unsigned long long)min, (unsigned long long)max);
}

bool args_word(struct view *rest, struct view *word)
{
    const char *bar;

    if (rest->at == NULL)
        return false;
    bar = memchr(rest->at, '|', rest->len);
    word->at = rest->at;
    word->len = bar != NULL ? (size_t)(bar - rest->at) : rest->len;
    *rest = bar != NULL ? (struct view){ bar + 1, rest->len - word->len - 1 } : VIEW_NONE;
    return true;
}

bool args_choice(const struct args *a, const char *name, size_t *index, struct error *err)
{
    const char *value = args_value(a, name);
    size_t table, at;
    struct view word, rest = view_of(find(a, view_of(name), '\0', &table, &at)->value);

    if (value == NULL)
        return true;
    for (size_t i = 0; args_word(&rest, &word); i++)
        if (view_is(word, value)) {
            *index = i;
            return true;
        }
    return error_set(err, ERROR_INVALID_ARGUMENT, "--%s %s: it must be one of %s", name, value,
                     a->tables[table][at].value);
}

bool args_duration(const struct args *a, const char *name, int64_t *ms, struct error *err)
{
    const char *value = args_value(a, name);

    if (value == NULL || (duration_parse(view_of(value), ms) && *ms > 0))
        return true;
    return error_set(err, ERROR_INVALID_ARGUMENT, "--%s %s: it must be a time such as 500ms, 20s, 15m, 2h or 7d", name,
                     value);
}
