/* server/record/country.h: the name of a country -> its two letters. */
#ifndef COUNTRY_H
#define COUNTRY_H

#include "base/str.h"

/* The ISO 3166-1 alpha-2 code of an English name in any case. Two capital letters are taken as a code already; anything
 * else gives zeros. */
void country_code(struct view name, char code[2]);

#endif
