/* SPDX-License-Identifier: MIT */
#include "daemon/connect/names_process.h"

#include "daemon/connect/names_message.h"
#include "daemon/connect/names_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAEMON STDIN_FILENO /* the socket to the daemon */

/* Limit of killed workers that have not ended yet, e.g. blocked in the kernel on a disk or a network file system. */
#define UNREAPED_MAX NAMES_PLACES_MAX

/* A lookup under way. */
struct place {
    pid_t pid; /* of the worker; 0: no worker */
    int fd;    /* of the worker; -1: the worker closed the socket without an answer */
};

static struct {
    struct place places[NAMES_PLACES_MAX];
    int unreaped; /* killed workers, not reaped yet */
} process;

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

/* Sends an answer. May block, because the daemon always reads soon. Exits after the daemon. */
static void send_answer(const struct names_answer *answer)
{
    struct names_answer failed = {.outcome = NAMES_ERRNO, .place = answer->place};

    if (send(DAEMON, answer, names_answer_size(answer), MSG_NOSIGNAL) >= 0)
        return;
    failed.detail = errno;
    if (failed.detail == EPIPE || failed.detail == ECONNRESET ||
        send(DAEMON, &failed, names_answer_size(&failed), MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void send_failure(size_t index, enum names_outcome outcome, int detail)
{
    const struct names_answer failure = {.outcome = (uint16_t)outcome, .place = (uint16_t)index, .detail = detail};

    send_answer(&failure);
}

/* Kills the worker and frees the place. */
static void kill_worker(struct place *place)
{
    kill(place->pid, SIGKILL);
    if (place->fd >= 0)
        close(place->fd);
    *place = (struct place){.fd = -1};
    process.unreaped++;
}

/* Reads the answer of a worker. Returns 1: a valid answer; 0: no valid answer will come; -EAGAIN: no answer yet. */
static int read_answer(size_t index, struct names_answer *ret_answer)
{
    ssize_t size = recv(process.places[index].fd, ret_answer, sizeof *ret_answer, MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    if (size <= 0)
        return 0;
    ret_answer->place = (uint16_t)index;
    return names_answer_is_valid(ret_answer, (size_t)size);
}

static struct names_answer answer; /* the last answer read; too large for the stack */

/* Passes an answer on. Without an answer, take_end reports the worker's end. */
static void take_answer(size_t index)
{
    struct place *place = &process.places[index];
    int result = read_answer(index, &answer);

    if (result == 1) {
        kill_worker(place);
        send_answer(&answer);
    } else if (result == 0) {
        kill(place->pid, SIGKILL);
        close(place->fd);
        place->fd = -1;
    }
}

static struct place *find_place(pid_t pid)
{
    for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
        if (process.places[i].pid == pid)
            return &process.places[i];
    return NULL;
}

/* A worker ended, possibly with an unread answer. */
static void take_end(pid_t pid, int status)
{
    struct place *place = find_place(pid);
    size_t index = place ? (size_t)(place - process.places) : 0;
    bool answered;

    if (!place) {
        process.unreaped--;
        return;
    }
    answered = place->fd >= 0 && read_answer(index, &answer) == 1;
    if (place->fd >= 0)
        close(place->fd);
    *place = (struct place){.fd = -1};
    if (answered)
        send_answer(&answer);
    else
        send_failure(index, NAMES_CRASHED, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void reap_workers(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        take_end(pid, status);
}

/* ---- Workers ---------------------------------------------------------------------------------------------------- */

/* Closes all descriptors except the standard descriptors. */
static void close_others(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
        return;
#endif
    for (long fd = STDERR_FILENO + 1; fd < sysconf(_SC_OPEN_MAX); fd++)
        close((int)fd);
}

static noreturn void become_worker(int fd, pid_t parent, const char *host)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(fd, STDIN_FILENO) < 0)
        _exit(1);
    close_others();
    sigaction(SIGCHLD, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    names_worker_run(host);
}

static int start_worker(struct place *place, const char *host)
{
    pid_t parent = getpid();
    int ends[2], error;

    if (process.unreaped >= UNREAPED_MAX)
        return EAGAIN;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return errno;
    place->pid = fork();
    if (place->pid == 0)
        become_worker(ends[1], parent, host);
    error = errno;
    close(ends[1]);
    if (place->pid > 0) {
        place->fd = ends[0];
        return 0;
    }
    place->pid = 0;
    close(ends[0]);
    return error;
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

static void look_up(size_t index, const char *host)
{
    int error = start_worker(&process.places[index], host);

    if (error)
        send_failure(index, NAMES_NO_PROCESS, error);
}

/* Trusts the daemon. An order to give up a free place crossed the answer of the place, and is ignored. */
static void dispatch_order(const struct names_request *request)
{
    struct place *place = &process.places[request->place];

    if (request->order == NAMES_LOOK_UP) {
        look_up(request->place, request->host);
    } else if (place->pid) {
        kill_worker(place);
        send_failure(request->place, NAMES_GIVEN_UP, 0);
    }
}

static void read_request(void)
{
    struct names_request request;
    ssize_t size = recv(DAEMON, &request, sizeof request, MSG_DONTWAIT);

    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        _exit(0);
    if (size == (ssize_t)sizeof request && request.place < NAMES_PLACES_MAX &&
        memchr(request.host, '\0', sizeof request.host))
        dispatch_order(&request);
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void on_child_signal(int number)
{
    (void)number; /* the signal only interrupts ppoll */
}

static void set_handler(int number, void handler(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(number, &action, NULL);
}

/* Ignores signals to the daemon that a terminal or a service manager sends to all processes of a group. */
static void set_up_signals(sigset_t *ret_waiting)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    sigset_t blocked;

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        set_handler(ignored[i], SIG_IGN);
    set_handler(SIGCHLD, on_child_signal);
    sigemptyset(ret_waiting);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* watched[0] is the daemon; places follow. ppoll ignores entries with fd -1. */
static void wait_and_serve(const sigset_t *waiting)
{
    static struct pollfd watched[1 + NAMES_PLACES_MAX];

    watched[0] = (struct pollfd){.fd = DAEMON, .events = POLLIN};
    for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
        watched[i + 1] = (struct pollfd){.fd = process.places[i].pid ? process.places[i].fd : -1, .events = POLLIN};
    if (ppoll(watched, 1 + NAMES_PLACES_MAX, NULL, waiting) > 0) {
        for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
            if (watched[i + 1].revents)
                take_answer(i);
        if (watched[0].revents)
            read_request();
    }
    reap_workers();
}

static noreturn void process_run(pid_t daemon)
{
    sigset_t waiting;

    prctl(PR_SET_NAME, NAMES_PROCESS);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    set_up_signals(&waiting);
    close_others();
    if (getppid() != daemon)
        _exit(0);
    for (;;)
        wait_and_serve(&waiting);
}

void names_process_begin(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], NAMES_PROCESS) == 0)
        process_run((pid_t)atol(argv[1]));
}
