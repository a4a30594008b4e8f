/* SPDX-License-Identifier: MIT */
/* Texts without their escapes: every escape, surrogate pairs, and buffers of every size. */
#include "proto/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_text_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

static const struct {
    const char *written, *meant;
} texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
    {"a\\nb\\nc", "a\nb\nc"},
    {"\\\\n", "\\n"},
    {"\\u0001\\u007f", "\x01\x7f"},
    {"\\u0080\\u07ff", "\xc2\x80\xdf\xbf"},
    {"\\u0800\\uffff", "\xe0\xa0\x80\xef\xbf\xbf"},
    {"\\ud7ff\\ue000", "\xed\x9f\xbf\xee\x80\x80"},
    {"\\ud800\\udc00\\udbff\\udfff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"\\uD83D\\uDe00x", "\xf0\x9f\x98\x80x"},
    {"\xf0\x9f\x98\x80\\u00e9\xc3\xa9", "\xf0\x9f\x98\x80\xc3\xa9\xc3\xa9"},
    {"ends with an escape\\u0041", "ends with an escapeA"},
};

/* The buffer ends where its memory does, for the sanitizers and valgrind. */
START_TEST(a_text_fits_into_as_many_bytes_as_it_was_written_with)
{
    struct span written = span(texts[_i].written);
    char *text = malloc(written.length + 1);

    ck_assert_uint_eq(text_decode(written, text, written.length + 1), strlen(texts[_i].meant));
    ck_assert_str_eq(text, texts[_i].meant);
    ck_assert(text_is(written, texts[_i].meant));
    free(text);
}
END_TEST

START_TEST(a_smaller_buffer_gets_the_whole_characters_that_fit)
{
    const char *meant = texts[_i].meant;

    for (size_t size = 1; size <= strlen(meant) + 1; size++) {
        size_t whole = text_cut(meant, size - 1);
        char *text = malloc(size);

        ck_assert_uint_eq(text_decode(span(texts[_i].written), text, size), whole);
        ck_assert_uint_eq(strlen(text), whole);
        ck_assert(memcmp(text, meant, whole) == 0);
        free(text);
    }
}
END_TEST

Suite *unit_text_suite(void)
{
    Suite *suite = suite_create("unit_text");
    TCase *tests = tcase_create("texts");

    tcase_add_loop_test(tests, a_text_fits_into_as_many_bytes_as_it_was_written_with, 0, LENGTH(texts));
    tcase_add_loop_test(tests, a_smaller_buffer_gets_the_whole_characters_that_fit, 0, LENGTH(texts));
    suite_add_tcase(suite, tests);
    return suite;
}
