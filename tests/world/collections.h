/* tests/world/collections.h: the ids of the collections, as the API numbers them. The server reads its table; tests may
 * name what they mean. */
#ifndef WORLD_COLLECTIONS_H
#define WORLD_COLLECTIONS_H

enum { COLLECTION_LOGINS = 1, COLLECTION_USERS = 2, COLLECTION_ONE_MORE = 15 /* of one_more_collection.c */ };

#endif
