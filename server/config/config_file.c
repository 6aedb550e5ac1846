/* server/config/config_file.c: the configuration file: a strict subset of YAML.
 *
 *     drain-ms: 5000              one mapping of names, as the flags have them, to values;
 *     listen:                     lists are YAML lists;
 *       - unix:/run/admin.sock
 *     connectors:                 and connectors a list of mappings
 *       - org: acme
 *         token-file: token
 *
 * Nothing of YAML that can surprise is read: no anchors and aliases, tags, directives, further documents, and no key
 * twice. A value is the text that stands there; the row's parser says what it means, as for a flag. After a mistake in
 * a value the rest is read on; what is no YAML at all ends it. */
#include "config/config_table.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <yaml.h>

#define DEPTH_MAX  8    /* of what is skipped: a file that we could read has 4 */
#define NAME_SHOWN 80   /* bytes of a name that we do not know */
#define ERRORS_MAX 1000 /* then it is read no further: it is not what it was taken for */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* that is looked at; no event before the first */
    bool is_over;       /* there is no going on: it was told why */
    const char *path;
    struct config *out;
    struct config_problems *problems;
    unsigned seen[CONFIG_OPTIONS_MAX]; /* the line of a key of the top, by row of the table; 0: not yet */
};

/* ---- events ---- */

#define SAY(r, event, ...) say((r), (event)->start_mark, __VA_ARGS__)

static void say(struct reader *r, yaml_mark_t at, const char *format, ...) PRINTF(3, 4);
static void say(struct reader *r, yaml_mark_t at, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_problem(r->problems, "%s:%zu:%zu: %s", r->path, at.line + 1, at.column + 1, text);
    r->is_over = r->is_over || r->problems->errors > ERRORS_MAX;
}

/* libyaml's words, and ours for what people most often meet. */
static void say_unreadable(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *what = p->problem != NULL ? p->problem : "the reader failed";
    yaml_mark_t at = p->problem_mark;
    const char *advice = "";

    if (strstr(what, "cannot start any token") != NULL)
        advice = ": indent with blanks, not tabs, and put quotes around a value that begins with a special character";
    else if (strstr(what, "mapping values are not allowed") != NULL)
        advice = ": check the indentation, and put quotes around a value with \": \" in it";
    else if (strstr(what, "did not find expected") != NULL)
        advice = ": check the indentation, and that each list and quote is closed";
    if (p->error == YAML_READER_ERROR)
        config_problem(r->problems, "%s: it is not UTF-8 text (%s, at byte %zu)", r->path, what, p->problem_offset);
    else
        say(r, at, "it is no YAML: %s%s", what, advice);
}

/* The next event; false when there is none, as told. */
static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    memset(&r->event, 0, sizeof r->event);
    if (r->is_over)
        return false;
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    say_unreadable(r);
    r->is_over = true;
    return false;
}

static struct view text_of(const yaml_event_t *e)
{
    return (struct view){ (const char *)e->data.scalar.value, e->data.scalar.length };
}

/* Goes over what begins with this event, to its last event. */
static void skip_node(struct reader *r)
{
    unsigned depth = 0;

    for (;;) {
        switch (r->event.type) {
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            if (++depth > DEPTH_MAX) {
                SAY(r, &r->event, "lists and mappings lie in each other too deeply");
                r->is_over = true;
            }
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            depth--;
            break;
        default:
            break;
        }
        if (depth == 0 || !next(r))
            return;
    }
}

static bool has_text(const yaml_char_t *text)
{
    return text != NULL && text[0] != '\0';
}

/* Whether the node uses what is not read; that is told. */
static bool is_plain(struct reader *r)
{
    const yaml_event_t *e = &r->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (e->type == YAML_ALIAS_EVENT) {
        SAY(r, e, "aliases (*name) are not read: write the value itself");
        return false;
    }
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor != NULL)
        SAY(r, e, "anchors (&name) are not read: write the value alone");
    else if (has_text(tag))
        SAY(r, e, "tags (!type) are not read: write the value alone");
    return anchor == NULL && !has_text(tag);
}

static const char *kind_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SEQUENCE_START_EVENT:
        return "a list";
    case YAML_MAPPING_START_EVENT:
        return "a mapping";
    default:
        return "a single value";
    }
}

/* ---- values ---- */

/* Whether this is a single value, and there is one; else it is told, and skipped. */
static bool is_value(struct reader *r, const struct config_option *o)
{
    const yaml_event_t *e = &r->event;
    struct view text;

    if (!is_plain(r)) {
        skip_node(r);
        return false;
    }
    if (e->type != YAML_SCALAR_EVENT) {
        SAY(r, e, "%s takes a single value, not %s", o->name, kind_of(e));
        skip_node(r);
        return false;
    }
    text = text_of(e);
    if (e->data.scalar.plain_implicit && (text.len == 0 || view_is(text, "~") || view_is(text, "null"))) {
        SAY(r, e, "%s has no value: write one, or remove the line", o->name);
        return false;
    }
    if (e->end_mark.line != e->start_mark.line) {
        SAY(r, e, "%s goes on over several lines: write its value in one, and begin each setting at the same column",
            o->name);
        return false;
    }
    if (memchr(text.at, '\0', text.len) != NULL) {
        SAY(r, e, "%s holds a NUL character", o->name);
        return false;
    }
    return true;
}

/* A relative path counts from the file's folder. */
static bool rebase(const struct reader *r, const struct config_option *o, void *into)
{
    char *path = (char *)into + o->at;
    const char *slash = strrchr(r->path, '/');
    AUTO_BUF struct buf whole = BUF(CONFIG_PATH_MAX);

    if (!o->type->is_path || path[0] == '/' || slash == NULL)
        return true;
    buf_put(&whole, r->path, (size_t)(slash - r->path) + 1);
    buf_puts(&whole, path);
    if (!buf_ok(&whole) || whole.len >= o->room)
        return false;
    snprintf(path, o->room, "%s", buf_cstr(&whole));
    return true;
}

/* The single value that is looked at. */
static void take_value(struct reader *r, const struct config_option *o, void *into)
{
    struct view text;
    struct error err;

    if (!is_value(r, o))
        return;
    text = text_of(&r->event);
    if (o->type->is_secret && memchr(text.at, '@', text.len) != NULL)
        SAY(r, &r->event,
            "%s with a user name and password does not belong into a file that others may read: put it into the "
            "environment, as " CONFIG_ENV_PREFIX "PROXY",
            o->name);
    else if (!o->type->parse(o, text, into, &err))
        SAY(r, &r->event, "%s: %s", o->name, err.text);
    else if (!rebase(r, o, into))
        SAY(r, &r->event, "%s: with the file's folder before it, the path is longer than %zu bytes", o->name,
            o->room - 1);
}

/* Whether a list begins here; else that is told, and skipped. */
static bool is_list(struct reader *r, const struct config_option *o, const char *example)
{
    bool ok = is_plain(r) && r->event.type == YAML_SEQUENCE_START_EVENT;

    if (!ok && r->event.type != YAML_ALIAS_EVENT && r->event.type != YAML_SEQUENCE_START_EVENT)
        SAY(r, &r->event, "%s is a list, not %s: write %s, each on a line of its own", o->name, kind_of(&r->event),
            example);
    if (!ok)
        skip_node(r);
    return ok;
}

static void take_list(struct reader *r, const struct config_option *o)
{
    size_t count = 0;
    yaml_mark_t at = r->event.start_mark;

    if (!is_list(r, o, "\"- VALUE\""))
        return;
    o->type->clear(r->out);
    for (; next(r) && r->event.type != YAML_SEQUENCE_END_EVENT; count++)
        take_value(r, o, r->out);
    if (count == 0 && !r->is_over)
        say(r, at, "%s is empty: write a value, or remove it", o->name);
}

/* ---- keys ---- */

/* A word for a secret, and what is to be written in its place. */
static const char *instead_of_secret(struct view name)
{
    static const struct {
        const char *name, *instead;
    } words[] = {
        { "token", "token-file" },
        { "api-token", "token-file" },
        { "api_token", "token-file" },
        { "apitoken", "token-file" },
        { "ssws", "token-file" },
        { "password", "token-file" },
        { "secret", "token-file" },
        { "client-secret", "private-key-file" },
        { "client_secret", "private-key-file" },
        { "private-key", "private-key-file" },
        { "private_key", "private-key-file" },
        { "key", "private-key-file" },
        { "jwk", "private-key-file" },
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (view_eq_nocase(name, view_of(words[i].name)))
            return words[i].instead;
    return NULL;
}

static void say_unknown(struct reader *r, struct view name, enum config_place place)
{
    const char *instead = instead_of_secret(name), *nearest = config_nearest(name, place);
    int len = (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN);
    bool is_top = place == CONFIG_AS_KEY;

    if (instead != NULL)
        SAY(r, &r->event,
            "\"%.*s\": secrets do not stand here: put it alone into a file that only the server can read, and give the "
            "file's path, with %s%s",
            len, name.at, instead, is_top ? " in an entry of connectors" : "");
    else if (is_top && config_find(name, CONFIG_AS_MEMBER) != NULL)
        SAY(r, &r->event, "\"%.*s\" belongs into an entry of connectors", len, name.at);
    else if (!is_top && config_find(name, CONFIG_AS_KEY) != NULL)
        SAY(r, &r->event, "\"%.*s\" is of the whole server, not of a connector: it belongs to the left margin", len,
            name.at);
    else if (config_find(name, CONFIG_AS_FLAG) != NULL)
        SAY(r, &r->event, "\"%.*s\" is a flag, and does not belong into a file", len, name.at);
    else if (nearest != NULL)
        SAY(r, &r->event, "there is no setting \"%.*s\"; did you mean %s?", len, name.at, nearest);
    else
        SAY(r, &r->event, "there is no setting \"%.*s\"%s (see --help)", len, name.at, is_top ? "" : " of a connector");
}

/* The row of the key that is looked at, when it is one, and for the first time; else that is told. Afterwards the value
 * is next. */
static const struct config_option *take_key(struct reader *r, enum config_place place, unsigned *seen)
{
    const yaml_event_t *e = &r->event;
    const struct config_option *o;
    size_t row;

    if (!is_plain(r)) {
        skip_node(r);
        return NULL;
    }
    if (e->type != YAML_SCALAR_EVENT) {
        SAY(r, e, "the name of a setting is wanted here, not %s", kind_of(e));
        skip_node(r);
        return NULL;
    }
    o = config_find(text_of(e), place);
    if (o == NULL) {
        say_unknown(r, text_of(e), place);
        return NULL;
    }
    row = (size_t)(o - config_options);
    if (seen[row] != 0) {
        SAY(r, e, "%s is there already, in line %u: keep one of them", o->name, seen[row]);
        return NULL;
    }
    seen[row] = (unsigned)e->start_mark.line + 1;
    return o;
}

/* ---- connectors ---- */

/* The list is given to the parser, which takes them one by one, as with commas. */
static void take_collect(struct reader *r, const struct config_option *o, struct config_declared *d)
{
    if (r->event.type != YAML_SEQUENCE_START_EVENT) {
        take_value(r, o, d);
        return;
    }
    if (!is_plain(r)) {
        skip_node(r);
        return;
    }
    while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT)
        take_value(r, o, d);
}

/* One entry. */
static void take_connector(struct reader *r)
{
    unsigned seen[CONFIG_OPTIONS_MAX] = { 0 };
    struct config_declared *d;

    if (!is_plain(r) || r->event.type != YAML_MAPPING_START_EVENT) {
        if (r->event.type == YAML_SCALAR_EVENT || r->event.type == YAML_SEQUENCE_START_EVENT)
            SAY(r, &r->event,
                "an entry of connectors is a mapping, such as \"- org: acme\" with \"token-file: PATH\" "
                "under org");
        skip_node(r);
        return;
    }
    d = config_add_declared(r->out);
    if (d == NULL) {
        SAY(r, &r->event, "at most %d connectors can be declared", CONFIG_DECLARED_MAX);
        skip_node(r);
        return;
    }
    d->origin = (struct config_origin){ CONFIG_FROM_FILE, (unsigned)r->event.start_mark.line + 1,
                                        (unsigned)r->event.start_mark.column + 1 };
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        const struct config_option *o = take_key(r, CONFIG_AS_MEMBER, seen);

        if (!next(r))
            return;
        if (o == NULL)
            skip_node(r);
        else if (o->type == &config_collect)
            take_collect(r, o, d);
        else
            take_value(r, o, d);
    }
}

static void take_connectors(struct reader *r, const struct config_option *o)
{
    if (!is_list(r, o, "\"- org: acme\""))
        return;
    o->type->clear(r->out);
    while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT)
        take_connector(r);
}

/* ---- the document ---- */

static void take_setting(struct reader *r)
{
    const struct config_option *o = take_key(r, CONFIG_AS_KEY, r->seen);
    struct config_origin origin = { CONFIG_FROM_FILE, (unsigned)r->event.start_mark.line + 1,
                                    (unsigned)r->event.start_mark.column + 1 };

    if (!next(r))
        return;
    if (o == NULL) {
        skip_node(r);
        return;
    }
    r->out->origins[config_row(o)] = origin;
    if (o->type == &config_connectors)
        take_connectors(r, o);
    else if (o->type->clear != NULL)
        take_list(r, o);
    else
        take_value(r, o, r->out);
}

static void take_top(struct reader *r)
{
    if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0 && is_plain(r))
        return; /* nothing but "---" */
    if (!is_plain(r) || r->event.type != YAML_MAPPING_START_EVENT) {
        if (r->event.type == YAML_SCALAR_EVENT || r->event.type == YAML_SEQUENCE_START_EVENT)
            SAY(r, &r->event, "the file is a mapping of names to values, such as \"drain-ms: 5000\", not %s",
                kind_of(&r->event));
        r->is_over = true;
        return;
    }
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT)
        take_setting(r);
}

static void take_document(struct reader *r)
{
    const yaml_event_t *e = &r->event;

    if (e->data.document_start.version_directive != NULL ||
        e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
        SAY(r, e, "directives (%%YAML, %%TAG) are not read: remove them");
    if (next(r))
        take_top(r);
    if (!r->is_over && next(r) && next(r) && r->event.type == YAML_DOCUMENT_START_EVENT)
        SAY(r, e, "the file has a second document (---): keep one");
}

bool config_file_parse(struct view bytes, const char *path, struct config *out, struct config_problems *problems)
{
    struct reader *r = mem_zero(sizeof *r);
    size_t errors_before = problems->errors;

    if (bytes.len > CONFIG_FILE_BYTES_MAX) {
        config_problem(problems, "%s: it is larger than %u bytes", path, CONFIG_FILE_BYTES_MAX);
        free(r);
        return false;
    }
    r->path = path;
    r->out = out;
    r->problems = problems;
    if (!yaml_parser_initialize(&r->parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)(bytes.at != NULL ? bytes.at : ""), bytes.len);
    if (next(r) && next(r) && r->event.type == YAML_DOCUMENT_START_EVENT)
        take_document(r);
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
    free(r);
    return problems->errors == errors_before;
}

/* ---- the file ---- */

static bool is_null_device(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Appends at most CONFIG_FILE_BYTES_MAX + 1 bytes. */
static bool read_all(int fd, struct buf *out)
{
    size_t room = CONFIG_FILE_BYTES_MAX + 1;
    char *at = buf_extend(out, room);
    ssize_t got = 1;

    out->len = 0;
    while (out->len < room && got != 0) {
        got = read(fd, at + out->len, room - out->len);
        if (got < 0 && errno != EINTR)
            return false;
        out->len += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void read_and_parse(int fd, const char *path, struct config *out, struct config_problems *problems)
{
    AUTO_BUF struct buf bytes = BUF(CONFIG_FILE_BYTES_MAX + 1);
    struct stat st;

    if (fstat(fd, &st) != 0)
        config_problem(problems, "the configuration file %s cannot be read: %s", path, strerror(errno));
    else if (is_null_device(&st))
        return;
    else if (!S_ISREG(st.st_mode))
        config_problem(problems, "the configuration file %s is not a plain file", path);
    else if (!read_all(fd, &bytes))
        config_problem(problems, "the configuration file %s cannot be read: %s", path, strerror(errno));
    else {
        if ((st.st_mode & S_IWOTH) != 0)
            config_warning(problems, "everybody can write the configuration file %s: chmod o-w it", path);
        if (!config_file_parse(buf_view(&bytes), path, out, problems))
            return; /* told */
    }
}

void config_take_file(struct config *out, const char *path, bool may_be_missing, struct config_problems *problems)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        if (!may_be_missing || (errno != ENOENT && errno != ENOTDIR))
            config_problem(problems, "the configuration file %s cannot be opened: %s", path, strerror(errno));
        return;
    }
    snprintf(out->file, sizeof out->file, "%s", path);
    read_and_parse(fd, path, out, problems);
    close(fd);
}
