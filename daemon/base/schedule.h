/* SPDX-License-Identifier: MIT */
/*
 * Divides the thread's time among users. All waiting work is a task of one user. Users take turns, each for a slice of
 * time; time used beyond a slice is subtracted from the user's next slices (deficit round robin). The tasks of one user
 * take turns within the user's slices. So a user with a thousand sessions gets no more time than a user with one.
 *
 * A task runs in pieces: the task does a bounded part of its work, asks schedule_slice_is_over, and adds itself again
 * if work remains.
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

/* Time limit of a turn, after which new readiness is gathered, and time of one user in a turn while other users
 * wait. */
#define SCHEDULE_TURN_NS  (NS_PER_MS / 4)
#define SCHEDULE_SLICE_NS (NS_PER_MS / 10)

/* The stages of a slice. */
enum stage {
    STAGE_RUN,     /* read and dispatch requests, close loops */
    STAGE_DELIVER, /* write events into the output of sessions */
    STAGE_FLUSH,   /* send output */
    STAGES
};

/* Zero a task, and set `run`, `share` and `stage`, before the first use. */
struct task {
    TAILQ_ENTRY(task) link;
    void (*run)(struct task *task);
    struct share *share;
    uint32_t turn; /* in which the task was added */
    uint8_t stage;
    bool queued;
};

TAILQ_HEAD(task_list, task);

/* One user's tasks and time. A zeroed share has no tasks and no schedule. */
struct share {
    struct task_list tasks[STAGES];
    TAILQ_ENTRY(share) link; /* in schedule->active */
    struct schedule *schedule;
    int64_t balance_ns; /* time left in the user's slices; negative: overdrawn */
    uint32_t turn;      /* of the last slice */
    uint32_t queued;    /* queued tasks of all stages */
    uid_t uid;
    bool active;
};

TAILQ_HEAD(share_list, share);

struct schedule {
    struct share_list active; /* shares with a queued task */
    struct timers *timers;
    struct stats *stats;
    void (*settle)(struct schedule *schedule); /* called in each slice between STAGE_RUN and STAGE_DELIVER */
    struct share *running;  /* share with the present slice; NULL: none, or the share has ended within the slice */
    int64_t slice_until_ns; /* when the slice ends */
    int64_t charged_ns;     /* time up to which the elapsed time has been charged */
    struct {                /* the longest piece of work in this turn */
        int64_t ns;
        uid_t uid;
        enum slow_cause cause;
    } worst;
    uint32_t turn;                   /* number of the turn */
    enum slow_cause uncharged_cause; /* work of the first task since `charged_ns` */
    bool shared;                     /* other tasks wait while this task runs */
    bool uncharged;                  /* a task has run since `charged_ns` */
};

void schedule_init(struct schedule *schedule, struct timers *timers, struct stats *stats,
                   void (*settle)(struct schedule *schedule));

void share_init(struct share *share, struct schedule *schedule, uid_t uid);

/* Call when the share has no tasks any more. */
void share_deinit(struct share *share);

/* Charges time that another process has spent for this user. */
void share_charge(struct share *share, int64_t elapsed_ns);

/* Runs the task in this turn if the stage is still to come for the user, else in the next turn. */
void task_queue(struct task *task);

static inline void task_add(struct task *task)
{
    if (!task->queued)
        task_queue(task);
}

void task_cancel(struct task *task);

/* Whether any task is queued. */
bool schedule_has_work(const struct schedule *schedule);

/*
 * Gives a slice to each user with tasks, until the time of the turn is used up. `began_ns`: the begin of the turn on
 * the timers' clock; the time since `began_ns` counts as gathering events. Slow turns are counted and logged.
 */
void schedule_run(struct schedule *schedule, int64_t began_ns);

/* Runs all tasks of STAGE_FLUSH without a time limit: for the end of the daemon. */
void schedule_flush(struct schedule *schedule);

/* Whether the running task should stop. Reads the clock: ask after about ten microseconds of work. */
bool schedule_slice_is_over(struct schedule *schedule);

#endif
