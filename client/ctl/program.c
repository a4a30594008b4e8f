/* SPDX-License-Identifier: MIT */
/*
 * Starts programs by fork and exec, and awaits their end. The file has no state.
 */
#include "client/ctl/program.h"

#include "client/ctl/first_process.h"
#include "client/ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The command line ------------------------------------------------------------------------------------------ */

/* getopt permutes arguments, so cut off the program after `--` before calling getopt. */
char **program_cut(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            *argc = i;
            return argv + i + 1;
        }
    return NULL;
}

int program_require(const struct command *command, char **program)
{
    return program && program[0] ? 0 : wrong_usage(command, "missing command: -- COMMAND");
}

/* ---- Looking it up ---------------------------------------------------------------------------------------------- */

static int check_file(const char *path)
{
    struct stat found;

    if (stat(path, &found) < 0)
        return errno;
    if (!S_ISREG(found.st_mode))
        return EACCES;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* Searches all folders: a file without execute permission does not hide a program in a later folder. */
static int search(const char *name, const char *folders)
{
    int result = ENOENT;

    for (;;) {
        size_t length = strcspn(folders, ":");
        char path[PATH_MAX];
        int error = ENAMETOOLONG;

        if (length + strlen(name) + 2 <= sizeof path) {
            snprintf(path, sizeof path, "%.*s%s%s", (int)length, folders, length ? "/" : "", name);
            error = check_file(path);
        }
        if (error == 0)
            return 0;
        if (error == EACCES)
            result = EACCES;
        if (folders[length] == '\0')
            return result;
        folders += length + 1;
    }
}

static int program_find_path(const char *name)
{
    const char *folders = getenv("PATH");

    if (*name == '\0')
        return ENOENT;
    if (strchr(name, '/'))
        return check_file(name);
    return search(name, folders ? folders : "/bin:/usr/bin");
}

static int tell_failure(const struct command *command, const char *name, int error)
{
    failed(command, "cannot run '%s': %s", name, strerror(error));
    return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

int program_find(const struct command *command, const char *name)
{
    int error = program_find_path(name);

    return error == 0 ? 0 : tell_failure(command, name, error);
}

/* ---- Becoming it ------------------------------------------------------------------------------------------------ */

int program_become(const struct command *command, char *const *arguments)
{
    execvp(arguments[0], arguments);
    return tell_failure(command, arguments[0], errno);
}

int program_make_blocking(int stream)
{
    int flags = fcntl(stream, F_GETFL);

    return flags < 0 || fcntl(stream, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : flags;
}

void program_restore_flags(int stream, int flags)
{
    if (flags >= 0)
        (void)fcntl(stream, F_SETFL, flags);
}

int program_become_with(const struct command *command, char *const *arguments, int stream)
{
    int flags = program_make_blocking(stream), result;

    if (flags < 0 || dup2(stream, STDIN_FILENO) < 0 || dup2(stream, STDOUT_FILENO) < 0) {
        failed(command, "cannot make the stream standard input and output: %s", strerror(errno));
        result = EXIT_CANNOT_RUN;
    } else {
        result = program_become(command, arguments);
    }
    program_restore_flags(stream, flags);
    return result;
}

void program_tell(const struct minimio_client *client, const char *loop, uint64_t token, const char *address,
                  uint32_t readiness)
{
    char text[READINESS_SIZE];

    readiness_text(readiness, text);
    setenv("MINIMIO_READINESS", text, 1);
    snprintf(text, sizeof text, "%" PRIu64, token);
    setenv("MINIMIO_TOKEN", text, 1);
    setenv("MINIMIO_ADDRESS", address, 1);
    setenv("MINIMIO_SOCKET", minimio_client_path(client), 1);
    if (loop)
        setenv("MINIMIO_LOOP", loop, 1);
    else
        unsetenv("MINIMIO_LOOP");
}

/* Whether the peer has closed and all data has been read, or the peer has reset the connection: the stream would stay
 * ready. False for a descriptor that is not a socket. */
bool program_stream_has_ended(int stream)
{
    char byte;
    ssize_t n = recv(stream, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN) /* recv reports a reset once, then EOF */
        n = recv(stream, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0;
}

/* ---- Running it ------------------------------------------------------------------------------------------------- */

static int program_exec(const struct command *command, char *const *arguments, int stream)
{
    int none;

    if (stream >= 0)
        return program_become_with(command, arguments, stream);
    none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (none >= 0)
        dup2(none, STDIN_FILENO);
    return program_become(command, arguments);
}

/* Executes the program. exec closes `report`; after a failed exec, writes a byte to `report`. */
static _Noreturn void run_child(const struct command *command, char *const *arguments, int stream, int report)
{
    int result = program_exec(command, arguments, stream);

    while (write(report, "", 1) < 0 && errno == EINTR)
        ;
    _exit(result);
}

/* Makes the stream blocking and gives the stream the number. Errors: those of fcntl and dup2. */
static int place_stream(struct program_stream stream)
{
    if (program_make_blocking(stream.fd) < 0)
        return -errno;
    if (stream.fd == stream.number)
        return fcntl(stream.fd, F_SETFD, 0) < 0 ? -errno : 0;
    return dup2(stream.fd, stream.number) < 0 ? -errno : 0;
}

/* Becomes a program that ends with `parent`. */
static _Noreturn void run_bound_child(const struct command *command, char *const *arguments,
                                      struct program_stream stream, int report, pid_t parent)
{
    int result;

    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
        _exit(EXIT_CANNOT_RUN);
    if (stream.number < 0)
        run_child(command, arguments, stream.fd, report);
    report = fcntl(report, F_DUPFD_CLOEXEC, stream.number + 1);
    if (report < 0 || place_stream(stream) < 0) {
        failed(command, "cannot make the stream descriptor %d: %s", stream.number, strerror(errno));
        while (report >= 0 && write(report, "", 1) < 0 && errno == EINTR)
            ;
        _exit(EXIT_CANNOT_RUN);
    }
    result = program_become(command, arguments);
    while (write(report, "", 1) < 0 && errno == EINTR)
        ;
    _exit(result);
}

/* Whether the child has become the program. */
static bool await_start(int report)
{
    char byte;
    ssize_t n;

    do
        n = read(report, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 0;
}

static int fail_to_start(const struct command *command, const char *name)
{
    failed(command, "cannot run '%s': %s", name, strerror(errno));
    return EXIT_CANNOT_RUN;
}

/* Forks. In the child, returns 0 and the writing end of the report. In the parent, returns as program_start. */
static int start_child(const struct command *command, const char *name, int *ret_report, pid_t *ret_child)
{
    int report[2], result = 0;
    pid_t child;

    signal(SIGCHLD, SIG_DFL); /* if ignored, the kernel discards exit statuses */
    fflush(stdout);           /* otherwise the child would inherit unwritten output */
    if (pipe2(report, O_CLOEXEC) < 0)
        return fail_to_start(command, name);
    child = fork();
    if (child == 0) {
        *ret_report = report[1];
        *ret_child = 0;
        return 0;
    }
    first_process_runs(child);
    if (child < 0)
        result = fail_to_start(command, name);
    close(report[1]);
    if (result == 0 && !await_start(report[0]))
        result = program_await(command, name, child);
    close(report[0]);
    if (result == 0)
        *ret_child = child;
    return result;
}

int program_start(const struct command *command, char *const *arguments, int stream, pid_t *ret_child)
{
    int report = -1, result = start_child(command, arguments[0], &report, ret_child);

    if (result == 0 && *ret_child == 0)
        run_child(command, arguments, stream, report);
    return result;
}

int program_start_with(const struct command *command, char *const *arguments, struct program_stream stream,
                       pid_t *ret_child)
{
    pid_t self = getpid();
    int report = -1, result = start_child(command, arguments[0], &report, ret_child);

    if (result == 0 && *ret_child == 0)
        run_bound_child(command, arguments, stream, report, self);
    return result;
}

int program_await(const struct command *command, const char *name, pid_t child)
{
    int status;
    pid_t ended;

    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    first_process_runs(0);
    if (ended < 0)
        return failed(command, "cannot tell how '%s' ended: %s", name, strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run(const struct command *command, char *const *arguments, int stream)
{
    pid_t child;
    int result = program_start(command, arguments, stream, &child);

    return result == 0 ? program_await(command, arguments[0], child) : result;
}

int program_run_shell(const struct command *command, const char *line)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)line, NULL};

    return program_run(command, arguments, -1);
}
