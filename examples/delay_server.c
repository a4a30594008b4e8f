/* SPDX-License-Identifier: MIT */
/*
 * A server that answers with a delay: an example of a program on libminimio, and a target for tests.
 *
 *     delay_server [--http] [PORT:]DELAY_MS...
 *
 * Opens one port on 127.0.0.1 for each delay, and prints a line `PORT DELAY_MS` for each port. A client of a port
 * receives a greeting after the delay, together with the end of the stream. With --http a further port, printed as
 * `PORT http`, accepts `GET /DELAY_MS/MESSAGE HTTP/1.1` and answers with MESSAGE after the delay.
 *
 * One thread, one wait. A token is an index: below `port_count` a port, otherwise a slot for a connection. All slots
 * are allocated at the start, so the memory does not grow with the number of clients.
 */
#include <minimio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1000
#define PORTS_MAX       1000
#define DELAY_MAX_MS    3600000
#define TEXT_SIZE       1024  /* of a request, and of an answer */
#define LINGER_MS       10000 /* how long a peer may take to close after the answer */
#define DRAIN_READS     16    /* at a time, for fairness among connections */
#define EVENTS          64
#define DELAY_HTTP      (-1)
#define NS_PER_MS       INT64_C(1000000)

enum state {
    FREE,
    REQUEST, /* reading an HTTP request */
    WAITING, /* until `due_ns` */
    ANSWER,  /* sending */
    LINGER,  /* all data is sent: until the peer closes, or `due_ns` */
};

struct port {
    int fd;
    int64_t delay_ms; /* or DELAY_HTTP */
};

struct connection {
    enum state state;
    struct minimio_tcp_stream *stream;
    int64_t due_ns;
    char text[TEXT_SIZE]; /* the request while reading, then the answer */
    size_t length;
    size_t sent;
};

struct server {
    struct minimio_poll *poll;
    struct minimio_registrator *registrator;
    struct port ports[PORTS_MAX];
    size_t port_count;
    struct connection connections[CONNECTIONS_MAX];
};

/* For the signal handler, which may close a loop. */
static struct minimio_registrator *interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    minimio_registrator_close_loop(interrupted);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- Connections ------------------------------------------------------------------------------------------------ */

static void connection_close(struct connection *connection)
{
    connection->stream = minimio_tcp_stream_free(connection->stream);
    connection->state = FREE;
}

/* Reads and drops the peer's data. False: the peer has closed, is gone, or sends too much. */
static bool connection_drain(struct connection *connection)
{
    char scratch[4096];
    ssize_t n = 1;

    for (int i = 0; i < DRAIN_READS && n > 0; i++)
        n = minimio_tcp_stream_read(connection->stream, scratch, sizeof scratch);
    return n == -EAGAIN;
}

/* Sends the end of the stream now, and waits for the peer's end, so that late data of the peer causes no reset. */
static void connection_half_close(struct connection *connection)
{
    minimio_tcp_stream_shutdown(connection->stream, MINIMIO_SHUTDOWN_WRITE);
    connection->state = LINGER;
    connection->due_ns = now_ns() + LINGER_MS * NS_PER_MS;
    if (!connection_drain(connection))
        connection_close(connection);
}

/*
 * Sends the text and the end of the stream in one segment, so that the peer is woken once for both. Linux holds back a
 * small segment of a corked socket until the shutdown.
 */
static void connection_cork(struct connection *connection)
{
    int on = 1;

    (void)setsockopt(minimio_tcp_stream_fd(connection->stream), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static void connection_send(struct connection *connection)
{
    connection_cork(connection);
    while (connection->sent < connection->length) {
        ssize_t n = minimio_tcp_stream_write(connection->stream, connection->text + connection->sent,
                                             connection->length - connection->sent);

        if (n == -EAGAIN)
            return; /* an event follows when the stream is writable */
        if (n < 0) {
            connection_close(connection);
            return;
        }
        connection->sent += (size_t)n;
    }
    connection_half_close(connection);
}

static void connection_wait(struct connection *connection, int64_t delay_ms)
{
    connection->state = WAITING;
    connection->due_ns = now_ns() + delay_ms * NS_PER_MS;
    connection->sent = 0;
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------- */

static void http_answer(struct connection *connection, const char *status, const char *body, int64_t delay_ms)
{
    char text[TEXT_SIZE];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          status, strlen(body), body);

    memcpy(connection->text, text, (size_t)length);
    connection->length = (size_t)length;
    connection_wait(connection, delay_ms);
}

/* The head of the request is complete and NUL-terminated. */
static void http_request(struct connection *connection)
{
    char message[512];
    unsigned delay_ms;

    if (sscanf(connection->text, "GET /%7u/%511[^ \r\n] HTTP/1.", &delay_ms, message) == 2 && delay_ms <= DELAY_MAX_MS)
        http_answer(connection, "200 OK", message, delay_ms);
    else
        http_answer(connection, "400 Bad Request", "what is wanted is GET /DELAY_MS/MESSAGE HTTP/1.1\n", 0);
}

/* Edge-triggered: reads until the stream would block. */
static void http_read(struct connection *connection)
{
    while (connection->state == REQUEST) {
        size_t room = TEXT_SIZE - 1 - connection->length;
        ssize_t n = minimio_tcp_stream_read(connection->stream, connection->text + connection->length, room);

        if (n == -EAGAIN)
            return;
        if (n <= 0) { /* the end of the stream, or a request that is too long */
            connection_close(connection);
            return;
        }
        connection->length += (size_t)n;
        connection->text[connection->length] = '\0';
        if (strstr(connection->text, "\r\n\r\n"))
            http_request(connection);
    }
}

/* ---- Ports ------------------------------------------------------------------------------------------------------ */

static struct connection *find_free_slot(struct server *server)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (server->connections[i].state == FREE)
            return &server->connections[i];
    return NULL;
}

static void connection_accept(struct server *server, const struct port *port, int fd)
{
    struct connection *connection = find_free_slot(server);
    size_t token;

    if (!connection || minimio_tcp_stream_from_fd(fd, &connection->stream) < 0) {
        close(fd);
        return;
    }
    token = server->port_count + (size_t)(connection - server->connections);
    if (minimio_registrator_register(server->registrator, connection->stream, token,
                                     MINIMIO_READABLE | MINIMIO_WRITABLE, MINIMIO_EDGE) < 0) {
        connection_close(connection);
        return;
    }
    connection->length = connection->sent = 0;
    if (port->delay_ms == DELAY_HTTP) {
        connection->state = REQUEST;
        return;
    }
    connection->length = (size_t)snprintf(connection->text, TEXT_SIZE, "hello after %" PRId64 " ms\n", port->delay_ms);
    connection_wait(connection, port->delay_ms);
}

static void port_accept(struct server *server, const struct port *port)
{
    int fd;

    while ((fd = accept4(port->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        connection_accept(server, port, fd);
}

/* `number` 0: the kernel chooses a free port. */
static int port_open(struct port *port, uint16_t number, int64_t delay_ms)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(number)};
    socklen_t length = sizeof address;
    int on = 1;

    port->delay_ms = delay_ms;
    port->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->fd < 0 || setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(port->fd, (struct sockaddr *)&address, length) < 0 || listen(port->fd, SOMAXCONN) < 0 ||
        getsockname(port->fd, (struct sockaddr *)&address, &length) < 0)
        return -errno;
    if (delay_ms == DELAY_HTTP)
        printf("%d http\n", ntohs(address.sin_port));
    else
        printf("%d %" PRId64 "\n", ntohs(address.sin_port), delay_ms);
    return 0;
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

static void connection_ready(struct connection *connection)
{
    switch (connection->state) {
    case FREE:    /* closed earlier in this batch */
    case WAITING: /* a client that has closed its direction can still read */
        break;
    case REQUEST:
        http_read(connection);
        break;
    case ANSWER:
        connection_send(connection);
        break;
    case LINGER:
        if (!connection_drain(connection))
            connection_close(connection);
        break;
    }
}

static bool has_due_time(const struct connection *connection)
{
    return connection->state == WAITING || connection->state == LINGER;
}

/* The connection that is due first, or NULL if none is waiting. */
static struct connection *next_due(struct server *server)
{
    struct connection *next = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &server->connections[i];

        if (has_due_time(connection) && (!next || connection->due_ns < next->due_ns))
            next = connection;
    }
    return next;
}

/* In the order of their due times, so that a delayed server still answers in the right order. */
static void connections_due(struct server *server)
{
    int64_t now = now_ns();
    struct connection *connection;

    while ((connection = next_due(server)) && connection->due_ns <= now) {
        if (connection->state == LINGER) {
            connection_close(connection);
        } else {
            connection->state = ANSWER;
            connection_send(connection);
        }
    }
}

static int64_t time_to_next_ns(struct server *server)
{
    const struct connection *next = next_due(server);
    int64_t left;

    if (!next)
        return MINIMIO_FOREVER;
    left = next->due_ns - now_ns();
    return left > 0 ? left : 0;
}

/* Runs until a signal closes the loop; then returns -ECANCELED. */
static int serve(struct server *server)
{
    struct minimio_event events[EVENTS];

    for (;;) {
        int n = minimio_poll_poll(server->poll, events, EVENTS, time_to_next_ns(server));

        if (n < 0)
            return n;
        for (int i = 0; i < n; i++) {
            minimio_token token = minimio_event_id(&events[i]);

            if (token < server->port_count)
                port_accept(server, &server->ports[token]);
            else
                connection_ready(&server->connections[token - server->port_count]);
        }
        connections_due(server);
    }
}

/* ---- Start and end ---------------------------------------------------------------------------------------------- */

/* Ensures enough descriptors for all connections: if accept failed for lack of a descriptor, the ports would stay
 * ready. */
static int reserve_descriptors(size_t ports)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < CONNECTIONS_MAX + ports + 16 ? -EMFILE : 0;
}

/* Opens the port of a checked argument: DELAY_MS, PORT:DELAY_MS or --http. */
static int open_argument(struct port *port, const char *argument)
{
    const char *colon = strchr(argument, ':');

    if (strcmp(argument, "--http") == 0)
        return port_open(port, 0, DELAY_HTTP);
    if (!colon)
        return port_open(port, 0, strtol(argument, NULL, 10));
    return port_open(port, (uint16_t)strtol(argument, NULL, 10), strtol(colon + 1, NULL, 10));
}

static int start(struct server *server, int argc, char **argv)
{
    int result = minimio_poll_new(&server->poll);

    if (result < 0)
        return result;
    server->registrator = minimio_poll_registrator(server->poll);
    if (!server->registrator)
        return -ENOMEM;
    for (int i = 1; i < argc && result == 0; i++) {
        struct port *port = &server->ports[server->port_count];

        port->fd = -1;
        server->port_count++;
        result = open_argument(port, argv[i]);
        if (result == 0)
            result = minimio_registrator_register_fd(server->registrator, port->fd, server->port_count - 1,
                                                     MINIMIO_READABLE, MINIMIO_LEVEL);
    }
    return result == 0 ? reserve_descriptors(server->port_count) : result;
}

static void handle_signals(struct server *server)
{
    struct sigaction action = {.sa_handler = interrupt};

    interrupted = server->registrator;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void stop(struct server *server)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        connection_close(&server->connections[i]);
    for (size_t i = 0; i < server->port_count; i++)
        if (server->ports[i].fd >= 0)
            close(server->ports[i].fd);
    minimio_registrator_free(server->registrator);
    minimio_poll_free(server->poll);
}

/* The number at the start of `text`, which must extend to `end`; -1: no number, or a number above `max`. */
static long read_number(const char *text, char end, long max)
{
    size_t length = strspn(text, "0123456789");
    long number = length > 0 && length <= 7 ? strtol(text, NULL, 10) : -1;

    return text[length] == end && number <= max ? number : -1;
}

static bool is_delay(const char *text)
{
    const char *colon = strchr(text, ':');

    if (colon && read_number(text, ':', UINT16_MAX) < 0)
        return false;
    return read_number(colon ? colon + 1 : text, '\0', DELAY_MAX_MS) >= 0;
}

static bool is_usage_right(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!is_delay(argv[i]) && strcmp(argv[i], "--http") != 0)
            return false;
    return argc > 1 && argc - 1 <= PORTS_MAX;
}

#define USAGE "usage: delay_server [--http] [PORT:]DELAY_MS...   (0 to 3600000; at most 1000 of them)\n"

int main(int argc, char **argv)
{
    static struct server server;
    int result;

    if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (!is_usage_right(argc, argv)) {
        fputs(USAGE, stderr);
        return 2;
    }
    result = start(&server, argc, argv);
    if (result == 0) {
        handle_signals(&server);
        fflush(stdout);
        result = serve(&server);
    }
    signal(SIGTERM, SIG_IGN); /* the registrator is freed next */
    signal(SIGINT, SIG_IGN);
    stop(&server);
    if (result == -ECANCELED)
        return 0;
    fprintf(stderr, "delay_server: %s\n", strerror(-result));
    return 1;
}
