/* server/model/collection.h: what can be collected. */
#ifndef MODEL_COLLECTION_H
#define MODEL_COLLECTION_H

enum connector_collection { COLLECTION_LOGINS = 1, COLLECTION_USERS = 2, COLLECTIONS_END = 3 };

#endif
