/* SPDX-License-Identifier: MIT */
/*
 * The program that this process runs, by the name that it was started with, and the file which that name leads to now:
 * a symbolic link may be moved, and a folder of PATH may have a new file.
 */
#ifndef MINIMIO_DAEMON_BASE_PROGRAM_H
#define MINIMIO_DAEMON_BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Keeps the name, the first argument, which the program that replaces this one is to be started with as well. A
 * relative path is made absolute, by $PWD where that is the working directory, so that symbolic links in it are
 * followed anew. A name that does not lead to this program, as a caller of exec may give any, is not used: the file of
 * /proc/self/exe is then looked for. To be called once, before anything else. `*name` is replaced by the absolute path.
 */
void program_init(char **name);

/* A file that was found. */
struct program {
    char path[PATH_MAX]; /* without symbolic links */
    struct stat file;
};

/* Where the name leads to now. Errors: -ENOENT, -EACCES, and others of stat(2). */
int program_find(struct program *ret_program);

/* What program_find looks for, for messages. */
const char *program_name(void);

/* Whether the path still has the file that was found, unchanged. */
bool program_is_unchanged(const struct program *program);

#endif
