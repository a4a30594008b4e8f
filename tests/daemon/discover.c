/* SPDX-License-Identifier: MIT */
/* rpc.discover describes what the daemon does. tests/protocol/names.py compares the document with PROTOCOL.md. */
#include "tests/daemon/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *daemon_discover_suite(void);

static const cJSON *document;

static void discover(void)
{
    document = cJSON_Duplicate(call(&wire, "rpc.discover", NULL), true);
}

static void forget(void)
{
    cJSON_Delete((cJSON *)(uintptr_t)document);
}

/* An empty object is a wrong parameter to some, but each of them is there. */
START_TEST(what_it_lists_is_there)
{
    const cJSON *method, *error;
    int count = 0;

    discover();
    expect_in(document, "{'openrpc':'1.2.6','info':{'title':'minimiod','version':'" MINIMIO_VERSION "'}}");
    cJSON_ArrayForEach(method, member(document, "methods")) {
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
    cJSON_ArrayForEach(method, member(document, "methods")) {
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

    tcase_add_test(tests, what_it_lists_is_there);
    tcase_add_test(tests, its_parameters_are_those_that_are_checked);
    tcase_add_test(tests, a_batch_s_line_has_no_room_for_it);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, it_fits_into_a_line_of_its_length);
    suite_add_tcase(suite, tests);
    return suite;
}
