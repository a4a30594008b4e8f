/* SPDX-License-Identifier: MIT */
/* Owner, guests and workers of one loop: who may enter beside whom, who is put out, who is told events, and what stays
 * of the loop. */
#include "tests/daemon/crew.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_roles_suite(void);

#define FIRST  (&crew[0])
#define SECOND (&crew[1])
#define THIRD  (&crew[2])

static void expect_put_out(struct wire *on, const char *reason)
{
    expect(on, "{'method':'%s','params':{'loop':'x','reason':'%s'}}",
           strcmp(reason, "takeover") ? "loop_closed" : "loop_detached", reason);
    call_fails(on, "LOOP_CLOSED", NULL, "list", NULL);
    call_fails(on, "LOOP_CLOSED", NULL, "poll", NULL);
}

static void expect_members(struct wire *on, const char *members)
{
    expect_in(call(on, "loops", NULL), "{'loops':[{'name':'x',%s}]}", members);
}

/* ---- Who enters beside whom ------------------------------------------------------------------------------------- */

static const struct {
    const char *inside, *comes;
    bool busy, put_out; /* without, and with takeover */
} pairs[] = {
    {"owner", "owner", true, true},     {"owner", "worker", true, true},  {"worker", "owner", true, true},
    {"worker", "worker", false, false}, {"guest", "owner", false, false}, {"guest", "worker", false, false},
};

START_TEST(an_owner_is_alone_and_workers_are_among_themselves)
{
    enter(FIRST, pairs[_i].inside, "");
    if (pairs[_i].busy)
        call_fails(SECOND, "LOOP_BUSY", NULL, "open_loop", "{'name':'x','role':'%s'}", pairs[_i].comes);
    expect_in(enter(SECOND, pairs[_i].comes, pairs[_i].busy ? ",'takeover':true" : ""), "{'created':false}");
    if (pairs[_i].put_out)
        expect_put_out(FIRST, "takeover");
    else
        expect_in(call(FIRST, "list", NULL), "{'loop':'x'}");
    expect_silence(FIRST);
}
END_TEST

START_TEST(a_takeover_puts_nobody_out_who_may_stay)
{
    crew_work(1, "");
    enter(SECOND, "worker", ",'takeover':true");
    expect_silence(FIRST);
    expect_silence(&wire);
    enter(THIRD, "owner", ",'takeover':true");
    expect_put_out(FIRST, "takeover");
    expect_put_out(SECOND, "takeover");
    expect_in(call(&wire, "list", NULL), "{'loop':'x'}");
    expect_silence(&wire);
    expect_members(&wire, "'attached':true,'guests':1");
}
END_TEST

START_TEST(guests_are_never_busy)
{
    static const char *const inside[] = {"owner", "worker", "guest"};

    enter(FIRST, inside[_i], "");
    enter(SECOND, "guest", "");
    enter(THIRD, "guest", "");
    expect_in(call(SECOND, "list", NULL), "{'loop':'x'}");
    expect_in(call(THIRD, "list", NULL), "{'loop':'x'}");
    expect_silence(FIRST);
}
END_TEST

START_TEST(a_guest_or_a_worker_makes_a_loop_that_is_not_there)
{
    expect_in(enter(FIRST, "guest", ",'linger_ms':777,'delivery':'poll'"), "{'created':true,'delivery':'poll'}");
    expect_members(FIRST, "'linger_ms':777,'attached':false,'owner':false,'workers':0,'guests':1");
    call(FIRST, "close_loop", NULL);
    expect_in(enter(FIRST, "worker", ""), "{'created':true,'delivery':'push'}");
    expect_members(FIRST, "'attached':true,'owner':false,'workers':1,'guests':0");
}
END_TEST

/* A client of today notices nothing. */
START_TEST(members_are_shown_only_where_roles_are_used)
{
    enter(FIRST, "owner", "");
    ck_assert_ptr_null(strstr((call(FIRST, "loops", NULL), FIRST->line), "owner"));
    ck_assert_ptr_null(strstr(FIRST->line, "workers"));
    ck_assert_ptr_null(strstr(FIRST->line, "guests"));
    enter(SECOND, "guest", "");
    expect_members(FIRST, "'attached':true,'owner':true,'workers':0,'guests':1");
}
END_TEST

START_TEST(no_parameters_go_without_what_they_need)
{
    call_fails(FIRST, "INVALID_PARAMS", "{'param':'name'}", "open_loop", "{'role':'worker','prefetch':2}");
    call_fails(FIRST, "INVALID_PARAMS", "{'param':'prefetch'}", "open_loop", "{'prefetch':1}");
    enter(FIRST, "worker", ",'prefetch':256");
    call_fails(FIRST, "INVALID_PARAMS", "{'param':'takeover'}", "open_loop",
               "{'name':'x','role':'guest','takeover':true}");
    expect_in(call(FIRST, "list", NULL), "{'loop':'x'}"); /* a refused one leaves nothing */
    enter(FIRST, "guest", ",'takeover':false");
}
END_TEST

START_TEST(hello_tells_the_features)
{
    const cJSON *feature, *features = member(call(&wire, "hello", NULL), "features");
    static const char *const wanted[] = {"roles", "ensure", "cancel"};
    int found = 0;

    cJSON_ArrayForEach(feature, features)
        for (int i = 0; i < LENGTH(wanted); i++)
            found += !strcmp(feature->valuestring, wanted[i]);
    ck_assert_int_eq(found, LENGTH(wanted));
}
END_TEST

/* ---- Settings of a loop that others rely on --------------------------------------------------------------------- */

START_TEST(who_comes_while_others_are_inside_changes_no_setting)
{
    static const char *const inside[] = {"owner", "worker", "guest"};
    static const char *const comes[] = {"guest", "worker", "owner"};

    enter(FIRST, inside[_i], ",'delivery':'poll','linger_ms':1000");
    call_fails(SECOND, "INVALID_PARAMS", "{'param':'delivery'}", "open_loop",
               "{'name':'x','role':'%s','delivery':'push'}", comes[_i]);
    call_fails(SECOND, "INVALID_PARAMS", "{'param':'linger_ms'}", "open_loop",
               "{'name':'x','role':'%s','linger_ms':1001}", comes[_i]);
    expect_in(call(SECOND, "loops", NULL), "{'loops':[{'name':'x','linger_ms':1000}]}");
    expect_in(enter(SECOND, comes[_i], ",'delivery':'poll','linger_ms':1000"), "{'delivery':'poll'}");
}
END_TEST

/* Whom it puts out does not rely on them; a guest does. */
START_TEST(a_takeover_may_change_settings_when_no_guest_is_there)
{
    enter(FIRST, "worker", ",'delivery':'poll'");
    expect_in(enter(SECOND, "owner", ",'delivery':'push','linger_ms':5,'takeover':true"), "{'delivery':'push'}");
    expect_put_out(FIRST, "takeover");
    enter(THIRD, "guest", "");
    call_fails(FIRST, "INVALID_PARAMS", "{'param':'delivery'}", "open_loop",
               "{'name':'x','delivery':'poll','takeover':true}");
    expect_silence(SECOND);
    expect_in(call(SECOND, "list", NULL), "{'loop':'x'}");
}
END_TEST

START_TEST(alone_one_changes_the_settings_in_any_role)
{
    enter(FIRST, "worker", ",'delivery':'poll','linger_ms':1000");
    expect_in(enter(FIRST, "guest", ",'delivery':'push','linger_ms':2000"), "{'delivery':'push','created':false}");
    expect_members(FIRST, "'linger_ms':2000,'guests':1,'workers':0");
}
END_TEST

START_TEST(edge_and_level_are_for_owners_alone)
{
    static const char *const modes[] = {"edge", "level"};
    int peer, work;

    enter(FIRST, "owner", ",'delivery':'poll'");
    peer = open_stream(FIRST, 1, ",'mode':'edge'");
    call(FIRST, "reregister", "{'token':1,'mode':'%s'}", modes[_i]);
    call_fails(SECOND, "INVALID_PARAMS", "{'param':'role'}", "open_loop",
               "{'name':'x','role':'worker','takeover':true}");
    expect_in(call(FIRST, "list", NULL), "{'loop':'x'}");
    call(FIRST, "reregister", "{'token':1,'mode':'oneshot'}");
    enter(SECOND, "worker", ",'takeover':true");
    enter(THIRD, "guest", "");
    call_fails(THIRD, "INVALID_PARAMS", "{'param':'mode'}", "reregister", "{'token':1,'mode':'%s'}", modes[_i]);
    call_fails(THIRD, "INVALID_PARAMS", "{'param':'mode'}", "register", "{'token':2,'address':'%s','mode':'%s'}",
               port.address, modes[_i]);
    expect_in(call(THIRD, "list", NULL), "{'registrations':[{'token':1,'mode':'oneshot'}]}");
    enter(SECOND, "guest", ""); /* and without a worker, they are allowed again */
    work = open_stream(THIRD, 2, ",'mode':'edge'");
    call_fails(SECOND, "INVALID_PARAMS", "{'param':'role'}", "open_loop", "{'name':'x','role':'worker'}");
    call(THIRD, "deregister", "[2]");
    enter(SECOND, "worker", "");
    close(peer);
    close(work);
}
END_TEST

/* ---- Guests ------------------------------------------------------------------------------------------------------ */

START_TEST(a_guest_does_everything_but_events)
{
    int peer;

    enter(FIRST, "owner", ",'delivery':'poll'");
    enter(&wire, "guest", "");
    peer = open_stream(&wire, 1, ",'mode':'edge'");
    call_fails(&wire, "WRONG_DELIVERY", NULL, "poll", "[0]");
    expect_in(call(&wire, "write", "[1,'to']"), "{'bytes':2}");
    write_byte(peer);
    expect_in(call(FIRST, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    expect_in(call(&wire, "read", "[1]"), "{'data':'x'}");
    call(&wire, "reregister", "{'token':1,'interests':['writable']}");
    expect_in(call(FIRST, "poll", NULL), "{'events':[{'token':1,'writable':true}]}");
    call(&wire, "shutdown", "[1,'write']");
    call(&wire, "deregister", "[1]");
    expect_in(call(FIRST, "list", NULL), "{'registrations':[]}");
    expect_silence(&wire);
    close(peer);
}
END_TEST

/* A fired oneshot stays fired, and nothing is told again. */
START_TEST(guests_rearm_nothing)
{
    int peer;

    enter(FIRST, "owner", "");
    peer = open_stream(FIRST, 1, "");
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    enter(SECOND, "guest", "");
    ck_assert_str_eq(state_of(SECOND, 1), "disarmed");
    call(SECOND, "open_loop", NULL);
    enter(THIRD, "guest", "");
    die(THIRD);
    expect_silence(FIRST);
    ck_assert_str_eq(state_of(FIRST, 1), "disarmed");
    close(peer);
}
END_TEST

START_TEST(what_a_guest_registers_stays_when_the_guest_leaves)
{
    int peer;

    enter(&wire, "guest", "");
    peer = open_stream(&wire, 1, "");
    call(&wire, "open_loop", NULL);
    expect_in(enter(FIRST, "owner", ""), "{'registrations':1,'created':false}");
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    close(peer);
}
END_TEST

/* ---- Leaving ---------------------------------------------------------------------------------------------------- */

START_TEST(guests_and_workers_leave_and_come_as_they_like)
{
    static const char *const roles[] = {"guest", "worker"};
    int peer;

    enter(FIRST, roles[_i], "");
    peer = open_stream(FIRST, 1, "");
    enter(FIRST, roles[!_i], "");
    enter(FIRST, roles[_i], "");
    call(FIRST, "open_loop", "['y']");
    expect_members(FIRST, "'attached':false,'registrations':1},{'name':'y'");
    enter(FIRST, "owner", "");
    call_fails(FIRST, "LOOP_OPEN", NULL, "open_loop", "['y']");
    call_fails(FIRST, "LOOP_OPEN", NULL, "open_loop", "{'name':'x','role':'guest'}");
    close(peer);
}
END_TEST

/* Whatever its role. */
START_TEST(a_loop_lingers_from_its_last_session_on)
{
    static const char *const roles[] = {"owner", "guest", "worker"};
    int peer;

    enter(FIRST, roles[_i], ",'linger_ms':0");
    enter(SECOND, "guest", "");
    peer = open_stream(SECOND, 1, "");
    die(FIRST);
    expect_in(call(SECOND, "list", NULL), "{'loop':'x','registrations':[{'token':1}]}");
    enter(FIRST, roles[_i], "");
    die(SECOND);
    expect_in(call(FIRST, "list", NULL), "{'loop':'x','registrations':[{'token':1}]}");
    die(FIRST);
    expect_eof(peer);
    expect_in(call(FIRST, "loops", NULL), "{'loops':[]}");
    close(peer);
}
END_TEST

START_TEST(a_loop_lingers_for_ten_minutes_unless_told_otherwise)
{
    static const char *const roles[] = {"owner", "guest", "worker"};

    enter(FIRST, roles[_i], "");
    expect_in(call(FIRST, "loops", NULL), "{'loops':[{'name':'x','linger_ms':600000}]}");
}
END_TEST

START_TEST(anybody_closes_the_loop_for_all)
{
    static const char *const roles[] = {"guest", "worker", "owner"};
    static const char *const others[] = {"worker", "worker", "guest"};
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    enter(FIRST, others[_i], ",'delivery':'poll'");
    enter(SECOND, "guest", "");
    enter(&wire, roles[_i], "");
    peer = open_stream(&wire, 1, "");
    if (!strcmp(others[_i], "worker"))
        say_poll(FIRST, "p", "[]");
    say(SECOND, "{'jsonrpc':'2.0','id':'r','method':'register','params':[7,'%s']}", hole.port.address);
    expect_silence(SECOND);
    expect_silence(FIRST);
    call(&wire, "close_loop", NULL);
    if (!strcmp(others[_i], "worker"))
        expect(FIRST, "{'id':'p','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect_put_out(FIRST, "closed");
    expect(SECOND, "{'id':'r','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect_put_out(SECOND, "closed");
    call_fails(&wire, "LOOP_CLOSED", NULL, "list", NULL);
    expect_silence(&wire);
    expect_eof(peer);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    expect_in(enter(FIRST, "worker", ""), "{'created':true,'registrations':0}");
    black_hole_close(&hole);
    close(peer);
}
END_TEST

START_TEST(the_end_of_the_daemon_is_told_to_every_role)
{
    crew_work(2, "");
    kill(minimiod.process.pid, SIGTERM);
    expect(FIRST, "{'method':'loop_closed','params':{'loop':'x','reason':'shutdown'}}");
    expect_end(FIRST);
    expect(SECOND, "{'method':'loop_closed','params':{'loop':'x','reason':'shutdown'}}");
    expect(&wire, "{'method':'loop_closed','params':{'loop':'x','reason':'shutdown'}}");
    expect_end(&wire);
}
END_TEST

/* ---- create:false ------------------------------------------------------------------------------------------------ */

static const cJSON *unknown_data(struct wire *on, const char *name)
{
    call_fails(on, "LOOP_UNKNOWN", NULL, "open_loop", "{'name':'%s','create':false}", name);
    expect_in(on->message, "{'error':{'code':21}}");
    return cJSON_GetObjectItemCaseSensitive(member(on->message, "error.data"), "expired_ms");
}

START_TEST(a_loop_that_is_not_there_is_unknown)
{
    static const char *const roles[] = {"owner", "guest", "worker"};

    call_fails(FIRST, "LOOP_UNKNOWN", NULL, "open_loop", "{'name':'x','create':false,'role':'%s'}", roles[_i]);
    expect_in(call(FIRST, "loops", NULL), "{'loops':[]}");
    expect_in(call(FIRST, "list", NULL), "{'loop':null}");
    ck_assert_ptr_null(unknown_data(FIRST, "x"));
    enter(FIRST, "owner", "");
    call(FIRST, "close_loop", NULL);
    ck_assert_ptr_null(unknown_data(FIRST, "x")); /* closed, not expired */
    enter(FIRST, "owner", ",'create':true");
    call_fails(SECOND, "LOOP_BUSY", NULL, "open_loop", "{'name':'x','create':false}");
    expect_in(enter(SECOND, "owner", ",'create':false,'takeover':true"), "{'created':false}");
}
END_TEST

START_TEST(a_loop_that_expired_is_told_with_its_age)
{
    const cJSON *age;
    int64_t began, elapsed_ms;

    began = test_now_ns();
    call(FIRST, "open_loop", "{'name':'gone','linger_ms':1}");
    call(FIRST, "open_loop", "['elsewhere']");
    while (cJSON_GetArraySize(member(call(FIRST, "loops", NULL), "loops")) == 2)
        ;
    age = unknown_data(FIRST, "gone");
    elapsed_ms = (test_now_ns() - began) / 1000000;
    ck_assert(cJSON_IsNumber(age));
    ck_assert_int_ge((int64_t)age->valuedouble, 0);
    ck_assert_int_le((int64_t)age->valuedouble, elapsed_ms);
    while ((int64_t)unknown_data(FIRST, "gone")->valuedouble < 20) /* it grows */
        ;
    ck_assert_ptr_null(unknown_data(FIRST, "never"));
    ck_assert_ptr_null(unknown_data(FIRST, "gon"));
    ck_assert_ptr_null(unknown_data(FIRST, "gone."));
    call(FIRST, "open_loop", "['gone']");
    call(FIRST, "close_loop", NULL);
    ck_assert_ptr_null(unknown_data(FIRST, "gone")); /* closed since */
}
END_TEST

#define REMEMBERED 1024

START_TEST(a_thousand_and_twenty_four_names_are_remembered)
{
    for (int i = 0; i <= REMEMBERED; i++)
        call(FIRST, "open_loop", "{'name':'n%d','linger_ms':0}", i);
    call(FIRST, "open_loop", NULL);
    ck_assert_ptr_null(unknown_data(FIRST, "n0"));
    ck_assert_ptr_nonnull(unknown_data(FIRST, "n1"));
    ck_assert_ptr_nonnull(unknown_data(FIRST, "n1024"));
}
END_TEST

Suite *daemon_roles_suite(void)
{
    Suite *suite = suite_create("daemon_roles");
    TCase *tests = add_crew_case(suite, "roles");

    tcase_add_loop_test(tests, an_owner_is_alone_and_workers_are_among_themselves, 0, LENGTH(pairs));
    tcase_add_test(tests, a_takeover_puts_nobody_out_who_may_stay);
    tcase_add_loop_test(tests, guests_are_never_busy, 0, 3);
    tcase_add_test(tests, a_guest_or_a_worker_makes_a_loop_that_is_not_there);
    tcase_add_test(tests, members_are_shown_only_where_roles_are_used);
    tcase_add_test(tests, no_parameters_go_without_what_they_need);
    tcase_add_test(tests, hello_tells_the_features);
    tcase_add_loop_test(tests, who_comes_while_others_are_inside_changes_no_setting, 0, 3);
    tcase_add_test(tests, a_takeover_may_change_settings_when_no_guest_is_there);
    tcase_add_test(tests, alone_one_changes_the_settings_in_any_role);
    tcase_add_loop_test(tests, edge_and_level_are_for_owners_alone, 0, 2);
    tcase_add_test(tests, a_guest_does_everything_but_events);
    tcase_add_test(tests, guests_rearm_nothing);
    tcase_add_test(tests, what_a_guest_registers_stays_when_the_guest_leaves);
    tcase_add_loop_test(tests, guests_and_workers_leave_and_come_as_they_like, 0, 2);
    tcase_add_loop_test(tests, a_loop_lingers_from_its_last_session_on, 0, 3);
    tcase_add_loop_test(tests, a_loop_lingers_for_ten_minutes_unless_told_otherwise, 0, 3);
    tcase_add_loop_test(tests, anybody_closes_the_loop_for_all, 0, 3);
    tcase_add_test(tests, the_end_of_the_daemon_is_told_to_every_role);
    tcase_add_loop_test(tests, a_loop_that_is_not_there_is_unknown, 0, 3);
    tcase_add_test(tests, a_loop_that_expired_is_told_with_its_age);
    tcase_add_test(tests, a_thousand_and_twenty_four_names_are_remembered);
    return suite;
}
