/* SPDX-License-Identifier: MIT */
/* The folder for temporary files of a run, which $TMPDIR names from then on. */
#ifndef MINIMIO_TESTS_TEMPORARY_H
#define MINIMIO_TESTS_TEMPORARY_H

/* Returns its path. A failure ends the program. */
const char *temporary_make(void);

/* Removes the folder and whatever tests have left in it. */
void temporary_remove(void);

#endif
