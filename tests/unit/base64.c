/* SPDX-License-Identifier: MIT */
/* Base64, as RFC 4648 has it: its vectors, every wrong form, and back again. */
#include "proto/base64.h"
#include "tests/fail_alloc.h"
#include "tests/unit/vectors.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_base64_suite(void);

static struct buffer out;

static void set_up(void)
{
    buffer_init(&out);
}

static void tear_down(void)
{
    buffer_deinit(&out);
}

static void require_out(const void *bytes, size_t length)
{
    ck_assert_uint_eq(out.length, length);
    if (length)
        ck_assert_mem_eq(buffer_bytes(&out), bytes, length);
    buffer_consume(&out, out.length);
}

/* From an allocation of exactly its length, so that the sanitizers see whoever reads past it. */
static int decode(const char *text, size_t length)
{
    char *copy = exact_copy(text, length);
    int result = base64_decode(&out, (struct span){copy, length});

    free(copy);
    return result;
}

START_TEST(vectors_of_the_rfc)
{
    static const struct {
        const char *bytes, *text;
    } vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\x14\xfb\x9c\x03\xd9\x7e", "FPucA9l+"},
        {"\xff\xef\xfe", "/+/+"},
    };

    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        base64_encode(&out, vectors[i].bytes, strlen(vectors[i].bytes));
        require_out(vectors[i].text, strlen(vectors[i].text));
        ck_assert_int_eq(decode(vectors[i].text, strlen(vectors[i].text)), 0);
        require_out(vectors[i].bytes, strlen(vectors[i].bytes));
    }
}
END_TEST

START_TEST(every_digit_is_itself)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (int i = 0; i < 256; i++) {
        char text[] = {'A', 'A', 'A', (char)i};
        const char *digit = i ? strchr(digits, i) : NULL;
        const char bytes[] = {0, 0, (char)(digit ? digit - digits : 0)};

        if (i == '=') {
            ck_assert_int_eq(decode(text, 4), 0);
            require_out("\0", 2);
        } else {
            ck_assert_int_eq(decode(text, 4), digit ? 0 : -EINVAL);
            require_out(bytes, digit ? 3 : 0);
        }
    }
}
END_TEST

START_TEST(wrong_forms)
{
    static const char *const wrong[] = {
        "Z",    "Zg",   "Zg=",      "Zg===",      "Zm9",      "Zm9v=",   "Zm9v====", "=",      "==",
        "===",  "====", "Z===",     "=Zg=",       "Z=g=",     "Zg=A",    "Zm9vZ===", "Zh==",   "Zv==",
        "Zm9=", "Zm+=", "Zg==Zg==", "Zm8=Zm8=",   "Zm 9",     "Zm9v\n",  "Zm9v\r\n", "\nZm9v", "Zm9-",
        "Zm9_", "Zm9.", "Zm9v Zm9", "Zm\xc3\xa9", "Zm9vZm9 ", "Zm9\x7f", "Zm9\x80",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        buffer_append_text(&out, "before");
        ck_assert_msg(decode(wrong[i], strlen(wrong[i])) == -EINVAL, "\"%s\" is taken", wrong[i]);
        require_out("before", 6);
    }
    ck_assert_int_eq(decode("Zm\0v", 4), -EINVAL);
}
END_TEST

/* Of the groups with padding only those stand for bytes whose last digit has no more bits than these need. */
START_TEST(one_text_for_each_byte)
{
    int accepted = 0;

    for (int first = '+'; first <= 'z'; first++) {
        for (int second = '+'; second <= 'z'; second++) {
            char text[] = {(char)first, (char)second, '=', '='}, again[4];

            if (decode(text, 4) < 0)
                continue;
            accepted++;
            ck_assert_uint_eq(out.length, 1);
            memcpy(again, buffer_bytes(&out), 1);
            buffer_consume(&out, 1);
            base64_encode(&out, again, 1);
            require_out(text, 4);
        }
    }
    ck_assert_int_eq(accepted, 256);
}
END_TEST

START_TEST(lengths)
{
    for (size_t length = 0; length < 1000; length++) {
        size_t encoded = base64_encoded_length(length);

        ck_assert_uint_eq(encoded % 4, 0);
        ck_assert_uint_ge(base64_bytes_within(encoded), length);
        ck_assert_uint_lt(base64_bytes_within(encoded), length + 3);
        ck_assert_uint_le(base64_encoded_length(base64_bytes_within(length)), length);
        ck_assert_uint_gt(base64_encoded_length(base64_bytes_within(length) + 1), length);
    }
}
END_TEST

START_TEST(there_and_back)
{
    seed_random("base64");
    for (int round = 0; round < 3000; round++) {
        size_t length = random_below(round % 100 ? 40 : 5000), encoded;
        char *bytes = malloc(length + 1), *text;

        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)random_below(256);
        base64_encode(&out, bytes, length);
        encoded = out.length;
        ck_assert_uint_eq(encoded, base64_encoded_length(length));
        text = exact_copy(buffer_bytes(&out), encoded);
        buffer_consume(&out, encoded);
        ck_assert_int_eq(base64_decode(&out, (struct span){text, encoded}), 0);
        require_out(bytes, length);
        free(bytes);
        free(text);
    }
}
END_TEST

START_TEST(out_of_memory_is_the_buffer_s_to_remember)
{
    static const char bytes[300];
    bool failed;
    int result;

    fail_alloc_after(1);
    base64_encode(&out, bytes, sizeof bytes);
    fail_alloc_after(-1);
    failed = buffer_failed(&out);
    ck_assert_int_eq(failed, allocations_can_fail());
    buffer_deinit(&out);
    buffer_init(&out);
    fail_alloc_after(1);
    result = base64_decode(&out, (struct span){"Zm9v", 4});
    fail_alloc_after(-1);
    ck_assert_int_eq(result, 0);
    ck_assert_int_eq(buffer_failed(&out), failed);
}
END_TEST

Suite *unit_base64_suite(void)
{
    Suite *suite = suite_create("unit_base64");
    TCase *tests = tcase_create("base64");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, vectors_of_the_rfc);
    tcase_add_test(tests, every_digit_is_itself);
    tcase_add_test(tests, wrong_forms);
    tcase_add_test(tests, one_text_for_each_byte);
    tcase_add_test(tests, lengths);
    tcase_add_test(tests, there_and_back);
    tcase_add_test(tests, out_of_memory_is_the_buffer_s_to_remember);
    suite_add_tcase(suite, tests);
    return suite;
}
