/* SPDX-License-Identifier: MIT */
/* The operator's lines: what they cannot hold, how they are rationed, and when they carry a level. */
#include "daemon/base/escape.h"
#include "daemon/base/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

Suite *unit_log_suite(void);

static int kept_stderr, pipe_end;
static char text[65536];

/* Each test is a process of its own, so its standard error can be a pipe. */
static void set_up(void)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_end = ends[0];
    unsetenv("JOURNAL_STREAM");
}

static void tear_down(void)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(pipe_end);
}

/* What was written since the last call. */
static const char *written(void)
{
    ssize_t length = read(pipe_end, text, sizeof text - 1);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

static int lines(const char *in)
{
    int count = 0;

    while ((in = strchr(in, '\n'))) {
        count++;
        in++;
    }
    return count;
}

START_TEST(a_text_cannot_forge_a_line)
{
    log_write(LOG_LEVEL_INFO, "name: %s", "a\nminimiod: b\r\x1b[2J\t\x7f\xc3\xa9\\x0a");
    ck_assert_str_eq(written(), "minimiod: name: a\\x0aminimiod: b\\x0d\\x1b[2J\\x09\\x7f\\xc3\\xa9\\x5cx0a\n");
}
END_TEST

START_TEST(an_escape_is_never_cut)
{
    char cut[8];

    ck_assert_uint_eq(escape_text("abc\n\n", cut, sizeof cut), 3 + 4);
    ck_assert_str_eq(cut, "abc\\x0a");
    ck_assert_uint_eq(escape_text("abcd\n", cut, sizeof cut), 4);
    ck_assert_str_eq(cut, "abcd");
    ck_assert_uint_eq(escape_text("abcdefgh", cut, sizeof cut), 7);
    ck_assert_uint_eq(escape_text("", cut, 1), 0);
}
END_TEST

START_TEST(a_long_text_is_one_line)
{
    char *longer = malloc(5001);

    ck_assert_ptr_nonnull(longer);
    memset(longer, '\n', 5000);
    longer[5000] = '\0';
    log_write(LOG_LEVEL_INFO, "%s", longer);
    ck_assert_int_eq(lines(written()), 1);
    ck_assert_uint_le(strlen(text), 1024);
    free(longer);
}
END_TEST

START_TEST(levels_above_the_threshold_are_silent)
{
    log_write(LOG_LEVEL_DEBUG, "silent");
    ck_assert_str_eq(written(), "");
    log_set_level(LOG_LEVEL_ERROR);
    log_write(LOG_LEVEL_WARNING, "silent");
    log_write_ratelimited(LOG_LIMIT, 1000, "silent");
    log_write(LOG_LEVEL_ERROR, "heard");
    log_finish();
    ck_assert_str_eq(written(), "minimiod: heard\n");
}
END_TEST

START_TEST(debug_lines_evaluate_nothing_below_their_level)
{
    int evaluated = 0;

    log_debug("silent %d", ++evaluated);
    ck_assert_int_eq(evaluated, 0);
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("heard %d", ++evaluated);
    ck_assert_str_eq(written(), "minimiod: heard 1\n");
}
END_TEST

/* What was lost is told before the next line, or at the end. */
START_TEST(lost_debug_lines_are_counted)
{
    log_set_level(LOG_LEVEL_DEBUG);
    while (write(STDERR_FILENO, text, 4096) > 0)
        ;
    for (int i = 0; i < 3; i++)
        log_debug("lost %d", i);
    while (read(pipe_end, text, sizeof text) > 0)
        ;
    log_debug("heard");
    ck_assert_str_eq(written(), "minimiod: 3 debug lines were not written\nminimiod: heard\n");
    while (write(STDERR_FILENO, text, 4096) > 0)
        ;
    log_debug("lost");
    while (read(pipe_end, text, sizeof text) > 0)
        ;
    log_finish();
    ck_assert_str_eq(written(), "minimiod: 1 debug lines were not written\n");
}
END_TEST

START_TEST(a_flood_is_rationed_by_kind)
{
    for (int i = 0; i < 1000; i++)
        log_write_ratelimited(LOG_DENIED, 1000, "denied %d", i);
    ck_assert_int_ge(lines(written()), LOG_BURST);
    ck_assert_int_le(lines(text), LOG_BURST + 2); /* a second or two may have passed on a slow machine */
    log_write_ratelimited(LOG_LIMIT, 1000, "another kind");
    ck_assert_str_eq(written(), "minimiod: another kind\n");
}
END_TEST

START_TEST(a_flood_of_one_user_hides_no_other_s_lines)
{
    for (int i = 0; i < 1000; i++)
        log_write_ratelimited(LOG_DENIED, 1000, "denied %d", i);
    written();
    log_write_ratelimited(LOG_DENIED, 1001, "another user");
    ck_assert_str_eq(written(), "minimiod: another user\n");
}
END_TEST

/* Memory and lines are bounded for any number of users, and what is left out is counted. */
START_TEST(a_flood_of_many_users_is_rationed_together)
{
    int heard = 0;

    for (unsigned uid = 1; uid <= 3000; uid++)
        for (int i = 0; i < LOG_BURST + 1; i++) {
            log_write_ratelimited(LOG_DENIED, uid, "denied");
            if (uid % 20 == 0)
                heard += lines(written());
        }
    heard += lines(written());
    ck_assert_int_ge(heard, LOG_RATELIMITS * LOG_BURST);
    ck_assert_int_lt(heard, 3000 * LOG_BURST / 2);
    log_finish();
    ck_assert_ptr_nonnull(strstr(written(), "denied addresses of other users: "));
}
END_TEST

/* Awaited, not slept for: the line that is written again tells of each that was not. */
START_TEST(what_was_not_written_is_counted)
{
    char expected[80];
    int said = 0, heard = 0;

    while (!strstr(written(), "similar lines were suppressed")) {
        heard += lines(text);
        log_write_ratelimited(LOG_DENIED, 1000, "denied");
        said++;
        ck_assert_int_lt(said, 100000000);
    }
    snprintf(expected, sizeof expected, "minimiod: denied (%d similar lines were suppressed)\n", said - heard - 1);
    ck_assert_str_eq(text, expected);
    log_write_ratelimited(LOG_DENIED, 1000, "denied");
    log_finish();
    ck_assert_str_eq(written(), "minimiod: denied addresses of uid 1000: 1 more lines were suppressed\n");
}
END_TEST

START_TEST(a_full_pipe_blocks_nobody)
{
    while (write(STDERR_FILENO, text, 4096) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
    log_write(LOG_LEVEL_ERROR, "lost");
    log_write_ratelimited(LOG_LIMIT, 1000, "lost");
    while (read(pipe_end, text, sizeof text) > 0)
        ;
    log_write_ratelimited(LOG_LIMIT, 1000, "heard");
    ck_assert_str_eq(written(), "minimiod: heard (1 similar lines were suppressed)\n");
}
END_TEST

START_TEST(only_the_journal_itself_is_told_levels)
{
    struct stat found;
    char name[64];

    ck_assert_int_eq(fstat(STDERR_FILENO, &found), 0);
    snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_write(LOG_LEVEL_INFO, "told");
    log_write(LOG_LEVEL_ERROR, "told");
    ck_assert_str_eq(written(), "<6>minimiod: told\n<3>minimiod: told\n");
    snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)found.st_dev, (unsigned long long)found.st_ino + 1);
    setenv("JOURNAL_STREAM", name, 1);
    log_write(LOG_LEVEL_INFO, "not told");
    setenv("JOURNAL_STREAM", "nonsense", 1);
    log_write(LOG_LEVEL_INFO, "not told");
    ck_assert_str_eq(written(), "minimiod: not told\nminimiod: not told\n");
}
END_TEST

Suite *unit_log_suite(void)
{
    Suite *suite = suite_create("unit_log");
    TCase *tests = tcase_create("lines");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_text_cannot_forge_a_line);
    tcase_add_test(tests, an_escape_is_never_cut);
    tcase_add_test(tests, a_long_text_is_one_line);
    tcase_add_test(tests, levels_above_the_threshold_are_silent);
    tcase_add_test(tests, a_flood_is_rationed_by_kind);
    tcase_add_test(tests, a_flood_of_one_user_hides_no_other_s_lines);
    tcase_add_test(tests, a_flood_of_many_users_is_rationed_together);
    tcase_add_test(tests, what_was_not_written_is_counted);
    tcase_add_test(tests, debug_lines_evaluate_nothing_below_their_level);
    tcase_add_test(tests, lost_debug_lines_are_counted);
    tcase_add_test(tests, a_full_pipe_blocks_nobody);
    tcase_add_test(tests, only_the_journal_itself_is_told_levels);
    suite_add_tcase(suite, tests);
    return suite;
}
