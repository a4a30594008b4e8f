/* SPDX-License-Identifier: MIT */
/* The scanner: what it accepts and where it faults, the same however the input is cut. */
#include "proto/scan.h"
#include "tests/fail_alloc.h"
#include "tests/unit/vectors.h"

#include <cjson/cJSON.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_scan_suite(void);

#define EVERY_CUT_MAX                                                                                                  \
    600 /* a longer input is cut at random places only: every one would take a square of its length                    \
         */

static struct limits limits;

static void set_up(void)
{
    limits_init(&limits);
}

/* One scanner and what came of it. */
struct outcome {
    enum scan_status status;
    size_t length; /* SCAN_DONE: of the text */
    struct fault fault;
};

/* Shows the scanner the first `length` bytes in memory of their own, as a growing buffer would. */
static enum scan_status look(struct scan *scan, const char *text, size_t length, struct outcome *outcome)
{
    char *copy = exact_copy(text, length);

    outcome->status = scan_run(scan, copy, length, &limits, &outcome->fault);
    outcome->length = scan_offset(scan);
    REQUIRE(outcome->status == SCAN_MORE ? outcome->length == length : outcome->length <= length, "%zu of %zu bytes",
            outcome->length, length);
    free(copy);
    return outcome->status;
}

static void end(struct scan *scan, struct outcome *outcome)
{
    if (outcome->status == SCAN_MORE)
        outcome->status = scan_end(scan, &outcome->fault);
    outcome->length = scan_offset(scan);
    scan_deinit(scan);
}

/* Behind a whole text only space may stand. */
static void require_nothing_behind(const char *text, size_t length, struct outcome *outcome)
{
    size_t at = outcome->length;

    if (outcome->status != SCAN_DONE)
        return;
    while (at < length && text[at] && strchr(" \t\r\n", text[at]))
        at++;
    if (at == length)
        return;
    outcome->status = SCAN_FAULT;
    fault_set(&outcome->fault, FAULT_PARSE_ERROR, "more than one text");
    outcome->fault.offset = (int64_t)at;
}

static struct outcome scan_in_two(const char *text, size_t length, size_t cut)
{
    struct outcome outcome;
    struct scan scan;

    scan_init(&scan);
    if (look(&scan, text, cut, &outcome) == SCAN_MORE)
        look(&scan, text, length, &outcome);
    end(&scan, &outcome);
    require_nothing_behind(text, length, &outcome);
    return outcome;
}

static struct outcome scan_byte_by_byte(const char *text, size_t length)
{
    struct outcome outcome = {.status = SCAN_MORE};
    struct scan scan;

    scan_init(&scan);
    for (size_t seen = 0; seen <= length && outcome.status == SCAN_MORE; seen++) {
        if (length <= EVERY_CUT_MAX)
            look(&scan, text, seen, &outcome);
        else
            outcome.status = scan_run(&scan, text, seen, &limits, &outcome.fault);
    }
    end(&scan, &outcome);
    require_nothing_behind(text, length, &outcome);
    return outcome;
}

static void each_way(const cJSON *vector, void (*require)(const cJSON *, const struct outcome *, const char *))
{
    size_t length;
    char *text = vector_input(vector, &length);
    size_t cuts = length <= EVERY_CUT_MAX ? length + 1 : 5;
    struct outcome outcome = scan_in_two(text, length, length);
    char how[64];

    require(vector, &outcome, "whole");
    outcome = scan_byte_by_byte(text, length);
    require(vector, &outcome, "byte by byte");
    for (size_t i = 0; i < cuts; i++) {
        size_t cut = length <= EVERY_CUT_MAX ? i : random_below((unsigned)length);

        snprintf(how, sizeof(how), "cut at %zu", cut);
        outcome = scan_in_two(text, length, cut);
        require(vector, &outcome, how);
    }
    free(text);
}

static void require_accepted(const cJSON *vector, const struct outcome *outcome, const char *how)
{
    REQUIRE(outcome->status == SCAN_DONE, "%s (%s): %s", vector_name(vector), how, outcome->fault.message);
}

static void require_rejected(const cJSON *vector, const struct outcome *outcome, const char *how)
{
    ck_assert_msg(outcome->status == SCAN_FAULT, "%s (%s): accepted", vector_name(vector), how);
    require_fault(vector, &outcome->fault, how);
}

static void accept(const cJSON *vector)
{
    each_way(vector, require_accepted);
}

static void reject(const cJSON *vector)
{
    each_way(vector, require_rejected);
}

START_TEST(accepts_what_is_json)
{
    each_vector("scan_accept.jsonl", accept);
}
END_TEST

START_TEST(rejects_what_is_not_where_it_is_not)
{
    each_vector("scan_reject.jsonl", reject);
}
END_TEST

static struct kind {
    char name[16];
    int accepted, rejected;
} kinds[16];

static struct kind *kind_of(const cJSON *vector)
{
    const char *name = vector_text(vector, "kind");
    struct kind *kind = kinds;

    ck_assert_msg(name && strlen(name) < sizeof(kind->name), "%s is of no kind", vector_name(vector));
    while (*kind->name && strcmp(kind->name, name) != 0)
        kind++;
    ck_assert_msg(kind < kinds + sizeof(kinds) / sizeof(*kinds) - 1, "there are too many kinds");
    strcpy(kind->name, name);
    return kind;
}

static void count_accepted(const cJSON *vector)
{
    kind_of(vector)->accepted++;
}

static void count_rejected(const cJSON *vector)
{
    kind_of(vector)->rejected++;
}

START_TEST(kinds_are_as_many_as_their_readme_says)
{
    FILE *file = fopen("proto/vectors/README.md", "re");
    char text[16384] = "", row[512];

    ck_assert(file && fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    each_vector("scan_accept.jsonl", count_accepted);
    each_vector("scan_reject.jsonl", count_rejected);
    for (struct kind *kind = kinds; *kind->name; kind++) {
        snprintf(row, sizeof(row), "\n| %s | %d | %d | ", kind->name, kind->accepted, kind->rejected);
        ck_assert_msg(strstr(text, row), "proto/vectors/README.md lacks '%s'", row + 1);
    }
}
END_TEST

START_TEST(is_small)
{
    ck_assert_uint_le(sizeof(struct scan), 256);
}
END_TEST

START_TEST(text_ends_at_its_last_byte)
{
    static const struct {
        const char *input;
        size_t length;
    } cases[] = {{"{}{}", 2}, {" [1] ", 4}, {"\"a\"b", 3}, {"truefalse", 4}, {"12 ", 2}, {"12,", 2}, {"0123", 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome outcome;
        struct scan scan;

        scan_init(&scan);
        look(&scan, cases[i].input, strlen(cases[i].input), &outcome);
        ck_assert_int_eq(outcome.status, SCAN_DONE);
        ck_assert_uint_eq(outcome.length, cases[i].length);
        scan_deinit(&scan);
    }
}
END_TEST

START_TEST(limits_are_those_that_are_set)
{
    struct outcome outcome;

    limits.message_depth = SCAN_DEPTH_MAX;
    limits.message_values = 3;
    limits.message_bytes = 20;
    outcome = scan_in_two("[[0]]", 5, 2);
    ck_assert_int_eq(outcome.status, SCAN_DONE);
    outcome = scan_in_two("[[0,0]]", 7, 2);
    ck_assert_int_eq(outcome.status, SCAN_FAULT);
    ck_assert_str_eq(outcome.fault.limit, "message_values");
    ck_assert_uint_eq(outcome.fault.max, 3);
    outcome = scan_in_two("[                  ]", 20, 2);
    ck_assert_int_eq(outcome.status, SCAN_DONE);
    outcome = scan_in_two("[                   ]", 21, 2);
    ck_assert_str_eq(outcome.fault.limit, "message_bytes");
    limits.message_bytes = SCAN_BYTES_MAX;
    limits.message_values = 1 << 20;
    char *deep = malloc(2 * SCAN_DEPTH_MAX);
    memset(deep, '[', SCAN_DEPTH_MAX);
    memset(deep + SCAN_DEPTH_MAX, ']', SCAN_DEPTH_MAX);
    outcome = scan_in_two(deep, 2 * SCAN_DEPTH_MAX, 100);
    ck_assert_int_eq(outcome.status, SCAN_DONE);
    free(deep);
}
END_TEST

/* Writes an object of `count` members with a name of its own each, and one whose name is that of member `again`. */
static char *write_many_names(int count, int again, size_t *ret_length)
{
    FILE *stream;
    char *text;

    stream = open_memstream(&text, ret_length);
    ck_assert_ptr_nonnull(stream);
    for (int i = 0; i < count; i++)
        fprintf(stream, "%s\"%x\":0", i ? "," : "{", i);
    if (again >= 0)
        fprintf(stream, ",\"%x\":0", again);
    fputs("}", stream);
    fclose(stream);
    return text;
}

START_TEST(sixteen_thousand_names)
{
    size_t length;
    char *text = write_many_names(16383, -1, &length);
    struct outcome outcome = scan_in_two(text, length, length / 2);

    ck_assert_int_eq(outcome.status, SCAN_DONE);
    free(text);
    for (int again = 0; again < 16382; again += 1637) {
        text = write_many_names(16382, again, &length);
        outcome = scan_in_two(text, length, length / 3);
        ck_assert_int_eq(outcome.status, SCAN_FAULT);
        ck_assert_int_eq(outcome.fault.name, FAULT_PARSE_ERROR);
        ck_assert_int_eq(text[outcome.fault.offset], '"');
        ck_assert_int_eq(text[outcome.fault.offset - 1], ',');
        free(text);
    }
}
END_TEST

#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
#define HAVE_MALLINFO2
#include <malloc.h>

/* A sanitizer's allocator counts nothing here, and looks for itself. */
START_TEST(scanners_that_are_gone_leave_nothing)
{
    char text[2048] = "{";
    struct fault fault;
    size_t before = 0;

    for (int i = 0; i < 100; i++) /* more than are kept without memory of their own */
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"%d\":0", i ? "," : "", i);
    strcat(text, "}");
    for (int i = 0; i < 200; i++) {
        struct scan scan;

        if (i == 100)
            before = mallinfo2().uordblks;
        scan_init(&scan);
        ck_assert_int_eq(scan_run(&scan, text, strlen(text), &limits, &fault), SCAN_DONE);
        scan_deinit(&scan);
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + 1024);
}
END_TEST
#endif

START_TEST(out_of_memory_is_internal)
{
    size_t length;
    char *text = write_many_names(1000, -1, &length);
    long count, n = 1, failures = 0;

    do {
        struct outcome outcome;
        struct scan scan;

        scan_init(&scan);
        fail_alloc_after(n);
        outcome.status = scan_run(&scan, text, length, &limits, &outcome.fault);
        count = fail_alloc_count();
        fail_alloc_after(-1);
        if (outcome.status == SCAN_FAULT) {
            ck_assert_int_eq(outcome.fault.name, FAULT_INTERNAL);
            failures++;
        } else {
            ck_assert_int_eq(outcome.status, SCAN_DONE);
        }
        scan_deinit(&scan);
        ck_assert_int_eq(look(&scan, "{\"a\":1}", 7, &outcome), SCAN_DONE);
        scan_deinit(&scan);
    } while (count >= n++);
    ck_assert_int_eq(failures, n - 2);
    ck_assert_int_eq(failures > 0, allocations_can_fail());
    free(text);
}
END_TEST

/* ---- At random -------------------------------------------------------------------------------------------------- */

static void mutate(char *text, size_t *length)
{
    static const char tempting[] = "\"\\{}[]:,0123456789-+.eEtfnu/ \n\t\x01\x7f\x80\xbf\xc3\xe0\xed\xf0\xf4\xff";
    size_t at = *length ? random_below((unsigned)*length) : 0;

    if (!*length)
        return;
    switch (random_below(3)) {
    case 0:
        text[at] = tempting[random_below(sizeof(tempting) - 1)];
        break;
    case 1:
        memmove(text + at, text + at + 1, *length - at - 1);
        (*length)--;
        break;
    default:
        text[at] = text[random_below((unsigned)*length)];
    }
}

static bool has_long_number(const char *text, size_t length)
{
    size_t digits = 0;

    for (size_t i = 0; i < length; i++) {
        digits = memchr("0123456789+-.eE", text[i], 15) ? digits + 1 : 0;
        if (digits > 60)
            return true;
    }
    return false;
}

/* cJSON takes more than JSON, so all that the scanner accepts; but no number of more than 63 characters. */
static void require_known_to_cjson(const char *text, size_t length)
{
    cJSON *item;

    if (has_long_number(text, length))
        return;
    item = cJSON_ParseWithLength(text, length);
    REQUIRE(item, "cJSON does not accept %.*s", (int)length, text);
    cJSON_Delete(item);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    if (a->status != SCAN_FAULT || b->status != SCAN_FAULT)
        return a->status == b->status;
    return a->fault.name == b->fault.name && a->fault.offset == b->fault.offset &&
           strcmp(a->fault.message, b->fault.message) == 0;
}

static void try_mutations(const cJSON *vector)
{
    size_t length;
    char *text = vector_input(vector, &length);

    for (int i = 0; i < 200 && length && length <= 2000; i++) {
        struct outcome whole, cut, bytes;

        if (i % 10 == 0) {
            free(text);
            text = vector_input(vector, &length);
        }
        mutate(text, &length);
        whole = scan_in_two(text, length, length);
        cut = scan_in_two(text, length, random_below((unsigned)length + 1));
        bytes = scan_byte_by_byte(text, length);
        REQUIRE(same(&whole, &cut) && same(&whole, &bytes), "%.*s", (int)length, text);
        if (whole.status == SCAN_DONE)
            require_known_to_cjson(text, length);
    }
    free(text);
}

START_TEST(mutations_make_no_difference_between_cuts)
{
    seed_random("scan");
    each_vector("scan_accept.jsonl", try_mutations);
}
END_TEST

Suite *unit_scan_suite(void)
{
    Suite *suite = suite_create("unit_scan");
    TCase *tests = tcase_create("scan");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, accepts_what_is_json);
    tcase_add_test(tests, rejects_what_is_not_where_it_is_not);
    tcase_add_test(tests, kinds_are_as_many_as_their_readme_says);
    tcase_add_test(tests, is_small);
    tcase_add_test(tests, text_ends_at_its_last_byte);
    tcase_add_test(tests, limits_are_those_that_are_set);
    tcase_add_test(tests, sixteen_thousand_names);
    tcase_add_test(tests, out_of_memory_is_internal);
#ifdef HAVE_MALLINFO2
    tcase_add_test(tests, scanners_that_are_gone_leave_nothing);
#endif
    tcase_add_test(tests, mutations_make_no_difference_between_cuts);
    suite_add_tcase(suite, tests);
    return suite;
}
