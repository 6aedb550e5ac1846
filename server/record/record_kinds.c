#include "record/record_parts.h"

const struct record_kind record_kinds[] = {
    { "users", record_user, record_user_check },
};
const size_t record_kind_count = sizeof record_kinds / sizeof record_kinds[0];
