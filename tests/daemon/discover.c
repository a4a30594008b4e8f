/* SPDX-License-Identifier: MIT */
/*
 * What the daemon says of itself by rpc.discover is what it does, and what PROTOCOL.md says: sections 4 and 5.
 */
#include "tests/daemon/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *daemon_discover_suite(void);

/* ---- PROTOCOL.md's tables ---------------------------------------------------------------------------------------- */

/* Calls `use` with each row that has a method's name in its first column. */
static void each_method_row(void (*use)(const char *name, const char *params))
{
    FILE *text = fopen("proto/PROTOCOL.md", "re");
    bool inside = false;
    char *line = NULL;
    size_t size = 0;

    ck_assert_ptr_nonnull(text);
    while (getline(&line, &size, text) > 0) {
        char name[64], *bar;

        if (strncmp(line, "## ", 3) == 0)
            inside = strncmp(line, "## 4.", 5) == 0;
        if (!inside || sscanf(line, "| `%63[a-z_.]` |", name) != 1)
            continue;
        bar = strchr(line + 1, '|');
        ck_assert_ptr_nonnull(bar);
        ck_assert_ptr_nonnull(strchr(bar + 1, '|'));
        *strchr(bar + 1, '|') = '\0';
        use(name, bar + 1);
    }
    free(line);
    fclose(text);
}

/* The next parameter of a row, such as `max?=256`: what stands in backticks and begins with a name. */
struct row_param {
    char name[32];
    bool optional;
    char fallback[64]; /* "": none */
};

static bool next_param(const char **row, struct row_param *ret_param)
{
    const char *begin, *end;

    while ((begin = strchr(*row, '`')) && (end = strchr(begin + 1, '`'))) {
        size_t length = strspn(begin + 1, "abcdefghijklmnopqrstuvwxyz_");
        const char *rest = begin + 1 + length;

        *row = end + 1;
        if (!length || (rest != end && *rest != '?'))
            continue;
        snprintf(ret_param->name, sizeof ret_param->name, "%.*s", (int)length, begin + 1);
        ret_param->optional = *rest == '?';
        snprintf(ret_param->fallback, sizeof ret_param->fallback, "%.*s", rest < end - 1 ? (int)(end - rest) - 2 : 0,
                 rest + 2);
        return true;
    }
    return false;
}

/* ---- The document ------------------------------------------------------------------------------------------------ */

static const cJSON *document;

static void discover(void)
{
    document = cJSON_Duplicate(call(&wire, "rpc.discover", NULL), true);
}

static void forget(void)
{
    cJSON_Delete((cJSON *)(uintptr_t)document);
}

static const cJSON *described(const char *name)
{
    const cJSON *method, *found = NULL;

    cJSON_ArrayForEach(method, member(document, "methods"))
    {
        if (strcmp(member(method, "name")->valuestring, name) == 0) {
            ck_assert_msg(!found, "%s is described twice", name);
            found = method;
        }
    }
    ck_assert_msg(found, "%s is not described", name);
    return found;
}

static int rows;

static void expect_row_described(const char *name, const char *row)
{
    const cJSON *method = described(name), *param = member(method, "params")->child;
    struct row_param wanted;

    rows++;
    for (; next_param(&row, &wanted); param = param->next) {
        const cJSON *required, *fallback;

        ck_assert_msg(param, "%s: %s is not described", name, wanted.name);
        ck_assert_str_eq(member(param, "name")->valuestring, wanted.name);
        required = cJSON_GetObjectItem(param, "required");
        ck_assert_msg(!cJSON_IsTrue(required) == wanted.optional, "%s: %s: required", name, wanted.name);
        fallback = cJSON_GetObjectItem(member(param, "schema"), "default");
        ck_assert_msg(!fallback == !*wanted.fallback, "%s: %s: default", name, wanted.name);
        if (fallback)
            expect_in(fallback, "%s", wanted.fallback);
    }
    ck_assert_msg(!param, "%s: more parameters are described than there are", name);
}

START_TEST(it_is_what_the_protocol_says)
{
    discover();
    expect_in(document, "{'openrpc':'1.2.6','info':{'title':'minimiod','version':'" MINIMIO_VERSION "'}}");
    rows = 0;
    each_method_row(expect_row_described);
    ck_assert_int_eq(rows, cJSON_GetArraySize(member(document, "methods")));
    ck_assert_int_ge(rows, 16);
    forget();
}
END_TEST

/* An empty object is a wrong parameter to some, but each of them is there. */
START_TEST(what_it_lists_is_there)
{
    const cJSON *method, *error;
    int count = 0;

    discover();
    cJSON_ArrayForEach(method, member(document, "methods"))
    {
        say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'%s','params':{}}", ++count, member(method, "name")->valuestring);
        error = cJSON_GetObjectItem(expect(&wire, "{'id':%d}", count), "error");
        ck_assert_msg(!error || member(error, "code")->valueint != -32601, "%s", wire.line);
    }
    call_fails(&wire, "METHOD_NOT_FOUND", NULL, "rpc.describe", NULL);
    forget();
}
END_TEST

/* There is no other name, and no further position. */
START_TEST(its_parameters_are_those_that_are_checked)
{
    const cJSON *method;

    discover();
    cJSON_ArrayForEach(method, member(document, "methods"))
    {
        const char *name = member(method, "name")->valuestring;
        int count = cJSON_GetArraySize(member(method, "params"));

        call_fails(&wire, "INVALID_PARAMS", "{'param':'nobody_s'}", name, "{'nobody_s':1}");
        wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"");
        wire_send(&wire, name);
        wire_send(&wire, "\",\"params\":[null");
        for (int i = 0; i < count; i++)
            wire_send(&wire, ",null");
        wire_send(&wire, "]}");
        expect(&wire, "{'id':1,'error':{'data':{'name':'INVALID_PARAMS','param':'params'}}}");
    }
    forget();
}
END_TEST

START_TEST(its_errors_are_those_of_the_protocol)
{
    static char text[65536];
    FILE *file = fopen("proto/PROTOCOL.md", "re");
    const cJSON *error;
    int count = 0;

    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    discover();
    cJSON_ArrayForEach(error, member(document, "components.errors"))
    {
        char row[64];

        snprintf(row, sizeof row, "\n| %d | `%s` |", member(error, "code")->valueint, error->string);
        ck_assert_msg(member(error, "code")->valueint < 0 || strstr(text, row), "there is no %s", row + 1);
        count += member(error, "code")->valueint > 0;
    }
    for (const char *at = strstr(text, "\n## 5."); at && (at = strstr(at, "\n| ")); at++)
        count -= at[3] >= '0' && at[3] <= '9';
    ck_assert_int_eq(count, 0);
    forget();
}
END_TEST

START_TEST(a_batch_s_line_has_no_room_for_it)
{
    say(&wire, "[{'jsonrpc':'2.0','id':1,'method':'rpc.discover'},{'jsonrpc':'2.0','id':2,'method':'ping'}]");
    expect(&wire, "[{'id':1,'error':{'code':13,'data':{'name':'LIMIT_EXCEEDED','limit':'line_bytes'}}},{'id':2}]");
    say(&wire, "[{'jsonrpc':'2.0','id':1,'method':'rpc.discover'}]");
    expect(&wire, "[{'id':1,'error':{'data':{'name':'LIMIT_EXCEEDED'}}}]");
    ck_assert_ptr_nonnull(strstr(wire.line, "ask for it alone"));
    call(&wire, "close_loop", NULL);
    expect_in(call(&wire, "rpc.discover", "[]"), "{'info':{}}");
}
END_TEST

/* A line is shorter than line_bytes with its LF, and may be as long as that allows. */
START_TEST(it_fits_into_a_line_of_its_length)
{
    char limits[64];
    size_t length;

    set_up();
    call(&wire, "rpc.discover", NULL);
    length = strlen(wire.line);
    tear_down();
    for (int i = 0; i < 2; i++) {
        snprintf(limits, sizeof limits, "batch=1,line_bytes=%zu", length + 2 - (size_t)i);
        set_up_with(ARGUMENTS("--limit", limits));
        if (i == 0)
            call(&wire, "rpc.discover", NULL);
        else
            call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'line_bytes'}", "rpc.discover", NULL);
        ck_assert_int_eq(strstr(wire.line, "operator can allow longer ones") != NULL, i);
        expect_in(call(&wire, "stats", NULL), "{'errors':{'LIMIT_EXCEEDED':%d}}", i);
        tear_down();
    }
}
END_TEST

Suite *daemon_discover_suite(void)
{
    Suite *suite = suite_create("daemon_discover");
    TCase *tests = add_case(suite, "discover");

    tcase_add_test(tests, it_is_what_the_protocol_says);
    tcase_add_test(tests, what_it_lists_is_there);
    tcase_add_test(tests, its_parameters_are_those_that_are_checked);
    tcase_add_test(tests, its_errors_are_those_of_the_protocol);
    tcase_add_test(tests, a_batch_s_line_has_no_room_for_it);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, it_fits_into_a_line_of_its_length);
    suite_add_tcase(suite, tests);
    return suite;
}
