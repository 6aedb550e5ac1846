/* client/cmd/collection.h: collections by the words that people use: the API's own names of enum Collection, in lower
 * case and without the prefix. A value that this client does not know, of a newer server, has a word too. */
#ifndef CLIENT_CMD_COLLECTION_H
#define CLIENT_CMD_COLLECTION_H

#include "base/str.h"

#include "okta/connector/v1/connector.pb-c.h"

#define COLLECTION_WORD_SIZE 40

/* "users"; "collection 9" for one that this client does not know. Returns `word`. */
const char *collection_word(Okta__Connector__V1__Collection collection, char word[COLLECTION_WORD_SIZE]);

/* False when there is no collection of that name. */
bool collection_named(struct view word, Okta__Connector__V1__Collection *out);

/* Appends all of them, with ", " between: for a message. */
void collection_words(struct buf *out);

/* The log never ends, so its count is no progress. */
bool collection_is_log(Okta__Connector__V1__Collection collection);

#endif
