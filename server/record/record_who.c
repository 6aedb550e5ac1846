/* The actor and the targets of an event. The name of an actor that Okta does not know never leaves this file in clear
 * text. */
#include "record/record_parts.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

bool record_is_unknown(struct json id)
{
    struct view text = record_view(id);

    return text.len == 0 || view_eq_nocase(text, VIEW("unknown"));
}

static struct view domain_of(struct record_maker *m, const char *address)
{
    const char *at = strrchr(address, '@');

    return at == NULL ? VIEW_NONE : record_lower(m, view_of(at + 1));
}

/* People type their password into the field for the user name. Okta then logs it as the name of an actor that it does
 * not know. */
static void mask_actor(struct record_work *w, struct json actor, Okta__Connector__V1__Actor *a)
{
    w->hidden_name = record_view(json_get(actor, "alternateId"));
    w->hidden_display = record_view(json_get(actor, "displayName"));
    if (w->hidden_name.len > 0)
        a->alternate_id = record_mask(w->m, w->hidden_name);
    a->display_name = RECORD_EMPTY;
    a->masked = true;
    w->m->flags |= JOURNAL_MASKED;
}

void record_put_actor(struct record_work *w)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(Actor, "id", id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Actor, "type", type, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Actor, "alternateId", alternate_id, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(Actor, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    struct json actor = json_get(w->event, "actor");
    Okta__Connector__V1__Actor *a = record_take(w->m, sizeof *a);

    okta__connector__v1__actor__init(a);
    RECORD_FILL(w->m, actor, a, fields);
    w->login->actor = a;
    if (!record_is_unknown(json_get(actor, "id"))) {
        w->out->actor = record_hash(w->m, view_of(a->id));
        w->out->email_domain = record_hash(w->m, domain_of(w->m, a->alternate_id));
    } else if (a->alternate_id[0] != '\0' || a->display_name[0] != '\0') {
        mask_actor(w, actor, a);
    }
}

/* "unknown" is Okta's own word, not what somebody typed: it needs no mask. */
static bool is_hidden(const struct record_work *w, struct view text)
{
    return text.len > 0 && !view_is(text, "unknown") &&
           (view_eq_nocase(text, w->hidden_name) || view_eq_nocase(text, w->hidden_display));
}

/* A target may repeat the name that is masked in the actor, or be a user that Okta does not know itself. Names of
 * applications belong to the org and are not masked. */
static bool must_mask_target(const struct record_work *w, struct json target)
{
    struct view type = record_view(json_get(target, "type"));

    if (view_is(type, "AppInstance"))
        return false;
    if (is_hidden(w, record_view(json_get(target, "alternateId"))) ||
        is_hidden(w, record_view(json_get(target, "displayName"))) || is_hidden(w, record_view(json_get(target, "id"))))
        return true;
    return record_is_unknown(json_get(target, "id")) && (view_is(type, "User") || view_is(type, "AppUser"));
}

static void mask_target(struct record_work *w, struct json target, Okta__Connector__V1__Target *t)
{
    if (t->alternate_id[0] != '\0')
        t->alternate_id = record_mask(w->m, record_view(json_get(target, "alternateId")));
    if (is_hidden(w, record_view(json_get(target, "id"))))
        t->id = record_mask(w->m, record_view(json_get(target, "id")));
    t->display_name = RECORD_EMPTY;
}

static Okta__Connector__V1__Target *make_target(struct record_work *w, struct json target)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(Target, "id", id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Target, "type", type, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Target, "alternateId", alternate_id, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(Target, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__Target *t = record_take(w->m, sizeof *t);

    okta__connector__v1__target__init(t);
    RECORD_FILL(w->m, target, t, fields);
    if (must_mask_target(w, target))
        mask_target(w, target, t);
    return t;
}

static void who_put_app(struct record_work *w, struct json target)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(App, "id", id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(App, "alternateId", label, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(App, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__App *a;

    if (w->login->app != NULL) {
        w->m->flags |= JOURNAL_MORE_APPS;
        return;
    }
    a = record_take(w->m, sizeof *a);
    okta__connector__v1__app__init(a);
    RECORD_FILL(w->m, target, a, fields);
    a->sign_on_mode =
        record_json_text(w->m, json_get(json_get(target, "detailEntry"), "signOnModeType"), RECORD_ID_BYTES_MAX);
    w->out->app = record_hash(w->m, view_of(a->id));
    w->login->app = a;
}

void record_put_targets(struct record_work *w)
{
    struct json targets = json_get(w->event, "target");

    if (json_type(targets) != JSON_ARRAY)
        return;
    w->login->targets = record_take(w->m, RECORD_TARGETS_MAX * sizeof w->login->targets[0]);
    for (struct json_each e = json_each(targets); json_next(&e);) {
        if (json_type(e.value) != JSON_OBJECT)
            continue;
        if (view_is(record_view(json_get(e.value, "type")), "AppInstance"))
            who_put_app(w, e.value);
        if (w->login->n_targets < RECORD_TARGETS_MAX)
            w->login->targets[w->login->n_targets++] = make_target(w, e.value);
    }
}
