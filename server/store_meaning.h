/* server/store_meaning.h: what `verify` checks of bytes that the store keeps for others: events and rows decode and
 * agree with their headers, and the poller's positions can be read. */
#ifndef STORE_MEANING_H
#define STORE_MEANING_H

#include "backup/verify.h"

extern const struct verify_meaning store_meaning;

#endif
