/* SPDX-License-Identifier: MIT */
/* The cost of a register, compared with bare system calls that do the minimum of the same work. */
#include "bench/daemon/groups.h"

#include "bench/daemon/figures.h"
#include "bench/daemon/floors.h"
#include "bench/daemon/process.h"
#include "bench/daemon/session.h"
#include "bench/daemon/streams.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_FLIGHT 64
#define BATCHES   8 /* per round */
#define REGISTERS (IN_FLIGHT * BATCHES)

static void accept_and_close(int listener)
{
    for (int i = 0; i < REGISTERS; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        need(fd >= 0, "accept4");
        close_hard(fd);
    }
}

static void deregister_all(int session)
{
    for (int token = 0; token < REGISTERS; token++) {
        session_printf(session, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"deregister\",\"params\":{\"token\":%d}}\n",
                       token);
        session_await_lines(session, 1);
    }
}

static void drop_all(const struct process *loop)
{
    struct order order = {0};

    session_send(loop->fd, (const char *)&order, sizeof order);
    session_await_lines(loop->fd, 1);
}

/* ---- By address ------------------------------------------------------------------------------------------------- */

static double connect_ns(const struct process *minimiod, int session, int port)
{
    static char text[IN_FLIGHT * 160];
    double begin_ns = process_cpu_ns(minimiod);

    for (int batch = 0; batch < BATCHES; batch++) {
        size_t length = 0;

        for (int i = 0; i < IN_FLIGHT; i++)
            length += (size_t)sprintf(text + length,
                                      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":%d,"
                                      "\"address\":\"127.0.0.1:%d\"}}\n",
                                      batch * IN_FLIGHT + i, port);
        session_send(session, text, length);
        session_await_lines(session, IN_FLIGHT);
    }
    return (process_cpu_ns(minimiod) - begin_ns) / REGISTERS;
}

static double bare_connect_ns(const struct process *loop, int port)
{
    struct order order = {.count = IN_FLIGHT, .port = (uint16_t)port};
    double begin_ns = process_cpu_ns(loop);

    for (int batch = 0; batch < BATCHES; batch++) {
        session_send(loop->fd, (const char *)&order, sizeof order);
        session_await_lines(loop->fd, 1);
    }
    return (process_cpu_ns(loop) - begin_ns) / REGISTERS;
}

static void measure_addresses(const struct plan *plan, const struct process *minimiod, int session)
{
    static const struct figure_info bar = {"registers", "register by address, 64 in flight", "ns CPU",
                                           "a bare connect loop", 1.25};
    struct process loop;
    int port, listener = listener_open(&port);

    floor_start(&loop, connect_loop);
    for (int round = -1; round < plan->rounds; round++) {
        double ours_ns = connect_ns(minimiod, session, port);
        accept_and_close(listener);
        session_await_events(session, REGISTERS); /* each stream has closed */
        deregister_all(session);
        double bare_ns = bare_connect_ns(&loop, port);
        accept_and_close(listener);
        drop_all(&loop);
        if (round >= 0)
            figure_sample(&bar, ours_ns, bare_ns);
    }
    process_stop(&loop);
    close(listener);
}

/* ---- By descriptor ---------------------------------------------------------------------------------------------- */

/* Sixteen streams per batch, with `beside` descriptors per message. */
struct descriptor_bars {
    int beside;
    struct figure_info bare, dutiful;
};

static double receive_ns(const struct process *minimiod, int session, const int *near, int beside)
{
    struct registrar registrar = {session, "edge"};
    double begin_ns = process_cpu_ns(minimiod);

    for (int first = 0; first < REGISTERS; first += DESCRIPTORS_MAX) {
        for (int i = first; i < first + DESCRIPTORS_MAX; i += beside)
            streams_send_registers(&registrar, near + i, i, beside);
        session_await_lines(session, DESCRIPTORS_MAX);
    }
    return (process_cpu_ns(minimiod) - begin_ns) / REGISTERS;
}

static double bare_receive_ns(const struct process *loop, const int *near, int beside)
{
    struct order order = {.count = DESCRIPTORS_MAX};
    double begin_ns = process_cpu_ns(loop);

    for (int first = 0; first < REGISTERS; first += DESCRIPTORS_MAX) {
        session_send(loop->fd, (const char *)&order, sizeof order);
        for (int i = first; i < first + DESCRIPTORS_MAX; i += beside)
            session_send_fds(loop->fd, "x", 1, near + i, beside);
        session_await_lines(loop->fd, 1);
    }
    return (process_cpu_ns(loop) - begin_ns) / REGISTERS;
}

static void measure_descriptors(const struct plan *plan, const struct process *minimiod, int session,
                                const struct descriptor_bars *bars)
{
    static int near[REGISTERS], far[REGISTERS];
    struct process bare, preparing;

    pairs_open(near, far, REGISTERS);
    floor_start(&bare, receive_loop);
    floor_start(&preparing, prepare_loop);
    for (int round = -1; round < plan->rounds; round++) {
        double ours_ns = receive_ns(minimiod, session, near, bars->beside);
        deregister_all(session);
        double bare_ns = bare_receive_ns(&bare, near, bars->beside);
        drop_all(&bare);
        double prepared_ns = bare_receive_ns(&preparing, near, bars->beside);
        drop_all(&preparing);
        if (round < 0)
            continue;
        figure_sample(&bars->bare, ours_ns, bare_ns);
        figure_sample(&bars->dutiful, ours_ns, prepared_ns);
    }
    process_stop(&bare);
    process_stop(&preparing);
    pairs_close(near, far, REGISTERS);
}

#define BARE     "bare recvmsg and epoll_ctl"
#define DUTIFUL  "the same plus the calls that the protocol requires"
#define EACH     "register by descriptor, a message each"
#define TOGETHER "register by descriptor, 16 beside a message"

void measure_registers(const struct plan *plan)
{
    static const struct descriptor_bars each = {1,
                                                {"registers", EACH, "ns CPU", BARE, 2.0},
                                                {"registers", EACH, "ns CPU", DUTIFUL, 0}},
                                        together = {DESCRIPTORS_MAX,
                                                    {"registers", TOGETHER, "ns CPU", BARE, 2.0},
                                                    {"registers", TOGETHER, "ns CPU", DUTIFUL, 0}};
    struct process minimiod;

    minimiod_start(&minimiod, plan->build, NULL);
    int session = session_connect(minimiod.path);
    measure_addresses(plan, &minimiod, session);
    measure_descriptors(plan, &minimiod, session, &each);
    measure_descriptors(plan, &minimiod, session, &together);
    close(session);
    process_stop(&minimiod);
}
