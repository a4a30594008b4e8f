/* SPDX-License-Identifier: MIT */
/* minimio-protocol(7) and proto/PROTOCOL.md are written by hand: they have every method, parameter and error, and no
 * other. */
#include "proto/fault.h"
#include "proto/methods.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_manual_suite(void);

static char *manual, *contract;

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 1 << 17);

    ck_assert_msg(file && text, "%s cannot be read", path);
    ck_assert_uint_gt(fread(text, 1, (1 << 17) - 1, file), 0);
    fclose(file);
    return text;
}

static void set_up(void)
{
    manual = read_text("man/minimio-protocol.7");
    contract = read_text("proto/PROTOCOL.md");
}

static void tear_down(void)
{
    free(manual);
    free(contract);
}

static int count(const char *text, const char *part)
{
    int found = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        found++;
    return found;
}

/* The heading of a method: its parameters in their order, those in brackets that may be left out. */
static void heading(char *line, size_t size, const struct method_info *method)
{
    size_t length = (size_t)snprintf(line, size, "\n.It Ic %s", method->name);

    for (size_t i = 0; i < method->param_count; i++)
        length += (size_t)snprintf(line + length, size - length, "%s Ar %s", method->params[i].required ? "" : " Op",
                                   method->params[i].name);
    snprintf(line + length, size - length, "\n");
}

START_TEST(every_method_is_in_the_manual)
{
    char line[512];

    for (int i = 0; i < METHODS; i++) {
        heading(line, sizeof line, &method_table[i]);
        ck_assert_msg(strstr(manual, line), "minimio-protocol(7) lacks '%s'", line + 1);
        snprintf(line, sizeof line, "\n| `%s` |", method_table[i].name);
        ck_assert_msg(strstr(contract, line), "PROTOCOL.md lacks '%s'", line + 1);
    }
    ck_assert_int_eq(count(manual, "\n.It Ic "), METHODS);
}
END_TEST

START_TEST(every_error_is_in_the_manual)
{
    char line[128];

    for (int i = 0; i < FAULT_NAMES; i++) {
        int code = fault_code((enum fault_name)i);
        snprintf(line, sizeof line, "\n.It Er %s Pq %s%d\n", fault_text((enum fault_name)i), code < 0 ? "\\-" : "",
                 abs(code));
        ck_assert_msg(strstr(manual, line), "minimio-protocol(7) lacks '%s'", line + 1);
        snprintf(line, sizeof line, "`%s`", fault_text((enum fault_name)i));
        ck_assert_msg(strstr(contract, line), "PROTOCOL.md lacks %s", line);
    }
    ck_assert_int_eq(count(manual, "\n.It Er "), FAULT_NAMES);
}
END_TEST

Suite *unit_manual_suite(void)
{
    Suite *suite = suite_create("unit_manual");
    TCase *tests = tcase_create("names");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, every_method_is_in_the_manual);
    tcase_add_test(tests, every_error_is_in_the_manual);
    suite_add_tcase(suite, tests);
    return suite;
}
