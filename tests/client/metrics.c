/* SPDX-License-Identifier: MIT */
/* `stats --openmetrics`: the format, line by line, and promtool's word on it where there is promtool. Tables, colour.
 */
#include "tests/client/run.h"
#include "tests/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *client_metrics_suite(void);

static struct minimiod minimiod;

static void set_up(void)
{
    start_minimiod(&minimiod, NULL);
    setenv("MINIMIO_SOCKET", minimiod.socket, 1);
}

static void tear_down(void)
{
    unsetenv("MINIMIO_SOCKET");
    stop_minimiod(&minimiod);
}

#define SHELL(script)                                                                                                  \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        "sh", "-c", script, built_program("minimioctl"), NULL                                                          \
    }

/* Every sample belongs to the TYPE above it, which follows a HELP of its own; the samples of a counter have the name of
 * its family and _total; the text ends with EOF. */
START_TEST(each_sample_has_its_type_and_help)
{
    assert_runs(SHELL("\"$0\" stats --openmetrics | awk '"
                      "ended { print \"behind the end: \" $0; bad = 1 } "
                      "/^# HELP minimio_[a-z_]+ [A-Z].*[.]$/ { help = $3; next } "
                      "/^# TYPE minimio_[a-z_]+ (gauge|counter|histogram)$/ && $3 == help && !seen[$3]++ { "
                      "  name = $3 ($4 == \"counter\" ? \"_total\" : \"\"); family = $3; "
                      "  if ($3 ~ /_total$/) { print \"name: \" $0; bad = 1 } next } "
                      "/^# UNIT minimio_[a-z_]+ (seconds|bytes)$/ && $3 == family { next } "
                      "/^# EOF$/ { ended = 1; next } "
                      "name == \"minimio_turn_seconds\" && "
                      "/^minimio_turn_seconds_(bucket\\{le=\"([0-9.]+|[+]Inf)\"\\}|count|sum) [0-9]+([.][0-9]+)?$/ { "
                      "  next } "
                      "/^minimio_[a-z_]+(\\{name=\"[A-Za-z_]+\"\\})? [0-9]+([.][0-9]+)?$/ { "
                      "  split($1, parts, \"{\"); if (parts[1] == name) { samples++; next } } "
                      "{ print \"wrong: \" $0; bad = 1 } "
                      "END { exit bad || !ended || samples < 40 }'"),
                0, NULL, NULL);
    assert_run(0, "minimio_sessions 1\n", NULL, "stats", "--openmetrics");
    assert_run(0, "minimio_errors_total{name=\"PARSE_ERROR\"} 0\n", NULL, "stats", "--openmetrics");
    assert_run(0, "--openmetrics", NULL, "stats", "--help");
    assert_run(2, NULL, "unexpected argument 'x'", "stats", "--openmetrics", "x");
}
END_TEST

/* A parser that is strict, and that nobody here wrote. */
START_TEST(the_parser_of_prometheus_client_accepts_it)
{
    TEST_NEEDS(system("/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null") == 0,
               "Python's prometheus_client (python3-prometheus-client)");
    assert_runs(SHELL("\"$0\" stats --openmetrics | /usr/bin/python3 -c '"
                      "import sys\n"
                      "from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n"
                      "families = list(parse(sys.stdin.read()))\n"
                      "print(len(families), sum(len(family.samples) for family in families) > 40)'"),
                0, "17 True\n", NULL);
}
END_TEST

/* The daemon has served turns by now, so a count of none would be wrong. */
START_TEST(the_turns_are_a_histogram)
{
    TEST_NEEDS(system("/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null") == 0,
               "Python's prometheus_client (python3-prometheus-client)");
    assert_runs(
        SHELL("\"$0\" ping >/dev/null; \"$0\" stats --openmetrics | /usr/bin/python3 -c '"
              "import sys\n"
              "from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n"
              "families = {family.name: family for family in parse(sys.stdin.read())}\n"
              "turns = families[\"minimio_turn_seconds\"]\n"
              "buckets = {s.labels[\"le\"]: s.value for s in turns.samples if s.name.endswith(\"_bucket\")}\n"
              "rest = {s.name.rpartition(\"_\")[2]: s.value for s in turns.samples if not s.labels}\n"
              "longest = families[\"minimio_longest_turn_seconds\"].samples[0].value\n"
              "print(turns.type, turns.unit, *buckets)\n"
              "print(list(buckets.values()) == sorted(buckets.values()), buckets[\"+Inf\"] == rest[\"count\"],\n"
              "      rest[\"count\"] > 0, 0 < longest <= rest[\"sum\"] <= longest * rest[\"count\"])'"),
        0, "histogram seconds 0.0001 0.0003 0.001 0.003 0.01 0.03 +Inf\nTrue True True True\n", NULL);
}
END_TEST

START_TEST(promtool_accepts_it)
{
    assert_runs(
        SHELL("command -v promtool >/dev/null || { echo 'accepted: not asked, as there is no promtool'; exit; }; "
              "\"$0\" stats --openmetrics | promtool check metrics && echo accepted"),
        0, "accepted", NULL);
}
END_TEST

/* script(1) gives the program a terminal. */
START_TEST(colour_is_for_terminals)
{
    assert_run(0, "TOKEN", NULL, "list");
    assert_runs(SHELL("printf '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"a\"}}' | "
                      "\"$0\" batch >/dev/null; \"$0\" loops | grep -c '\033'"),
                1, "0\n", NULL);
    assert_runs(SHELL("TERM=xterm script -qec \"'$0' loops\" /dev/null </dev/null | grep -c '\033'"), 0, "1\n", NULL);
    assert_runs(SHELL("NO_COLOR=1 TERM=xterm script -qec \"'$0' loops\" /dev/null </dev/null | grep -c '\033'"), 1,
                "0\n", NULL);
}
END_TEST

Suite *client_metrics_suite(void)
{
    Suite *suite = suite_create("client_metrics");
    TCase *tests = tcase_create("metrics");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_sample_has_its_type_and_help);
    tcase_add_test(tests, the_parser_of_prometheus_client_accepts_it);
    tcase_add_test(tests, the_turns_are_a_histogram);
    tcase_add_test(tests, promtool_accepts_it);
    tcase_add_test(tests, colour_is_for_terminals);
    suite_add_tcase(suite, tests);
    return suite;
}
