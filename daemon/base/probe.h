/* SPDX-License-Identifier: MIT */
/*
 * Static probes (USDT) of the provider `minimiod`, for perf, bpftrace and SystemTap. A probe is one no-operation
 * instruction until a tracer attaches. Without <sys/sdt.h> at build time, a probe is nothing.
 *
 * | probe       | arguments                                         |
 * |-------------|---------------------------------------------------|
 * | turn__begin | number of the turn, nanoseconds spent gathering   |
 * | turn__end   | number of the turn, nanoseconds since its wait    |
 * | decode      | session, enum method or -1, 0 or a negative errno |
 * | dispatch    | session, enum method                              |
 * | deliver     | session, number of events                         |
 * | flush       | session, bytes of output that wait to be sent     |
 */
#ifndef MINIMIO_DAEMON_BASE_PROBE_H
#define MINIMIO_DAEMON_BASE_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define PROBE2(name, first, second)        DTRACE_PROBE2(minimiod, name, first, second)
#define PROBE3(name, first, second, third) DTRACE_PROBE3(minimiod, name, first, second, third)
#endif
#endif

#ifndef PROBE2
#define PROBE2(name, first, second)        ((void)(first), (void)(second))
#define PROBE3(name, first, second, third) ((void)(first), (void)(second), (void)(third))
#endif

#endif
