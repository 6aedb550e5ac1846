/* server/store_meaning.h: what `verify` asks of the bytes that the store keeps for others: an event and a user decode
 * and agree with their headers; a position of the poller can be read. */
#ifndef STORE_MEANING_H
#define STORE_MEANING_H

#include "backup/verify.h"

extern const struct verify_meaning store_meaning;

#endif
