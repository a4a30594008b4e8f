/* SPDX-License-Identifier: MIT */
#include "daemon/restart/preflight.h"

#include "daemon/base/log.h"
#include "daemon/config/tried_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 10000 /* far more than reading a file takes */

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

static void took_too_long(struct timer *timer)
{
    struct preflight *trial = container_of(timer, struct preflight, limit);

    trial->late = true;
    kill(trial->pid, SIGKILL);
}

void preflight_forget_settings(struct preflight *trial)
{
    if (trial->settings >= 0)
        close(trial->settings);
    trial->settings = TRIED_NO_FILE;
}

static int begin(struct preflight *trial, struct timers *timers, char **arguments)
{
    char **all = with_check(arguments);
    int result;

    if (!all)
        return -ENOMEM;
    result = spawn(trial->program.path, all, trial->settings, &trial->pid);
    free(all);
    if (result < 0) {
        trial->pid = 0;
        return result;
    }
    trial->timers = timers;
    trial->late = false;
    timer_start(timers, &trial->limit, LIMIT_MS, took_too_long);
    return 0;
}

int preflight_begin(struct preflight *trial, struct timers *timers, const struct program *program, char **arguments,
                    int settings)
{
    int result;

    if (trial->pid) {
        if (settings >= 0)
            close(settings);
        return -EALREADY;
    }
    trial->settings = settings;
    trial->program = *program;
    result = begin(trial, timers, arguments);
    if (result < 0)
        preflight_forget_settings(trial);
    return result;
}

static void tell_failure(const struct preflight *trial, int status)
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

enum preflight_result preflight_poll(struct preflight *trial)
{
    int status;
    pid_t ended = trial->pid ? waitpid(trial->pid, &status, WNOHANG) : 0;

    if (ended == 0)
        return TRIAL_GOES_ON;
    trial->pid = 0;
    timer_stop(trial->timers, &trial->limit);
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return PREFLIGHT_PASSED;
    preflight_forget_settings(trial);
    if (ended > 0)
        tell_failure(trial, status);
    else
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: how the new binary's check ended cannot be told: %s; "
                  "this binary goes on",
                  strerror(errno));
    return TRIAL_FAILED;
}

void preflight_deinit(struct preflight *trial)
{
    if (!trial->pid)
        return;
    timer_stop(trial->timers, &trial->limit);
    kill(trial->pid, SIGKILL);
    waitpid(trial->pid, NULL, WNOHANG); /* whatever it waits for, the end does not */
    trial->pid = 0;
    preflight_forget_settings(trial);
}
