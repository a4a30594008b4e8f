/* SPDX-License-Identifier: MIT */
/*
 * The processes that are measured: minimiod, redis-server, and floors, which are functions of the bench in a process of
 * their own. All of them run on the bench's one core, in turns: who is woken waits until the other sleeps, so that what
 * is found ready at once does not depend on chance. A process that the bench started ends with it.
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
    char path[108]; /* of its socket, for programs */
    int fd;         /* the bench's end of the socket that a floor serves; -1 for programs */
};

/* Ends the bench with errno's message unless `ok`. */
void need(bool ok, const char *what);

/*
 * Takes the bench to one core, for good, and to a fixed priority where that is allowed, which is returned: where it is
 * not, a busy machine disturbs more.
 */
bool process_settle(void);

/* Makes sure of as many descriptors; returns how many there may be, which is less where the system says so. */
size_t process_descriptors(size_t wanted);

/* Starts minimiod, from beside the bench's own program; `options` ends with NULL and may be NULL. */
void minimiod_start(struct process *minimiod, const char *build, const char *const *options);

/* False: there is none on this machine. */
bool redis_start(struct process *redis);

/* Starts a floor: a function that serves a socket until it is told to stop. */
void floor_start(struct process *process, void (*serve)(int fd));

/* Ends it and waits for it. */
void process_stop(struct process *process);

/* CPU that it has used. */
double process_cpu_ns(const struct process *process);

/* Memory that it has for itself. */
double process_memory_bytes(const struct process *process);

/* How often it has been woken or interrupted. */
double process_switches(const struct process *process);

double now_ns(void);

#endif
