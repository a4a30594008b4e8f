/* SPDX-License-Identifier: MIT */
#include "tests/runner/family.h"

#include "tests/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_NS 5000000000 /* for scripts that undo what they have done */

/* Reaps. Returns whether there are children left. */
static bool has_children(void)
{
    pid_t pid;

    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0);
    return pid == 0;
}

/* The parent's number is the second word behind the program's name, which may hold anything, in parentheses. */
static pid_t parent_of(const char *number)
{
    char path[300], text[512];
    pid_t parent = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%s/stat", number);
    file = fopen(path, "re");
    if (!file)
        return 0;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    if (strrchr(text, ')'))
        sscanf(strrchr(text, ')'), ") %*c %d", &parent);
    return parent;
}

/* A number cannot be handed out anew before this process, its parent, has reaped the child. */
static void kill_children(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;

    while (folder && (entry = readdir(folder)))
        if (atoi(entry->d_name) > 0 && parent_of(entry->d_name) == getpid())
            kill(atoi(entry->d_name), SIGKILL);
    if (folder)
        closedir(folder);
}

/* Those whose parent was killed are children by the next pass. */
void family_end(const sigset_t *signals)
{
    static const struct timespec pause = {0, 50000000};
    int64_t until = test_now_ns() + GRACE_NS;

    while (has_children()) {
        int number = sigtimedwait(signals, NULL, &pause);

        if (number > 0 && number != SIGCHLD)
            until = 0;
        if (test_now_ns() >= until)
            kill_children();
    }
}
