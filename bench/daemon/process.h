/* SPDX-License-Identifier: MIT */
/*
 * The measured processes: minimiod, redis-server, and floors, which are functions of the bench in a separate process.
 *
 * All processes share one core with the bench, and take turns: a woken process waits until the present process sleeps,
 * so the number of events per wait does not depend on chance. A process ends with the bench.
 */
#ifndef MINIMIO_BENCH_PROCESS_H
#define MINIMIO_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct process {
    pid_t pid;
    clockid_t clock;
    char path[108]; /* the socket of a program */
    int fd;         /* the bench's end of a floor's socket; -1 for programs */
};

/* Ends the bench with errno's message unless `ok`. */
void need(bool ok, const char *what);

/*
 * Moves the bench permanently to one core, and to a fixed priority if permitted. Returns whether the priority is fixed;
 * otherwise other load on the machine disturbs the figures more.
 */
bool process_pin(void);

/* Raises the limit of descriptors to `wanted`. Returns the limit, which is lower if the system permits no more. */
size_t process_descriptors(size_t wanted);

/* Starts minimiod of the build `build`; `options` ends with NULL, or is NULL. */
void minimiod_start(struct process *minimiod, const char *build, const char *const *options);

/* False: redis-server is not installed. */
bool redis_start(struct process *redis);

/* Starts a floor: `serve` serves a socket until the socket is closed. */
void floor_start(struct process *process, void (*serve)(int fd));

/* Ends the process and waits for the exit. */
void process_stop(struct process *process);

/* CPU time used so far. */
double process_cpu_ns(const struct process *process);

/* Private memory. */
double process_memory_bytes(const struct process *process);

/* Number of context switches so far. */
double process_switches(const struct process *process);

double now_ns(void);

#endif
