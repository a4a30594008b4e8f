/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the part of Check's interface that the library's suites use, for Windows, where there is no Check.
 * Each test runs in a process of its own, which is this program again, and is ended when its time is over.
 */
#ifndef MINIMIO_TESTS_WINDOWS_CHECK_H
#define MINIMIO_TESTS_WINDOWS_CHECK_H

#include <stdint.h>
#include <string.h>

typedef struct Suite Suite;
typedef struct TCase TCase;
typedef struct SRunner SRunner;

typedef void (*TFun)(int);
typedef void (*SFun)(void);
typedef struct TTest {
    const char *name;
    TFun fn;
} TTest;

#define START_TEST(test)                                                                                               \
    static void test##_fn(int _i);                                                                                     \
    static const TTest test##_ttest = {#test, test##_fn};                                                              \
    static const TTest *const test = &test##_ttest;                                                                    \
    static void test##_fn(int _i __attribute__((unused)))
#define END_TEST

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void suite_add_tcase(Suite *suite, TCase *tcase);
void tcase_set_timeout(TCase *tcase, double timeout_s);
void tcase_add_checked_fixture(TCase *tcase, SFun setup, SFun teardown);
#define tcase_add_test(tcase, test) tcase_add_loop_test(tcase, test, 0, 1)
void tcase_add_loop_test(TCase *tcase, const TTest *test, int start, int end);
/* SIGABRT alone: the test is to end by abort. */
void tcase_add_loop_test_raise_signal(TCase *tcase, const TTest *test, int signal, int start, int end);

enum print_output { CK_NORMAL };
SRunner *srunner_create(Suite *suite);
void srunner_add_suite(SRunner *runner, Suite *suite);
void srunner_run_all(SRunner *runner, enum print_output output);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

/* Fails the test, from whichever thread. */
__attribute__((noreturn, format(gnu_printf, 3, 4))) void check_fail(const char *file, int line, const char *format,
                                                                    ...);

#define ck_abort_msg(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_msg(condition, ...)                                                                                  \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            check_fail(__FILE__, __LINE__, __VA_ARGS__);                                                               \
    } while (0)
#define ck_assert(condition) ck_assert_msg(condition, "Assertion '%s' failed", #condition)

#define CHECK_COMPARE(type, format, a, relation, b)                                                                    \
    do {                                                                                                               \
        type check_a = (a);                                                                                            \
        type check_b = (b);                                                                                            \
        if (!(check_a relation check_b))                                                                               \
            check_fail(__FILE__, __LINE__, "Assertion '%s' failed: %s == " format ", %s == " format,                   \
                       #a " " #relation " " #b, #a, check_a, #b, check_b);                                             \
    } while (0)

#define ck_assert_int_eq(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, ==, b)
#define ck_assert_int_lt(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, <, b)
#define ck_assert_int_le(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, <=, b)
#define ck_assert_int_gt(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, >, b)
#define ck_assert_int_ge(a, b)   CHECK_COMPARE(intmax_t, "%jd", a, >=, b)
#define ck_assert_uint_eq(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, ==, b)
#define ck_assert_uint_ne(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, !=, b)
#define ck_assert_uint_gt(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, >, b)
#define ck_assert_uint_ge(a, b)  CHECK_COMPARE(uintmax_t, "%ju", a, >=, b)
#define ck_assert_ptr_eq(a, b)   CHECK_COMPARE(const void *, "%p", a, ==, b)
#define ck_assert_ptr_null(a)    CHECK_COMPARE(const void *, "%p", a, ==, NULL)
#define ck_assert_ptr_nonnull(a) CHECK_COMPARE(const void *, "%p", a, !=, NULL)

#define ck_assert_str_eq(a, b)                                                                                         \
    do {                                                                                                               \
        const char *check_a = (a);                                                                                     \
        const char *check_b = (b);                                                                                     \
        if (strcmp(check_a, check_b) != 0)                                                                             \
            check_fail(__FILE__, __LINE__, "Assertion '%s' failed: \"%s\", \"%s\"", #a " == " #b, check_a, check_b);   \
    } while (0)
#define ck_assert_mem_eq(a, b, length)                                                                                 \
    ck_assert_msg(memcmp((a), (b), (length)) == 0, "Assertion '%s' failed", "memory of " #a " == " #b)

#endif
