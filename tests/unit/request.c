/* SPDX-License-Identifier: MIT */
/* Requests: what texts decode to, or which fault they have and under which id. */
#include "proto/request.h"
#include "proto/scan.h"
#include "tests/fail_alloc.h"
#include "tests/unit/vectors.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_request_suite(void);

static struct limits limits;

static void set_up(void)
{
    limits_init(&limits);
}

/* The scanner must have accepted whatever is decoded. */
static void require_json(const char *text, size_t length)
{
    enum scan_status status;
    struct fault fault;
    struct scan scan;

    scan_init(&scan);
    status = scan_run(&scan, text, length, &limits, &fault);
    if (status == SCAN_MORE)
        status = scan_end(&scan, &fault);
    REQUIRE(status == SCAN_DONE, "%.*s: %s", (int)length, text, fault.message);
    scan_deinit(&scan);
}

static void require_id(const cJSON *expected, struct span id, const char *about)
{
    const char *text = vector_text(expected, "id");

    if (!text)
        ck_assert_msg(!id.data, "%s: id %.*s", about, (int)id.length, id.data);
    else
        ck_assert_msg(id.data && strlen(text) == id.length && memcmp(text, id.data, id.length) == 0, "%s: id %.*s",
                      about, (int)id.length, id.data ? id.data : "");
}

static uint8_t interests_of(const cJSON *names)
{
    const cJSON *name;
    uint8_t bits = 0;

    cJSON_ArrayForEach(name, names) {
        for (int i = 0; interest_names[i]; i++)
            bits |= (uint8_t)((strcmp(name->valuestring, interest_names[i]) == 0) << i);
    }
    return bits;
}

static bool same_value(const struct param_info *info, const struct params *params, const cJSON *expected)
{
    const void *at = (const char *)params + info->offset;
    const struct span *text = at;

    switch (info->type) {
    case PARAM_INTEGER:
        return !expected || *(const uint64_t *)at == (uint64_t)expected->valuedouble;
    case PARAM_BOOLEAN:
        return expected && *(const bool *)at == cJSON_IsTrue(expected);
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_ID: /* as written */
        if (!expected)
            return !text->data;
        return text->data && text->length == strlen(expected->valuestring) &&
               memcmp(text->data, expected->valuestring, text->length) == 0;
    case PARAM_CHOICE:
        return !expected || strcmp(info->choices[*(const uint8_t *)at], expected->valuestring) == 0;
    case PARAM_INTERESTS:
        return !expected || *(const uint8_t *)at == interests_of(expected);
    }
    return false;
}

static bool is_listed(const cJSON *names, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, names) {
        if (strcmp(item->valuestring, name) == 0)
            return true;
    }
    return false;
}

static void require_request(const cJSON *expected, const struct request *request, const char *about)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(expected, "params");
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(expected, "given");
    const struct method_info *method = &method_table[request->method];

    ck_assert_msg(strcmp(method->name, vector_text(expected, "method")) == 0, "%s: %s", about, method->name);
    for (size_t i = 0; i < method->param_count; i++) {
        const struct param_info *info = &method->params[i];

        ck_assert_msg(same_value(info, &request->params, cJSON_GetObjectItemCaseSensitive(params, info->name)),
                      "%s: %s", about, info->name);
        ck_assert_msg(params_given(request->method, &request->params, info->offset) == is_listed(given, info->name),
                      "%s: %s given", about, info->name);
    }
}

static void decode(const cJSON *expected, struct span text, const char *about)
{
    bool fails = vector_text(expected, "error");
    char *copy = exact_copy(text.data, text.length);
    struct request request;
    struct fault fault;
    int r = request_decode((struct span){copy, text.length}, &limits, &request, &fault);

    ck_assert_msg(r == (fails ? -EBADMSG : 0), "%s: %d %s", about, r, r < 0 ? fault.message : "");
    require_id(expected, request.id, about);
    if (fails)
        require_fault(expected, &fault, about);
    else
        require_request(expected, &request, about);
    request_deinit(&request);
    free(copy);
}

static void read_message(const cJSON *vector)
{
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(vector, "requests");
    struct request_reader reader;
    struct span text, message;
    struct fault fault;
    int count = 0;
    char *input;

    input = vector_input(vector, &message.length);
    message.data = input;
    require_json(input, message.length);
    if (request_reader_init(&reader, message, &limits, &fault) < 0) {
        ck_assert_msg(!expected, "%s: %s", vector_name(vector), fault.message);
        require_fault(vector, &fault, "message");
    } else {
        while (request_reader_next(&reader, &text))
            decode(cJSON_GetArrayItem(expected, count++), text, vector_name(vector));
        ck_assert_msg(count == cJSON_GetArraySize(expected), "%s: %d requests", vector_name(vector), count);
        ck_assert_uint_eq(reader.count, (size_t)count);
        ck_assert_int_eq(reader.batch, *input == '[');
        ck_assert(!request_reader_next(&reader, &text));
    }
    free(input);
}

START_TEST(requests_are_what_the_protocol_says)
{
    each_vector("requests.jsonl", read_message);
}
END_TEST

static int decode_text(const char *text, struct request *request, struct fault *fault)
{
    return request_decode((struct span){text, strlen(text)}, &limits, request, fault);
}

START_TEST(messages_say_what_to_do)
{
    static const struct {
        const char *params, *message;
    } cases[] = {
        {"{}", "token is missing: it must be an integer from 0 to 9007199254740991"},
        {"{\"token\":1,\"mode\":7}", "mode must be \"oneshot\", \"edge\" or \"level\""},
        {"{\"token\":1,\"interests\":7}", "interests must be an array of \"readable\" and \"writable\""},
        {"{\"token\":1,\"fd\":7}", "fd must be true or false"},
        {"{\"token\":1,\"address\":\"\"}", "address must be a string of 1 to 300 bytes"},
        {"{\"token\":1,\"tokens\":2}", "register has no parameter \"tokens\""},
        {"[1,2,3,4,5,6,7,8,9,10]", "register takes at most 9 parameters"},
        {"7", "params must be an object, an array or null"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct request request;
        struct fault fault;
        char text[200];

        snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":%s}",
                 cases[i].params);
        ck_assert_int_eq(decode_text(text, &request, &fault), -EBADMSG);
        ck_assert_str_eq(fault.message, cases[i].message);
        request_deinit(&request);
    }
}
END_TEST

START_TEST(messages_say_what_a_name_is)
{
    struct request request;
    struct fault fault;

    ck_assert_int_eq(
        decode_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":[\"a b\"]}", &request, &fault),
        -EBADMSG);
    ck_assert_str_eq(fault.message, "name must be a name of 1 to 64 letters, digits, dots, underscores and hyphens");
    request_deinit(&request);
    ck_assert_int_eq(
        decode_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"write\",\"params\":[1,2]}", &request, &fault),
        -EBADMSG);
    ck_assert_str_eq(fault.message, "data must be a string");
    request_deinit(&request);
}
END_TEST

START_TEST(right_parameters_beside_a_wrong_one_are_kept)
{
    struct request request;
    struct fault fault;

    ck_assert_int_eq(decode_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":"
                                 "{\"token\":-1,\"x\":0,\"fd\":true,\"mode\":\"edge\"}}",
                                 &request, &fault),
                     -EBADMSG);
    ck_assert_str_eq(fault.param, "x");
    ck_assert_int_eq(request.method, METHOD_REGISTER);
    ck_assert(request.params.fd);
    ck_assert_int_eq(request.params.mode, MODE_EDGE);
    ck_assert_uint_eq(request.params.token, 0);
    request_deinit(&request);
    request_deinit(&request);
    request_deinit(NULL);
}
END_TEST

START_TEST(texts_are_the_request_s_own)
{
    char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":[1,\"127.0.0.1:80\"]}";
    struct request request;
    struct fault fault;

    ck_assert_int_eq(decode_text(text, &request, &fault), 0);
    memset(text, 'x', sizeof(text));
    ck_assert_uint_eq(request.params.address.length, 12);
    ck_assert(memcmp(request.params.address.data, "127.0.0.1:80", 12) == 0);
    request_deinit(&request);
}
END_TEST

START_TEST(out_of_memory_is_internal)
{
    static const char *const texts[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"register\",\"params\":[1,\"a:80\"]}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"open_loop\",\"params\":[\"name\"]}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"write\",\"params\":[1,\"data\"]}",
    };
    const char *text = texts[_i];
    long count, n = 1, failures = 0;

    do {
        struct request request;
        struct fault fault;
        int r;

        fail_alloc_after(n);
        r = decode_text(text, &request, &fault);
        count = fail_alloc_count();
        fail_alloc_after(-1);
        ck_assert(request.id.length == 3 && memcmp(request.id.data, "\"a\"", 3) == 0);
        if (r < 0) {
            ck_assert_int_eq(r, -EBADMSG);
            ck_assert_int_eq(fault.name, FAULT_INTERNAL);
            failures++;
        }
        request_deinit(&request);
    } while (count >= n++);
    ck_assert_int_eq(failures, n - 2);
    ck_assert_int_eq(failures > 0, allocations_can_fail());
}
END_TEST

/* ---- At random -------------------------------------------------------------------------------------------------- */

/* Puts a random piece in the place of another: what stays JSON must decode, or fail, without harm. */
static size_t mutate(char *text, size_t length)
{
    static const char *const pieces[] = {"\"",      "{}", "[]",        ",",       ":",       "null",
                                         "1e9",     "-0", "\"a\"",     "\\u0041", "true",    "[1",
                                         "{\"a\":", "]",  "\"id\":1,", " ",       "\"2.0\"", "}"};
    const char *piece = pieces[random_below(sizeof(pieces) / sizeof(*pieces))];
    size_t at = random_below((unsigned)length), removed = random_below(4);

    if (removed > length - at)
        removed = length - at;
    memmove(text + at + strlen(piece), text + at + removed, length - at - removed);
    memcpy(text + at, piece, strlen(piece));
    return length - removed + strlen(piece);
}

static void decode_whatever(const char *text, size_t length)
{
    struct request_reader reader;
    struct fault fault;
    struct span one;

    if (request_reader_init(&reader, (struct span){text, length}, &limits, &fault) < 0) {
        require_sound_fault(&fault);
        return;
    }
    while (request_reader_next(&reader, &one)) {
        struct request request;

        ck_assert(one.data >= text && one.data + one.length <= text + length);
        require_json(one.data, one.length);
        if (request_decode(one, &limits, &request, &fault) < 0)
            require_sound_fault(&fault);
        request_deinit(&request);
    }
}

static void try_mutations(const cJSON *vector)
{
    char text[3000];
    size_t length;
    char *input = vector_input(vector, &length);

    for (int i = 0; i < 400 && length && length < 1000; i++) {
        size_t mutated = length;
        struct fault fault;
        struct scan scan;
        char *copy;

        memcpy(text, input, length);
        for (unsigned k = 0; k <= random_below(4); k++)
            mutated = mutate(text, mutated);
        copy = exact_copy(text, mutated);
        scan_init(&scan);
        if (scan_run(&scan, copy, mutated, &limits, &fault) == SCAN_DONE && memchr("{[", *copy, 2))
            decode_whatever(copy, scan_offset(&scan));
        scan_deinit(&scan);
        free(copy);
    }
    free(input);
}

START_TEST(mutations_do_no_harm)
{
    seed_random("request");
    each_vector("requests.jsonl", try_mutations);
}
END_TEST

Suite *unit_request_suite(void)
{
    Suite *suite = suite_create("unit_request");
    TCase *tests = tcase_create("request");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, requests_are_what_the_protocol_says);
    tcase_add_test(tests, messages_say_what_to_do);
    tcase_add_test(tests, messages_say_what_a_name_is);
    tcase_add_test(tests, right_parameters_beside_a_wrong_one_are_kept);
    tcase_add_test(tests, texts_are_the_request_s_own);
    tcase_add_loop_test(tests, out_of_memory_is_internal, 0, 3);
    tcase_add_test(tests, mutations_do_no_harm);
    suite_add_tcase(suite, tests);
    return suite;
}
