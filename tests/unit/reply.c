/* SPDX-License-Identifier: MIT */
/* Replies: their bytes, their budgets, and that nothing makes them anything but valid JSON. */
#include "proto/json_write.h"
#include "proto/reply.h"
#include "proto/scan.h"
#include "tests/fail_alloc.h"
#include "tests/unit/vectors.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *unit_reply_suite(void);

static struct buffer out;
static struct limits limits;
static const struct span id = {"\"a\"", 3};

static void set_up(void)
{
    buffer_init(&out);
    limits_init(&limits);
}

static void tear_down(void)
{
    buffer_deinit(&out);
}

static void require_json(void)
{
    enum scan_status status;
    struct fault fault;
    struct scan scan;

    scan_init(&scan);
    status = scan_run(&scan, buffer_bytes(&out), out.length, &limits, &fault);
    REQUIRE(status == SCAN_DONE && scan_offset(&scan) == out.length && !memchr(buffer_bytes(&out), '\n', out.length),
            "%.*s: %s", (int)out.length, buffer_bytes(&out), status == SCAN_FAULT ? fault.message : "");
    scan_deinit(&scan);
}

static void require_bytes(const char *text)
{
    require_json();
    ck_assert_msg(out.length == strlen(text) && memcmp(buffer_bytes(&out), text, out.length) == 0, "%.*s",
                  (int)out.length, buffer_bytes(&out));
    buffer_consume(&out, out.length);
}

START_TEST(results)
{
    reply_empty(&out, id);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}");
    reply_empty(&out, (struct span){0});
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}");
    reply_registered(&out, id, INTEGER_MAX, "127.0.0.1:1", "[::1]:2", false);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":"
                  "{\"token\":9007199254740991,\"local\":\"127.0.0.1:1\",\"peer\":\"[::1]:2\"}}");
    reply_registered(&out, id, 0, NULL, NULL, false);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"token\":0}}");
}
END_TEST

START_TEST(results_of_loops_and_streams)
{
    reply_opened(&out, id, NULL, false, DELIVERY_PUSH, 0);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":"
                  "{\"loop\":null,\"created\":false,\"delivery\":\"push\",\"registrations\":0}}");
    reply_opened(&out, id, "x", true, DELIVERY_POLL, INTEGER_MAX);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":"
                  "{\"loop\":\"x\",\"created\":true,\"delivery\":\"poll\",\"registrations\":9007199254740991}}");
    reply_taken(&out, id, 7);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"token\":7,\"fd\":true}}");
    reply_written(&out, id, 0);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"bytes\":0}}");
}
END_TEST

/* ---- What was read ---------------------------------------------------------------------------------------------- */

static void require_read_to(const char *bytes, size_t length, enum encoding encoding, struct reply_end end,
                            const char *result)
{
    char expected[300];

    snprintf(expected, sizeof(expected), "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{%s}}", result);
    reply_read(&out, id, (struct span){bytes, length}, encoding, end, 4096);
    require_bytes(expected);
}

static void require_read(const char *bytes, size_t length, enum encoding encoding, bool eof, const char *result)
{
    require_read_to(bytes, length, encoding, (struct reply_end){.eof = eof}, result);
}

START_TEST(reads_are_text_where_they_can_be)
{
    require_read("", 0, ENCODING_TEXT, true, "\"data\":\"\",\"encoding\":\"utf8\",\"bytes\":0,\"eof\":true");
    require_read("", 0, ENCODING_BASE64, false, "\"data\":\"\",\"encoding\":\"base64\",\"bytes\":0,\"eof\":false");
    require_read("a\"\n\x1f\xc3\xa9", 6, ENCODING_TEXT, false,
                 "\"data\":\"a\\\"\\n\\u001f\xc3\xa9\",\"encoding\":\"utf8\",\"bytes\":6,\"eof\":false");
    require_read("foob", 4, ENCODING_BASE64, false,
                 "\"data\":\"Zm9vYg==\",\"encoding\":\"base64\",\"bytes\":4,\"eof\":false");
    require_read("a\0b", 3, ENCODING_TEXT, false,
                 "\"data\":\"YQBi\",\"encoding\":\"base64\",\"bytes\":3,\"eof\":false");
    require_read("\xc3\xa9", 1, ENCODING_TEXT, false,
                 "\"data\":\"ww==\",\"encoding\":\"base64\",\"bytes\":1,\"eof\":false");
}
END_TEST

START_TEST(the_error_that_ended_a_stream_is_named)
{
    require_read_to("", 0, ENCODING_TEXT, (struct reply_end){.eof = true, .error = ECONNRESET},
                    "\"data\":\"\",\"encoding\":\"utf8\",\"bytes\":0,\"eof\":true,\"errno\":\"ECONNRESET\"");
    require_read_to("x", 1, ENCODING_TEXT, (struct reply_end){.error = ECONNRESET},
                    "\"data\":\"x\",\"encoding\":\"utf8\",\"bytes\":1,\"eof\":false");
}
END_TEST

/* Whatever the bytes are: as many as the budget is said to have room for stay within it. */
START_TEST(reads_keep_their_budget)
{
    static char bytes[READ_MAX_BYTES];

    ck_assert_uint_ge(reply_read_room((struct span){bytes, 256}, limits.line_bytes - 2), READ_MAX_BYTES);
    ck_assert_uint_eq(reply_read_room(id, 0), 0);
    for (size_t budget = 1; budget < 2000; budget++) {
        size_t room = reply_read_room(id, budget);

        for (int filler = -1; filler < 0x23 && room; filler++) {
            memset(bytes, filler, room);
            reply_read(&out, id, (struct span){bytes, room}, ENCODING_TEXT,
                       (struct reply_end){.eof = true, .error = EPROTONOSUPPORT}, budget);
            ck_assert_uint_le(out.length, budget);
            if (budget % 50 == 0)
                require_json();
            buffer_consume(&out, out.length);
        }
    }
}
END_TEST

/* As long as it says, and valid, wherever json_is_text says that it is one. */
START_TEST(texts_have_the_length_that_is_told)
{
    int texts = 0;

    seed_random("text");
    for (int i = 0; i < 50000; i++) {
        unsigned length = random_below(12);
        size_t told;
        char bytes[12];

        for (unsigned k = 0; k < length; k++)
            bytes[k] = (char)(random_below(4) ? random_below(128) : random_below(256));
        json_write_span(&out, (struct span){bytes, length});
        if (json_is_text((struct span){bytes, length}, &told)) {
            ck_assert_uint_eq(told, out.length);
            ck_assert_ptr_null(memchr(bytes, 0, length));
            require_json();
            texts++;
        } else {
            ck_assert(memchr(bytes, 0, length) || memmem(buffer_bytes(&out), out.length, "\xef\xbf\xbd", 3));
        }
        buffer_consume(&out, out.length);
    }
    ck_assert_int_gt(texts, 1000);
}
END_TEST

START_TEST(notifications)
{
    notify_loop_detached(&out, "x", "takeover");
    require_bytes(
        "{\"jsonrpc\":\"2.0\",\"method\":\"loop_detached\",\"params\":{\"loop\":\"x\",\"reason\":\"takeover\"}}");
    notify_loop_closed(&out, NULL, "shutdown");
    require_bytes(
        "{\"jsonrpc\":\"2.0\",\"method\":\"loop_closed\",\"params\":{\"loop\":null,\"reason\":\"shutdown\"}}");
    notify_loop_closed(&out, "x", "shutdown");
    require_bytes(
        "{\"jsonrpc\":\"2.0\",\"method\":\"loop_closed\",\"params\":{\"loop\":\"x\",\"reason\":\"shutdown\"}}");
}
END_TEST

START_TEST(hello_has_every_limit)
{
    reply_hello(&out, (struct span){"1", 1}, &limits);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"server\":\"minimiod\",\"version\":\"" MINIMIO_VERSION
                  "\",\"protocol\":1,\"limits\":{\"message_bytes\":262144,\"message_depth\":32,"
                  "\"message_values\":16384,\"batch\":64,\"id_bytes\":256,\"line_bytes\":65536,\"output_bytes\":65536,"
                  "\"sessions\":1024,\"sessions_uid\":256,\"registrations\":0,\"registrations_uid\":0,"
                  "\"loops_uid\":256,\"descriptors_message\":16,\"descriptors_unclaimed\":64,\"descriptors_uid\":0,"
                  "\"descriptors_unread\":0,\"descriptors_unread_uid\":0,\"lookups\":32,"
                  "\"lookups_uid\":16,\"lookups_waiting_uid\":4096,\"linger_ms\":86400000},"
                  "\"features\":[\"keep\",\"roles\",\"ensure\",\"cancel\",\"closed\"]}}");
}
END_TEST

START_TEST(stats_has_every_count)
{
    struct reply_stats stats = {
        .uptime_ms = UINT64_MAX,
        .sessions = 1,
        .loops = 2,
        .registrations = 3,
        .requests = 4,
        .replies = 5,
        .events = 6,
        .leases = 22,
        .redeliveries = 23,
        .waits = 24,
        .bytes_in = 7,
        .bytes_out = 8,
        .errors = {[FAULT_PARSE_ERROR] = 9, [FAULT_POLL_PENDING] = 10},
        .slow_turns = {[SLOW_DISPATCH] = 11, [SLOW_SENDING] = 12},
        .turns = {.counts = {13, 14, 15, 16, 17, 18, 19}, .longest_us = 20, .sum_us = 21},
    };
    static const char begin[] = "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"uptime_ms\":18446744073709551615,"
                                "\"sessions\":1,\"loops\":2,\"registrations\":3,\"requests\":4,\"replies\":5,"
                                "\"events\":6,\"leases\":22,\"redeliveries\":23,\"waits\":24,\"bytes_in\":7,\"bytes_"
                                "out\":8,\"errors\":{\"PARSE_ERROR\":9,"
                                "\"INVALID_REQUEST\":0,";
    static const char end[] = "},\"slow_turns\":{\"gathering\":0,\"dispatch\":11,\"delivery\":0,\"sending\":12},"
                              "\"turns\":112,\"turn_us\":{\"below_100\":13,\"below_300\":14,\"below_1000\":15,"
                              "\"below_3000\":16,\"below_10000\":17,\"below_30000\":18,\"above\":19,"
                              "\"longest\":20,\"sum\":21},\"limits\":{";

    reply_stats(&out, id, &stats, &limits);
    require_json();
    ck_assert(memcmp(buffer_bytes(&out), begin, sizeof(begin) - 1) == 0);
    ck_assert_ptr_nonnull(memmem(buffer_bytes(&out), out.length, end, sizeof(end) - 1));
}
END_TEST

START_TEST(errors_tell_what_they_have)
{
    struct fault fault;

    fault_set(&fault, FAULT_TOKEN_UNKNOWN, "no token %d", 5);
    reply_error(&out, id, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":6,\"message\":\"no token 5\","
                  "\"data\":{\"name\":\"TOKEN_UNKNOWN\"}}}");
    fault_set(&fault, FAULT_PARSE_ERROR, "not JSON");
    fault.offset = 0;
    reply_error(&out, (struct span){0}, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"not JSON\","
                  "\"data\":{\"name\":\"PARSE_ERROR\",\"offset\":0}}}");
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "sessions", 0, "full");
    reply_error(&out, id, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":13,\"message\":\"full\","
                  "\"data\":{\"name\":\"LIMIT_EXCEEDED\",\"limit\":\"sessions\",\"max\":0}}}");
    fault_set_param(&fault, "to\"ken", "wrong");
    reply_error(&out, id, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32602,\"message\":\"wrong\","
                  "\"data\":{\"name\":\"INVALID_PARAMS\",\"param\":\"to\\\"ken\"}}}");
    fault_set_param(&fault, "", "no such");
    reply_error(&out, id, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32602,\"message\":\"no such\","
                  "\"data\":{\"name\":\"INVALID_PARAMS\",\"param\":\"\"}}}");
    fault_set(&fault, FAULT_CONNECT_FAILED, "refused");
    fault.error = ECONNREFUSED;
    strcpy(fault.address, "[::1]:80");
    strcpy(fault.reason, "why");
    strcpy(fault.rule, "10.0.0.0/8");
    reply_error(&out, id, &fault);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":9,\"message\":\"refused\","
                  "\"data\":{\"name\":\"CONNECT_FAILED\",\"errno\":\"ECONNREFUSED\",\"address\":\"[::1]:80\","
                  "\"reason\":\"why\",\"rule\":\"10.0.0.0/8\"}}}");
}
END_TEST

START_TEST(texts_are_escaped_and_made_valid)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"plain /\x7f", "plain /\x7f"},
        {"\"\\\b\f\n\r\t\x01\x1f", "\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff"
         "b",
         "a\xef\xbf\xbd"
         "b"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc3(", "\xef\xbf\xbd("},
        {"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char expected[300];

        snprintf(expected, sizeof(expected), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"token\":1,\"local\":\"%s\"}}",
                 cases[i].written);
        reply_registered(&out, (struct span){"1", 1}, 1, cases[i].text, NULL, false);
        require_bytes(expected);
    }
}
END_TEST

START_TEST(random_texts_are_made_valid)
{
    seed_random("reply");
    for (int i = 0; i < 20000; i++) {
        char text[24];
        unsigned length = random_below(sizeof(text));

        for (unsigned k = 0; k < length; k++)
            text[k] = (char)(random_below(3) ? 1 + random_below(255) : 0xe0 + random_below(32));
        text[length] = '\0';
        reply_registered(&out, id, 1, text, text, false);
        require_json();
        buffer_consume(&out, out.length);
    }
}
END_TEST

static const struct reply_registration registration = {
    .token = 5,
    .state = "armed",
    .interests = READY_READABLE | READY_WRITABLE,
    .mode = MODE_EDGE,
    .pending = READY_READABLE | READY_ERROR,
    .address = {"h\"o:1", 5},
    .local = "127.0.0.1:2",
    .peer = "127.0.0.1:1",
};

START_TEST(lists)
{
    static const struct reply_registration bare = {.token = 0, .state = "connecting"};
    uint64_t next = 5;

    reply_list_begin(&out, id, NULL);
    reply_list_end(&out, NULL);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"loop\":null,\"registrations\":[],\"next\":null}}");
    reply_list_begin(&out, id, "name");
    ck_assert(reply_list_add(&out, &bare, 0, 4096));
    ck_assert(reply_list_add(&out, &registration, 0, 4096));
    reply_list_end(&out, &next);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"loop\":\"name\",\"registrations\":["
                  "{\"token\":0,\"state\":\"connecting\",\"interests\":[],\"mode\":\"oneshot\",\"pending\":{}},"
                  "{\"token\":5,\"state\":\"armed\",\"interests\":[\"readable\",\"writable\"],\"mode\":\"edge\","
                  "\"address\":\"h\\\"o:1\",\"local\":\"127.0.0.1:2\",\"peer\":\"127.0.0.1:1\","
                  "\"pending\":{\"readable\":true,\"error\":true}}],\"next\":5}}");
}
END_TEST

static const struct reply_loop named = {
    .name = "a.b", .uid = 4294967294, .registrations = 3, .pending = 2, .attached = true, .linger_ms = 60000};

START_TEST(lists_of_loops)
{
    reply_loops_begin(&out, id);
    reply_loops_end(&out, NULL);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"loops\":[],\"next\":null}}");
    reply_loops_begin(&out, id);
    ck_assert(reply_loops_add(&out, &named, 0, 4096));
    ck_assert(reply_loops_add(&out, &named, 0, 4096));
    reply_loops_end(&out, "a.b");
    require_bytes(
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"loops\":["
        "{\"name\":\"a.b\",\"uid\":4294967294,\"registrations\":3,\"pending\":2,\"attached\":true,"
        "\"linger_ms\":60000,\"durable\":false},{\"name\":\"a.b\",\"uid\":4294967294,\"registrations\":3,\"pending\":2,"
        "\"attached\":true,\"linger_ms\":60000,\"durable\":false}],\"next\":\"a.b\"}}");
}
END_TEST

START_TEST(events)
{
    reply_events_begin(&out, id);
    reply_events_end(&out);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"events\":[]}}");
    reply_events_begin(&out, id);
    ck_assert(reply_events_add(&out, 0, READY_WRITABLE, 0, 4096));
    reply_events_end(&out);
    require_bytes("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"events\":[{\"token\":0,\"writable\":true}]}}");
    reply_ready_begin(&out);
    ck_assert(reply_events_add(&out, 5, READY_READABLE, 0, 4096));
    ck_assert(reply_events_add(&out, INTEGER_MAX, 0x1f, 0, 4096));
    reply_events_end(&out);
    require_bytes("{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"events\":[{\"token\":5,\"readable\":true},"
                  "{\"token\":9007199254740991,\"readable\":true,\"writable\":true,\"read_closed\":true,"
                  "\"write_closed\":true,\"error\":true}]}}");
}
END_TEST

/* For each budget: what is told to fit does, closing and all, and what is refused leaves no trace. */
START_TEST(lists_keep_their_budget)
{
    static const uint64_t longest_next = INTEGER_MAX;
    int most = 0;

    for (size_t budget = 100; budget < 1200; budget++) {
        size_t begun_at;
        int count = 0;

        buffer_append_text(&out, "[");
        begun_at = out.length;
        reply_list_begin(&out, id, NULL);
        while (reply_list_add(&out, &registration, begun_at, budget))
            count++;
        reply_list_end(&out, &longest_next);
        buffer_append_text(&out, "]");
        ck_assert(out.length - begun_at - 1 <= budget || count == 0);
        ck_assert_int_ge(count, most);
        most = count;
        require_json();
        buffer_consume(&out, out.length);
    }
    ck_assert_int_gt(most, 4);
}
END_TEST

START_TEST(lists_of_loops_keep_their_budget)
{
    static const char longest_next[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
    int most = 0;

    ck_assert_uint_eq(sizeof(longest_next) - 1, NAME_MAX_BYTES);
    for (size_t budget = 100; budget < 1200; budget++) {
        int count = 0;

        reply_loops_begin(&out, id);
        while (reply_loops_add(&out, &named, 0, budget))
            count++;
        reply_loops_end(&out, longest_next);
        ck_assert(out.length <= budget || count == 0);
        ck_assert_int_ge(count, most);
        most = count;
        require_json();
        buffer_consume(&out, out.length);
    }
    ck_assert_int_gt(most, 4);
}
END_TEST

START_TEST(events_keep_their_budget)
{
    for (size_t budget = 60; budget < 500; budget++) {
        size_t length;
        int count = 0;

        reply_ready_begin(&out);
        while (reply_events_add(&out, 7, READY_READABLE, 0, budget))
            count++;
        reply_events_end(&out);
        length = out.length;
        require_json();
        ck_assert(length <= budget || count == 0);
        /* Another would not have fitted: ,{"token":7,"readable":true} */
        ck_assert_uint_gt(length + 27 + (count > 0), budget);
        buffer_consume(&out, out.length);
    }
}
END_TEST

START_TEST(the_longest_error_fits_the_shortest_line)
{
    char long_id[1024];
    struct fault fault;

    memset(long_id, '1', sizeof(long_id));
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors_unclaimed", UINT64_MAX, "x");
    memset(fault.message, 1, sizeof(fault.message) - 1);
    memset(fault.param, 1, sizeof(fault.param) - 1);
    memset(fault.reason, 1, sizeof(fault.reason) - 1);
    memset(fault.address, 1, sizeof(fault.address) - 1);
    memset(fault.rule, 1, sizeof(fault.rule) - 1);
    fault.message[sizeof(fault.message) - 1] = fault.param[sizeof(fault.param) - 1] = '\0';
    fault.reason[sizeof(fault.reason) - 1] = fault.address[sizeof(fault.address) - 1] = '\0';
    fault.rule[sizeof(fault.rule) - 1] = '\0';
    fault.offset = INT64_MAX;
    fault.error = 123456;
    reply_error(&out, (struct span){long_id, sizeof(long_id)}, &fault);
    require_json();
    for (size_t i = 0; i < limit_count; i++) {
        if (strcmp(limit_table[i].name, "line_bytes") == 0)
            ck_assert_uint_lt(out.length, limit_table[i].min);
        if (strcmp(limit_table[i].name, "id_bytes") == 0)
            ck_assert_uint_le(limit_table[i].max, sizeof(long_id));
    }
}
END_TEST

START_TEST(out_of_memory_is_the_buffer_s_to_remember)
{
    long count, n = 1, failures = 0;

    do {
        buffer_deinit(&out);
        fail_alloc_after(n);
        reply_list_begin(&out, id, NULL);
        for (int i = 0; i < 20 && reply_list_add(&out, &registration, 0, 65536); i++)
            ;
        reply_list_end(&out, NULL);
        count = fail_alloc_count();
        fail_alloc_after(-1);
        if (buffer_failed(&out)) {
            failures++;
            ck_assert(!reply_list_add(&out, &registration, 0, 65536));
            buffer_truncate(&out, 0);
            reply_empty(&out, id);
        }
        require_json();
    } while (count >= n++);
    ck_assert_int_eq(failures, n - 2);
    ck_assert_int_eq(failures > 0, allocations_can_fail());
}
END_TEST

Suite *unit_reply_suite(void)
{
    Suite *suite = suite_create("unit_reply");
    TCase *tests = tcase_create("reply");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, results);
    tcase_add_test(tests, results_of_loops_and_streams);
    tcase_add_test(tests, reads_are_text_where_they_can_be);
    tcase_add_test(tests, the_error_that_ended_a_stream_is_named);
    tcase_add_test(tests, reads_keep_their_budget);
    tcase_add_test(tests, texts_have_the_length_that_is_told);
    tcase_add_test(tests, notifications);
    tcase_add_test(tests, hello_has_every_limit);
    tcase_add_test(tests, stats_has_every_count);
    tcase_add_test(tests, errors_tell_what_they_have);
    tcase_add_test(tests, texts_are_escaped_and_made_valid);
    tcase_add_test(tests, random_texts_are_made_valid);
    tcase_add_test(tests, lists);
    tcase_add_test(tests, lists_of_loops);
    tcase_add_test(tests, events);
    tcase_add_test(tests, lists_keep_their_budget);
    tcase_add_test(tests, lists_of_loops_keep_their_budget);
    tcase_add_test(tests, events_keep_their_budget);
    tcase_add_test(tests, the_longest_error_fits_the_shortest_line);
    tcase_add_test(tests, out_of_memory_is_the_buffer_s_to_remember);
    suite_add_tcase(suite, tests);
    return suite;
}
