/* SPDX-License-Identifier: MIT */
/*
 * Whose work comes next. All that waits for the thread is a task of one user. Users take turns, each for a slice of
 * time; time used beyond a slice is taken off the user's next slices (deficit round robin). The tasks of one user take
 * turns within the user's slices. So a user with a thousand sessions gets no more of the thread than a user with one.
 *
 * A task runs in pieces: it does a bounded part of its work, looks at schedule_slice_is_over, and adds itself again
 * where there is more.
 *
 * Owns the order of tasks. Calls the tasks, the timers' clock and the log.
 */
#ifndef MINIMIO_DAEMON_BASE_SCHEDULE_H
#define MINIMIO_DAEMON_BASE_SCHEDULE_H

#include "daemon/base/stats.h"
#include "daemon/base/timer.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long a turn may take before new readiness is gathered, and how long one user has of it while others wait. */
#define SCHEDULE_TURN_NS  (NS_PER_MS / 4)
#define SCHEDULE_SLICE_NS (NS_PER_MS / 10)

/* The steps in which a user's work is done in a turn. */
enum stage {
    STAGE_RUN,     /* requests are read and dispatched, loops are closed */
    STAGE_DELIVER, /* events are written into sessions' output */
    STAGE_FLUSH,   /* output is sent */
    STAGES
};

/* Zero it, and set `run`, `share` and `stage`, before its first use. */
struct task {
    TAILQ_ENTRY(task) link;
    void (*run)(struct task *task);
    struct share *share;
    uint32_t turn; /* in which it was added */
    uint8_t stage;
    bool queued;
};

TAILQ_HEAD(task_list, task);

/* One user's part. Zeroed, it has nothing to do and is not known to a schedule. */
struct share {
    struct task_list tasks[STAGES];
    TAILQ_ENTRY(share) link; /* in schedule->active */
    struct schedule *schedule;
    int64_t balance_ns; /* what is left of its slices; negative: it has used more */
    uint32_t turn;      /* in which it last had a slice */
    uint32_t queued;    /* tasks, of all stages */
    uid_t uid;
    bool active;
};

TAILQ_HEAD(share_list, share);

struct schedule {
    struct share_list active; /* have a task */
    struct timers *timers;
    struct stats *stats;
    void (*settle)(struct schedule *schedule); /* called in each slice between STAGE_RUN and STAGE_DELIVER */
    struct share *running;                     /* whose slice it is; NULL: nobody's, or it is gone */
    int64_t slice_until_ns;                    /* when the slice ends */
    int64_t charged_ns;                        /* up to when time was charged to somebody */
    struct {                                   /* the longest work of this turn */
        int64_t ns;
        uid_t uid;
        enum slow_cause cause;
    } worst;
    uint32_t turn;  /* counts them */
    bool shared;    /* the running task is not the only one that waits */
    bool uncharged; /* a task has run since `charged_ns` */
};

void schedule_init(struct schedule *schedule, struct timers *timers, struct stats *stats,
                   void (*settle)(struct schedule *schedule));

void share_init(struct share *share, struct schedule *schedule, uid_t uid);

/* To be called when it has no tasks any more. */
void share_deinit(struct share *share);

/* Takes time off the next slices: what another process does for this user. */
void share_charge(struct share *share, int64_t elapsed_ns);

/* Has the task run in this turn if its stage is still to come for its user, else in the next turn. */
void task_queue(struct task *task);

static inline void task_add(struct task *task)
{
    if (!task->queued)
        task_queue(task);
}

void task_cancel(struct task *task);

/* Whether a task waits. */
bool schedule_has_work(const struct schedule *schedule);

/*
 * Gives each user that has tasks a slice, until the turn's time is used up. `began_ns`: when the turn began, on the
 * timers' clock; the time since then went into gathering events. Turns that take too long are counted and logged.
 */
void schedule_run(struct schedule *schedule, int64_t began_ns);

/* Runs all tasks of STAGE_FLUSH, whatever time that takes: for the daemon's end. */
void schedule_flush(struct schedule *schedule);

/* Whether the running task is to stop. Reads the clock: to be asked after some ten microseconds of work. */
bool schedule_slice_is_over(struct schedule *schedule);

#endif
