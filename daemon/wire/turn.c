/* SPDX-License-Identifier: MIT */
#include "daemon/wire/turn.h"

#define RETRY_MS 100 /* delay of the retry after want of memory */

void turn_init(struct turn *turn, const struct limits *limits, void (*settle)(struct schedule *schedule),
               void (*retry_all)(struct turn *turn))
{
    turn->limits = limits;
    turn->retry_all = retry_all;
    schedule_init(&turn->schedule, &turn->reactor.timers, &turn->stats, settle);
}

void turn_add(struct turn *turn, struct task *task)
{
    if (!turn->stopping)
        task_add(task);
}

bool turn_piece_is_over(struct turn *turn)
{
    return !turn->stopping && schedule_slice_is_over(&turn->schedule);
}

static void turn_retry(struct timer *timer)
{
    struct turn *turn = container_of(timer, struct turn, retry);

    turn->retry_all(turn);
}

void turn_retry_soon(struct turn *turn)
{
    if (!turn->retry.running)
        timer_start(&turn->reactor.timers, &turn->retry, RETRY_MS, turn_retry);
}

uint64_t turn_budget(const struct turn *turn)
{
    return turn->units + (turn->schedule.shared ? TURN_UNITS_SHARED : TURN_UNITS);
}
