/* tests/emulator/names.h: what people, places, programs and apps of the emulated org are called. All invented;
 * addresses are those kept for documentation. */
#ifndef EMULATOR_NAMES_H
#define EMULATOR_NAMES_H

#include <stddef.h>

/* Neither holds a character that JSON escapes. */
struct name {
    const char *shown; /* "Åsa" */
    const char *plain; /* "asa": what it is in a login */
};

struct place {
    const char *country;
    const char *json; /* a geographicalContext */
};

struct agent {
    const char *raw_json; /* the inside of a JSON string */
    const char *os, *browser, *device;
};

struct app_name {
    const char *name, *label;
    const char *mode;      /* signOnMode: "SAML_2_0" */
    const char *mode_text; /* in debugData: "SAML 2.0" */
};

extern const struct name first_names[], last_names[];
extern const size_t first_names_count, last_names_count;
extern const struct place places[];
extern const size_t places_count;
extern const struct agent agents[];
extern const size_t agents_count;
extern const struct app_name app_names[];
extern const size_t app_names_count;
extern const char *const departments[];
extern const size_t departments_count;
/* What people type as their name by mistake; no such user exists. */
extern const char *const strangers[];
extern const size_t strangers_count;
extern const char *const group_names[];
extern const size_t group_names_count;

#endif
