/* server/config_value.h: the value of one flag, from text: for config.c's table. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config.h"

#include <stddef.h>

struct config_option;
typedef bool config_parser(const struct config_option *o, struct view value, struct config *out, struct error *err);

struct config_option {
    const char *name;
    config_parser *parse;
    size_t at; /* offset in struct config */
    int64_t min, max;
    const char *fallback; /* as it would be given; NULL: worked out, or none */
    const char *meta, *help;
    bool is_switch, is_list; /* a switch takes no value; a list starts anew with the first flag, over the environment */
};

config_parser config_parse_int, config_parse_i64, config_parse_bytes, config_parse_path, config_parse_switch,
    config_parse_level, config_parse_listen, config_parse_http, config_parse_declared, config_parse_proxy;

/* One more address. */
MUST_CHECK bool config_add_listen(struct view value, struct config *out, struct error *err);

#endif
