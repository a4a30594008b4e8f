/* SPDX-License-Identifier: MIT */
/* Owns the ports of the loopback, open for all inputs, and the peers of the present input. */
#include "fuzz/peers.h"

#include "fuzz/require.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PEERS_MAX 32
#define FILL_MAX  (4 * 1024 * 1024)

int __real_connect(int fd, const struct sockaddr *address, socklen_t length);

enum { OPEN_PORT, CLOSED_PORT, SILENT_PORT, PORTS };

/* Ports of the loopback in one family; opened once, for all inputs. */
struct ports {
    int sockets[PORTS]; /* -1: the family is unavailable */
    in_port_t numbers[PORTS];
    int filler; /* occupies the whole backlog of the silent port */
};

static struct ports v4, v6;
static bool is_ready;
static int peers[PEERS_MAX];
static unsigned peer_count;

/* ---- Ports ------------------------------------------------------------------------------------------------------ */

static socklen_t loopback(int family, in_port_t port, struct sockaddr_storage *ret_address)
{
    *ret_address = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        struct sockaddr_in *address = (struct sockaddr_in *)ret_address;

        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address->sin_port = port;
        return sizeof *address;
    }
    ((struct sockaddr_in6 *)ret_address)->sin6_addr = in6addr_loopback;
    ((struct sockaddr_in6 *)ret_address)->sin6_port = port;
    return sizeof(struct sockaddr_in6);
}

/* A backlog of -1: bind without listen. */
static int open_port(int family, int backlog, in_port_t *ret_port)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_storage address;
    socklen_t length = loopback(family, 0, &address);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || (backlog >= 0 && listen(fd, backlog) < 0)) {
        close(fd);
        return -1;
    }
    REQUIRE(getsockname(fd, (struct sockaddr *)&address, &length) == 0, "getsockname failed");
    *ret_port =
        family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port : ((struct sockaddr_in6 *)&address)->sin6_port;
    return fd;
}

static int connect_to(int fd, int family, in_port_t port)
{
    struct sockaddr_storage address;
    socklen_t length = loopback(family, port, &address);

    return __real_connect(fd, (struct sockaddr *)&address, length);
}

static void ports_open(struct ports *ports, int family)
{
    static const int backlogs[PORTS] = {[OPEN_PORT] = 128, [CLOSED_PORT] = -1, [SILENT_PORT] = 0};

    for (int i = 0; i < PORTS; i++)
        ports->sockets[i] = open_port(family, backlogs[i], &ports->numbers[i]);
    ports->filler = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ports->sockets[SILENT_PORT] >= 0)
        connect_to(ports->filler, family, ports->numbers[SILENT_PORT]);
}

/* ---- Peers ------------------------------------------------------------------------------------------------------ */

/* Adds a peer. The close of a peer leaves nothing behind, not even a port in TIME_WAIT. */
static void add_peer(int fd)
{
    struct linger none = {.l_onoff = 1};

    REQUIRE(fd >= 0, "no descriptor: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (peer_count < PEERS_MAX)
        peers[peer_count++] = fd;
    else
        close(fd);
}

static void accept_from(const struct ports *ports)
{
    int fd;

    if (ports->sockets[OPEN_PORT] < 0)
        return;
    while ((fd = accept(ports->sockets[OPEN_PORT], NULL, NULL)) >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        add_peer(fd);
    }
}

void peers_accept(void)
{
    accept_from(&v4);
    accept_from(&v6);
}

void peers_begin(void)
{
    if (is_ready)
        return;
    ports_open(&v4, AF_INET);
    ports_open(&v6, AF_INET6);
    REQUIRE(v4.sockets[OPEN_PORT] >= 0, "no loopback");
    is_ready = true;
}

void peers_end(void)
{
    peers_accept();
    while (peer_count)
        close(peers[--peer_count]);
}

/* The last peer takes the place of a closed peer. */
static int peer_fd(unsigned index)
{
    return peer_count ? peers[index % peer_count] : -1;
}

static ssize_t send_bytes(int fd, const char *data, size_t length)
{
    ssize_t sent = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);

    return sent < 0 && errno == ENOTSOCK ? write(fd, data, length) : sent;
}

void peer_write(unsigned index, const char *data, size_t length)
{
    if (peer_count)
        send_bytes(peer_fd(index), data, length);
}

void peer_fill(unsigned index)
{
    static const char bytes[16384];

    for (size_t sent = 0; peer_count && sent < FILL_MAX;) {
        ssize_t result = send_bytes(peer_fd(index), bytes, sizeof bytes);

        if (result <= 0)
            break;
        sent += (size_t)result;
    }
}

bool peer_drain(unsigned index)
{
    char bytes[16384];
    bool any = false;

    while (peer_count && read(peer_fd(index), bytes, sizeof bytes) > 0)
        any = true;
    return any;
}

void peer_shutdown(unsigned index)
{
    if (peer_count)
        shutdown(peer_fd(index), SHUT_WR);
}

void peer_close(unsigned index)
{
    if (!peer_count)
        return;
    close(peer_fd(index));
    peers[index % peer_count] = peers[peer_count - 1];
    peer_count--;
}

/* ---- Descriptors to send ---------------------------------------------------------------------------------------- */

static int make_pair(int type)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0, "socketpair failed");
    add_peer(ends[1]);
    return ends[0];
}

static int make_closed_pair(void)
{
    int fd = make_pair(SOCK_STREAM);

    peer_close(peer_count - 1);
    return fd;
}

static int make_pipe(bool write_end)
{
    int ends[2];

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0, "pipe2 failed");
    add_peer(ends[!write_end]);
    return ends[write_end];
}

static int make_tcp(bool connected, int linger_s)
{
    struct linger linger = {.l_onoff = linger_s > 0, .l_linger = linger_s};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0, "no socket");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    if (connected)
        connect_to(fd, AF_INET, v4.numbers[OPEN_PORT]);
    peers_accept();
    return fd;
}

static int make_listening(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr address = {.sa_family = AF_UNIX};

    REQUIRE(fd >= 0 && bind(fd, &address, sizeof address.sa_family) == 0 && listen(fd, 1) == 0, "no listener");
    return fd;
}

int peer_make(char kind)
{
    switch (kind) {
    case 's':
        return make_pair(SOCK_STREAM);
    case 'q':
        return make_pair(SOCK_SEQPACKET);
    case 'd':
        return make_pair(SOCK_DGRAM);
    case 'c':
        return make_closed_pair();
    case 'p':
    case 'w':
        return make_pipe(kind == 'w');
    case 't':
        return make_tcp(true, 0);
    case 'g':
        return make_tcp(true, 1);
    case 'u':
        return make_tcp(false, 0);
    case 'l':
        return make_listening();
    case 'm':
        return memfd_create("fuzz", MFD_CLOEXEC);
    case 'f':
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    case 'n':
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    case 'o':
        return open("/", O_PATH | O_CLOEXEC);
    case 'e':
        return eventfd(1, EFD_CLOEXEC);
    case 'i':
        return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    case 'y':
        return epoll_create1(EPOLL_CLOEXEC);
    default:
        return -1;
    }
}

/* ---- What the daemon connects to -------------------------------------------------------------------------------- */

/* Does the kernel route the address to the loopback? */
static bool is_loopback(const struct sockaddr *address)
{
    const struct in6_addr *inner = &((const struct sockaddr_in6 *)address)->sin6_addr;
    in_addr_t v4_address = ((const struct sockaddr_in *)address)->sin_addr.s_addr;

    if (address->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(inner))
        return IN6_IS_ADDR_LOOPBACK(inner) || IN6_IS_ADDR_UNSPECIFIED(inner);
    if (address->sa_family == AF_INET6)
        memcpy(&v4_address, inner->s6_addr + 12, sizeof v4_address);
    return ntohl(v4_address) >> 24 == 127 || v4_address == INADDR_ANY;
}

/* Connects only to the ports of this file; requires that the rules have refused every other address. */
int peers_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const struct ports *ports = address->sa_family == AF_INET ? &v4 : &v6;
    in_port_t port = address->sa_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                                   : ((const struct sockaddr_in6 *)address)->sin6_port;
    int which = ntohs(port) % 10 % PORTS;

    (void)length;
    REQUIRE(is_loopback(address), "connect to an address that the rules deny");
    if (ports->sockets[which] < 0) {
        errno = ENETUNREACH;
        return -1;
    }
    return connect_to(fd, address->sa_family, ports->numbers[which]);
}
