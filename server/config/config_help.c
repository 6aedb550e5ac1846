#include "config/config_table.h"

void config_help(FILE *to)
{
    fputs("okta-connectord: reads Okta orgs, read-only, and streams their logins over gRPC.\n\n", to);
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char left[64];

        if (!config_is_at(o, CONFIG_AS_FLAG))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->meta != NULL ? " " : "", o->meta != NULL ? o->meta : "");
        fprintf(to, "  %-26s %s", left, o->help);
        if (o->fallback != NULL && !o->type->is_switch)
            fprintf(to, "; default %s", o->fallback);
        fputc('\n', to);
    }
    fputs(
        "\nEach can also be given in the environment (--data-dir as " CONFIG_ENV_PREFIX
        "DATA_DIR) and in the file (data-dir: DIR).\n"
        "The environment wins over the file, and a flag over both. Lists do not mix: the strongest source that gives\n"
        "any addresses, or any connectors, gives all. In the file, listen is a list; connectors is a list of\n"
        "mappings with org, token-file (or client-id, private-key-file, key-id), name, collect, history-days and\n"
        "retention-days; and relative paths count from its folder.\n\n"
        "okta-connectord backup, restore and verify look after a data folder: each has a --help of its own.\n\n"
        "Exit codes: 0 stopped cleanly, or nothing wrong; 1 failed; 2 wrong usage or configuration.\n"
        "SIGTERM and SIGINT stop it; SIGHUP reads configuration, token and key files again.\n",
        to);
}
