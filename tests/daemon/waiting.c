/* SPDX-License-Identifier: MIT */
/* open_loop with wait_ms: who waits, in which order the loop is entered, and what ends the waiting. */
#include "tests/daemon/crew.h"

#include <unistd.h>

Suite *daemon_waiting_suite(void);

#define FIRST    (&crew[0])
#define SECOND   (&crew[1])
#define THIRD    (&crew[2])
#define FOURTH   (&crew[3])
#define LONG_MS  86400000
#define SHORT_MS 5

static void say_open(struct wire *on, const char *role, int wait_ms, const char *more)
{
    say(on, "{'jsonrpc':'2.0','id':'open','method':'open_loop','params':{'name':'x','role':'%s','wait_ms':%d%s}}", role,
        wait_ms, more);
}

/* The daemon has the request, and does not answer it. */
static void wait_as(struct wire *on, const char *role, const char *more)
{
    say_open(on, role, LONG_MS, more);
    expect_silence(on);
}

static void expect_entered(struct wire *on)
{
    expect_in(next_reply(on), "{'id':'open','result':{'loop':'x'}}");
}

static void expect_refused(struct wire *on, const char *name)
{
    expect_in(next_reply(on), "{'id':'open','error':{'data':{'name':'%s'}}}", name);
}

static const char *const roles[] = {"owner", "worker"};

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

START_TEST(a_free_loop_is_entered_at_once)
{
    enter(FIRST, roles[_i], ",'wait_ms':1000");
    enter(&wire, "guest", ",'wait_ms':1000");
    enter(FIRST, roles[_i], ",'wait_ms':1000"); /* one's own is not busy */
}
END_TEST

START_TEST(a_loop_is_entered_when_its_owner_leaves)
{
    enter(FIRST, "owner", "");
    wait_as(SECOND, roles[_i], "");
    ck_assert_int_eq(counter(&wire, "waits"), 1);
    call(FIRST, "open_loop", "['y']");
    expect_entered(SECOND);
    ck_assert_int_eq(counter(&wire, "waits"), 0);
    wait_as(THIRD, "owner", "");
    die(SECOND);
    expect_entered(THIRD);
}
END_TEST

START_TEST(an_owner_waits_for_the_last_worker)
{
    crew_work(2, "");
    wait_as(THIRD, "owner", "");
    die(FIRST);
    expect_silence(THIRD);
    enter(SECOND, "guest", "");
    expect_entered(THIRD);
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'owner':true,'workers':0,'guests':2}]}");
}
END_TEST

START_TEST(who_asked_first_enters_first)
{
    enter(&wire, "owner", "");
    for (int i = 0; i < CREW; i++)
        wait_as(&crew[i], "owner", "");
    call(&wire, "open_loop", NULL);
    for (int i = 0; i < CREW; i++) {
        expect_entered(&crew[i]);
        for (int j = i + 1; j < CREW; j++)
            expect_silence(&crew[j]);
        call(&crew[i], "open_loop", NULL);
    }
}
END_TEST

/* Else workers who come and go would keep an owner out for ever. */
START_TEST(a_worker_waits_behind_a_waiting_owner)
{
    enter(FIRST, "worker", "");
    wait_as(SECOND, "owner", "");
    wait_as(THIRD, "worker", "");
    call_fails(FOURTH, "LOOP_BUSY", NULL, "open_loop", "{'name':'x','role':'worker'}");
    die(FIRST);
    expect_entered(SECOND);
    expect_silence(THIRD);
    call(SECOND, "open_loop", NULL);
    expect_entered(THIRD);
    enter(FOURTH, "worker", "");
}
END_TEST

START_TEST(waiting_workers_enter_together)
{
    enter(FIRST, "owner", "");
    wait_as(SECOND, "worker", "");
    wait_as(THIRD, "worker", "");
    wait_as(FOURTH, "owner", "");
    call(FIRST, "open_loop", NULL);
    expect_entered(SECOND);
    expect_entered(THIRD);
    expect_silence(FOURTH);
    die(SECOND);
    expect_silence(FOURTH);
    die(THIRD);
    expect_entered(FOURTH);
}
END_TEST

START_TEST(those_inside_do_not_mind_who_waits)
{
    enter(FIRST, roles[_i], "");
    wait_as(SECOND, "owner", "");
    enter(&wire, "guest", "");
    expect_in(enter(FIRST, roles[_i], ""), "{'loop':'x','created':false}");
    expect_silence(SECOND);
}
END_TEST

/* ---- Meanwhile --------------------------------------------------------------------------------------------------- */

START_TEST(who_waits_goes_on_in_the_loop_it_has)
{
    int peer;

    enter(FIRST, "owner", "");
    call(SECOND, "open_loop", "{'name':'y','delivery':'poll'}");
    peer = open_stream(SECOND, 1, "");
    wait_as(SECOND, "owner", "");
    write_byte(peer);
    expect_in(call(SECOND, "poll", NULL), "{'events':[{'token':1}]}");
    expect_in(call(SECOND, "read", "[1]"), "{'data':'x'}");
    call(SECOND, "deregister", "[1]");
    expect_in(call(SECOND, "list", NULL), "{'loop':'y','registrations':[]}");
    call_fails(SECOND, "LOOP_BUSY", NULL, "open_loop", "['z']");
    call_fails(SECOND, "LOOP_BUSY", NULL, "open_loop", "{'name':'x','takeover':true}");
    die(FIRST);
    expect_entered(SECOND);
    expect_in(call(SECOND, "list", NULL), "{'loop':'x'}");
    close(peer);
}
END_TEST

START_TEST(a_guest_waits_inside_for_more)
{
    int peer;

    enter(FIRST, "owner", "");
    enter(SECOND, "guest", "");
    peer = add_work(SECOND, 1);
    expect_work(FIRST, 1);
    wait_as(SECOND, roles[_i], "");
    expect_in(call(SECOND, "list", NULL), "{'loop':'x','registrations':[{'token':1}]}");
    die(FIRST);
    expect_entered(SECOND);
    expect_work(SECOND, 1);
    expect_in(call(SECOND, "loops", NULL), "{'loops':[{'name':'x','attached':true}]}");
    close(peer);
}
END_TEST

START_TEST(a_poll_may_wait_meanwhile)
{
    enter(FIRST, "owner", "");
    call(SECOND, "open_loop", "{'name':'y','delivery':'poll'}");
    wait_as(SECOND, "owner", "");
    say_poll(SECOND, "p", "[]");
    expect_silence(SECOND);
    die(FIRST);
    expect_in(next_reply(SECOND), "{'id':'p','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect_entered(SECOND);
}
END_TEST

/* All else is judged when the turn has come. The next one does not wait for long then. */
static const struct {
    const char *more, *error;
    bool has_stream;
} judged[] = {
    {"", "LOOP_OPEN", true},
    {",'delivery':'poll'", "INVALID_PARAMS", false},
    {",'linger_ms':77", "INVALID_PARAMS", false},
    {",'linger_ms':9007199254740991", "LIMIT_EXCEEDED", false},
};

START_TEST(who_may_not_enter_holds_nobody_up)
{
    int peer = -1;

    enter(FIRST, "owner", "");
    enter(&wire, "guest", "");
    wait_as(SECOND, "owner", judged[_i].more);
    if (judged[_i].has_stream)
        peer = open_stream(SECOND, 1, "");
    wait_as(THIRD, "owner", "");
    die(FIRST);
    expect_refused(SECOND, judged[_i].error);
    expect_entered(THIRD);
    expect_in(call(SECOND, "list", NULL), "{'loop':null}");
    if (peer >= 0)
        close(peer);
}
END_TEST

START_TEST(a_worker_is_judged_by_the_modes_when_its_turn_has_come)
{
    int peer;

    enter(FIRST, "owner", "");
    wait_as(SECOND, "worker", "");
    wait_as(THIRD, "owner", "");
    peer = open_stream(FIRST, 1, ",'mode':'edge'");
    die(FIRST);
    expect_refused(SECOND, "INVALID_PARAMS");
    expect_entered(THIRD);
    close(peer);
}
END_TEST

/* ---- The end of waiting ------------------------------------------------------------------------------------------ */

START_TEST(waiting_has_its_time)
{
    enter(FIRST, "owner", "");
    say_open(SECOND, roles[_i], SHORT_MS, "");
    expect_refused(SECOND, "LOOP_BUSY");
    expect_in(call(SECOND, "list", NULL), "{'loop':null}");
    call(FIRST, "open_loop", NULL);
    enter(SECOND, "owner", "");
}
END_TEST

/* The later calls enter as if the refused call had never waited. */
static void give_up_by_time(void)
{
    expect_refused(SECOND, "LOOP_BUSY");
}

static void give_up_by_cancel(void)
{
    expect_in((say(SECOND, "{'jsonrpc':'2.0','id':'c','method':'cancel','params':['open']}"), next_reply(SECOND)),
              "{'id':'open','error':{'data':{'name':'CANCELLED'}}}");
    expect_in(next_reply(SECOND), "{'id':'c','result':{'cancelled':true}}");
}

static void give_up_by_death(void)
{
    die(SECOND);
}

static void give_up_by_hanging_up(void)
{
    wire_finish(SECOND);
    expect_refused(SECOND, "LOOP_BUSY");
}

static void (*const give_ups[])(void) = {give_up_by_time, give_up_by_cancel, give_up_by_death, give_up_by_hanging_up};

START_TEST(who_gives_up_holds_nobody_up)
{
    enter(FIRST, "worker", "");
    if (give_ups[_i] == give_up_by_time)
        say_open(SECOND, "owner", 200, "");
    else
        wait_as(SECOND, "owner", "");
    wait_as(THIRD, "worker", "");
    give_ups[_i]();
    expect_entered(THIRD);
    enter(FOURTH, "worker", "");
    ck_assert_int_eq(counter(&wire, "waits"), 0);
}
END_TEST

START_TEST(one_in_the_middle_may_give_up)
{
    enter(FIRST, "owner", "");
    wait_as(THIRD, "owner", "");
    wait_as(SECOND, "owner", "");
    wait_as(FOURTH, "owner", "");
    die(SECOND);
    die(FIRST);
    expect_entered(THIRD);
    expect_silence(FOURTH);
    die(THIRD);
    expect_entered(FOURTH);
}
END_TEST

START_TEST(who_has_hung_up_does_not_begin_to_wait)
{
    enter(FIRST, "owner", "");
    say_open(SECOND, "owner", LONG_MS, "");
    wire_finish(SECOND);
    expect_refused(SECOND, "LOOP_BUSY");
    expect_end(SECOND);
}
END_TEST

/* ---- The loop meanwhile ------------------------------------------------------------------------------------------ */

/* The others go on waiting, behind it. */
START_TEST(a_takeover_passes_those_who_wait)
{
    enter(FIRST, "owner", "");
    wait_as(SECOND, "owner", "");
    wait_as(THIRD, "owner", "");
    enter(FOURTH, "owner", ",'takeover':true");
    expect(FIRST, "{'method':'loop_detached'}");
    expect_silence(SECOND);
    expect_silence(THIRD);
    die(FOURTH);
    expect_entered(SECOND);
    expect_silence(THIRD);
    die(SECOND);
    expect_entered(THIRD);
}
END_TEST

START_TEST(a_closed_loop_is_made_anew_by_who_waits)
{
    enter(FIRST, "owner", "");
    enter(&wire, "guest", "");
    wait_as(SECOND, "owner", "");
    wait_as(THIRD, "owner", "");
    wait_as(FOURTH, "owner", "");
    call(_i ? FIRST : &wire, "close_loop", NULL);
    expect_in(next_reply(SECOND), "{'id':'open','result':{'loop':'x','created':true}}");
    expect_silence(THIRD);
    expect_silence(FOURTH);
    die(SECOND);
    expect_in(next_reply(THIRD), "{'id':'open','result':{'loop':'x','created':false}}");
    expect_silence(FOURTH);
}
END_TEST

START_TEST(a_loop_that_ends_with_its_owner_is_made_anew_by_who_waits)
{
    enter(FIRST, "owner", ",'linger_ms':0");
    wait_as(SECOND, "owner", "");
    wait_as(THIRD, "owner", "");
    die(FIRST);
    expect_entered(SECOND);
    expect_silence(THIRD);
    die(SECOND);
    expect_entered(THIRD);
}
END_TEST

START_TEST(a_loop_that_ends_is_unknown_to_who_creates_none)
{
    enter(FIRST, "owner", "");
    wait_as(SECOND, "owner", ",'create':false");
    wait_as(THIRD, "owner", "");
    call(FIRST, "close_loop", NULL);
    expect_refused(SECOND, "LOOP_UNKNOWN");
    expect_entered(THIRD);
    call_fails(SECOND, "LOOP_UNKNOWN", NULL, "open_loop", "{'name':'z','create':false,'wait_ms':1000}");
}
END_TEST

/* Who waits for one and closes another. */
START_TEST(who_waits_may_close_the_loop_it_has)
{
    int peer;

    enter(FIRST, "owner", "");
    enter(SECOND, "guest", "");
    peer = open_stream(SECOND, 1, "");
    wait_as(SECOND, "owner", "");
    say(SECOND, "{'jsonrpc':'2.0','id':'close','method':'close_loop'}");
    expect_in(next_reply(SECOND), "{'id':'close','result':{}}");
    expect_in(next_reply(SECOND), "{'id':'open','result':{'created':true,'registrations':0}}");
    expect(FIRST, "{'method':'loop_closed'}");
    expect_eof(peer);
    close(peer);
}
END_TEST

/* It stands without a loop then, and still waits. */
START_TEST(who_waits_may_be_put_out_of_the_loop_it_has)
{
    enter(FIRST, "owner", "");
    call(SECOND, "open_loop", "['y']");
    wait_as(SECOND, "owner", "");
    call(THIRD, "open_loop", "{'name':'y','takeover':true}");
    expect(SECOND, "{'method':'loop_detached','params':{'loop':'y'}}");
    call_fails(SECOND, "LOOP_CLOSED", NULL, "list", NULL);
    die(FIRST);
    expect_entered(SECOND);
}
END_TEST

/* Two who each wait for the loop of the other. */
START_TEST(two_may_wait_for_each_other)
{
    enter(FIRST, "owner", "");
    call(SECOND, "open_loop", "['y']");
    wait_as(SECOND, "owner", "");
    say(FIRST, "{'jsonrpc':'2.0','id':'open','method':'open_loop','params':{'name':'y','wait_ms':200}}");
    expect_refused(FIRST, "LOOP_BUSY");
    die(FIRST);
    expect_entered(SECOND);
}
END_TEST

/* The first one waits for the worker, who does not wait for the first one. */
START_TEST(an_only_worker_waits_for_nobody_outside)
{
    crew_work(2, "");
    wait_as(THIRD, "owner", "");
    wait_as(FIRST, "owner", "");
    wait_as(FOURTH, "worker", "");
    die(SECOND);
    expect_entered(FIRST);
    expect_silence(THIRD);
    die(FIRST);
    expect_entered(THIRD);
    expect_silence(FOURTH);
    die(THIRD);
    expect_entered(FOURTH);
}
END_TEST

/* Answers come with the batch, as of all that waits. */
START_TEST(a_batch_may_wait)
{
    enter(FIRST, "owner", "");
    say(SECOND, "[{'jsonrpc':'2.0','id':'o','method':'open_loop','params':{'name':'x','wait_ms':60000}},"
                "{'jsonrpc':'2.0','id':'l','method':'list'}]");
    expect_silence(SECOND);
    die(FIRST);
    expect(SECOND, "[{'id':'o','result':{'loop':'x'}},{'id':'l','result':{'loop':null}}]");
}
END_TEST

Suite *daemon_waiting_suite(void)
{
    Suite *suite = suite_create("daemon_waiting");
    TCase *tests = add_crew_case(suite, "waiting");

    tcase_add_loop_test(tests, a_free_loop_is_entered_at_once, 0, 2);
    tcase_add_loop_test(tests, a_loop_is_entered_when_its_owner_leaves, 0, 2);
    tcase_add_test(tests, an_owner_waits_for_the_last_worker);
    tcase_add_test(tests, who_asked_first_enters_first);
    tcase_add_test(tests, a_worker_waits_behind_a_waiting_owner);
    tcase_add_test(tests, waiting_workers_enter_together);
    tcase_add_loop_test(tests, those_inside_do_not_mind_who_waits, 0, 2);
    tcase_add_test(tests, who_waits_goes_on_in_the_loop_it_has);
    tcase_add_loop_test(tests, a_guest_waits_inside_for_more, 0, 2);
    tcase_add_test(tests, a_poll_may_wait_meanwhile);
    tcase_add_loop_test(tests, who_may_not_enter_holds_nobody_up, 0, LENGTH(judged));
    tcase_add_test(tests, a_worker_is_judged_by_the_modes_when_its_turn_has_come);
    tcase_add_loop_test(tests, waiting_has_its_time, 0, 2);
    tcase_add_loop_test(tests, who_gives_up_holds_nobody_up, 0, LENGTH(give_ups));
    tcase_add_test(tests, one_in_the_middle_may_give_up);
    tcase_add_test(tests, who_has_hung_up_does_not_begin_to_wait);
    tcase_add_test(tests, a_takeover_passes_those_who_wait);
    tcase_add_loop_test(tests, a_closed_loop_is_made_anew_by_who_waits, 0, 2);
    tcase_add_test(tests, a_loop_that_ends_with_its_owner_is_made_anew_by_who_waits);
    tcase_add_test(tests, a_loop_that_ends_is_unknown_to_who_creates_none);
    tcase_add_test(tests, who_waits_may_close_the_loop_it_has);
    tcase_add_test(tests, who_waits_may_be_put_out_of_the_loop_it_has);
    tcase_add_test(tests, two_may_wait_for_each_other);
    tcase_add_test(tests, an_only_worker_waits_for_nobody_outside);
    tcase_add_test(tests, a_batch_may_wait);
    return suite;
}
