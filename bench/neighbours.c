/* SPDX-License-Identifier: MIT */
/*
 * What bad neighbours cost: the latency of requests of 200 sessions, alone, and beside one client that never reads and
 * one that floods. One request at a time, and all 200 at once; with and without in turns, so that whatever else the
 * machine does comes to both. The flood comes from the process that measures, between its requests: what is measured
 * is the daemon's work, not the flooder's. Where it may (root), it and the daemon run before all other programs for
 * these few seconds: else a daemon that always has work is interrupted for others, and one that sleeps is not.
 *
 * usage: BUILD/bench/neighbours, beside BUILD/minimiod
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS 200
#define PINGS    1000 /* a round */
#define ROUNDS   11
#define AT_MOST  1.3

/* Whole requests, and more than the daemon reads in a turn. */
#define FLOOD_BYTES ((sizeof ping - 1) * 1600)

static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
static char folder[] = "/tmp/minimio-bench-XXXXXX";
static char socket_path[64];
static int sessions[SESSIONS];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- Processes -------------------------------------------------------------------------------------------------- */

static pid_t start_process(void)
{
    pid_t pid = fork();

    if (pid < 0)
        fail("fork");
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static void end_process(pid_t pid, int signal_number)
{
    kill(pid, signal_number);
    waitpid(pid, NULL, 0);
}

/* On a processor of its own, if there are two: programs of one priority on one processor would wait for each other. */
static void keep_to_processor(int number)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(number, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* where that one may not be used, on any */
}

static pid_t start_daemon(const char *own_path)
{
    char build[PATH_MAX], path[PATH_MAX + 32], line[256];
    int err[2];
    pid_t pid;

    snprintf(build, sizeof build, "%s", own_path);
    snprintf(path, sizeof path, "%s/minimiod", dirname(dirname(build)));
    if (!mkdtemp(folder) || pipe(err) < 0)
        fail(folder);
    snprintf(socket_path, sizeof socket_path, "%s/minimio.sock", folder);
    pid = start_process();
    if (pid == 0) {
        keep_to_processor(1);
        dup2(err[1], 2);
        execl(path, path, "--socket", socket_path, (char *)NULL);
        fail(path);
    }
    close(err[1]);
    if (read(err[0], line, sizeof line) <= 0 || !strstr(line, "listening"))
        fail("minimiod does not listen");
    return pid; /* its errors stay ours, unread: there are few */
}

/* ---- Clients ---------------------------------------------------------------------------------------------------- */

static int open_session(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, socket_path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail(socket_path);
    return fd;
}

static void say(int fd)
{
    if (send(fd, ping, sizeof ping - 1, MSG_NOSIGNAL) != sizeof ping - 1)
        fail("send");
}

static void await_reply(int fd)
{
    char reply[256];
    ssize_t length = recv(fd, reply, sizeof reply, 0);

    if (length <= 0 || reply[length - 1] != '\n')
        fail("recv");
}

/* How many requests the daemon has carried out. */
static long long requests(void)
{
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats\"}\n", name[] = "\"requests\":";
    char reply[4096];
    ssize_t length;
    const char *found;

    if (send(sessions[0], ask, sizeof ask - 1, MSG_NOSIGNAL) < 0)
        fail("send");
    length = recv(sessions[0], reply, sizeof reply - 1, 0);
    reply[length < 0 ? 0 : length] = '\0';
    found = strstr(reply, name);
    if (!found)
        fail("stats");
    return atoll(found + sizeof name - 1);
}

/* Says as much as the daemon takes, and reads nothing. */
static void never_read(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (send(fd, ping, sizeof ping - 1, MSG_NOSIGNAL) > 0)
        poll(NULL, 0, 0);
}

static char many[FLOOD_BYTES], replies[FLOOD_BYTES];

/* Takes what was answered and sends as many requests again as the socket holds, so that the daemon always has more. */
static void flood(int fd)
{
    static size_t sent;

    while (recv(fd, replies, sizeof replies, MSG_DONTWAIT) > 0)
        ;
    for (ssize_t n; (n = send(fd, many + sent, sizeof many - sent, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0;)
        sent = (sent + (size_t)n) % sizeof many;
}

static void prepare_flood(void)
{
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = ping[i % (sizeof ping - 1)];
}

/* ---- Measuring -------------------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static double rank(double *values, int count, double share)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[(int)(share * (count - 1))];
}

/* Microseconds within which 99 of 100 requests were answered, with so many under way at a time, beside a flood unless
 * `flooder` is negative. */
static double measure(int at_once, int flooder)
{
    static double took[PINGS];
    int64_t said[SESSIONS];

    for (int done = 0, first = 0; done < PINGS; first = (first + at_once) % SESSIONS) {
        if (flooder >= 0)
            flood(flooder);
        for (int i = 0; i < at_once; i++) {
            said[i] = now_ns();
            say(sessions[first + i]);
        }
        for (int i = 0; i < at_once; i++) {
            await_reply(sessions[first + i]);
            took[done++] = (double)(now_ns() - said[i]) / 1e3;
        }
    }
    return rank(took, PINGS, 0.99);
}

static double measure_beside_neighbours(int at_once, double *ret_flood)
{
    long long before = requests() + PINGS;
    int silent = open_session(), flooder = open_session();
    double result;

    never_read(silent);
    result = measure(at_once, flooder);
    *ret_flood = (double)(requests() - before) / PINGS;
    close(silent);
    close(flooder);
    requests(); /* theirs are done */
    return result;
}

static void compare_with_and_without(int at_once)
{
    double without[ROUNDS], with[ROUNDS], ratios[ROUNDS], floods[ROUNDS], ratio;

    for (int round = 0; round < ROUNDS; round++) {
        without[round] = measure(at_once, -1);
        with[round] = measure_beside_neighbours(at_once, &floods[round]);
        ratios[round] = with[round] / without[round];
    }
    ratio = rank(ratios, ROUNDS, 0.5);
    printf("99 of 100 of %d sessions' pings, %3d at once: %7.1f us alone, %7.1f us beside %.0f requests for each:"
           " %.2f x   (at most %.1f: %s)\n",
           SESSIONS, at_once, rank(without, ROUNDS, 0.5), rank(with, ROUNDS, 0.5), rank(floods, ROUNDS, 0.5), ratio,
           AT_MOST, ratio <= AT_MOST ? "ok" : "MISSED");
}

int main(int argc, char **argv)
{
    struct sched_param lowest = {.sched_priority = 1};
    bool first = sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;
    pid_t daemon = start_daemon(argv[0]);

    (void)argc;
    keep_to_processor(0);
    if (!first)
        puts("not allowed to run before other programs: what they do is in these figures");
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = open_session();
    prepare_flood();
    measure(1, -1);
    compare_with_and_without(1);
    compare_with_and_without(SESSIONS);
    end_process(daemon, SIGTERM);
    rmdir(folder);
    return 0;
}
