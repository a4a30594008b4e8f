/* SPDX-License-Identifier: MIT */
/* Stops the daemon of the fixture for a while, so that what happens meanwhile comes to it all at once. */
#ifndef MINIMIO_TESTS_DAEMON_FREEZE_H
#define MINIMIO_TESTS_DAEMON_FREEZE_H

void freeze(void); /* returns when it runs no more */
void thaw(void);

#endif
