/*
 * version: the release that parleyd and the extension share.
 */
#ifndef VERSION_H
#define VERSION_H

#define PARLEY_VERSION "1.1"

#endif
