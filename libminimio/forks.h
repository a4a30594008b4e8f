/* SPDX-License-Identifier: MIT */
/* Whether this process was forked since, without a system call to ask it. */
#ifndef MINIMIO_FORKS_H
#define MINIMIO_FORKS_H

/* Begins to count; again and again has no effect. Error: -ENOMEM. Any thread. */
int forks_watch(void);

/*
 * A number that is another one in a child than in its parent, once forks_watch has succeeded in any of them. Any
 * thread. What the C library's fork does not know of, a bare clone, is not counted.
 */
unsigned forks_count(void);

#endif
