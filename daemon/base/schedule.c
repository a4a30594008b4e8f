/* SPDX-License-Identifier: MIT */
#include "daemon/base/schedule.h"

#include "daemon/base/invariant.h"
#include "daemon/base/log.h"
#include "daemon/base/probe.h"

#define SLOW_TURN_NS (2 * NS_PER_MS)  /* a longer turn is counted */
#define LOGGED_NS    (20 * NS_PER_MS) /* and logged */

void schedule_init(struct schedule *schedule, struct timers *timers, struct stats *stats,
                   void (*settle)(struct schedule *schedule))
{
    *schedule = (struct schedule){.timers = timers, .stats = stats, .settle = settle};
    TAILQ_INIT(&schedule->active);
}

void share_init(struct share *share, struct schedule *schedule, uid_t uid)
{
    *share = (struct share){.schedule = schedule, .uid = uid};
    for (int stage = 0; stage < STAGES; stage++)
        TAILQ_INIT(&share->tasks[stage]);
}

static void share_deactivate(struct share *share)
{
    if (!share->active)
        return;
    share->active = false;
    TAILQ_REMOVE(&share->schedule->active, share, link);
    if (share->balance_ns > 0) /* unused time is not saved up */
        share->balance_ns = 0;
}

void share_deinit(struct share *share)
{
    INVARIANT(!share->queued);
    share_deactivate(share);
    if (share->schedule->running == share)
        share->schedule->running = NULL;
}

void share_charge(struct share *share, int64_t elapsed_ns)
{
    share->balance_ns -= elapsed_ns;
}

/* ---- Tasks ------------------------------------------------------------------------------------------------------ */

void task_queue(struct task *task)
{
    struct share *share = task->share;

    task->queued = true;
    share->queued++;
    task->turn = share->schedule->turn;
    TAILQ_INSERT_TAIL(&share->tasks[task->stage], task, link);
    if (share->active)
        return;
    share->active = true;
    TAILQ_INSERT_TAIL(&share->schedule->active, share, link);
}

void task_cancel(struct task *task)
{
    if (!task->queued)
        return;
    task->queued = false;
    task->share->queued--;
    TAILQ_REMOVE(&task->share->tasks[task->stage], task, link);
}

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static void schedule_note_work(struct schedule *schedule, int64_t elapsed_ns, uid_t uid, enum slow_cause cause)
{
    if (elapsed_ns <= schedule->worst.ns)
        return;
    schedule->worst.ns = elapsed_ns;
    schedule->worst.uid = uid;
    schedule->worst.cause = cause;
}

/* Charges the time since the last charge to the running share. */
static void schedule_charge(struct schedule *schedule, uid_t uid, enum slow_cause cause)
{
    int64_t elapsed_ns;

    timers_read_clock(schedule->timers);
    elapsed_ns = schedule->timers->now_ns - schedule->charged_ns;
    schedule->charged_ns = schedule->timers->now_ns;
    schedule->uncharged = false;
    if (schedule->running)
        schedule->running->balance_ns -= elapsed_ns;
    schedule_note_work(schedule, elapsed_ns, uid, cause);
}

bool schedule_slice_is_over(struct schedule *schedule)
{
    timers_read_clock(schedule->timers);
    return schedule->timers->now_ns >= schedule->slice_until_ns;
}

/* ---- A slice ---------------------------------------------------------------------------------------------------- */

static const enum slow_cause causes[STAGES] = {
    [STAGE_RUN] = SLOW_DISPATCH, [STAGE_DELIVER] = SLOW_DELIVERY, [STAGE_FLUSH] = SLOW_SENDING};

/* The next task of the stage. NULL: no task in this turn, or the share has ended. */
static struct task *next_task(const struct schedule *schedule, enum stage stage)
{
    struct share *share = schedule->running;
    struct task *task = share ? TAILQ_FIRST(&share->tasks[stage]) : NULL;

    return task && (stage != STAGE_RUN || task->turn != schedule->turn) ? task : NULL;
}

static bool others_wait(const struct schedule *schedule, const struct task *task)
{
    const struct share *first = TAILQ_FIRST(&schedule->active);

    return TAILQ_NEXT(task, link) || (first && TAILQ_NEXT(first, link));
}

static inline void run_task(struct schedule *schedule, struct task *task)
{
    if (!schedule->uncharged)
        schedule->uncharged_cause = causes[task->stage];
    schedule->shared = others_wait(schedule, task);
    task_cancel(task);
    task->run(task);
    schedule->uncharged = true;
}

/* Number of tasks between two readings of the clock: a send is short, any other task may be long. */
static const uint8_t tasks_per_look[STAGES] = {[STAGE_RUN] = 1, [STAGE_DELIVER] = 1, [STAGE_FLUSH] = 4};

static void run_more(struct schedule *schedule, enum stage stage, uid_t uid, struct task *task)
{
    unsigned ran = 1;

    do {
        if (ran++ % tasks_per_look[stage] == 0)
            schedule_charge(schedule, uid, causes[stage]);
        if (schedule->timers->now_ns >= schedule->slice_until_ns)
            return;
        run_task(schedule, task);
    } while ((task = next_task(schedule, stage)));
    schedule_charge(schedule, uid, causes[stage]);
}

/* Runs at least one task even if the slice is over: each stage completes the work of the stage before. Inline:
 * called with constants. */
static inline __attribute__((always_inline)) void run_stage(struct schedule *schedule, enum stage stage, uid_t uid)
{
    struct task *task = next_task(schedule, stage);

    if (!task)
        return;
    run_task(schedule, task);
    task = next_task(schedule, stage);
    if (task)
        run_more(schedule, stage, uid, task);
}

/* A task may end the user's last session, and the session's end may end the share. */
static void run_slice(struct schedule *schedule, struct share *share)
{
    uid_t uid = share->uid;

    schedule->running = share;
    run_stage(schedule, STAGE_RUN, uid);
    schedule->settle(schedule);
    run_stage(schedule, STAGE_DELIVER, uid);
    run_stage(schedule, STAGE_FLUSH, uid);
    if (schedule->uncharged)
        schedule_charge(schedule, uid, schedule->uncharged_cause);
    if (schedule->running && !share->queued)
        share_deactivate(share);
    schedule->running = NULL;
}

/* ---- A turn ----------------------------------------------------------------------------------------------------- */

bool schedule_has_work(const struct schedule *schedule)
{
    return !TAILQ_EMPTY(&schedule->active);
}

/* Time that no other user needs is free of charge, so a user alone keeps a full balance. */
static bool begin_slice(struct schedule *schedule, struct share *share, int64_t until_ns)
{
    bool alone = !TAILQ_NEXT(TAILQ_FIRST(&schedule->active), link);

    share->turn = schedule->turn;
    share->balance_ns += SCHEDULE_SLICE_NS;
    if (alone || share->balance_ns > SCHEDULE_SLICE_NS)
        share->balance_ns = SCHEDULE_SLICE_NS;
    schedule->slice_until_ns = alone ? until_ns : schedule->timers->now_ns + share->balance_ns;
    return share->balance_ns > 0;
}

/* Moves the share behind all others. */
static void rotate(struct schedule *schedule, struct share *share)
{
    if (!TAILQ_NEXT(share, link))
        return;
    TAILQ_REMOVE(&schedule->active, share, link);
    TAILQ_INSERT_TAIL(&schedule->active, share, link);
}

static void report_slow_turn(const struct schedule *schedule, int64_t elapsed_ns)
{
    static const char *const works[SLOW_CAUSE_COUNT] = {[SLOW_GATHERING] = "gathering events and timers",
                                                        [SLOW_DISPATCH] = "requests",
                                                        [SLOW_DELIVERY] = "events",
                                                        [SLOW_SENDING] = "output"};

    schedule->stats->slow_turns[schedule->worst.cause]++;
    if (elapsed_ns < LOGGED_NS)
        return;
    if (schedule->worst.cause == SLOW_GATHERING)
        log_write_ratelimited(LOG_SLOW_TURN, schedule->worst.uid, "a turn took %lld ms: %s",
                              (long long)(elapsed_ns / NS_PER_MS), works[SLOW_GATHERING]);
    else
        log_write_ratelimited(LOG_SLOW_TURN, schedule->worst.uid, "a turn took %lld ms: %s of uid %u",
                              (long long)(elapsed_ns / NS_PER_MS), works[schedule->worst.cause],
                              (unsigned)schedule->worst.uid);
}

static void count_turn(struct stats *stats, int64_t elapsed_ns)
{
    int i = 0;

    while (i < TURN_BOUNDS && elapsed_ns >= turn_bounds_us[i] * NS_PER_US)
        i++;
    stats->turns.counts[i]++;
    stats->turns.sum_ns += elapsed_ns;
    if (elapsed_ns > stats->turns.longest_ns)
        stats->turns.longest_ns = elapsed_ns;
}

static void end_turn(struct schedule *schedule, int64_t elapsed_ns)
{
    PROBE2(turn__end, schedule->turn, elapsed_ns);
    count_turn(schedule->stats, elapsed_ns);
    if (elapsed_ns > SLOW_TURN_NS)
        report_slow_turn(schedule, elapsed_ns);
}

void schedule_run(struct schedule *schedule, int64_t began_ns)
{
    int64_t until_ns = schedule->timers->now_ns + SCHEDULE_TURN_NS;
    struct share *share;

    schedule->turn++;
    schedule->worst.ns = 0;
    schedule->charged_ns = schedule->timers->now_ns;
    PROBE2(turn__begin, schedule->turn, schedule->timers->now_ns - began_ns);
    schedule_note_work(schedule, schedule->timers->now_ns - began_ns, (uid_t)-1, SLOW_GATHERING);
    while ((share = TAILQ_FIRST(&schedule->active)) && share->turn != schedule->turn &&
           schedule->timers->now_ns < until_ns) {
        bool has_slice = begin_slice(schedule, share, until_ns);

        rotate(schedule, share);
        if (has_slice)
            run_slice(schedule, share);
    }
    end_turn(schedule, schedule->timers->now_ns - began_ns);
}

void schedule_flush(struct schedule *schedule)
{
    struct share *share, *next;

    TAILQ_FOREACH_SAFE(share, &schedule->active, link, next) {
        struct task *task;

        schedule->running = share;
        while ((task = next_task(schedule, STAGE_FLUSH))) {
            task_cancel(task);
            task->run(task);
        }
        if (schedule->running && !share->queued)
            share_deactivate(share);
        schedule->running = NULL;
    }
}
