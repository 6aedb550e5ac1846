/* server/record/country.h: the name of a country -> its two letters. */
#ifndef COUNTRY_H
#define COUNTRY_H

#include "base/str.h"

/* ISO 3166-1 alpha-2 of an English name in any case; two capital letters are taken as they are; zeros for anything
 * else. */
void country_code(struct view name, char code[2]);

#endif
