/* tests/world/collections.h: the ids of the collections, as the API numbers them. The server reads its table; tests may
 * name what they mean. */
#ifndef WORLD_COLLECTIONS_H
#define WORLD_COLLECTIONS_H

enum { COLLECTION_LOGINS = 1, COLLECTION_USERS = 2 };

#endif
