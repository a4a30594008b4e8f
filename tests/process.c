/* SPDX-License-Identifier: MIT */
#include "tests/process.h"

#include <check.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64

int64_t test_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int left_ms(int64_t until_ns)
{
    int64_t left = until_ns - test_now_ns();

    return left > 0 ? (int)(left / 1000000 + 1) : 0;
}

const char *built_program(const char *name)
{
    static char path[PATH_MAX];
    const char *build = getenv("MINIMIO_BUILD");

    snprintf(path, sizeof(path), "%s/%s", build ? build : "build", name);
    return path;
}

/* ---- Start ------------------------------------------------------------------------------------------------------ */

static void open_pipe(int ends[2])
{
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

/* Those of the lowest numbers might be overwritten before they are passed. */
#define OUT_OF_REACH 500

static bool pass(const int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if (fcntl(fds[i], F_DUPFD_CLOEXEC, OUT_OF_REACH) != OUT_OF_REACH + i)
            return false;
    for (int i = 0; i < count; i++)
        if (dup2(OUT_OF_REACH + i, STDERR_FILENO + 1 + i) < 0)
            return false;
    return true;
}

struct beginning {
    int in, out, err;
    const int *fds;
    int count;
};

static _Noreturn void become(pid_t parent, const struct beginning *with, const char *const *arguments)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(with->in, 0) < 0 || dup2(with->out, 1) < 0 || dup2(with->err, 2) < 0 || !pass(with->fds, with->count))
        _exit(127);
    execvp(arguments[0], (char *const *)arguments);
    _exit(127);
}

static void start(struct process *ret_process, bool input, const int *fds, int count, const char *const *arguments)
{
    int in[2] = {-1, -1}, out[2], err[2];
    pid_t parent = getpid();

    open_pipe(out);
    open_pipe(err);
    if (input)
        open_pipe(in);
    else
        in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *ret_process = (struct process){.input_fd = in[1], .out.fd = out[0], .err.fd = err[0]};
    ret_process->out.text = calloc(1, 1);
    ret_process->err.text = calloc(1, 1);
    ret_process->started_ns = test_now_ns();
    ret_process->pid = fork();
    ck_assert_int_ge(ret_process->pid, 0);
    if (ret_process->pid == 0)
        become(parent, &(struct beginning){in[0], out[1], err[1], fds, count}, arguments);
    ret_process->pid_fd = (int)syscall(SYS_pidfd_open, ret_process->pid, 0); /* glibc has a function since 2.36 */
    ck_assert_int_ge(ret_process->pid_fd, 0);
    close(in[0]);
    close(out[1]);
    close(err[1]);
}

void process_start(struct process *ret_process, bool input, const char *const *arguments)
{
    start(ret_process, input, NULL, 0, arguments);
}

void process_start_passing(struct process *ret_process, const int *fds, int count, const char *const *arguments)
{
    start(ret_process, false, fds, count, arguments);
}

void process_write(struct process *process, const char *text)
{
    size_t length = strlen(text);

    ck_assert_int_eq(write(process->input_fd, text, length), (ssize_t)length);
}

void process_close_input(struct process *process)
{
    if (process->input_fd >= 0)
        close(process->input_fd);
    process->input_fd = -1;
}

/* ---- Output ----------------------------------------------------------------------------------------------------- */

static void take_output(struct output *output)
{
    ssize_t n;

    output->text = realloc(output->text, output->length + 4096 + 1);
    ck_assert_ptr_nonnull(output->text);
    n = read(output->fd, output->text + output->length, 4096);
    if (n > 0) {
        output->length += (size_t)n;
    } else if (n == 0 || errno != EINTR) {
        close(output->fd);
        output->fd = -1;
    }
    output->text[output->length] = '\0';
}

/* Waits once for output or for the end. Returns false when nothing came in time. */
static bool take_some(struct process *process, bool *ret_ended, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = process->out.fd, .events = POLLIN},
                           {.fd = process->err.fd, .events = POLLIN},
                           {.fd = process->pid_fd, .events = POLLIN}};
    int n = poll(fds, 3, timeout_ms);

    if (n < 0 && errno == EINTR)
        return true;
    if (fds[0].revents)
        take_output(&process->out);
    if (fds[1].revents)
        take_output(&process->err);
    *ret_ended = !fds[0].revents && !fds[1].revents && fds[2].revents;
    return n > 0;
}

bool process_await_next(struct process *process, struct output *output, size_t *offset, const char *text,
                        int timeout_ms)
{
    int64_t until_ns = test_now_ns() + timeout_ms * INT64_C(1000000);
    const char *found;
    bool ended = false;

    while (!(found = strstr(output->text + *offset, text)))
        if (ended || !take_some(process, &ended, left_ms(until_ns)))
            return false;
    *offset = (size_t)(found - output->text) + strlen(text);
    return true;
}

bool process_await_text(struct process *process, struct output *output, const char *text, int timeout_ms)
{
    size_t offset = 0;

    return process_await_next(process, output, &offset, text, timeout_ms);
}

/* ---- End -------------------------------------------------------------------------------------------------------- */

static int reap(struct process *process)
{
    int status;

    process->elapsed_ns = test_now_ns() - process->started_ns;
    ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
    process->pid = 0;
    process->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return process->exit_code;
}

/* What has ended by its pid may have left output in its pipes, or have a child that holds them open: what is there
 * now is all that is taken. */
int process_wait(struct process *process, int timeout_ms)
{
    int64_t until_ns = test_now_ns() + timeout_ms * INT64_C(1000000);
    bool ended = false;

    while (!ended)
        if (!take_some(process, &ended, left_ms(until_ns))) {
            kill(process->pid, SIGKILL);
            reap(process);
            process->exit_code = PROCESS_KILLED;
            return PROCESS_KILLED;
        }
    return reap(process);
}

void process_free(struct process *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        reap(process);
    }
    process_close_input(process);
    if (process->out.fd >= 0)
        close(process->out.fd);
    if (process->err.fd >= 0)
        close(process->err.fd);
    close(process->pid_fd);
    free(process->out.text);
    free(process->err.text);
    *process = (struct process){.pid_fd = -1, .input_fd = -1, .out.fd = -1, .err.fd = -1};
}

int process_run(struct process *ret_process, const char *const *arguments)
{
    process_start(ret_process, false, arguments);
    return process_wait(ret_process, PROCESS_TIMEOUT_MS);
}

/* ---- A daemon to test against ----------------------------------------------------------------------------------- */

void start_minimiod(struct minimiod *ret_minimiod, const char *const *arguments)
{
    /* What the machine has configured is no matter of the tests'. */
    const char *all[ARGUMENTS_MAX] = {built_program("minimiod"), "--socket", ret_minimiod->socket, "--config",
                                      "/dev/null"};
    const char *temporary = getenv("TMPDIR");

    for (size_t i = 0; arguments && arguments[i]; i++) {
        ck_assert_uint_lt(i + 6, ARGUMENTS_MAX);
        all[i + 5] = arguments[i];
    }
    snprintf(ret_minimiod->folder, sizeof(ret_minimiod->folder), "%s/minimio-test-XXXXXX",
             temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(ret_minimiod->folder));
    snprintf(ret_minimiod->socket, sizeof(ret_minimiod->socket), "%s/minimio.sock", ret_minimiod->folder);
    process_start(&ret_minimiod->process, false, all);
    if (!process_await_text(&ret_minimiod->process, &ret_minimiod->process.err, "listening on ", PROCESS_TIMEOUT_MS))
        ck_abort_msg("minimiod did not start: %s", ret_minimiod->process.err.text);
}

void stop_minimiod(struct minimiod *minimiod)
{
    int status;

    kill(minimiod->process.pid, SIGTERM);
    status = process_wait(&minimiod->process, PROCESS_TIMEOUT_MS);
    ck_assert_msg(status == 0, "minimiod ended with %d: %s", status, minimiod->process.err.text);
    process_free(&minimiod->process);
    unlink(minimiod->socket);
    ck_assert_int_eq(rmdir(minimiod->folder), 0);
}

void process_leave_check(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char target[256] = "";
        if (readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) > 0 && strstr(target, "/check_") &&
            strstr(target, "(deleted)"))
            dup2(nowhere, atoi(entry->d_name));
    }
    closedir(folder);
    close(nowhere);
}
