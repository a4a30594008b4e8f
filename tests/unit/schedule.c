/* SPDX-License-Identifier: MIT */
/* Whose turn it is, and what is told of a turn that takes long. */
#include "daemon/base/log.h"
#include "daemon/base/schedule.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *unit_schedule_suite(void);

#define MANY  1000
#define USERS 2

static struct timers timers;
static struct stats stats;
static struct schedule schedule;
static struct share shares[USERS];
static struct task tasks[MANY];
static int64_t used_ns[USERS], longest_ns; /* longest: by one task, which a busy machine may interrupt */
static int64_t takes_ns;                   /* what each task computes for */

static void settle(struct schedule *unused)
{
    (void)unused;
}

/* A task that always has more to do. */
static void compute(struct task *task)
{
    int64_t begun_ns, took_ns;

    timers_read_clock(&timers);
    begun_ns = timers.now_ns;
    while (timers.now_ns < begun_ns + takes_ns)
        timers_read_clock(&timers);
    took_ns = timers.now_ns - begun_ns;
    used_ns[task->share - shares] += took_ns;
    longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
    task_add(task);
}

static void set_up(void)
{
    timers_init(&timers);
    schedule_init(&schedule, &timers, &stats, settle);
    for (unsigned i = 0; i < USERS; i++)
        share_init(&shares[i], &schedule, 4711 + i);
}

static void tear_down(void)
{
    for (int i = 0; i < MANY; i++)
        if (tasks[i].share)
            task_cancel(&tasks[i]);
    for (int i = 0; i < USERS; i++)
        share_deinit(&shares[i]);
}

static void add(int number, int user, enum stage stage)
{
    tasks[number] = (struct task){.run = compute, .share = &shares[user], .stage = (uint8_t)stage};
    task_add(&tasks[number]);
}

static void take_turn(void)
{
    timers_read_clock(&timers);
    schedule_run(&schedule, timers.now_ns);
}

/* ---- Whose turn it is -------------------------------------------------------------------------------------------- */

/* However many tasks the other has. */
START_TEST(a_user_with_a_thousand_tasks_has_no_more_time)
{
    takes_ns = SCHEDULE_SLICE_NS;
    for (int i = 0; i < MANY - 1; i++)
        add(i, 0, STAGE_RUN);
    add(MANY - 1, 1, STAGE_RUN);
    while (used_ns[0] + used_ns[1] < 100 * takes_ns + 10 * longest_ns)
        take_turn();
    ck_assert_int_gt(used_ns[0], (used_ns[0] + used_ns[1]) / 3);
    ck_assert_int_gt(used_ns[1], (used_ns[0] + used_ns[1]) / 3);
}
END_TEST

/* ---- What is told ------------------------------------------------------------------------------------------------ */

static const struct {
    enum stage stage;
    enum slow_cause cause;
    const char *name;
} works[] = {
    {STAGE_RUN, SLOW_DISPATCH, "requests"},
    {STAGE_DELIVER, SLOW_DELIVERY, "events"},
    {STAGE_FLUSH, SLOW_SENDING, "output"},
};

static const char *logged(void (*work)(void))
{
    static char text[4096];
    int ends[2], kept = dup(STDERR_FILENO);
    ssize_t length;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    unsetenv("JOURNAL_STREAM");
    dup2(ends[1], STDERR_FILENO);
    work();
    dup2(kept, STDERR_FILENO);
    length = read(ends[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    close(kept);
    close(ends[0]);
    close(ends[1]);
    return text;
}

START_TEST(a_slow_turn_is_counted_and_logged_with_its_user)
{
    char end[64];
    const char *text;
    int took_ms;

    takes_ns = 21 * NS_PER_MS;
    add(0, 1, works[_i].stage);
    text = logged(take_turn);
    for (int cause = 0; cause < SLOW_CAUSE_COUNT; cause++)
        ck_assert_uint_eq(stats.slow_turns[cause], cause == (int)works[_i].cause);
    ck_assert_int_eq(sscanf(text, "minimiod: a turn took %d ms", &took_ms), 1);
    ck_assert_int_ge(took_ms, 21);
    snprintf(end, sizeof end, " ms: %s of uid 4712\n", works[_i].name);
    ck_assert_ptr_nonnull(strstr(text, end));
}
END_TEST

static void gather_slowly(void)
{
    timers_read_clock(&timers);
    schedule_run(&schedule, timers.now_ns - 21 * NS_PER_MS);
}

/* No user's work. */
START_TEST(slow_gathering_is_told_without_a_user)
{
    const char *text = logged(gather_slowly);

    ck_assert_ptr_nonnull(strstr(text, " ms: gathering events and timers\n"));
    ck_assert_uint_eq(stats.slow_turns[SLOW_GATHERING], 1);
}
END_TEST

Suite *unit_schedule_suite(void)
{
    Suite *suite = suite_create("unit_schedule");
    TCase *tests = tcase_create("turns");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_user_with_a_thousand_tasks_has_no_more_time);
    tcase_add_loop_test(tests, a_slow_turn_is_counted_and_logged_with_its_user, 0,
                        (int)(sizeof works / sizeof works[0]));
    tcase_add_test(tests, slow_gathering_is_told_without_a_user);
    suite_add_tcase(suite, tests);
    return suite;
}
