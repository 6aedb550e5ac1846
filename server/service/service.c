/* The table of methods: the request of each, the role that it needs, and the function that answers. */
#include "service/service.h"

#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

#define CONNECTOR       "/okta.connector.v1.Connector/"
#define DIRECTORY       "/okta.connector.v1.Directory/"
#define REQUEST(method) &okta__connector__v1__##method##_request__descriptor

const struct call_method service_methods[] = {
    { CONNECTOR "Configure", CALL_UNARY, NET_ADMIN, false, REQUEST(configure), service_configure },
    { CONNECTOR "Sync", CALL_SERVER_STREAM, NET_ADMIN, false, REQUEST(sync), service_sync },
    { CONNECTOR "Status", CALL_UNARY, NET_READER, false, REQUEST(status), service_status },
    { CONNECTOR "StreamLogins", CALL_SERVER_STREAM, NET_READER, false, REQUEST(stream_logins), service_stream_logins },
    { CONNECTOR "Delete", CALL_UNARY, NET_ADMIN, false, REQUEST(delete), service_delete },
    { CONNECTOR "Diagnose", CALL_UNARY, NET_ADMIN, false, REQUEST(diagnose), service_diagnose },
    { DIRECTORY "GetUser", CALL_UNARY, NET_READER, false, REQUEST(get_user), service_get_user },
    { DIRECTORY "ListUsers", CALL_UNARY, NET_READER, false, REQUEST(list_users), service_list_users },
    { NULL, CALL_UNARY, NET_ADMIN, false, NULL, NULL },
};
