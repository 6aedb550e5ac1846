/* client/cmd/login_view.h: login events as lines: of a table, or of JSON. */
#ifndef CLIENT_CMD_LOGIN_VIEW_H
#define CLIENT_CMD_LOGIN_VIEW_H

#include "client/cli/cli.h"
#include "client/term/text.h"

struct login_view {
    struct cli *cli;
    struct table table;
    char date[TEXT_SHORT_SIZE]; /* of the last row: a new one gets a line of its own */
};

void login_view_init(struct login_view *v, struct cli *cli);
void login_view_deinit(struct login_view *v);
void login_view_put(struct login_view *v, const Okta__Connector__V1__LoginEvent *event);
void login_view_flush(struct login_view *v); /* to the reader */
void login_view_end(struct login_view *v);   /* the list is over */

#endif
