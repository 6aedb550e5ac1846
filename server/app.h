/* server/app.h: every object of the process: built in order, taken down in order. */
#ifndef APP_H
#define APP_H

#include "config/config.h"

struct app;

/* `config` is copied. Everything runs when it returns. Main thread, before any other. */
MUST_CHECK bool app_start(struct app **out, const struct config *config, struct error *err);

/* Applies what can change while it runs (reload.h), and looks at secret files now. `next` is NULL when the
 * configuration could not be read, for which `problems` has the reasons. Main thread. */
void app_reload(struct app *a, const struct config *next, struct config_problems *problems);

/* The shutdown, bounded by the grace time and some seconds. Frees. NULL is fine. */
void app_stop(struct app *a);

#endif
