/* SPDX-License-Identifier: MIT */
#include "tests/daemon/crew.h"

#include <stdio.h>

struct wire crew[CREW];

void crew_open(void)
{
    for (int i = 0; i < CREW; i++)
        wire_open(&crew[i], minimiod.socket);
}

void crew_close(void)
{
    for (int i = 0; i < CREW; i++)
        wire_close(&crew[i]);
}

static void set_up_crew(void)
{
    set_up();
    crew_open();
}

static void tear_down_crew(void)
{
    crew_close();
    tear_down();
}

TCase *add_crew_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_add_checked_fixture(tests, set_up_crew, tear_down_crew);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

const cJSON *enter(struct wire *on, const char *role, const char *more)
{
    return call(on, "open_loop", "{'name':'x','role':'%s'%s}", role, more);
}

void crew_work(int workers, const char *more)
{
    for (int i = 0; i < workers; i++)
        enter(&crew[i], "worker", more);
    enter(&wire, "guest", "");
}

/* The daemon has freed a session when it is counted no longer. */
void die(struct wire *session)
{
    struct wire observer;
    int64_t before;

    wire_open(&observer, minimiod.socket);
    before = counter(&observer, "sessions");
    wire_close(session);
    while (counter(&observer, "sessions") >= before)
        ;
    wire_close(&observer);
    wire_open(session, minimiod.socket);
}

int add_work(struct wire *on, uint64_t token)
{
    return open_stream(on, token, ",'interests':['writable']");
}

void expect_work(struct wire *on, uint64_t token)
{
    expect_event(on, token, READY_WRITABLE);
}

void expect_work_again(struct wire *on, uint64_t token)
{
    expect_event(on, token, READY_WRITABLE | READY_REDELIVERED);
}

void finish_work(struct wire *on, uint64_t token)
{
    call(on, "reregister", "[%llu]", (unsigned long long)token);
}

/* ---- Polls ------------------------------------------------------------------------------------------------------ */

void say_poll(struct wire *on, const char *id, const char *params)
{
    say(on, "{'jsonrpc':'2.0','id':'%s','method':'poll','params':%s}", id, params);
}

static const cJSON *polled(struct wire *on, const char *id, uint64_t token)
{
    const cJSON *answer = next_reply(on);

    expect_in(answer, "{'id':'%s','result':{'events':[{'token':%llu,'writable':true}]}}", id,
              (unsigned long long)token);
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(member(answer, "result.events"), 0), "redelivered");
}

void expect_polled(struct wire *on, const char *id, uint64_t token)
{
    ck_assert_ptr_null(polled(on, id, token));
}

void expect_polled_again(struct wire *on, const char *id, uint64_t token)
{
    ck_assert(cJSON_IsTrue(polled(on, id, token)));
}

void expect_polled_nothing(struct wire *on, const char *id)
{
    expect_in(next_reply(on), "{'id':'%s','result':{'events':[]}}", id);
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

static const cJSON *listed(struct wire *on, uint64_t token)
{
    const cJSON *entry, *list = member(call(on, "list", NULL), "registrations");

    cJSON_ArrayForEach(entry, list)
        if ((uint64_t)member(entry, "token")->valuedouble == token)
            return entry;
    ck_abort_msg("token %llu is not listed", (unsigned long long)token);
    return NULL;
}

bool is_leased(struct wire *on, uint64_t token)
{
    const cJSON *leased = cJSON_GetObjectItemCaseSensitive(listed(on, token), "leased");

    ck_assert(!leased || cJSON_IsTrue(leased));
    return leased;
}

const char *state_of(struct wire *on, uint64_t token)
{
    return member(listed(on, token), "state")->valuestring;
}
