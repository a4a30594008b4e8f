/* SPDX-License-Identifier: MIT */
/* The cost of a request, with 50 clients, compared with Redis's PING and a replier that does not parse. */
#include "bench/daemon/groups.h"

#include "bench/daemon/figures.h"
#include "bench/daemon/floors.h"
#include "bench/daemon/process.h"
#include "bench/daemon/session.h"
#include "bench/daemon/streams.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS         REPLIER_CLIENTS
#define PIPELINED       16
#define REQUESTS_ALONE  10000
#define REQUESTS_BEHIND 40000

/* The streams of a client: one armed stream, and one for each request in flight. */
#define STREAMS (1 + PIPELINED)

struct load {
    const struct process *server;
    const int *clients;
    const char *const *requests; /* PIPELINED requests, used in turn */
};

static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
static const char redis_ping[] = "*1\r\n$4\r\nPING\r\n";

static size_t repeat(const struct load *load, int first, int count, char *text)
{
    size_t length = 0;

    for (int i = first; i < first + count; i++) {
        const char *request = load->requests[i % PIPELINED];
        size_t its_length = strlen(request);

        memcpy(text + length, request, its_length);
        length += its_length;
    }
    return length;
}

/* All clients send before any client reads, as independent clients do. */
static double request_ns(const struct load *load, int in_flight, int requests)
{
    static char text[PIPELINED * 128];
    int turns = requests / in_flight / CLIENTS;
    double begin_ns = process_cpu_ns(load->server);

    for (int turn = 0; turn < turns; turn++) {
        size_t length = repeat(load, turn * in_flight, in_flight, text);

        for (int i = 0; i < CLIENTS; i++)
            session_send(load->clients[i], text, length);
        for (int i = 0; i < CLIENTS; i++)
            session_await_lines(load->clients[i], in_flight);
    }
    return (process_cpu_ns(load->server) - begin_ns) / turns / in_flight / CLIENTS;
}

static void connect_all(const struct process *server, int *ret_clients)
{
    for (int i = 0; i < CLIENTS; i++)
        ret_clients[i] = session_connect(server->path);
}

static void close_all(const int *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

/* Registers streams without events: measures the cost of a reregister, not of an event. */
static void register_streams(const int *clients, const int *near)
{
    for (int i = 0; i < CLIENTS; i++) {
        struct registrar armed = {clients[i], "oneshot"}, asked = {clients[i], "edge"};

        streams_register(&armed, near + i * STREAMS, 0, 1);
        streams_register(&asked, near + i * STREAMS + 1, 1, PIPELINED);
    }
}

static void start_replier(struct process *process, int *ret_clients)
{
    floor_start(process, replier);
    for (int i = 0; i < CLIENTS; i++) {
        int ends[2];

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
        session_send_fds(process->fd, "x", 1, &ends[1], 1);
        close(ends[1]);
        ret_clients[i] = ends[0];
    }
    session_await_lines(process->fd, 1);
}

struct request_bars {
    int in_flight, requests;
    struct figure_info ping, armed, asked, floor;
};

enum { PING, ARMED, ASKED, REPLIES, REDIS_PING, LOADS };

static void measure_round(const struct load *loads, int count, const struct request_bars *bars, bool warm)
{
    double ns[LOADS];

    for (int i = 0; i < count; i++)
        ns[i] = request_ns(&loads[i], bars->in_flight, bars->requests);
    if (!warm)
        return;
    if (count > REDIS_PING) {
        figure_sample(&bars->ping, ns[PING], ns[REDIS_PING]);
        figure_sample(&bars->armed, ns[ARMED], ns[REDIS_PING]);
        figure_sample(&bars->asked, ns[ASKED], ns[REDIS_PING]);
    }
    figure_sample(&bars->floor, ns[PING], ns[REPLIES]);
}

/* The request texts: one request repeated, and a reregister of each stream. */
struct texts {
    const char *pings[PIPELINED], *redis_pings[PIPELINED], *armed[PIPELINED], *asked[PIPELINED];
    char reregisters[STREAMS][96];
};

static void write_texts(struct texts *texts)
{
    for (int i = 0; i < STREAMS; i++)
        snprintf(texts->reregisters[i], sizeof texts->reregisters[i],
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reregister\",\"params\":{\"token\":%d}}\n", i);
    for (int i = 0; i < PIPELINED; i++) {
        texts->pings[i] = ping;
        texts->redis_pings[i] = redis_ping;
        texts->armed[i] = texts->reregisters[0];
        texts->asked[i] = texts->reregisters[1 + i];
    }
}

#define REDIS   "Redis PING"
#define REPLIER "a replier that parses nothing"

void measure_requests(const struct plan *plan)
{
    static const struct request_bars bars[] = {
        {1,
         REQUESTS_ALONE,
         {"requests", "ping, 1 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "reregister of an armed stream, 1 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "reregister that asks the kernel, 1 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "ping, 1 in flight", "ns CPU", REPLIER, 0}},
        {PIPELINED,
         REQUESTS_BEHIND,
         {"requests", "ping, 16 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "reregister of an armed stream, 16 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "reregister that asks the kernel, 16 in flight", "ns CPU", REDIS, 1.0},
         {"requests", "ping, 16 in flight", "ns CPU", REPLIER, 0}},
    };
    struct process minimiod, redis, replies;
    int clients[CLIENTS], redis_clients[CLIENTS], replier_clients[CLIENTS];
    static int near[CLIENTS * STREAMS], far[CLIENTS * STREAMS];
    static struct texts texts;
    bool has_redis = redis_start(&redis);

    if (has_redis)
        connect_all(&redis, redis_clients);
    else
        figure_skip("requests beside Redis", "there is no redis-server");
    start_replier(&replies, replier_clients);
    minimiod_start(&minimiod, plan->build, NULL);
    connect_all(&minimiod, clients);
    pairs_open(near, far, CLIENTS * STREAMS);
    register_streams(clients, near);
    write_texts(&texts);
    const struct load loads[] = {
        [PING] = {&minimiod, clients, texts.pings},
        [ARMED] = {&minimiod, clients, texts.armed},
        [ASKED] = {&minimiod, clients, texts.asked},
        [REPLIES] = {&replies, replier_clients, texts.pings},
        [REDIS_PING] = {&redis, redis_clients, texts.redis_pings},
    };
    for (size_t i = 0; i < sizeof bars / sizeof *bars; i++)
        for (int round = -1; round < plan->rounds; round++)
            measure_round(loads, has_redis ? LOADS : REDIS_PING, &bars[i], round >= 0);
    close_all(clients);
    close_all(replier_clients);
    process_stop(&minimiod);
    process_stop(&replies);
    if (has_redis) {
        close_all(redis_clients);
        process_stop(&redis);
    }
    pairs_close(near, far, CLIENTS * STREAMS);
}

/* ---- Beside a name server that never answers -------------------------------------------------------------------- */

#define LOOKUPS 200
#define PINGS   2000

static double ping_ns(int session)
{
    double begin_ns = now_ns();

    for (int i = 0; i < PINGS; i++) {
        session_send(session, ping, sizeof ping - 1);
        session_await_lines(session, 1);
    }
    return (now_ns() - begin_ns) / PINGS;
}

/* Programs started from now on use this name server: tests/preload/name_server.c. */
static int open_silent_server(const char *build)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char preload[512], port[16];

    need(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
             getsockname(fd, (struct sockaddr *)&address, &length) == 0,
         "bind");
    snprintf(preload, sizeof preload, "%s/tests/name_server.so", build);
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    setenv("LD_PRELOAD", preload, 1);
    setenv("NAME_SERVER_PORT", port, 1);
    return fd;
}

void measure_lookups(const struct plan *plan)
{
    static const struct figure_info beside = {"lookups", "a ping beside 200 lookups without an answer", "ns",
                                              "a ping alone", 1.5};
    int silent = open_silent_server(plan->build);
    struct process minimiod;

    minimiod_start(&minimiod, plan->build, NULL);
    unsetenv("LD_PRELOAD");
    int session = session_connect(minimiod.path);
    ping_ns(session);
    for (int round = 0; round < plan->rounds; round++) {
        int resolving = session_connect(minimiod.path);
        double alone_ns = ping_ns(session);

        for (int i = 0; i < LOOKUPS; i++)
            session_printf(resolving,
                           "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":[%d,\"host%d.example:80\"]}\n", i,
                           i);
        figure_sample(&beside, ping_ns(session), alone_ns);
        close(resolving);
    }
    close(session);
    process_stop(&minimiod);
    close(silent);
}
