/* SPDX-License-Identifier: MIT */
#include "daemon/trial.h"

#include "daemon/closer.h"
#include "daemon/closing.h"
#include "daemon/log.h"
#include "daemon/tried_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 10000 /* far more than reading a file takes */
#define DYING_MS 1000  /* how long it may take to die */

#define LOOK_MS   10  /* how often it is looked whether the new process may be started */
#define LOOKS_MAX 100 /* then it is started nevertheless */

/* The arguments with another at their end. To be freed; NULL: out of memory. */
static char **with_check(char **arguments)
{
    static char check[] = "--check-config";
    size_t count = 0;
    char **all;

    while (arguments[count])
        count++;
    all = malloc((count + 2) * sizeof *all);
    if (!all)
        return NULL;
    memcpy(all, arguments, count * sizeof *all);
    all[count] = check;
    all[count + 1] = NULL;
    return all;
}

#define SETTINGS_FD 3 /* in the new process */

/* Standard error goes to the log, standard output nowhere. */
static int spawn(const char *program, char **arguments, int settings, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return -error;
    error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error && settings >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, settings, SETTINGS_FD);
    if (!error)
        error = -tried_settings_export(settings >= 0 ? SETTINGS_FD : TRIED_NO_FILE);
    if (!error)
        error = posix_spawn(ret_pid, program, &actions, NULL, arguments, environ);
    tried_settings_clear();
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

void trial_forget_settings(struct trial *trial)
{
    if (trial->settings >= 0)
        close(trial->settings);
    trial->settings = TRIED_NO_FILE;
}

static void tell_failure(const struct trial *trial, int status)
{
    if (trial->late)
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: the new binary did not check its configuration within %d s; "
                  "this binary goes on",
                  LIMIT_MS / 1000);
    else if (WIFSIGNALED(status))
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: signal %d ended the new binary as it checked its configuration; "
                  "this binary goes on",
                  WTERMSIG(status));
    else
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: the new binary checked its configuration and ended with %d; "
                  "this binary goes on",
                  WEXITSTATUS(status));
}

static void end(struct trial *trial)
{
    timer_stop(trial->timers, &trial->limit);
    trial->pid = 0;
    trial->under_way = false;
}

/* A process that waits for a file system cannot be killed: it is left alone then. */
static void took_too_long(struct timer *timer)
{
    struct trial *trial = container_of(timer, struct trial, limit);

    if (!trial->late) {
        trial->late = true;
        kill(trial->pid, SIGKILL);
        timer_start(trial->timers, &trial->limit, DYING_MS, took_too_long);
        return;
    }
    tell_failure(trial, 0);
    end(trial);
    trial_forget_settings(trial);
}

static int start(struct trial *trial)
{
    char **all = with_check(trial->arguments);
    int result;

    if (!all)
        return -ENOMEM;
    result = spawn(trial->program.path, all, trial->settings, &trial->pid);
    free(all);
    if (result < 0) {
        trial->pid = 0;
        return result;
    }
    trial->late = false;
    timer_start(trial->timers, &trial->limit, LIMIT_MS, took_too_long);
    return 0;
}

/*
 * A new process has a copy of every descriptor in the table, and the start of the program closes the copies. If another
 * process closes the original in between, the copy is the last, and its close() may never end. So the new process is
 * started while no close() begins, and no file is about to be closed, each close() of which may wait.
 */
static void look_again(struct timer *timer)
{
    struct trial *trial = container_of(timer, struct trial, start);
    uint32_t before = trial->begun;
    int result;

    trial->begun = closing_begun();
    if ((closing_has_files() || trial->begun != before) && ++trial->looks < LOOKS_MAX) {
        timer_start(trial->timers, &trial->start, LOOK_MS, look_again);
        return;
    }
    result = start(trial);
    if (result == 0)
        return;
    log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary goes on", strerror(-result));
    trial->under_way = false;
    trial_forget_settings(trial);
}

static int begin(struct trial *trial)
{
    if (closers_count() == 0)
        return start(trial);
    trial->looks = 0;
    trial->begun = closing_begun();
    timer_start(trial->timers, &trial->start, LOOK_MS, look_again);
    return 0;
}

int trial_begin(struct trial *trial, struct timers *timers, const struct program *program, char **arguments,
                int settings)
{
    int result;

    if (trial->under_way) {
        if (settings >= 0)
            close(settings);
        return -EALREADY;
    }
    trial->settings = settings;
    trial->program = *program;
    trial->timers = timers;
    trial->arguments = arguments;
    result = begin(trial);
    trial->under_way = result == 0;
    if (result < 0)
        trial_forget_settings(trial);
    return result;
}

enum trial_result trial_look(struct trial *trial)
{
    int status;
    pid_t ended = trial->pid ? waitpid(trial->pid, &status, WNOHANG) : 0;

    if (ended == 0)
        return TRIAL_GOES_ON;
    end(trial);
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TRIAL_PASSED;
    trial_forget_settings(trial);
    if (ended > 0)
        tell_failure(trial, status);
    else
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: how the new binary's check ended cannot be told: %s; "
                  "this binary goes on",
                  strerror(errno));
    return TRIAL_FAILED;
}

void trial_deinit(struct trial *trial)
{
    if (!trial->under_way)
        return;
    timer_stop(trial->timers, &trial->start);
    if (trial->pid) {
        kill(trial->pid, SIGKILL);
        waitpid(trial->pid, NULL, WNOHANG); /* whatever it waits for, the end does not */
    }
    end(trial);
    trial_forget_settings(trial);
}
