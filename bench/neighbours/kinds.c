/* SPDX-License-Identifier: MIT */
/* The kinds of bad neighbours. Owns the descriptors of the present neighbour. */
#include "bench/neighbours/kinds.h"

#include "bench/neighbours/service.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A whole number of requests, more than the daemon reads in a turn. */
#define FLOOD_BYTES (PING_BYTES * 1600)

#define SILENT       700 /* open at a time; with the 200 sessions below the daemon's limit of sessions */
#define RANDOM_BYTES 512
#define PASSED       16 /* as many as a message may have */

static int fd; /* its session */
static char many[FLOOD_BYTES], replies[FLOOD_BYTES];

static void nothing(void)
{
}

static void open_one(void)
{
    fd = open_session();
}

static void close_one(void)
{
    close(fd);
}

static void drop_replies(void)
{
    while (recv(fd, replies, sizeof replies, MSG_DONTWAIT) > 0)
        ;
}

/* ---- Says much -------------------------------------------------------------------------------------------------- */

/* Sends as much as the daemon accepts, and never reads. */
static void never_read(void)
{
    open_one();
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (send(fd, PING, PING_BYTES, MSG_NOSIGNAL) > 0)
        poll(NULL, 0, 0);
}

static void begin_flood(void)
{
    open_one();
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = PING[i % PING_BYTES];
}

/* Sends as many requests as the socket holds, so that the daemon always has input. */
static void flood(void)
{
    static size_t sent;

    drop_replies();
    for (ssize_t n; (n = send(fd, many + sent, sizeof many - sent, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0;)
        sent = (sent + (size_t)n) % sizeof many;
}

static void drip(void)
{
    static size_t at;

    (void)!send(fd, &PING[at], 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    at = (at + 1) % PING_BYTES;
    drop_replies();
}

/* ---- Says something else ---------------------------------------------------------------------------------------- */

static void say_random_bytes(void)
{
    char bytes[RANDOM_BYTES];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(random() >> 8);
    bytes[sizeof bytes - 1] = '\n';
    (void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    drop_replies();
}

static void speak_http(void)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    close_one();
    open_one();
    (void)!send(fd, get, sizeof get - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- Wants much ------------------------------------------------------------------------------------------------- */

static int silent[SILENT];

static void open_silent(void)
{
    for (int i = 0; i < SILENT; i++)
        silent[i] = open_session();
}

/* Opens a connection, and closes the oldest connection. */
static void connect_silently(void)
{
    static int at;

    close(silent[at]);
    silent[at] = open_session();
    at = (at + 1) % SILENT;
}

static void close_silent(void)
{
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
}

/* Sends descriptors without a register. The daemon ends the session above the limit; the neighbour then reconnects. */
static void pass_descriptors(void)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(PASSED * sizeof(int))];
    } control = {0};
    char lf = '\n';
    struct iovec byte = {.iov_base = &lf, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fds[PASSED];

    for (int i = 0; i < PASSED; i++)
        fds[i] = fd;
    control.header =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds)};
    memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
    if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        return;
    close_one();
    open_one();
}

const struct kind kinds[] = {
    {"never reads", never_read, nothing, close_one},
    {"floods", begin_flood, flood, close_one},
    {"drips bytes", open_one, drip, close_one},
    {"sends random bytes", open_one, say_random_bytes, close_one},
    {"speaks HTTP", open_one, speak_http, close_one},
    {"connects silently", open_silent, connect_silently, close_silent},
    {"floods with descriptors", open_one, pass_descriptors, close_one},
};
const size_t kind_count = sizeof kinds / sizeof *kinds;
