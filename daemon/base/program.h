/* SPDX-License-Identifier: MIT */
/*
 * The program file of this process: the name that started the process, and the file to which this name leads now. A
 * symbolic link may have been changed, and a folder of PATH may have a new file.
 *
 * Owns the name. Calls the file system alone.
 */
#ifndef MINIMIO_DAEMON_BASE_PROGRAM_H
#define MINIMIO_DAEMON_BASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Keeps argv[0] as the name for the next start of the program. Makes a relative path absolute, from $PWD if $PWD is the
 * working directory, so that symbolic links in the path are resolved again later. exec accepts any argv[0]: if the name
 * does not lead to this program, the path of /proc/self/exe is used instead. Call once, before anything else. Replaces
 * `*name` by the absolute path.
 */
void program_init(char **name);

/* An executable file found by program_find. */
struct program {
    char path[PATH_MAX]; /* resolved, without symbolic links */
    struct stat file;
};

/* Resolves the name now. Errors: -ENOENT, -EACCES, and others of stat(2). */
int program_find(struct program *ret_program);

/* The name that program_find resolves, for messages. */
const char *program_name(void);

/* Whether the path still leads to the same, unmodified file. */
bool program_is_unchanged(const struct program *program);

#endif
