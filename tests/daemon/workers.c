/* SPDX-License-Identifier: MIT */
/* Workers that share the events of a loop: which worker gets an event, how long a lease lasts, and who is next. */
#include "tests/daemon/crew.h"
#include "tests/daemon/passing.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_workers_suite(void);

#define FIRST  (&crew[0])
#define SECOND (&crew[1])
#define THIRD  (&crew[2])
#define POLLED ",'delivery':'poll'"

/* ---- Who gets which event --------------------------------------------------------------------------------------- */

START_TEST(the_one_who_has_waited_longest_gets_the_event)
{
    int peers[5];

    crew_work(3, "");
    for (int i = 0; i < 3; i++) {
        peers[i] = add_work(&wire, (uint64_t)i);
        expect_work(&crew[i], (uint64_t)i);
    }
    call(THIRD, "deregister", "[2]");
    call(FIRST, "deregister", "[0]");
    call(SECOND, "deregister", "[1]");
    peers[3] = add_work(&wire, 3);
    expect_work(THIRD, 3);
    peers[4] = add_work(&wire, 4);
    expect_work(FIRST, 4);
    expect_silence(SECOND);
    for (int i = 0; i < 5; i++)
        close(peers[i]);
}
END_TEST

START_TEST(the_poll_that_has_waited_longest_gets_the_event)
{
    int peers[2];

    crew_work(3, POLLED);
    say_poll(THIRD, "c", "[]");
    expect_silence(THIRD);
    say_poll(FIRST, "a", "[]");
    expect_silence(FIRST);
    peers[0] = add_work(&wire, 0);
    expect_polled(THIRD, "c", 0);
    peers[1] = add_work(&wire, 1);
    expect_polled(FIRST, "a", 1);
    call_fails(&wire, "WRONG_DELIVERY", NULL, "poll", "[0]");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

#define EVENTS 2000
#define TOKENS 8

static const struct {
    const char *more;
    bool polls;
} spreads[] = {{"", false}, {",'prefetch':2", false}, {",'prefetch':2" POLLED, true}, {POLLED, true}};

/* Ends the leases of all events that came, and asks for more. Returns how many. */
static int work_off(struct wire *worker, bool polls)
{
    uint64_t tokens[TOKENS];
    int count = 0;

    if (polls) {
        const cJSON *event;

        expect_in(next_reply(worker), "{'id':'p'}");
        cJSON_ArrayForEach(event, member(worker->message, "result.events"))
            tokens[count++] = (uint64_t)member(event, "token")->valuedouble;
    } else {
        tokens[count++] = next_event(worker).token;
    }
    for (int i = 0; i < count; i++)
        finish_work(worker, tokens[i]);
    if (polls)
        say_poll(worker, "p", "[]");
    return count;
}

static bool has_something(const struct wire *worker)
{
    return worker->event_count || wire_has_more(worker);
}

/* Somebody has got something. */
static void await_work(void)
{
    struct pollfd fds[CREW];

    for (int i = 0; i < CREW; i++) {
        fds[i] = (struct pollfd){.fd = crew[i].fd, .events = POLLIN};
        if (has_something(&crew[i]))
            return;
    }
    ck_assert_int_gt(poll(fds, CREW, PROCESS_TIMEOUT_MS), 0);
}

START_TEST(equal_workers_get_equal_shares)
{
    int peers[TOKENS], counts[CREW] = {0};

    crew_work(CREW, spreads[_i].more);
    for (int i = 0; i < CREW && spreads[_i].polls; i++)
        say_poll(&crew[i], "p", "[]");
    for (int i = 0; i < TOKENS; i++)
        peers[i] = add_work(&wire, (uint64_t)i);
    for (int done = 0; done < EVENTS;) {
        await_work();
        for (int i = 0; i < CREW; i++) {
            int count = has_something(&crew[i]) ? work_off(&crew[i], spreads[_i].polls) : 0;

            counts[i] += count;
            done += count;
        }
    }
    for (int i = 0; i < CREW; i++)
        ck_assert_msg(abs(counts[i] - EVENTS / CREW) <= EVENTS / CREW / 20, "worker %d has got %d of %d", i, counts[i],
                      EVENTS);
    for (int i = 0; i < TOKENS; i++)
        close(peers[i]);
}
END_TEST

/* What was ready before anybody came is shared too. */
START_TEST(a_heap_of_events_is_shared)
{
    int peers[4];

    enter(&wire, "guest", _i ? POLLED : "");
    for (int i = 0; i < 4; i++)
        peers[i] = add_work(&wire, (uint64_t)i);
    enter(FIRST, "worker", ",'prefetch':3");
    if (_i) {
        say_poll(FIRST, "a", "{'max':3}");
        expect_in(next_reply(FIRST), "{'id':'a','result':{'events':[{'token':0},{'token':1},{'token':2}]}}");
    } else {
        for (int i = 0; i < 3; i++)
            expect_work(FIRST, (uint64_t)i);
    }
    enter(SECOND, "worker", ",'prefetch':3");
    if (_i) {
        say_poll(SECOND, "b", "[]");
        expect_polled(SECOND, "b", 3);
    } else {
        expect_work(SECOND, 3);
    }
    expect_silence(FIRST);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
}
END_TEST

/* ---- prefetch ---------------------------------------------------------------------------------------------------- */

START_TEST(a_worker_has_no_more_leases_than_prefetch)
{
    int peers[5];

    enter(FIRST, "worker", ",'prefetch':2");
    enter(&wire, "guest", "");
    for (int i = 0; i < 5; i++)
        peers[i] = add_work(&wire, (uint64_t)i);
    expect_work(FIRST, 0);
    expect_work(FIRST, 1);
    expect_silence(FIRST);
    ck_assert_int_eq(counter(&wire, "leases"), 2);
    call(FIRST, "deregister", "[1]");
    expect_work(FIRST, 2);
    expect_silence(FIRST);
    call(&wire, "deregister", "[3]"); /* leased to nobody */
    expect_silence(FIRST);
    call(&wire, "deregister", "[0]");
    expect_work(FIRST, 4);
    for (int i = 0; i < 5; i++)
        close(peers[i]);
}
END_TEST

/* The rest of a poll's max is no right to more. */
START_TEST(a_poll_gives_as_many_as_there_are_leases_free)
{
    int peers[6];

    enter(FIRST, "worker", ",'prefetch':3" POLLED);
    enter(&wire, "guest", "");
    for (int i = 0; i < 6; i++)
        peers[i] = add_work(&wire, (uint64_t)i);
    expect_in(call(FIRST, "poll", "{'max':1}"), "{'events':[{'token':0,'writable':true}]}");
    expect_in(call(FIRST, "poll", "{'max':100}"), "{'events':[{'token':1},{'token':2}]}");
    expect_in(call(FIRST, "poll", "{'timeout_ms':0}"), "{'events':[]}");
    expect_in(call(FIRST, "poll", "{'timeout_ms':1}"), "{'events':[]}");
    say_poll(FIRST, "p", "[]");
    call_fails(FIRST, "POLL_PENDING", NULL, "poll", NULL);
    expect_silence(FIRST);
    call(&wire, "deregister", "[1]"); /* by anybody */
    expect_polled(FIRST, "p", 3);
    for (int i = 0; i < 6; i++)
        close(peers[i]);
}
END_TEST

START_TEST(each_worker_has_a_poll_of_its_own)
{
    int peers[2];

    crew_work(2, POLLED);
    say_poll(FIRST, "a", "[]");
    say_poll(SECOND, "b", "[]");
    expect_silence(FIRST);
    expect_silence(SECOND);
    call_fails(FIRST, "POLL_PENDING", NULL, "poll", "[0]");
    peers[0] = add_work(&wire, 0);
    peers[1] = add_work(&wire, 1);
    expect_in(next_reply(FIRST), "{'id':'a','result':{'events':[{'writable':true}]}}");
    expect_in(next_reply(SECOND), "{'id':'b','result':{'events':[{'writable':true}]}}");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

START_TEST(timeouts_of_polls_are_each_workers_own)
{
    crew_work(2, POLLED);
    say_poll(FIRST, "a", "[]");
    expect_in(call(SECOND, "poll", "{'timeout_ms':5}"), "{'events':[]}");
    expect_in(call(SECOND, "poll", "{'timeout_ms':0}"), "{'events':[]}");
    expect_silence(FIRST);
}
END_TEST

/* A pool: what is idle is ready at once, is checked out by one, and returned. */
START_TEST(a_pool_is_a_loop_of_writable_tokens)
{
    int peers[2];

    crew_work(3, POLLED);
    peers[0] = add_work(&wire, 0);
    peers[1] = add_work(&wire, 1);
    expect_in(call(FIRST, "poll", "{'max':1}"), "{'events':[{'token':0}]}");
    expect_in(call(SECOND, "poll", "{'max':1}"), "{'events':[{'token':1}]}");
    say_poll(THIRD, "p", "{'max':1}");
    expect_silence(THIRD);
    finish_work(SECOND, 1);
    expect_polled(THIRD, "p", 1);
    expect_in(call(SECOND, "poll", "{'max':1,'timeout_ms':0}"), "{'events':[]}");
    finish_work(FIRST, 0);
    expect_in(call(FIRST, "poll", "{'max':1}"), "{'events':[{'token':0}]}");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* ---- The end of a lease ------------------------------------------------------------------------------------------ */

static int leased_peer;

/* Token 1 is leased to the first worker, and the second one waits for the next event. */
static void lease(void)
{
    enter(FIRST, "worker", "");
    enter(&wire, "guest", "");
    leased_peer = add_work(&wire, 1);
    expect_work(FIRST, 1);
    enter(SECOND, "worker", "");
    ck_assert(is_leased(&wire, 1));
    ck_assert_int_eq(counter(&wire, "leases"), 1);
}

/* The first worker is free again. Both may have work. */
static void expect_no_lease(uint64_t token)
{
    int peer;

    call(SECOND, "open_loop", NULL);
    ck_assert(!is_leased(&wire, token));
    peer = add_work(&wire, 9);
    expect_work(FIRST, 9);
    close(peer);
    close(leased_peer);
}

START_TEST(reregister_of_the_holder_ends_the_lease)
{
    lease();
    finish_work(FIRST, 1);
    expect_work(SECOND, 1);
    finish_work(SECOND, 1);
    expect_work(FIRST, 1);
    call(FIRST, "reregister", "{'token':1,'interests':['readable']}");
    expect_silence(SECOND);
    expect_no_lease(1);
}
END_TEST

/* And is no redelivery to the next. */
START_TEST(reregister_of_a_guest_ends_the_lease)
{
    lease();
    finish_work(&wire, 1);
    expect_work(SECOND, 1);
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_no_lease(1);
}
END_TEST

START_TEST(the_holder_takes_without_keep)
{
    int taken;

    lease();
    taken = take(FIRST, 1);
    put_bytes(taken, "mine");
    expect_bytes(leased_peer, "mine");
    expect_in(call(&wire, "list", NULL), "{'registrations':[]}");
    close(taken);
    add_work(&wire, 1);
    expect_work(SECOND, 1);
    finish_work(SECOND, 1);
    expect_work(FIRST, 1);
    call(FIRST, "deregister", "[1]");
    ck_assert_int_eq(counter(&wire, "leases"), 0);
    close(leased_peer);
}
END_TEST

/* It stays leased, without interests, until it is reregistered. */
START_TEST(take_with_keep_ends_no_lease)
{
    int fds[PASSED_MAX];

    lease();
    say(FIRST, "{'jsonrpc':'2.0','id':1,'method':'take','params':{'token':1,'keep':true}}");
    ck_assert_uint_eq(read_line_with(FIRST, fds), 1);
    close(fds[0]);
    ck_assert(is_leased(&wire, 1));
    call_fails(SECOND, "LEASED", NULL, "reregister", "[1]");
    call_fails(SECOND, "LEASED", NULL, "take", "[1]");
    call(FIRST, "reregister", "{'token':1,'interests':['writable']}");
    expect_work(SECOND, 1);
    close(leased_peer);
}
END_TEST

START_TEST(anybody_deregisters_what_is_leased)
{
    struct wire *by[] = {FIRST, SECOND, &wire};

    lease();
    call(by[_i], "deregister", "[1]");
    ck_assert_int_eq(counter(&wire, "leases"), 0);
    expect_eof(leased_peer);
    leased_peer = open_stream(&wire, 1, "");
    expect_no_lease(1);
}
END_TEST

static void leave_to_another_loop(void)
{
    call(FIRST, "open_loop", "['y']");
}

static void leave_as_guest(void)
{
    enter(FIRST, "guest", "");
}

static void come_again(void)
{
    enter(FIRST, "worker", "");
}

static void die_at_work(void)
{
    die(FIRST);
}

/* Nobody waits for it to end: what it has still to say cannot end a lease. */
static void hang_up(void)
{
    wire_finish(FIRST);
    expect_end(FIRST);
}

static void (*const leaves[])(void) = {leave_to_another_loop, leave_as_guest, come_again, die_at_work, hang_up};

START_TEST(who_leaves_gives_the_work_to_another)
{
    lease();
    leaves[_i]();
    expect_work_again(SECOND, 1);
    ck_assert_int_eq(counter(&wire, "leases"), 1);
    ck_assert_int_eq(counter(&wire, "redeliveries"), 1);
    finish_work(SECOND, 1);
    if (leaves[_i] == come_again) {
        expect_work(FIRST, 1);
    } else {
        expect_work(SECOND, 1); /* that it had been told before is over */
    }
    close(leased_peer);
}
END_TEST

START_TEST(who_leaves_gives_the_work_to_a_poll)
{
    enter(FIRST, "worker", POLLED);
    enter(&wire, "guest", "");
    leased_peer = add_work(&wire, 1);
    expect_in(call(FIRST, "poll", NULL), "{'events':[{'token':1}]}");
    enter(SECOND, "worker", "");
    say_poll(SECOND, "p", "[]");
    expect_silence(SECOND);
    leaves[_i]();
    expect_polled_again(SECOND, "p", 1);
    close(leased_peer);
}
END_TEST

/* Only what is ready is told again. */
START_TEST(work_that_was_done_is_not_told_again)
{
    int peer;

    crew_work(2, "");
    peer = open_stream(&wire, 1, "");
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    expect_in(call(FIRST, "read", "[1]"), "{'data':'x'}");
    die(FIRST);
    expect_silence(SECOND);
    ck_assert(!is_leased(&wire, 1));
    ck_assert_str_eq(state_of(&wire, 1), "armed");
    write_byte(peer);
    expect_event(SECOND, 1, READY_READABLE | READY_REDELIVERED);
    close(peer);
}
END_TEST

/* A reregister says that all is done: what comes later is new. */
START_TEST(a_reregister_of_an_armed_token_ends_redelivered)
{
    int peer;

    crew_work(2, "");
    peer = open_stream(&wire, 1, "");
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    expect_in(call(FIRST, "read", "[1]"), "{'data':'x'}");
    die(FIRST);
    expect_silence(SECOND);
    call(_i ? SECOND : &wire, "reregister", "[1]");
    write_byte(peer);
    expect_event(SECOND, 1, READY_READABLE);
    close(peer);
}
END_TEST

/* The token is redelivered until a worker reregisters the token. */
START_TEST(work_is_told_again_as_often_as_its_holders_die)
{
    lease();
    for (int i = 0; i < 3; i++) {
        struct wire *holder = i % 2 ? SECOND : FIRST, *next = i % 2 ? FIRST : SECOND;

        die(holder);
        expect_work_again(next, 1);
        enter(holder, "worker", "");
        expect_silence(holder);
    }
    finish_work(SECOND, 1);
    expect_work(FIRST, 1);
    close(leased_peer);
}
END_TEST

START_TEST(the_next_worker_is_told_when_nobody_was_there)
{
    lease();
    die(SECOND);
    die(FIRST);
    ck_assert(!is_leased(&wire, 1));
    enter(SECOND, "worker", "");
    expect_work_again(SECOND, 1);
    close(leased_peer);
}
END_TEST

START_TEST(an_owner_who_takes_over_is_told_once)
{
    lease();
    enter(THIRD, "owner", ",'takeover':true");
    expect(FIRST, "{'method':'loop_detached'}");
    expect(SECOND, "{'method':'loop_detached'}");
    expect_work_again(THIRD, 1);
    ck_assert(!is_leased(&wire, 1));
    expect_silence(THIRD);
    call(THIRD, "write", "[1,'x']");
    finish_work(THIRD, 1);
    expect_work(THIRD, 1);
    close(leased_peer);
}
END_TEST

START_TEST(closing_ends_all_leases)
{
    lease();
    call(_i ? FIRST : &wire, "close_loop", NULL);
    expect(_i ? &wire : FIRST, "{'method':'loop_closed','params':{'reason':'closed'}}");
    expect(SECOND, "{'method':'loop_closed','params':{'reason':'closed'}}");
    expect_eof(leased_peer);
    ck_assert_int_eq(counter(&wire, "leases"), 0);
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    close(leased_peer);
}
END_TEST

/* What happens to a leased token is told when the lease is over. */
START_TEST(a_leased_token_is_silent_to_all)
{
    lease();
    close(leased_peer);
    expect_in(call(FIRST, "read", "[1]"), "{}");
    expect_silence(FIRST);
    expect_silence(SECOND);
    call(FIRST, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(SECOND, 1, CLOSED);
}
END_TEST

/* Without interests the flags come one after the other, each in its time: what comes during a lease waits. */
START_TEST(closed_flags_wait_for_the_end_of_the_lease)
{
    crew_work(2, "");
    leased_peer = open_stream(&wire, 1, ",'interests':[]");
    ck_assert_int_eq(shutdown(leased_peer, SHUT_WR), 0);
    expect_event(FIRST, 1, READY_READ_CLOSED);
    call(FIRST, "shutdown", "[1,'write']");
    expect_silence(SECOND);
    ck_assert(is_leased(&wire, 1));
    call(FIRST, "reregister", "[1]");
    ck_assert_uint_ne(next_event(SECOND).flags & READY_WRITE_CLOSED, 0);
    close(leased_peer);
}
END_TEST

/* ---- Who may use a leased token ---------------------------------------------------------------------------------- */

static const struct {
    const char *method, *params;
} leased_calls[] = {
    {"read", "[1]"},
    {"write", "[1,'x']"},
    {"shutdown", "[1,'write']"},
    {"take", "[1]"},
    {"take", "[1,true]"},
    {"reregister", "[1]"},
    {"reregister", "{'token':1,'interests':[]}"},
};

START_TEST(a_leased_token_is_its_holders)
{
    bool is_reregister = leased_calls[_i].method[2] == 'r';

    lease();
    call_fails(SECOND, "LEASED", NULL, leased_calls[_i].method, "%s", leased_calls[_i].params);
    expect_in(SECOND->message, "{'error':{'code':19}}");
    if (!is_reregister)
        call_fails(&wire, "LEASED", NULL, leased_calls[_i].method, "%s", leased_calls[_i].params);
    say(SECOND, "{'jsonrpc':'2.0','method':'%s','params':%s}", leased_calls[_i].method, leased_calls[_i].params);
    expect_silence(SECOND);
    ck_assert(is_leased(&wire, 1)); /* as before */
    if (!is_reregister && leased_calls[_i].method[0] != 't')
        call(FIRST, leased_calls[_i].method, "%s", leased_calls[_i].params);
    ck_assert(is_leased(&wire, 1));
    finish_work(FIRST, 1);
    close(leased_peer);
}
END_TEST

START_TEST(a_leased_token_is_not_ensured_by_others)
{
    lease();
    call_fails(SECOND, "LEASED", NULL, "register", "{'token':1,'address':'%s','ensure':true}", port.address);
    call_fails(&wire, "LEASED", NULL, "register", "{'token':1,'address':'%s','ensure':true}", port.address);
    call_fails(&wire, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s'}", port.address);
    expect_in(call(FIRST, "register", "{'token':1,'address':'%s','ensure':true}", port.address), "{'existing':true}");
    ck_assert(is_leased(&wire, 1));
    close(leased_peer);
}
END_TEST

START_TEST(what_is_not_leased_is_everybodys)
{
    int peer;

    crew_work(2, "");
    peer = open_stream(FIRST, 1, "");
    call(SECOND, "write", "[1,'x']");
    call(SECOND, "reregister", "[1]");
    call(&wire, "write", "[1,'x']");
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    close(peer);
}
END_TEST

/* ---- Re-arming --------------------------------------------------------------------------------------------------- */

START_TEST(the_first_worker_rearms_and_the_next_does_not)
{
    int peers[2];

    enter(&wire, "owner", "");
    peers[0] = open_stream(&wire, 1, "");
    write_byte(peers[0]);
    expect_event(&wire, 1, READY_READABLE);
    ck_assert_str_eq(state_of(&wire, 1), "disarmed");
    die(&wire);
    enter(FIRST, "worker", ",'prefetch':2");
    expect_event(FIRST, 1, READY_READABLE); /* an owner's event is no lease, and this is no redelivery */
    enter(SECOND, "worker", "");
    expect_silence(SECOND);
    ck_assert_str_eq(state_of(SECOND, 1), "disarmed");
    ck_assert(is_leased(SECOND, 1));
    peers[1] = add_work(SECOND, 2);
    expect_work(FIRST, 2); /* waits since it got the other, before the second came */
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* ---- Workers that do not read ------------------------------------------------------------------------------------ */

START_TEST(who_does_not_read_gets_nothing_until_it_does)
{
    int peers[3], sent;

    crew_work(2, ",'prefetch':2");
    fill_until_blocked(FIRST, &sent);
    for (int i = 0; i < 2; i++) {
        peers[i] = add_work(&wire, (uint64_t)i);
        expect_work(SECOND, (uint64_t)i);
    }
    peers[2] = add_work(&wire, 2); /* for nobody yet */
    expect_silence(SECOND);
    ck_assert(!is_leased(&wire, 2));
    for (int i = 0; i < sent; i++)
        expect_in(next_reply(FIRST), "{'id':%d}", i);
    expect_work(FIRST, 2);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

START_TEST(a_poll_of_one_that_does_not_read_waits)
{
    int peers[2], sent;

    crew_work(2, POLLED);
    say_poll(FIRST, "p", "[]");
    expect_silence(FIRST);
    fill_until_blocked(FIRST, &sent);
    peers[0] = add_work(&wire, 0);
    expect_in(call(SECOND, "poll", NULL), "{'events':[{'token':0}]}");
    peers[1] = add_work(&wire, 1);
    ck_assert(!is_leased(&wire, 1));
    for (int left = sent + 1; left--;) {
        const cJSON *reply = next_reply(FIRST);

        if (cJSON_IsString(member(reply, "id")))
            expect_in(reply, "{'id':'p','result':{'events':[{'token':1}]}}");
    }
    ck_assert(is_leased(&wire, 1));
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* Others do not wait for it. */
START_TEST(who_has_hung_up_gets_nothing)
{
    int peer;

    crew_work(2, _i ? POLLED : "");
    if (_i) {
        say_poll(FIRST, "p", "[]");
        expect_silence(FIRST);
    }
    wire_finish(FIRST);
    if (_i)
        expect_polled_nothing(FIRST, "p");
    expect_end(FIRST);
    peer = add_work(&wire, 1);
    if (_i)
        expect_in(call(SECOND, "poll", NULL), "{'events':[{'token':1}]}");
    else
        expect_work(SECOND, 1);
    close(peer);
}
END_TEST

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

/* Events come behind the batch in which their loop was opened. */
START_TEST(events_wait_for_the_batch_that_opens_the_loop)
{
    int peers[2];

    enter(&wire, "guest", POLLED);
    peers[0] = add_work(&wire, 1);
    say(FIRST, "[{'jsonrpc':'2.0','id':'o','method':'open_loop','params':{'name':'x','role':'worker'}},"
               "{'jsonrpc':'2.0','id':'p','method':'poll'},{'jsonrpc':'2.0','id':'q','method':'ping'}]");
    expect(FIRST, "[{'id':'o','result':{'registrations':1}},{'id':'p','result':{'events':[{'token':1}]}},{'id':'q'}]");
    call(&wire, "close_loop", NULL);
    expect(FIRST, "{'method':'loop_closed'}");
    enter(&wire, "guest", "");
    close(peers[0]);
    peers[0] = add_work(&wire, 1);
    say(FIRST, "[{'jsonrpc':'2.0','id':'o','method':'open_loop','params':{'name':'x','role':'worker'}},"
               "{'jsonrpc':'2.0','id':'q','method':'ping'}]");
    expect(FIRST, "[{'id':'o','result':{'registrations':1}},{'id':'q'}]");
    expect_work(FIRST, 1);
    close(peers[0]);
}
END_TEST

/* Its other worker need not wait for the batch. */
START_TEST(a_batch_of_one_worker_holds_nobody_else_up)
{
    int peer;

    crew_work(2, POLLED);
    say(FIRST, "[{'jsonrpc':'2.0','id':'p','method':'poll'},{'jsonrpc':'2.0','id':'q','method':'ping'}]");
    say_poll(SECOND, "b", "[]");
    expect_silence(SECOND);
    peer = add_work(&wire, 1);
    expect(FIRST, "[{'id':'p','result':{'events':[{'token':1}]}},{'id':'q'}]");
    call(FIRST, "deregister", "[1]");
    close(peer);
    peer = add_work(&wire, 2);
    expect_polled(SECOND, "b", 2);
    say(FIRST, "[{'jsonrpc':'2.0','id':'p','method':'poll','params':[0]},"
               "{'jsonrpc':'2.0','id':'r','method':'poll','params':[0]}]");
    expect(FIRST, "[{'id':'p','result':{'events':[]}},{'id':'r'}]");
    close(peer);
}
END_TEST

Suite *daemon_workers_suite(void)
{
    Suite *suite = suite_create("daemon_workers");
    TCase *tests = add_crew_case(suite, "workers");

    tcase_add_test(tests, the_one_who_has_waited_longest_gets_the_event);
    tcase_add_test(tests, the_poll_that_has_waited_longest_gets_the_event);
    tcase_add_loop_test(tests, equal_workers_get_equal_shares, 0, LENGTH(spreads));
    tcase_add_loop_test(tests, a_heap_of_events_is_shared, 0, 2);
    tcase_add_test(tests, a_worker_has_no_more_leases_than_prefetch);
    tcase_add_test(tests, a_poll_gives_as_many_as_there_are_leases_free);
    tcase_add_test(tests, each_worker_has_a_poll_of_its_own);
    tcase_add_test(tests, timeouts_of_polls_are_each_workers_own);
    tcase_add_test(tests, a_pool_is_a_loop_of_writable_tokens);
    tests = add_crew_case(suite, "leases");
    tcase_add_test(tests, reregister_of_the_holder_ends_the_lease);
    tcase_add_test(tests, reregister_of_a_guest_ends_the_lease);
    tcase_add_test(tests, the_holder_takes_without_keep);
    tcase_add_test(tests, take_with_keep_ends_no_lease);
    tcase_add_loop_test(tests, anybody_deregisters_what_is_leased, 0, 3);
    tcase_add_loop_test(tests, who_leaves_gives_the_work_to_another, 0, LENGTH(leaves));
    tcase_add_loop_test(tests, who_leaves_gives_the_work_to_a_poll, 0, LENGTH(leaves));
    tcase_add_test(tests, work_that_was_done_is_not_told_again);
    tcase_add_loop_test(tests, a_reregister_of_an_armed_token_ends_redelivered, 0, 2);
    tcase_add_test(tests, work_is_told_again_as_often_as_its_holders_die);
    tcase_add_test(tests, the_next_worker_is_told_when_nobody_was_there);
    tcase_add_test(tests, an_owner_who_takes_over_is_told_once);
    tcase_add_loop_test(tests, closing_ends_all_leases, 0, 2);
    tcase_add_test(tests, a_leased_token_is_silent_to_all);
    tcase_add_test(tests, closed_flags_wait_for_the_end_of_the_lease);
    tcase_add_loop_test(tests, a_leased_token_is_its_holders, 0, LENGTH(leased_calls));
    tcase_add_test(tests, a_leased_token_is_not_ensured_by_others);
    tcase_add_test(tests, what_is_not_leased_is_everybodys);
    tcase_add_test(tests, the_first_worker_rearms_and_the_next_does_not);
    tests = add_crew_case(suite, "unread");
    tcase_add_test(tests, who_does_not_read_gets_nothing_until_it_does);
    tcase_add_test(tests, a_poll_of_one_that_does_not_read_waits);
    tcase_add_loop_test(tests, who_has_hung_up_gets_nothing, 0, 2);
    tcase_add_test(tests, events_wait_for_the_batch_that_opens_the_loop);
    tcase_add_test(tests, a_batch_of_one_worker_holds_nobody_else_up);
    return suite;
}
