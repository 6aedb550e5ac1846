/* server/version.h: which program this is. */
#ifndef VERSION_H
#define VERSION_H

#define VERSION_TEXT       "0.1.0"
#define VERSION_USER_AGENT "okta-connector/" VERSION_TEXT

#endif
