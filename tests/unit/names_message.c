/* SPDX-License-Identifier: MIT */
/* What a process says that looked up a name, and that may have been taken over. */
#include "daemon/connect/names_message.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

Suite *unit_names_message_suite(void);

static struct names_answer answer;

static void add(const char *v4, const char *v6, uint32_t scope)
{
    union address address = {.v4 = {.sin_family = AF_INET}};

    if (v4) {
        inet_pton(AF_INET, v4, &address.v4.sin_addr);
    } else {
        address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_scope_id = scope};
        inet_pton(AF_INET6, v6, &address.v6.sin6_addr);
    }
    names_answer_add(&answer, &address.any);
}

static void set_up(void)
{
    memset(&answer, 0, sizeof answer);
}

START_TEST(addresses_arrive_as_they_were)
{
    union address found;

    add("192.0.2.1", NULL, 0);
    add(NULL, "fe80::1", 7);
    ck_assert(names_answer_is_valid(&answer, names_answer_size(&answer)));
    names_answer_get(&answer, 0, &found);
    ck_assert_int_eq(found.any.sa_family, AF_INET);
    ck_assert_uint_eq(found.v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
    names_answer_get(&answer, 1, &found);
    ck_assert_int_eq(found.any.sa_family, AF_INET6);
    ck_assert_uint_eq(found.v6.sin6_scope_id, 7);
    ck_assert_uint_eq(found.v6.sin6_addr.s6_addr[0], 0xfe);
}
END_TEST

START_TEST(no_more_are_added_than_there_is_room_for)
{
    const struct sockaddr_storage other = {.ss_family = AF_UNIX};

    names_answer_add(&answer, (const struct sockaddr *)&other);
    ck_assert_uint_eq(answer.count, 0);
    for (int i = 0; i < NAMES_ADDRESSES_MAX + 5; i++)
        add("192.0.2.1", NULL, 0);
    ck_assert_uint_eq(answer.count, NAMES_ADDRESSES_MAX);
    ck_assert(names_answer_is_valid(&answer, names_answer_size(&answer)));
}
END_TEST

START_TEST(what_contradicts_itself_is_no_answer)
{
    size_t size;

    add("192.0.2.1", NULL, 0);
    size = names_answer_size(&answer);
    for (size_t other = 0; other < size + 50; other++)
        ck_assert_int_eq(names_answer_is_valid(&answer, other), other == size);
    answer.addresses[0].family = AF_UNIX;
    ck_assert(!names_answer_is_valid(&answer, size));
    answer.addresses[0].family = AF_INET;
    answer.outcome = NAMES_NOT_FOUND;
    ck_assert(!names_answer_is_valid(&answer, size));
    answer.outcome = NAMES_OUTCOMES;
    ck_assert(!names_answer_is_valid(&answer, size));
    answer.outcome = NAMES_FOUND;
    answer.place = NAMES_PLACES_MAX;
    ck_assert(!names_answer_is_valid(&answer, size));
    answer.place = 0;
    answer.count = UINT32_MAX;
    ck_assert(!names_answer_is_valid(&answer, names_answer_size(&answer)));
    answer.count = NAMES_ADDRESSES_MAX + 1;
    ck_assert(!names_answer_is_valid(&answer, names_answer_size(&answer)));
    answer.count = 0;
    ck_assert(!names_answer_is_valid(&answer, names_answer_size(&answer)));
}
END_TEST

Suite *unit_names_message_suite(void)
{
    Suite *suite = suite_create("unit_names_message");
    TCase *tests = tcase_create("answers");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, addresses_arrive_as_they_were);
    tcase_add_test(tests, no_more_are_added_than_there_is_room_for);
    tcase_add_test(tests, what_contradicts_itself_is_no_answer);
    suite_add_tcase(suite, tests);
    return suite;
}
