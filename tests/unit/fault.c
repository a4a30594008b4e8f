/* SPDX-License-Identifier: MIT */
/* Faults: their names and codes, their texts cut to size, the names of errno values. */
#include "proto/fault.h"
#include "proto/text.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *unit_fault_suite(void);

START_TEST(names_and_codes_are_those_of_the_protocol)
{
    static const char *const names[] = {
        "PARSE_ERROR",    "INVALID_REQUEST", "METHOD_NOT_FOUND", "INVALID_PARAMS", "INTERNAL",      "LOOP_CLOSED",
        "LOOP_OPEN",      "LOOP_BUSY",       "WRONG_DELIVERY",   "TOKEN_EXISTS",   "TOKEN_UNKNOWN", "NOT_CONNECTED",
        "RESOLVE_FAILED", "CONNECT_FAILED",  "TIMED_OUT",        "CANCELLED",      "DENIED",        "LIMIT_EXCEEDED",
        "IO_FAILED",      "FD_MISSING",      "FD_UNSUITABLE",    "POLL_PENDING",   "LEASED",        "LOOP_UNKNOWN",
    };
    static const int codes[] = {-32700, -32600, -32601, -32602, -32603, 1,  2,  3,  4,  5,  6,  7,
                                8,      9,      10,     11,     12,     13, 14, 15, 16, 17, 19, 21};

    ck_assert_int_eq(FAULT_COUNT, sizeof(names) / sizeof(*names));
    for (int i = 0; i < FAULT_COUNT; i++) {
        ck_assert_str_eq(fault_text((enum fault_name)i), names[i]);
        ck_assert_int_eq(fault_code((enum fault_name)i), codes[i]);
    }
}
END_TEST

START_TEST(what_is_not_set_is_none)
{
    struct fault fault;

    memset(&fault, 'x', sizeof(fault));
    fault_set(&fault, FAULT_IO_FAILED, "%s %d", "text", 5);
    ck_assert_int_eq(fault.name, FAULT_IO_FAILED);
    ck_assert_str_eq(fault.message, "text 5");
    ck_assert_int_lt(fault.offset, 0);
    ck_assert_ptr_null(fault.limit);
    ck_assert_str_eq(fault.param, "");
    ck_assert_str_eq(fault.reason, "");
    ck_assert_str_eq(fault.address, "");
    ck_assert_str_eq(fault.rule, "");
    ck_assert_int_eq(fault.error, 0);
    ck_assert_int_lt(fault.expired_ms, 0);
}
END_TEST

START_TEST(limits_and_params)
{
    struct fault fault;

    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "sessions", 1024, "at most %d", 1024);
    ck_assert_int_eq(fault.name, FAULT_LIMIT_EXCEEDED);
    ck_assert_str_eq(fault.limit, "sessions");
    ck_assert_uint_eq(fault.max, 1024);
    ck_assert_str_eq(fault.message, "at most 1024");
    fault_set_param(&fault, "token", "%s is missing", "token");
    ck_assert_int_eq(fault.name, FAULT_INVALID_PARAMS);
    ck_assert_str_eq(fault.param, "token");
    ck_assert_str_eq(fault.message, "token is missing");
    ck_assert_ptr_null(fault.limit);
}
END_TEST

START_TEST(texts_are_cut_at_the_end_of_a_character)
{
    char many[600] = "";
    struct fault fault;

    for (int i = 0; i < 100; i++)
        strcat(many, "\xe2\x82\xac");
    fault_set_param(&fault, many, "a%s", many);
    ck_assert_uint_eq(strlen(fault.message), 1 + 3 * ((sizeof(fault.message) - 2) / 3));
    ck_assert_uint_eq(strlen(fault.param), 3 * ((sizeof(fault.param) - 1) / 3));
    ck_assert(memcmp(fault.param, many, strlen(fault.param)) == 0);
    memset(many, 'x', 599);
    fault_set_param(&fault, many, "%s", many);
    ck_assert_uint_eq(strlen(fault.message), sizeof(fault.message) - 1);
    ck_assert_uint_eq(strlen(fault.param), sizeof(fault.param) - 1);
}
END_TEST

START_TEST(cuts)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};

    for (size_t i = 0; i < sizeof(text); i++)
        ck_assert_uint_eq(text_cut(text, i), expected[i]);
}
END_TEST

START_TEST(errno_has_names)
{
    ck_assert_str_eq(errno_name(ECONNREFUSED), "ECONNREFUSED");
    ck_assert_str_eq(errno_name(EAGAIN), "EAGAIN");
    ck_assert_str_eq(errno_name(1234), "E1234");
    ck_assert_str_eq(errno_name(0), "E0");
}
END_TEST

#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 232
START_TEST(errno_has_the_names_that_the_system_gives)
{
    static const int network[] = {EPERM,        ENOENT,      EINTR,        EIO,          EBADF,         EAGAIN,
                                  ENOMEM,       EACCES,      EMFILE,       ENFILE,       EPIPE,         ENOTSOCK,
                                  EMSGSIZE,     EPROTOTYPE,  ENOPROTOOPT,  EADDRINUSE,   EADDRNOTAVAIL, ENETDOWN,
                                  ENETUNREACH,  ENETRESET,   ECONNABORTED, ECONNRESET,   ENOBUFS,       EISCONN,
                                  ENOTCONN,     ESHUTDOWN,   ETOOMANYREFS, ETIMEDOUT,    ECONNREFUSED,  EHOSTDOWN,
                                  EHOSTUNREACH, EINPROGRESS, EAFNOSUPPORT, EPFNOSUPPORT, EPROTO,        EINVAL};

    for (size_t i = 0; i < sizeof(network) / sizeof(*network); i++)
        ck_assert_str_eq(errno_name(network[i]), strerrorname_np(network[i]));
}
END_TEST
#endif

Suite *unit_fault_suite(void)
{
    Suite *suite = suite_create("unit_fault");
    TCase *tests = tcase_create("fault");

    tcase_add_test(tests, names_and_codes_are_those_of_the_protocol);
    tcase_add_test(tests, what_is_not_set_is_none);
    tcase_add_test(tests, limits_and_params);
    tcase_add_test(tests, texts_are_cut_at_the_end_of_a_character);
    tcase_add_test(tests, cuts);
    tcase_add_test(tests, errno_has_names);
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 232
    tcase_add_test(tests, errno_has_the_names_that_the_system_gives);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
