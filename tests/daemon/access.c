/* SPDX-License-Identifier: MIT */
/* Who may connect, and how much each may have: with real other users, as the kernel sees them. */
#include "tests/daemon/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

Suite *daemon_access_suite(void);

#define USER   4711
#define OTHER  4712
#define GROUP  4800
#define GROUPS 300 /* more than the daemon looks at without asking how many there are */

static void set_up_access(const char *access)
{
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\n%s\n", access);
    set_up_conf(NULL);
}

static void expect_welcome(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    struct wire visitor;

    wire_open_as(&visitor, uid, gid, groups, count);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
}

static void expect_refusal(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    struct wire visitor;

    wire_open_as(&visitor, uid, gid, groups, count);
    expect(&visitor, "{'id':null,'error':{'code':12,'data':{'name':'DENIED','rule':'access'}}}");
    expect_end(&visitor);
    wire_close(&visitor);
}

START_TEST(without_a_list_the_mode_decides)
{
    if (!can_be_others())
        return;
    set_up_access("");
    expect_welcome(USER, USER, NULL, 0);
    tear_down_conf();
}
END_TEST

START_TEST(users_are_let_in_by_number_and_name)
{
    if (!can_be_others())
        return;
    set_up_access("users = 4711, nobody");
    expect_welcome(USER, GROUP, NULL, 0);
    expect_welcome(65534, 65534, NULL, 0);
    expect_welcome(0, 0, NULL, 0);
    expect_refusal(OTHER, OTHER, NULL, 0);
    await_log("session of uid 4712 refused");
    tear_down_conf();
}
END_TEST

START_TEST(groups_are_let_in_by_any_of_a_peers_groups)
{
    gid_t groups[GROUPS];

    if (!can_be_others())
        return;
    for (unsigned i = 0; i < GROUPS; i++)
        groups[i] = 5000 + i;
    set_up_access("groups = root, 4800");
    expect_welcome(USER, GROUP, NULL, 0);
    expect_welcome(USER, USER, (gid_t[]){1, GROUP, 2}, 3);
    expect_welcome(0, USER, NULL, 0);
    expect_welcome(USER, USER, (gid_t[]){0}, 1);
    expect_refusal(USER, USER, NULL, 0);
    expect_refusal(USER, USER, (gid_t[]){1, 2}, 2);
    expect_refusal(USER, USER, groups, GROUPS);
    groups[GROUPS - 1] = GROUP;
    expect_welcome(USER, USER, groups, GROUPS);
    tear_down_conf();
}
END_TEST

START_TEST(either_list_lets_in)
{
    if (!can_be_others())
        return;
    set_up_access("users = 4711\ngroups = 4800");
    expect_welcome(USER, USER, NULL, 0);
    expect_welcome(OTHER, GROUP, NULL, 0);
    expect_refusal(OTHER, USER, NULL, 0);
    tear_down_conf();
}
END_TEST

/* ---- Limits by user --------------------------------------------------------------------------------------------- */

START_TEST(sessions_are_limited_by_user_but_for_root)
{
    struct wire first, second, other;

    if (!can_be_others())
        return;
    conf_write("[daemon]\nsocket-mode = 0666\n[limits]\nsessions_uid = 1\n");
    set_up_conf(NULL);
    wire_open_as(&first, USER, USER, NULL, 0);
    call(&first, "ping", NULL);
    wire_open_as(&second, USER, GROUP, NULL, 0);
    expect(&second, "{'error':{'code':13,'data':{'name':'LIMIT_EXCEEDED','limit':'sessions_uid','max':1}}}");
    expect_end(&second);
    wire_close(&second);
    wire_open_as(&other, OTHER, USER, NULL, 0);
    call(&other, "ping", NULL);
    wire_open(&second, minimiod.socket);
    call(&second, "ping", NULL);
    wire_close(&second);
    wire_close(&first);
    while (counter(&wire, "sessions") > 2)
        ;
    wire_open_as(&first, USER, USER, NULL, 0);
    call(&first, "ping", NULL);
    wire_close(&first);
    wire_close(&other);
    tear_down_conf();
}
END_TEST

START_TEST(registrations_are_limited_by_user_but_for_root)
{
    struct wire user, other;

    if (!can_be_others())
        return;
    conf_write("[daemon]\nsocket-mode = 0666\n[limits]\nregistrations_uid = 1\n");
    set_up_conf(NULL);
    wire_open_as(&user, USER, USER, NULL, 0);
    wire_open_as(&other, OTHER, USER, NULL, 0);
    close(open_stream(&user, 1, ""));
    call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'registrations_uid','max':1}", "register", "[2,'%s']", port.address);
    await_log("uid 4711: registrations_uid = 1 is reached");
    close(open_stream(&other, 1, ""));
    close(open_stream(&wire, 1, ""));
    close(open_stream(&wire, 2, ""));
    call(&user, "deregister", "[1]");
    close(open_stream(&user, 2, ""));
    wire_close(&user);
    wire_close(&other);
    tear_down_conf();
}
END_TEST

START_TEST(named_loops_are_limited_by_user_but_for_root)
{
    struct wire user, other;

    if (!can_be_others())
        return;
    conf_write("[daemon]\nsocket-mode = 0666\n[limits]\nloops_uid = 1\n");
    set_up_conf(NULL);
    wire_open_as(&user, USER, USER, NULL, 0);
    wire_open_as(&other, OTHER, USER, NULL, 0);
    call(&user, "open_loop", "{'name':'x'}");
    call_fails(&user, "LIMIT_EXCEEDED", "{'limit':'loops_uid','max':1}", "open_loop", "{'name':'y'}");
    await_log("uid 4711: loops_uid = 1 is reached");
    expect_in(call(&other, "open_loop", "{'name':'x'}"), "{'created':true}");
    call(&wire, "open_loop", "{'name':'x'}");
    call(&wire, "open_loop", "{'name':'y'}");
    call(&user, "close_loop", NULL);
    call(&user, "open_loop", "{'name':'y'}");
    wire_close(&user);
    wire_close(&other);
    tear_down_conf();
}
END_TEST

/* ---- User namespaces -------------------------------------------------------------------------------------------- */

#define OVERFLOW_UID 65534

/* A daemon in a user namespace where root alone is mapped. False: none can be made here, which is said. */
static bool start_in_namespace(void)
{
    struct process process;
    bool possible = can_be_others();

    if (!possible)
        return false;
    possible = process_run(&process, ARGUMENTS("unshare", "--user", "--map-root-user", "true")) == 0;
    process_free(&process);
    if (!possible) {
        fputs("skipped: no user namespace can be made here\n", stderr);
        return false;
    }
    snprintf(minimiod.folder, sizeof minimiod.folder, "%s/minimio-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(minimiod.folder));
    forget_log();
    snprintf(minimiod.socket, sizeof minimiod.socket, "%s/minimio.sock", minimiod.folder);
    process_start(&minimiod.process, false,
                  ARGUMENTS("unshare", "--user", "--map-root-user", built_program("minimiod"), "--socket",
                            minimiod.socket, "--socket-mode", "0666", "--config", conf_path));
    if (!process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS))
        ck_abort_msg("minimiod did not start: %s", minimiod.process.err.text);
    return true;
}

START_TEST(users_who_cannot_be_told_apart_are_refused)
{
    struct wire visitor;

    conf_write("# none\n");
    if (!start_in_namespace()) {
        conf_remove();
        return;
    }
    await_log("sessions of uid 65534, which may be anybody, are refused");
    wire_open_as(&visitor, 4711, 4711, NULL, 0);
    expect(&visitor, "{'error':{'data':{'name':'DENIED','rule':'unmapped-users'}}}");
    wire_close(&visitor);
    await_log("session of uid 65534 refused");
    wire_open_as(&visitor, 0, 0, NULL, 0); /* the one who is mapped */
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    stop_minimiod(&minimiod);
    conf_remove();
}
END_TEST

START_TEST(users_who_cannot_be_told_apart_are_let_in_if_the_file_says_so)
{
    struct wire visitor;

    conf_write("[access]\nunmapped-users = allow\n");
    if (!start_in_namespace()) {
        conf_remove();
        return;
    }
    wire_open_as(&visitor, 4711, 4711, NULL, 0);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    conf_write("[access]\nunmapped-users = deny\n");
    reload_well();
    wire_open_as(&visitor, 4711, 4711, NULL, 0);
    expect(&visitor, "{'error':{'data':{'name':'DENIED','rule':'unmapped-users'}}}");
    wire_close(&visitor);
    stop_minimiod(&minimiod);
    conf_remove();
}
END_TEST

/* Where every uid is mapped, 65534 is one user like any other. */
START_TEST(nobody_is_a_user_where_everybody_is_mapped)
{
    struct wire visitor;
    unsigned long first, outside, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");

    if (!map || fscanf(map, "%lu %lu %lu", &first, &outside, &count) != 3 || count < UINT32_MAX) {
        fputs("skipped: not every user is mapped here\n", stderr);
        if (map)
            fclose(map);
        return;
    }
    fclose(map);
    if (!can_be_others())
        return;
    set_up_with(ARGUMENTS("--socket-mode", "0666"));
    wire_open_as(&visitor, OVERFLOW_UID, OVERFLOW_UID, NULL, 0);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    tear_down();
}
END_TEST

Suite *daemon_access_suite(void)
{
    Suite *suite = suite_create("daemon_access");
    TCase *tests = tcase_create("each its own daemon");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, without_a_list_the_mode_decides);
    tcase_add_test(tests, users_are_let_in_by_number_and_name);
    tcase_add_test(tests, groups_are_let_in_by_any_of_a_peers_groups);
    tcase_add_test(tests, either_list_lets_in);
    tcase_add_test(tests, sessions_are_limited_by_user_but_for_root);
    tcase_add_test(tests, registrations_are_limited_by_user_but_for_root);
    tcase_add_test(tests, named_loops_are_limited_by_user_but_for_root);
    tcase_add_test(tests, users_who_cannot_be_told_apart_are_refused);
    tcase_add_test(tests, users_who_cannot_be_told_apart_are_let_in_if_the_file_says_so);
    tcase_add_test(tests, nobody_is_a_user_where_everybody_is_mapped);
    suite_add_tcase(suite, tests);
    return suite;
}
