/* SPDX-License-Identifier: MIT */
/* The cost of an event: CPU time compared with the bare relay, the latency from byte to line, and the growth with
 * the number of streams. */
#include "bench/daemon/groups.h"

#include "bench/daemon/figures.h"
#include "bench/daemon/floors.h"
#include "bench/daemon/process.h"
#include "bench/daemon/session.h"
#include "bench/daemon/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_A_ROUND  10000
#define REARM_AT_ONCE   256
#define LATENCIES       2000
#define GROWTH_FEW      100
#define GROWTH_LAPS     150
#define GROWTH_MANY     (GROWTH_LAPS * GROWTH_FEW)
#define DESCRIPTORS_FEW 256 /* in addition to the streams */

#define RELAY          "bare relay, oneshot"
#define RELAY_OF_EDGES "bare relay, edge"

/* ---- One lap: every stream once --------------------------------------------------------------------------------- */

static void lap_edge(int client, const struct streams *streams)
{
    streams_fire(streams, 0, 1, streams->count);
    session_await_events(client, streams->count);
    streams_drain(streams, 0, 1, streams->count);
}

static void rearm(int session, int first, int count)
{
    static char text[REARM_AT_ONCE * 96];
    size_t length = 0;

    for (int i = 0; i < count; i++)
        length += (size_t)sprintf(
            text + length, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"reregister\",\"params\":{\"token\":%d}}\n", i,
            first + i);
    session_send(session, text, length);
    session_await_lines(session, count);
}

static void lap_oneshot(int session, const struct streams *streams)
{
    lap_edge(session, streams);
    for (int first = 0; first < streams->count; first += REARM_AT_ONCE) {
        int left = streams->count - first;
        rearm(session, first, left < REARM_AT_ONCE ? left : REARM_AT_ONCE);
    }
}

/* The rearm has no reply: the relay handles the rearm before the bytes of the next lap. */
static void lap_relay(int client, const struct streams *streams)
{
    uint32_t tokens[REARM_AT_ONCE];
    int count = 0;

    lap_edge(client, streams);
    for (int token = 0; token < streams->count; token++) {
        tokens[count++] = (uint32_t)token;
        if (count < REARM_AT_ONCE && token + 1 < streams->count)
            continue;
        session_send(client, (const char *)tokens, (size_t)count * sizeof *tokens);
        count = 0;
    }
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

struct event_bars {
    struct figure_info edge, oneshot, floor, ring;
};

/* Opens a session with `count` streams. */
static int open_session(const struct process *minimiod, struct streams *streams, int count, const char *mode)
{
    struct registrar registrar = {session_connect(minimiod->path), mode};

    streams_open(streams, count, streams_register, &registrar);
    return registrar.session;
}

static void give_to_relay(void *relay, const int *near, int first, int count)
{
    (void)first;
    session_send_fds(((const struct process *)relay)->fd, "x", 1, near, count);
}

static void begin_relaying(const struct process *relay)
{
    session_send(relay->fd, "x", 1);
    session_await_lines(relay->fd, 1);
}

static void start_relay(struct process *relay, struct streams *streams, int count, void (*serve)(int fd))
{
    floor_start(relay, serve);
    streams_open(streams, count, give_to_relay, relay);
    begin_relaying(relay);
}

/* A way to deliver events: the server, the client, the streams, and the function of a lap. */
struct way {
    struct process process;
    int client;
    struct streams streams;
    void (*lap)(int client, const struct streams *streams);
    double used_ns; /* until the last round */
};

enum { EDGE, ONESHOT, RELAY_ONESHOT, RELAY_EDGE, RELAY_RING, WAYS };

/* Returns the number of ways, because io_uring may be missing. */
static int open_ways(const struct plan *plan, struct way *ways, int count)
{
    static const char *const modes[] = {[EDGE] = "edge", [ONESHOT] = "oneshot"};
    static void (*const relays[])(int fd) = {
        [RELAY_ONESHOT] = relay_oneshot, [RELAY_EDGE] = relay_edge, [RELAY_RING] = relay_ring};
    int way_count = ring_is_there() ? WAYS : RELAY_RING;

    ways[EDGE].lap = ways[RELAY_EDGE].lap = ways[RELAY_RING].lap = lap_edge;
    ways[ONESHOT].lap = lap_oneshot;
    ways[RELAY_ONESHOT].lap = lap_relay;
    for (int i = EDGE; i <= ONESHOT; i++) {
        minimiod_start(&ways[i].process, plan->build, NULL);
        ways[i].client = open_session(&ways[i].process, &ways[i].streams, count, modes[i]);
    }
    for (int i = RELAY_ONESHOT; i < way_count; i++) {
        start_relay(&ways[i].process, &ways[i].streams, count, relays[i]);
        ways[i].client = ways[i].process.fd;
    }
    return way_count;
}

static void close_ways(struct way *ways, int way_count)
{
    for (int i = 0; i < way_count; i++) {
        if (i <= ONESHOT)
            close(ways[i].client);
        process_stop(&ways[i].process);
        streams_close(&ways[i].streams);
    }
}

/* Measures from the end of one round to the end of the next, so that deferred work counts too. */
static double used_since_ns(struct way *way)
{
    double before_ns = way->used_ns;

    way->used_ns = process_cpu_ns(&way->process);
    return way->used_ns - before_ns;
}

static void measure_events_of(const struct plan *plan, int count, const struct event_bars *bars)
{
    static struct way ways[WAYS];
    int laps = EVENTS_A_ROUND / count;
    int way_count = open_ways(plan, ways, count);

    for (int round = -1; round < plan->rounds; round++) { /* the first round warms up */
        double ns[WAYS];

        for (int lap = 0; lap < laps; lap++)
            for (int i = 0; i < way_count; i++)
                ways[i].lap(ways[i].client, &ways[i].streams);
        for (int i = 0; i < way_count; i++)
            ns[i] = used_since_ns(&ways[i]) / laps / count;
        if (round < 0)
            continue;
        figure_sample(&bars->edge, ns[EDGE], ns[RELAY_ONESHOT]);
        figure_sample(&bars->oneshot, ns[ONESHOT], ns[RELAY_ONESHOT]);
        figure_sample(&bars->floor, ns[EDGE], ns[RELAY_EDGE]);
        if (way_count == WAYS)
            figure_sample(&bars->ring, ns[RELAY_RING], ns[RELAY_EDGE]);
    }
    close_ways(ways, way_count);
}

#define BARS_OF(count)                                                                                                 \
    {                                                                                                                  \
        {"events", "an event, " count " edge streams", "ns CPU", RELAY, 0.7},                                          \
            {"events", "an event and its reregister, " count " oneshot", "ns CPU", RELAY, 1.5},                        \
            {"events", "an event, " count " edge streams", "ns CPU", RELAY_OF_EDGES, 0},                               \
        {                                                                                                              \
            "events", "the relay on io_uring, " count " edge streams", "ns CPU", RELAY_OF_EDGES, 0                     \
        }                                                                                                              \
    }

void measure_events(const struct plan *plan)
{
    static const struct event_bars few = BARS_OF("1,000"), many = BARS_OF("10,000");

    measure_events_of(plan, 1000, &few);
    if (process_descriptors(10000 + DESCRIPTORS_FEW) >= 10000 + DESCRIPTORS_FEW)
        measure_events_of(plan, 10000, &many);
    else
        figure_skip("events with 10,000 streams", "the system allows too few descriptors");
}

/* ---- Latency ---------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void latencies(int client, int near, int far, double *ret_median_ns, double *ret_late_ns)
{
    static double each_ns[LATENCIES];
    char byte;

    for (int i = 0; i < LATENCIES; i++) {
        double begin_ns = now_ns();

        session_send(far, "x", 1);
        session_await_events(client, 1);
        each_ns[i] = now_ns() - begin_ns;
        need(recv(near, &byte, 1, MSG_DONTWAIT) == 1, "recv");
    }
    qsort(each_ns, LATENCIES, sizeof *each_ns, compare);
    *ret_median_ns = each_ns[LATENCIES / 2];
    *ret_late_ns = each_ns[LATENCIES * 99 / 100];
}

void measure_latency(const struct plan *plan)
{
    static const struct figure_info median = {"latency", "from a byte to its line, median", "ns", "bare relay, edge",
                                              1.15};
    static const struct figure_info late = {"latency", "from a byte to its line, 99th percentile", "ns",
                                            "bare relay, edge", 1.3};
    struct registrar registrar = {.mode = "edge"};
    struct process minimiod, relay;
    int near[2], far[2];

    pairs_open(near, far, 2);
    floor_start(&relay, relay_edge);
    give_to_relay(&relay, near, 0, 1);
    begin_relaying(&relay);
    minimiod_start(&minimiod, plan->build, NULL);
    registrar.session = session_connect(minimiod.path);
    streams_register(&registrar, near + 1, 0, 1);
    for (int round = -1; round < plan->rounds; round++) {
        double median_ns, late_ns, relay_median_ns, relay_late_ns;

        latencies(registrar.session, near[1], far[1], &median_ns, &late_ns);
        latencies(relay.fd, near[0], far[0], &relay_median_ns, &relay_late_ns);
        if (round < 0)
            continue;
        figure_sample(&median, median_ns, relay_median_ns);
        figure_sample(&late, late_ns, relay_late_ns);
    }
    close(registrar.session);
    process_stop(&relay);
    process_stop(&minimiod);
    pairs_close(near, far, 2);
}

/* ---- Very many streams ------------------------------------------------------------------------------------------ */

/* A set of streams. GROWTH_FEW streams at a time have an event; each lap starts `shift` streams after the lap
 * before. */
struct crowd {
    const struct process *process;
    int client;
    struct streams streams;
    int step, shift;
};

static double crowd_ns(const struct crowd *crowd)
{
    double used_ns = 0;

    for (int lap = 0; lap < GROWTH_LAPS; lap++) {
        int first = lap * crowd->shift % crowd->step;
        double begin_ns = process_cpu_ns(crowd->process);

        streams_fire(&crowd->streams, first, crowd->step, GROWTH_FEW);
        session_await_events(crowd->client, GROWTH_FEW);
        used_ns += process_cpu_ns(crowd->process) - begin_ns;
        streams_drain(&crowd->streams, first, crowd->step, GROWTH_FEW);
    }
    return used_ns / GROWTH_LAPS / GROWTH_FEW;
}

static void sample_crowds(struct crowd *few, struct crowd *many, struct crowd *relayed_many, bool warm)
{
    static const struct figure_info idle = {"growth", "an event, 15,000 streams of which 100 are active", "ns CPU",
                                            "100 streams", 1.25};
    static const struct figure_info all = {"growth", "an event, 15,000 streams active by turns", "ns CPU",
                                           "bare relay, edge, likewise", 1.25};
    static const struct figure_info cold = {"growth", "an event, 15,000 streams active by turns", "ns CPU",
                                            "100 streams", 0};
    double few_ns = crowd_ns(few), many_ns, all_ns, relayed_ns;

    many->shift = 0;
    many_ns = crowd_ns(many);
    many->shift = 1;
    all_ns = crowd_ns(many);
    relayed_ns = crowd_ns(relayed_many);
    if (!warm)
        return;
    figure_sample(&idle, many_ns, few_ns);
    figure_sample(&all, all_ns, relayed_ns);
    figure_sample(&cold, all_ns, few_ns);
}

void measure_growth(const struct plan *plan)
{
    struct process minimiod, relay;
    struct crowd few = {.process = &minimiod, .step = 1}, many = {.process = &minimiod, .step = GROWTH_LAPS},
                 relayed = {.process = &relay, .step = GROWTH_LAPS, .shift = 1};
    size_t needed = GROWTH_MANY + GROWTH_FEW + DESCRIPTORS_FEW;

    if (process_descriptors(needed) < needed) {
        figure_skip("growth", "the system allows too few descriptors");
        return;
    }
    start_relay(&relay, &relayed.streams, GROWTH_MANY, relay_edge);
    relayed.client = relay.fd;
    minimiod_start(&minimiod, plan->build, NULL);
    few.client = open_session(&minimiod, &few.streams, GROWTH_FEW, "edge");
    many.client = open_session(&minimiod, &many.streams, GROWTH_MANY, "edge");
    for (int round = -1; round < plan->rounds; round++)
        sample_crowds(&few, &many, &relayed, round >= 0);
    close(few.client);
    close(many.client);
    process_stop(&relay);
    process_stop(&minimiod);
    streams_close(&relayed.streams);
    streams_close(&many.streams);
    streams_close(&few.streams);
}
