/* SPDX-License-Identifier: MIT */
/* Framing: which messages and faults come out of a session's bytes, the same however they are cut. */
#include "proto/frame.h"
#include "tests/unit/vectors.h"

#include <cjson/cJSON.h>
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_frame_suite(void);

#define EVERY_CUT_MAX 600

static struct limits limits;

static void set_up(void)
{
    limits_init(&limits);
}

/* A session as far as framing goes: the bytes from `from` to `to` have come and are not used. */
struct session {
    const cJSON *vector;
    const char *how;
    struct frame frame;
    const char *data;
    size_t from, to;
    int told; /* how many of the expected things came */
    bool closed;
};

static void session_init(struct session *ret_session, const cJSON *vector, const char *data, const char *how)
{
    *ret_session = (struct session){.vector = vector, .data = data, .how = how};
    frame_init(&ret_session->frame);
}

static const cJSON *next_expected(struct session *session)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(session->vector, "expect");
    const cJSON *expected = cJSON_GetArrayItem(list, session->told++);

    ck_assert_msg(expected, "%s (%s): more than is expected", vector_name(session->vector), session->how);
    return expected;
}

static void require_text(struct session *session, struct span text)
{
    const char *expected = vector_text(next_expected(session), "text");

    ck_assert_msg(expected && strlen(expected) == text.length && memcmp(expected, text.data, text.length) == 0,
                  "%s (%s): the message %.*s", vector_name(session->vector), session->how, (int)text.length, text.data);
}

static void require_expected_fault(struct session *session, const struct fault *fault)
{
    const cJSON *expected = next_expected(session);
    char about[160];

    snprintf(about, sizeof(about), "%s, %s", vector_name(session->vector), session->how);
    ck_assert_msg(vector_text(expected, "error"), "%s: the fault %s", about, fault->message);
    require_fault(expected, fault, about);
    ck_assert_msg(session->closed == cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(expected, "close")), "%s: %d", about,
                  session->closed);
}

/* What a session does when bytes have come. */
static void take(struct session *session)
{
    enum frame_status status = FRAME_TEXT;

    while (status != FRAME_MORE && !session->closed) {
        size_t length = session->to - session->from, used = 0;
        char *copy = exact_copy(session->data + session->from, length);
        struct fault fault;
        struct span text;

        status = frame_next(&session->frame, copy, length, &limits, &used, &text, &fault);
        ck_assert_uint_le(used, length);
        session->from += used;
        session->closed = status == FRAME_CLOSE;
        if (status == FRAME_TEXT) {
            ck_assert(text.data >= copy && text.data + text.length <= copy + used);
            require_text(session, text);
        } else if (status != FRAME_MORE) {
            require_expected_fault(session, &fault);
        }
        free(copy);
    }
}

static void end(struct session *session)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(session->vector, "expect");
    struct fault fault;

    if (!session->closed && frame_end(&session->frame, &fault) == FRAME_FAULT)
        require_expected_fault(session, &fault);
    ck_assert_int_eq(frame_end(&session->frame, &fault), FRAME_MORE);
    ck_assert_msg(session->told == cJSON_GetArraySize(list), "%s (%s): %d of what is expected",
                  vector_name(session->vector), session->how, session->told);
    frame_deinit(&session->frame);
}

/* Runs a session whose bytes come up to each of the cuts, one after the other. `step` 0: one cut, at `first`. */
static void run(const cJSON *vector, const char *data, size_t length, size_t first, size_t step, const char *how)
{
    struct session session;

    session_init(&session, vector, data, how);
    for (size_t cut = first; cut < length; cut += step) {
        session.to = cut;
        take(&session);
        if (!step)
            break;
    }
    session.to = length;
    take(&session);
    end(&session);
}

static void frame(const cJSON *vector)
{
    size_t length;
    char *data = vector_input(vector, &length);
    char how[64];

    run(vector, data, length, length, 0, "whole");
    run(vector, data, length, 1, length <= EVERY_CUT_MAX ? 1 : 4093, "bit by bit");
    for (size_t cut = 0; cut < length && length <= EVERY_CUT_MAX; cut++) {
        snprintf(how, sizeof(how), "cut at %zu", cut);
        run(vector, data, length, cut, 0, how);
    }
    free(data);
}

START_TEST(cuts_bytes_into_messages)
{
    each_vector("framing.jsonl", frame);
}
END_TEST

START_TEST(is_small)
{
    ck_assert_uint_le(sizeof(struct frame), 256);
}
END_TEST

START_TEST(white_space_is_dropped_while_waiting)
{
    struct frame machine;
    struct fault fault;
    struct span text;
    size_t used;

    frame_init(&machine);
    ck_assert_int_eq(frame_next(&machine, " \n ", 3, &limits, &used, &text, &fault), FRAME_MORE);
    ck_assert_uint_eq(used, 3);
    ck_assert_int_eq(frame_next(&machine, "\t{\"a", 4, &limits, &used, &text, &fault), FRAME_MORE);
    ck_assert_uint_eq(used, 1);
    ck_assert_int_eq(frame_next(&machine, "{\"a\":1}x", 8, &limits, &used, &text, &fault), FRAME_TEXT);
    ck_assert_uint_eq(used, 7);
    frame_deinit(&machine);
    frame_deinit(NULL);
}
END_TEST

START_TEST(what_may_be_http_is_kept_until_it_is_known)
{
    struct frame machine;
    struct fault fault;
    struct span text;
    size_t used = 7;

    frame_init(&machine);
    ck_assert_int_eq(frame_next(&machine, "", 0, &limits, &used, &text, &fault), FRAME_MORE);
    ck_assert_int_eq(frame_next(&machine, "P", 1, &limits, &used, &text, &fault), FRAME_MORE);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(frame_next(&machine, "PATCH", 5, &limits, &used, &text, &fault), FRAME_MORE);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(frame_next(&machine, "PATCH ", 6, &limits, &used, &text, &fault), FRAME_CLOSE);
    ck_assert_int_eq(fault.name, FAULT_PARSE_ERROR);
    ck_assert_ptr_nonnull(strstr(fault.message, "JSON-RPC"));
    frame_deinit(&machine);
}
END_TEST

Suite *unit_frame_suite(void)
{
    Suite *suite = suite_create("unit_frame");
    TCase *tests = tcase_create("frame");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, cuts_bytes_into_messages);
    tcase_add_test(tests, is_small);
    tcase_add_test(tests, white_space_is_dropped_while_waiting);
    tcase_add_test(tests, what_may_be_http_is_kept_until_it_is_known);
    suite_add_tcase(suite, tests);
    return suite;
}
