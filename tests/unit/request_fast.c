/* SPDX-License-Identifier: MIT */
/*
 * The shortcut for plain requests agrees with the scanner and request_decode on all that it accepts, and accepts what
 * most clients write.
 */
#include "proto/request_fast.h"

#include "proto/frame.h"
#include "tests/unit/vectors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_request_fast_suite(void);

static struct limits limits;

static void set_up(void)
{
    limits_init(&limits);
}

/* ---- Agreement -------------------------------------------------------------------------------------------------- */

static bool same_span(struct span left, struct span right)
{
    return left.length == right.length && !left.data == !right.data &&
           (!left.length || memcmp(left.data, right.data, left.length) == 0);
}

static bool same_param(const struct param_info *info, const struct params *left, const struct params *right)
{
    const void *a = (const char *)left + info->offset, *b = (const char *)right + info->offset;

    switch (info->type) {
    case PARAM_INTEGER:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case PARAM_BOOLEAN:
        return *(const bool *)a == *(const bool *)b;
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_ID:
        return same_span(*(const struct span *)a, *(const struct span *)b);
    case PARAM_CHOICE:
    case PARAM_INTERESTS:
        return *(const uint8_t *)a == *(const uint8_t *)b;
    }
    return false;
}

static void require_same(const char *text, const struct request *plain, const struct request *other)
{
    const struct method_info *method = &method_table[plain->method];

    REQUIRE(plain->method == other->method, "another method: %s", text);
    REQUIRE(same_span(plain->id, other->id), "another id: %s", text);
    REQUIRE(plain->params.given == other->params.given, "other parameters are given: %s", text);
    for (size_t i = 0; i < method->param_count; i++)
        REQUIRE(same_param(&method->params[i], &plain->params, &other->params), "another %s: %s",
                method->params[i].name, text);
}

/* What the shortcut accepts of `text`, the long way accepts, uses as much of, and decodes to the same. */
static bool accepts(const char *text, size_t length)
{
    struct request plain, other;
    struct frame frame;
    struct fault fault;
    struct span message;
    size_t used, used_by_frame;
    bool accepted = request_decode_fast(text, length, &limits, &plain, &used);

    if (!accepted)
        return false;
    frame_init(&frame);
    REQUIRE(frame_next(&frame, text, length, &limits, &used_by_frame, &message, &fault) == FRAME_TEXT,
            "the scanner refuses it: %.*s", (int)length, text);
    REQUIRE(used_by_frame == used, "the scanner uses %zu bytes, not %zu: %.*s", used_by_frame, used, (int)length, text);
    REQUIRE(request_decode(message, &limits, &other, &fault) == 0, "it is decoded to a fault: %.*s", (int)length, text);
    require_same(text, &plain, &other);
    request_deinit(&other);
    frame_deinit(&frame);
    return true;
}

static bool accepts_text(const char *text)
{
    char *copy = exact_copy(text, strlen(text));
    bool accepted = accepts(copy, strlen(text));

    free(copy);
    return accepted;
}

/* ---- Cases ------------------------------------------------------------------------------------------------------ */

static const char *const plain_texts[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    "{\"jsonrpc\": \"2.0\", \"id\": \"a b\", \"method\": \"ping\", \"params\": {}}",
    "{\"method\":\"list\",\"params\":{\"after\":0,\"limit\":100},\"jsonrpc\":\"2.0\",\"id\":9007199254740991}",
    "{\"jsonrpc\":\"2.0\",\"method\":\"reregister\",\"params\":{\"token\":7},\"id\":0}",
    "{ \"jsonrpc\": \"2.0\" ,\r\n\t\"id\": 1 , \"method\": \"register\" , \"params\": { \"address\" : \"[::1]:80\" , "
    "\"token\" : 12 , \"interests\" : [ \"writable\" , \"readable\" ] , \"mode\" : \"edge\" , \"nodelay\" : false , "
    "\"timeout_ms\" : 0 } }",
    "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":{\"token\":1,\"address\":\"a:1\",\"interests\":[]}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"write\",\"params\":{\"token\":1,\"data\":\"\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}  {",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\": null }",
};

START_TEST(what_clients_write_is_accepted)
{
    ck_assert_msg(accepts_text(plain_texts[_i]), "not accepted: %s", plain_texts[_i]);
}
END_TEST

static const char *const other_texts[] = {
    "",
    "{",
    "{}",
    "[]",
    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",           /* not whole */
    "{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1",           /* a number may go on */
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pong\"}",          /* no such method */
    "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",          /* another version */
    "{\"id\":1,\"method\":\"ping\"}",                              /* none */
    "{\"jsonrpc\":\"2.0\",\"id\":1}",                              /* no method */
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", /* twice */
    "{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"ping\"}",         /* not JSON */
    "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"ping\"}",        /* as it may be, but not plainly */
    "{\"jsonrpc\":\"2.0\",\"id\" :1,\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"\\u0069d\":1,\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"\\n\",\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"\xc3\xa4\",\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"\x7f\",\"method\":\"ping\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":1}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"params\":{\"token\":1},\"method\":\"take\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":[1]}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":null}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":nul}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":nullx}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":null}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":-1}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":9007199254740992}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":1,\"token\":1}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":1,}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":{\"token\":1},}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\",\"params\":{\"limit\":101}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"x\"}}",
};

START_TEST(the_rest_is_left_to_others)
{
    ck_assert_msg(!accepts_text(other_texts[_i]), "accepted: %s", other_texts[_i]);
}
END_TEST

START_TEST(limits_hold)
{
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"0123456789abcdef\",\"method\":\"ping\"}";

    ck_assert(accepts_text(text));
    limits.id_bytes = 17;
    ck_assert(!accepts_text(text));
    limits.id_bytes = 18;
    ck_assert(accepts_text(text));
    limits.message_bytes = (uint32_t)strlen(text);
    ck_assert(accepts_text(text));
    limits.message_bytes--;
    ck_assert(!accepts_text(text));
    set_up();
    limits.message_values = 4;
    ck_assert(accepts_text(text));
    limits.message_values = 3;
    ck_assert(!accepts_text(text));
}
END_TEST

static void use_vector(const cJSON *vector)
{
    const char *text = vector_text(vector, "text");

    if (text)
        accepts_text(text);
}

START_TEST(it_agrees_on_the_vectors)
{
    each_vector("requests.jsonl", use_vector);
}
END_TEST

/* Each beginning of a plain text is either not whole, or a whole one with less behind it. */
START_TEST(it_agrees_wherever_the_input_is_cut)
{
    const char *text = plain_texts[_i];

    for (size_t length = 0; length <= strlen(text); length++) {
        char *copy = exact_copy(text, length);
        accepts(copy, length);
        free(copy);
    }
}
END_TEST

/* Bytes of plain texts changed, dropped, doubled: most are refused, and what is accepted is agreed upon. */
START_TEST(it_agrees_on_what_chance_makes)
{
    static const char bytes[] = "\"\\{}[]:, \n\t0123456789.eE+-truefalsnidmhkjpcw\x01\x7f\xc3\xa4";
    int accepted = 0;

    seed_random("plain");
    for (int i = 0; i < 60000; i++) {
        char text[512];
        size_t length;
        snprintf(text, sizeof(text), "%s", plain_texts[random_below(sizeof(plain_texts) / sizeof(*plain_texts))]);
        length = strlen(text);
        for (unsigned changes = random_below(3); changes; changes--) {
            size_t at = random_below((unsigned)length);
            if (random_below(3) == 0) {
                memmove(text + at, text + at + 1, length-- - at);
            } else if (random_below(2) && length + 1 < sizeof(text)) {
                memmove(text + at + 1, text + at, ++length - at);
            } else {
                text[at] = bytes[random_below(sizeof(bytes) - 1)];
            }
        }
        accepted += accepts_text(text);
    }
    ck_assert_int_gt(accepted, 15000);
}
END_TEST

Suite *unit_request_fast_suite(void)
{
    Suite *suite = suite_create("unit_request_fast");
    TCase *tests = tcase_create("request_fast");
    int plain_count = sizeof(plain_texts) / sizeof(*plain_texts);

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_loop_test(tests, what_clients_write_is_accepted, 0, plain_count);
    tcase_add_loop_test(tests, the_rest_is_left_to_others, 0, (int)(sizeof(other_texts) / sizeof(*other_texts)));
    tcase_add_test(tests, limits_hold);
    tcase_add_test(tests, it_agrees_on_the_vectors);
    tcase_add_loop_test(tests, it_agrees_wherever_the_input_is_cut, 0, plain_count);
    tcase_add_test(tests, it_agrees_on_what_chance_makes);
    suite_add_tcase(suite, tests);
    return suite;
}
