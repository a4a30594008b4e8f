/* SPDX-License-Identifier: MIT */
/* Two users' loops of one name are two loops: nobody but root sees another's, and nobody enters or exhausts them. */
#include "tests/daemon/fixture.h"

#include <stdio.h>
#include <sys/fsuid.h>
#include <unistd.h>

Suite *daemon_loop_users_suite(void);

#define USER  12345
#define USER2 12346

static bool can_be_others(void)
{
    if (geteuid() == 0)
        return true;
    fputs("skipped: only root can be other users\n", stderr);
    return false;
}

/* The kernel takes the peer's uid at its connect. The socket is reached as root, to whom its folder belongs. */
static void open_as(struct wire *ret_wire, uid_t uid)
{
    ck_assert_int_eq(seteuid(uid), 0);
    setfsuid(0);
    wire_open(ret_wire, minimiod.socket);
    ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(users_have_names_of_their_own)
{
    struct wire first, second;
    int peer;

    if (!can_be_others())
        return;
    open_as(&first, USER);
    open_as(&second, USER2);
    call(&first, "open_loop", "['x']");
    peer = open_stream(&first, 1, "");
    expect_in(call(&second, "open_loop", "{'name':'x','takeover':true}"), "{'created':true,'registrations':0}");
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'created':true,'registrations':0}");
    expect_silence(&first);
    expect_in(call(&first, "loops", NULL), "{'loops':[{'name':'x','uid':%d,'registrations':1}]}", USER);
    expect_in(call(&second, "loops", NULL), "{'loops':[{'name':'x','uid':%d,'registrations':0}]}", USER2);
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'uid':0},{'uid':%d},{'uid':%d}],'next':null}", USER, USER2);
    call(&second, "close_loop", NULL);
    expect_in(call(&first, "list", NULL), "{'loop':'x'}");
    close(peer);
    wire_close(&first);
    wire_close(&second);
}
END_TEST

/* A page does not end between two of one name, as `after` is a name alone. */
START_TEST(root_pages_over_all_users_loops)
{
    struct wire first, second;

    if (!can_be_others())
        return;
    open_as(&first, USER);
    open_as(&second, USER2);
    call(&first, "open_loop", "['a']");
    call(&first, "open_loop", "['b']");
    call(&second, "open_loop", "['b']");
    call(&second, "open_loop", "['c']");
    expect_in(call(&wire, "loops", "{'limit':1}"), "{'loops':[{'name':'a','uid':%d}],'next':'a'}", USER);
    expect_in(call(&wire, "loops", "['a',1]"), "{'loops':[{'name':'b','uid':%d},{'name':'b','uid':%d}],'next':'b'}",
              USER, USER2);
    expect_in(call(&wire, "loops", "['b',1]"), "{'loops':[{'name':'c','uid':%d}],'next':null}", USER2);
    expect_in(call(&first, "loops", "{'limit':1}"), "{'loops':[{'name':'a'}],'next':'a'}");
    expect_in(call(&first, "loops", "['a',1]"), "{'loops':[{'name':'b'}],'next':null}");
    expect_in(call(&second, "loops", "['b']"), "{'loops':[{'name':'c'}],'next':null}");
    wire_close(&first);
    wire_close(&second);
}
END_TEST

START_TEST(a_users_named_loops_are_limited_but_roots)
{
    struct wire user;

    set_up_with(ARGUMENTS("--limit", "loops_uid=2"));
    for (int i = 0; i < 5 && geteuid() == 0; i++)
        call(&wire, "open_loop", "['root-%d']", i);
    if (can_be_others()) {
        open_as(&user, USER);
        call(&user, "open_loop", "['a']");
        call(&user, "open_loop", "['b']");
        call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'loops_uid','max':2}", "open_loop", "['c']");
        expect_in(call(&user, "list", NULL), "{'loop':'b'}");
        expect_in(call(&user, "open_loop", "['a']"), "{'created':false}");
        call(&user, "close_loop", NULL);
        expect_in(call(&user, "open_loop", "['c']"), "{'created':true}");
        call(&user, "open_loop", NULL);
        wire_close(&user);
    }
    tear_down();
}
END_TEST

Suite *daemon_loop_users_suite(void)
{
    Suite *suite = suite_create("daemon_loop_users");
    TCase *tests = add_case(suite, "users");

    tcase_add_test(tests, users_have_names_of_their_own);
    tcase_add_test(tests, root_pages_over_all_users_loops);
    tests = tcase_create("its own daemon");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_users_named_loops_are_limited_but_roots);
    return suite;
}
