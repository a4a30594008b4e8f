/* SPDX-License-Identifier: MIT */
#include "daemon/restart/preflight.h"

#include "daemon/base/async_close.h"
#include "daemon/base/closing.h"
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
#define DYING_MS 1000  /* how long a killed child may take to end */

#define START_CHECK_MS   10  /* interval of checks whether the child may be started */
#define QUIET_CHECKS     2   /* consecutive checks that find no close() about to begin */
#define START_CHECKS_MAX 100 /* the child is started after this many checks in any case */

/* Appends --check-config to the arguments. The caller frees the result; NULL: out of memory. */
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

#define SETTINGS_FD 3 /* number of the settings' descriptor in the child */

/* Standard error goes to the log, standard output to /dev/null. */
static int preflight_spawn(const char *program, char **arguments, int settings, pid_t *ret_pid)
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

void preflight_forget_settings(struct preflight *preflight)
{
    if (preflight->settings >= 0)
        close(preflight->settings);
    preflight->settings = TRIED_NO_FILE;
}

static void preflight_log_failure(const struct preflight *preflight, int status)
{
    if (preflight->late)
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: the new binary did not check its configuration within %d s; "
                  "this binary continues",
                  LIMIT_MS / 1000);
    else if (WIFSIGNALED(status))
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: signal %d ended the new binary as it checked its configuration; "
                  "this binary continues",
                  WTERMSIG(status));
    else
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: the new binary checked its configuration and ended with %d; "
                  "this binary continues",
                  WEXITSTATUS(status));
}

static void preflight_end(struct preflight *preflight)
{
    timer_stop(preflight->timers, &preflight->limit);
    preflight->pid = 0;
    preflight->under_way = false;
}

/* A process that waits for a file system cannot be killed: leave the child alone then. */
static void preflight_time_out(struct timer *timer)
{
    struct preflight *preflight = container_of(timer, struct preflight, limit);

    if (!preflight->late) {
        preflight->late = true;
        kill(preflight->pid, SIGKILL);
        timer_start(preflight->timers, &preflight->limit, DYING_MS, preflight_time_out);
        return;
    }
    preflight_log_failure(preflight, 0);
    preflight_end(preflight);
    preflight_forget_settings(preflight);
}

static int preflight_start(struct preflight *preflight)
{
    char **all = with_check(preflight->arguments);
    int result;

    if (!all)
        return -ENOMEM;
    result = preflight_spawn(preflight->program.path, all, preflight->settings, &preflight->pid);
    free(all);
    if (result < 0) {
        preflight->pid = 0;
        return result;
    }
    preflight->late = false;
    timer_start(preflight->timers, &preflight->limit, LIMIT_MS, preflight_time_out);
    return 0;
}

/*
 * The child has a copy of every descriptor in the table, and the exec in the child closes the copies. If the closing
 * process closes the original between fork and exec, the copy is the last, and the close() in the child may never end.
 * So the child is started while no close() begins or is about to begin. A close() counts as begun just before the call,
 * so one check is not enough.
 */
static void preflight_retry_start(struct timer *timer)
{
    struct preflight *preflight = container_of(timer, struct preflight, start);
    uint32_t before = preflight->begun;
    int result;

    preflight->begun = closing_begun();
    preflight->quiet_checks++;
    if (preflight->begun != before || closing_is_about_to_begin())
        preflight->quiet_checks = 0;
    if (preflight->quiet_checks < QUIET_CHECKS && ++preflight->checks < START_CHECKS_MAX) {
        timer_start(preflight->timers, &preflight->start, START_CHECK_MS, preflight_retry_start);
        return;
    }
    result = preflight_start(preflight);
    if (result == 0)
        return;
    log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary continues", strerror(-result));
    preflight->under_way = false;
    preflight_forget_settings(preflight);
}

static int preflight_schedule_start(struct preflight *preflight)
{
    if (async_closers_count() == 0)
        return preflight_start(preflight);
    preflight->checks = preflight->quiet_checks = 0;
    preflight->begun = closing_begun();
    timer_start(preflight->timers, &preflight->start, START_CHECK_MS, preflight_retry_start);
    return 0;
}

int preflight_begin(struct preflight *preflight, struct timers *timers, const struct program *program, char **arguments,
                    int settings)
{
    int result;

    if (preflight->under_way) {
        if (settings >= 0)
            close(settings);
        return -EALREADY;
    }
    preflight->settings = settings;
    preflight->program = *program;
    preflight->timers = timers;
    preflight->arguments = arguments;
    result = preflight_schedule_start(preflight);
    preflight->under_way = result == 0;
    if (result < 0)
        preflight_forget_settings(preflight);
    return result;
}

enum preflight_result preflight_poll(struct preflight *preflight)
{
    int status;
    pid_t ended = preflight->pid ? waitpid(preflight->pid, &status, WNOHANG) : 0;

    if (ended == 0)
        return PREFLIGHT_GOES_ON;
    preflight_end(preflight);
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return PREFLIGHT_PASSED;
    preflight_forget_settings(preflight);
    if (ended > 0)
        preflight_log_failure(preflight, status);
    else
        log_write(LOG_LEVEL_ERROR,
                  "not handed over: how the new binary's check ended cannot be told: %s; "
                  "this binary continues",
                  strerror(errno));
    return PREFLIGHT_FAILED;
}

void preflight_deinit(struct preflight *preflight)
{
    if (!preflight->under_way)
        return;
    timer_stop(preflight->timers, &preflight->start);
    if (preflight->pid) {
        kill(preflight->pid, SIGKILL);
        waitpid(preflight->pid, NULL, WNOHANG); /* a blocked child must not delay the daemon's end */
    }
    preflight_end(preflight);
    preflight_forget_settings(preflight);
}
