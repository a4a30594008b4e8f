/* SPDX-License-Identifier: MIT */
#include "client/program.h"

#include "client/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int program_become(const struct command *command, char *const *arguments)
{
    int error;

    execvp(arguments[0], arguments);
    error = errno;
    failed(command, "cannot run '%s': %s", arguments[0], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

int program_become_with(const struct command *command, char *const *arguments, int stream)
{
    /* What is taken from the daemon does not block, and few programs expect that of their standard input. */
    int flags = fcntl(stream, F_GETFL);

    if (flags < 0 || fcntl(stream, F_SETFL, flags & ~O_NONBLOCK) < 0 || dup2(stream, STDIN_FILENO) < 0 ||
        dup2(stream, STDOUT_FILENO) < 0) {
        failed(command, "cannot make the stream standard input and output: %s", strerror(errno));
        return EXIT_CANNOT_RUN;
    }
    return program_become(command, arguments);
}

void program_tell(const struct minimio_client *client, const char *loop, uint64_t token, const char *address,
                  uint32_t readiness)
{
    char text[READINESS_SIZE];

    readiness_text(readiness, text);
    setenv("MINIMIO_READINESS", text, 1);
    snprintf(text, sizeof(text), "%" PRIu64, token);
    setenv("MINIMIO_TOKEN", text, 1);
    setenv("MINIMIO_ADDRESS", address, 1);
    setenv("MINIMIO_SOCKET", minimio_client_path(client), 1);
    if (loop)
        setenv("MINIMIO_LOOP", loop, 1);
    else
        unsetenv("MINIMIO_LOOP");
}

static _Noreturn void run_child(const struct command *command, char *const *arguments, int stream)
{
    int none;

    if (stream >= 0)
        _exit(program_become_with(command, arguments, stream));
    none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (none >= 0)
        dup2(none, STDIN_FILENO);
    _exit(program_become(command, arguments));
}

int program_run(const struct command *command, char *const *arguments, int stream)
{
    pid_t child;
    int status, ended;

    signal(SIGCHLD, SIG_DFL); /* where it is ignored, the kernel forgets how a child ends */
    fflush(stdout);           /* else the child would have a copy of what is not written yet */
    child = fork();
    if (child == 0)
        run_child(command, arguments, stream);
    if (child < 0) {
        failed(command, "cannot run '%s': %s", arguments[0], strerror(errno));
        return EXIT_CANNOT_RUN;
    }
    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        return failed(command, "cannot tell how '%s' ended: %s", arguments[0], strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int program_run_shell(const struct command *command, const char *line)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)line, NULL};

    return program_run(command, arguments, -1);
}
