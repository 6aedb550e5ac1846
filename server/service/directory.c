/* The Directory service. Rows are sent as they are in the store: each is kept with the tag that it has in the response.
 */
#include "store/directory.h"
#include "service/reader.h"

#include "okta/connector/v1/directory.pb-c.h"

#include <string.h>

#define PAGE_ROWS_DEFAULT 200
#define PAGE_ROWS_MAX     1000
#define PAGE_BYTES_MAX    (1u << 20) /* a quarter of what clients accept by default */
#define PAGE_TOKEN_MAX    (DIRECTORY_ID_MAX * 2)
#define PAGE_TOKEN_V1     '\1'
#define LOGIN_BYTES_MAX   1024

#define TAG_NEXT_PAGE_TOKEN 0x12 /* field 2, bytes */
#define TAG_COMPLETE        0x18 /* field 3, varint */

/* The collection that GetUser and ListUsers read. */
static const struct collection *users(void)
{
    return collection_by_name(VIEW("users"));
}

static bool directory_is_complete(struct connector *connector, const struct collection *collection)
{
    struct poller_snapshot snapshot;

    connector_snapshot(connector, &snapshot);
    return snapshot.collections[collection->id].is_complete;
}

/* ---- GetUser ---- */

static bool copy_row(void *ctx, const struct directory_row *row)
{
    struct buf *out = ctx;

    if (row->deleted_ms == 0)
        buf_put(out, row->encoded.at, row->encoded.len);
    return false;
}

/* GetUserResponse is a field 1 with a User in it, and a row has exactly these bytes. */
static bool find_user(struct store *store, const Okta__Connector__V1__GetUserRequest *request, struct buf *out,
                      struct error *err)
{
    char login[LOGIN_BYTES_MAX];
    struct view key;
    bool found;

    switch (request->user_case) {
    case OKTA__CONNECTOR__V1__GET_USER_REQUEST__USER_ID:
        key = view_of(request->id);
        if (key.len == 0 || key.len > DIRECTORY_ID_MAX)
            return error_invalid(err, "USER_INVALID", "id", "id must have 1 to %d bytes", DIRECTORY_ID_MAX);
        return directory_get(store, users()->store_number, key, copy_row, out, &found, err);
    case OKTA__CONNECTOR__V1__GET_USER_REQUEST__USER_LOGIN:
        key = view_of(request->login);
        if (key.len == 0 || key.len > sizeof login)
            return error_invalid(err, "USER_INVALID", "login", "login must have 1 to %d bytes", LOGIN_BYTES_MAX);
        for (size_t i = 0; i < key.len; i++)
            login[i] = key.at[i] >= 'A' && key.at[i] <= 'Z' ? (char)(key.at[i] + ('a' - 'A')) : key.at[i];
        return directory_get_alias(store, users()->store_number, (struct view){ login, key.len }, copy_row, out, &found,
                                   err);
    default:
        return error_invalid(err, "USER_INVALID", "id", "name a user: set id or login");
    }
}

static bool no_such_user(struct connector *connector, struct error *err)
{
    const char *name = connector_name(connector);

    if (directory_is_complete(connector, users()))
        error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_USER", "connector \"%s\" knows no such user", name);
    else
        error_reason(err, ERROR_NOT_FOUND, "NOT_COLLECTED_YET",
                     "connector \"%s\" has not seen such a user, but its first sync has not finished: ask again when "
                     "Status shows users as complete",
                     name);
    return error_fact(err, "connector", name);
}

void service_get_user(void *service, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__GetUserRequest *request = (const Okta__Connector__V1__GetUserRequest *)message;
    struct connector *connector = reader_connector(service, c, request->connector);
    AUTO_BUF struct buf out = BUF(DIRECTORY_ROW_MAX);
    struct error err;
    bool ok;

    if (connector == NULL)
        return;
    ok = find_user(connector_store(connector), request, &out, &err);
    if (ok && out.len == 0)
        ok = no_such_user(connector, &err);
    connector_release(connector);
    if (ok)
        call_reply_bytes(c, &out);
    else
        call_fail(c, &err);
}

/* ---- ListUsers ---- */

struct page {
    struct buf rows;
    uint32_t room;
    char last[DIRECTORY_ID_MAX]; /* id of the last row in it */
    size_t last_len;
    bool has_more;
};

static bool add_row(void *ctx, const struct directory_row *row)
{
    struct page *page = ctx;

    if (row->deleted_ms != 0)
        return true;
    if (page->room == 0 || (page->rows.len > 0 && page->rows.len + row->encoded.len > PAGE_BYTES_MAX)) {
        page->has_more = true;
        return false;
    }
    buf_put(&page->rows, row->encoded.at, row->encoded.len);
    memcpy(page->last, row->id.at, row->id.len);
    page->last_len = row->id.len;
    page->room--;
    return true;
}

static bool page_token_read(const char *token, struct buf *after, struct error *err)
{
    if (*token == '\0')
        return true;
    if (base64url_decode(view_of(token), after) && after->len > 1 && after->at[0] == PAGE_TOKEN_V1)
        return true;
    return error_invalid(err, "PAGE_TOKEN_INVALID", "page_token",
                         "page_token is not one that this service gave: pass on next_page_token as it came, whole");
}

static void put_page_token(struct page *page)
{
    AUTO_BUF struct buf bytes = BUF(DIRECTORY_ID_MAX + 1);
    AUTO_BUF struct buf text = BUF(PAGE_TOKEN_MAX);

    buf_putc(&bytes, PAGE_TOKEN_V1);
    buf_put(&bytes, page->last, page->last_len);
    base64url_encode(buf_view(&bytes), &text);
    buf_putc(&page->rows, TAG_NEXT_PAGE_TOKEN);
    if (text.len >= 0x80)
        buf_putc(&page->rows, (char)((text.len & 0x7f) | 0x80));
    buf_putc(&page->rows, (char)(text.len >= 0x80 ? text.len >> 7 : text.len));
    buf_put(&page->rows, text.at, text.len);
}

static bool list_users(struct connector *connector, const Okta__Connector__V1__ListUsersRequest *request,
                       struct page *page, struct error *err)
{
    AUTO_BUF struct buf token = BUF(DIRECTORY_ID_MAX + 1);
    struct view after = VIEW_NONE;

    if (request->page_size > PAGE_ROWS_MAX)
        return error_invalid(err, "PAGE_SIZE_INVALID", "page_size", "page_size is %u: at most %d, or 0 for %d",
                             request->page_size, PAGE_ROWS_MAX, PAGE_ROWS_DEFAULT);
    page->room = request->page_size > 0 ? request->page_size : PAGE_ROWS_DEFAULT;
    if (!page_token_read(request->page_token, &token, err))
        return false;
    if (token.len > 0)
        after = (struct view){ token.at + 1, token.len - 1 };
    if (!directory_list(connector_store(connector), users()->store_number, after, add_row, page, err))
        return false;
    if (page->has_more)
        put_page_token(page);
    if (directory_is_complete(connector, users()))
        buf_put(&page->rows, (char[]){ TAG_COMPLETE, 1 }, 2);
    return true;
}

void service_list_users(void *service, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__ListUsersRequest *request = (const Okta__Connector__V1__ListUsersRequest *)message;
    struct connector *connector = reader_connector(service, c, request->connector);
    struct page page = { .rows = BUF(PAGE_BYTES_MAX + DIRECTORY_ROW_MAX + PAGE_TOKEN_MAX + 8) };
    struct error err;
    bool ok;

    if (connector == NULL)
        return;
    ok = list_users(connector, request, &page, &err);
    connector_release(connector);
    if (ok)
        call_reply_bytes(c, &page.rows);
    else
        call_fail(c, &err);
    buf_deinit(&page.rows);
}
