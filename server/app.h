/* server/app.h: every object of the process: built in order, taken down in order. */
#ifndef APP_H
#define APP_H

#include "config/config.h"

struct app;

/* `config` is borrowed until app_stop. Everything runs when it returns. Main thread, before any other. */
MUST_CHECK bool app_start(struct app **out, const struct config *config, struct error *err);

/* Looks at token files now. */
void app_reread(struct app *a);

/* The shutdown, bounded by the grace time and some seconds. Frees. NULL is fine. */
void app_stop(struct app *a);

#endif
