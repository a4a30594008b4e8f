/* SPDX-License-Identifier: MIT */
/*
 * What the tests of libminimio share: a queue as a fixture, sockets on the loopback, and the awaiting of events, with
 * what differs between the platforms behind it. What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_LIBRARY_SUPPORT_H
#define MINIMIO_TESTS_LIBRARY_SUPPORT_H

#include "libminimio/minimio.h"

#include "tests/library/skips.h"

#include <check.h>

#ifdef _WIN32
#define SHUT_WR      SD_SEND
#define SHUT_RDWR    SD_BOTH
#define MSG_NOSIGNAL 0
#define NOWHERE      "NUL"
#define NO_FAMILY    AF_IRDA /* an address that no stream connects to */
typedef ADDRESS_FAMILY sa_family_t;
#else
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>
#define NOWHERE   "/dev/null"
#define NO_FAMILY AF_UNIX
#endif

#define MS       INT64_C(1000000)
#define S        INT64_C(1000000000)
#define PLENTY   (20 * S)  /* for what is sure to come */
#define A_MOMENT (20 * MS) /* for what is not to come */

/* Which backend the build chose. */
#ifndef EXPECTED_BACKEND
#define EXPECTED_BACKEND "epoll"
#endif

#define ASYNC_CASE_TIMEOUT_S 120 /* of a test case, in Check's whole seconds: for valgrind too */

/* A queue for each test, by set_up_queue and tear_down_queue as a checked fixture. */
extern struct minimio_poll *queue;
extern struct minimio_registrator *registrator;
void set_up_queue(void);
void tear_down_queue(void);

/* A TCP stream and the other end of its connection, a blocking descriptor. */
struct pair {
    struct minimio_tcp_stream *stream;
    minimio_fd peer;
};
void pair_open(struct pair *ret_pair);
void pair_close(struct pair *pair); /* what is NULL or MINIMIO_INVALID_FD is closed already */
void pair_close_peer(struct pair *pair);

/* A socket that is bound to the loopback of that family, and its address: a connect to the address is refused, and no
 * other process is given the port. */
minimio_fd bind_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length);

/* A listening socket on the loopback of that family, and its address. */
minimio_fd listen_on(int family, struct sockaddr_storage *ret_address, socklen_t *ret_length);

/* A listener on the IPv4 loopback whose queue is full, so that connecting to it goes on and on; what filled it. */
#define FILLING 4
minimio_fd listen_in_silence(struct sockaddr_storage *ret_address, socklen_t *ret_length, minimio_fd filling[FILLING]);
void fill_listener(minimio_fd listener, const struct sockaddr_storage *address, minimio_fd ret_filling[FILLING]);
void close_all(const minimio_fd *fds, int count);

/* Makes the peer's next close a reset. */
void reset_on_close(minimio_fd fd);

/* Writes until the stream takes no more; returns how many bytes it took. */
size_t fill(struct minimio_tcp_stream *stream);

/* Reads everything that is there. Returns how many bytes. */
size_t drain(struct minimio_tcp_stream *stream);

void send_text(minimio_fd fd, const char *text);

/* Awaits one event, which must come alone. */
struct minimio_event await_event(void);

/* Awaits events of `token` until one has what `has` asks for; others fail the test. */
struct minimio_event await_flag(minimio_token token, bool (*has)(const struct minimio_event *));

/* Nothing comes: neither now nor in a moment. */
#define assert_quiet() assert_quiet_at(__LINE__)
void assert_quiet_at(int line);

int64_t now_ns(void);

/* A sanitizer or valgrind slows this down: bounds on being late are not checked, which is printed once. */
bool is_slowed_down(void);

/* ---- What differs between the platforms: support_posix.c, and tests/windows/support.c ---------------------------- */

/* How late a short timeout may be. */
extern const int64_t lateness_max_ns;

/*
 * Under EDGE, what was reported is reported again only after the program has met the end of it (Windows). Such a
 * backend may also report what was there when it looked and has been read since.
 */
extern const bool edge_awaits_the_end;

/* Is it wine, which is not Windows in everything? */
bool is_wine(void);
#define WINE_READS_UP_TO_AN_END "it finds an end only when what came before has been read"

/* Closes a descriptor, and only that: what is registered is not deregistered. */
void close_fd(minimio_fd fd);

/* A socket of that family that nobody has connected, blocking or not. */
minimio_fd open_socket(int family, bool is_blocking);

/* The next connection, blocking. */
minimio_fd accept_from(minimio_fd listener);

bool is_non_blocking(minimio_fd fd);
bool is_inherited(minimio_fd fd);
void make_blocking_and_inherited(minimio_fd fd);

/* Both ends of a connection, non-blocking: of Unix sockets where there are such pairs. */
void connected_pair(minimio_fd ret_fds[2]);

/* Awaits that so many bytes can be read, which have been sent. */
void await_arrival(minimio_fd fd, size_t count);

/*
 * A trigger: a descriptor that is readable from when it is fired until it is drained; the platform's simplest. Any
 * thread. trigger_free closes it.
 */
minimio_fd trigger_new(bool is_fired);
void trigger_fire(minimio_fd trigger);
void trigger_drain(minimio_fd trigger);
void trigger_free(minimio_fd trigger);

/* Something that is open and cannot be waited for. */
minimio_fd open_file(void);
minimio_fd open_folder(void);
void close_file(minimio_fd file);

/* Another trigger that has the number of one that close_fd closed. */
minimio_fd trigger_reuse(minimio_fd closed);

/* How many descriptors this process has open. */
int open_descriptors(void);

/*
 * How many bytes the C library has handed out; 0 where the C library does not tell, and where a sanitizer has its
 * place, which then looks for leaks itself.
 */
size_t allocated_bytes(void);

/* Room for so many events, of which only the first few take memory; NULL: there is no address space. */
struct minimio_event *reserve_events(size_t capacity);
void release_events(struct minimio_event *events, size_t capacity);

#endif
