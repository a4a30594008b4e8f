/* SPDX-License-Identifier: MIT */
/* Idle costs: memory per stream, memory left after a peak, and wakeups. */
#include "bench/daemon/groups.h"

#include "bench/daemon/figures.h"
#include "bench/daemon/process.h"
#include "bench/daemon/session.h"
#include "bench/daemon/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDLE_STREAMS  10000
#define IDLE_SESSIONS 1000
#define IN_FLIGHT     50

static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";

static void register_addresses(int session, int listener, int port, int *ret_peers)
{
    for (int first = 0; first < IDLE_STREAMS; first += IN_FLIGHT) {
        for (int i = 0; i < IN_FLIGHT; i++)
            session_printf(session,
                           "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":%d,"
                           "\"address\":\"127.0.0.1:%d\",\"mode\":\"edge\"}}\n",
                           first + i, port);
        for (int i = 0; i < IN_FLIGHT; i++)
            ret_peers[first + i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        session_await_lines(session, IN_FLIGHT);
    }
}

static void open_sessions(const struct process *minimiod, int *ret_sessions)
{
    for (int i = 0; i < IDLE_SESSIONS; i++) {
        ret_sessions[i] = session_connect(minimiod->path);
        session_send(ret_sessions[i], ping, sizeof ping - 1);
        session_await_lines(ret_sessions[i], 1);
    }
}

static void measure_idleness(const struct process *minimiod)
{
    static const struct figure_info bar = {"memory", "wake-ups in a second with 10,000 streams, 1,000 sessions", "",
                                           NULL, 0.5};
    struct timespec second = {.tv_sec = 1}, moment = {.tv_nsec = 20000000};

    nanosleep(&moment, NULL); /* the turn of the last reply ends */
    double before = process_switches(minimiod);

    nanosleep(&second, NULL);
    figure_sample(&bar, process_switches(minimiod) - before, 0);
}

/* Each round starts a new daemon, because the heap keeps the memory of a peak. */
static void measure_round(const struct plan *plan)
{
    static const struct figure_info stream = {"memory", "an idle stream", "bytes", NULL, 192};
    static const struct figure_info idle_session = {"memory", "an idle session", "bytes", NULL, 1024};
    static const struct figure_info kept = {"memory", "left after the peak", "bytes", "the peak", 0.2};
    static int peers[IDLE_STREAMS], sessions[IDLE_SESSIONS];
    struct process minimiod;
    int port, listener = listener_open(&port);

    minimiod_start(&minimiod, plan->build, (const char *const[]){"--limit", "sessions=2000,sessions_uid=2000", NULL});
    int last = session_connect(minimiod.path), session = session_connect(minimiod.path);
    session_send(last, ping, sizeof ping - 1);
    session_await_lines(last, 1);
    double before = process_memory_bytes(&minimiod);
    register_addresses(session, listener, port, peers);
    double with_streams = process_memory_bytes(&minimiod);
    open_sessions(&minimiod, sessions);
    double peak = process_memory_bytes(&minimiod);
    figure_sample(&stream, (with_streams - before) / IDLE_STREAMS, 0);
    figure_sample(&idle_session, (peak - with_streams) / IDLE_SESSIONS, 0);
    measure_idleness(&minimiod);
    for (int i = 0; i < IDLE_SESSIONS; i++)
        close(sessions[i]);
    for (int i = 0; i < IDLE_STREAMS; i++)
        close_hard(peers[i]);
    close(session);
    /* The reply shows that the daemon has handled the earlier requests. */
    session_send(last, ping, sizeof ping - 1);
    session_await_lines(last, 1);
    session_send(last, ping, sizeof ping - 1);
    session_await_lines(last, 1);
    figure_sample(&kept, process_memory_bytes(&minimiod) - before, peak - before);
    close(last);
    process_stop(&minimiod);
    close(listener);
}

void measure_memory(const struct plan *plan)
{
    size_t needed = IDLE_STREAMS + IDLE_SESSIONS + 256;

    if (process_descriptors(needed) < needed) {
        figure_skip("memory", "the system allows too few descriptors");
        return;
    }
    for (int round = 0; round < plan->rounds; round++)
        measure_round(plan);
}
