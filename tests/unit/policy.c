/* SPDX-License-Identifier: MIT */
/* Accounts: what is counted by uid, whom it binds, and how long an account lives. */
#include "daemon/base/log.h"
#include "daemon/accounts/accounts.h"

#include <check.h>
#include <errno.h>

Suite *unit_policy_suite(void);

#define USER 1000

static struct limits limits;
static struct accounts accounts;
static struct schedule schedule;
static struct fault fault;

static void set_up(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    limits_init(&limits);
    limits.registrations = limits.registrations_uid = 100;
    limits.descriptors_uid = 500;
    limits.descriptors_unread = 10;
    limits.descriptors_unread_uid = 3;
    schedule_init(&schedule, NULL, NULL, NULL);
    accounts_init(&accounts, &limits, &schedule, 1000);
}

static struct account *join(uid_t uid)
{
    struct account *account;

    ck_assert_int_eq(accounts_add_session(&accounts, uid, &account, &fault), 0);
    return account;
}

static void expect_limit(int result, const char *limit, uint64_t max)
{
    ck_assert_int_eq(result, -EDQUOT);
    ck_assert_int_eq(fault.name, FAULT_LIMIT_EXCEEDED);
    ck_assert_str_eq(fault.limit, limit);
    ck_assert_uint_eq(fault.max, max);
}

START_TEST(named_loops_are_counted_by_uid)
{
    struct account *user = join(USER), *other = join(USER + 1);

    limits.loops_uid = 2;
    ck_assert_int_eq(accounts_add_loop(&accounts, user, &fault), 0);
    ck_assert_int_eq(accounts_add_loop(&accounts, user, &fault), 0);
    expect_limit(accounts_add_loop(&accounts, user, &fault), "loops_uid", 2);
    ck_assert_int_eq(accounts_add_loop(&accounts, other, &fault), 0);
    accounts_remove_loop(&accounts, user);
    ck_assert_int_eq(accounts_add_loop(&accounts, user, &fault), 0);
    accounts_remove_loop(&accounts, user);
    accounts_remove_loop(&accounts, user);
    accounts_remove_loop(&accounts, other);
    accounts_remove_session(&accounts, user);
    accounts_remove_session(&accounts, other);
    ck_assert(RB_EMPTY(&accounts.tree));
}
END_TEST

START_TEST(root_is_bound_by_the_totals_alone)
{
    struct account *root = join(0);

    limits.sessions_uid = limits.registrations_uid = limits.loops_uid = 1;
    limits.sessions = limits.registrations = 2;
    ck_assert_ptr_eq(join(0), root);
    expect_limit(accounts_add_session(&accounts, 0, &root, &fault), "sessions", 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(accounts_add_registration(&accounts, root, &fault), 0);
        ck_assert_int_eq(accounts_add_loop(&accounts, root, &fault), 0);
    }
    expect_limit(accounts_add_registration(&accounts, root, &fault), "registrations", 2);
    for (int i = 0; i < 2; i++) {
        accounts_remove_registration(&accounts, root);
        accounts_remove_loop(&accounts, root);
        accounts_remove_session(&accounts, root);
    }
    ck_assert(RB_EMPTY(&accounts.tree));
}
END_TEST

START_TEST(a_user_is_bound_by_its_own_limits)
{
    struct account *user = join(USER), *unused;

    limits.sessions_uid = limits.registrations_uid = 1;
    expect_limit(accounts_add_session(&accounts, USER, &unused, &fault), "sessions_uid", 1);
    ck_assert_int_eq(accounts_add_registration(&accounts, user, &fault), 0);
    expect_limit(accounts_add_registration(&accounts, user, &fault), "registrations_uid", 1);
    accounts_remove_registration(&accounts, user);
    accounts_remove_session(&accounts, user);
}
END_TEST

/* A limit that was lowered refuses what is new and takes nothing away. */
START_TEST(lowered_limits_take_nothing_away)
{
    struct account *user = join(USER), *unused;

    join(USER);
    limits.sessions = limits.sessions_uid = 1;
    expect_limit(accounts_add_session(&accounts, USER + 1, &unused, &fault), "sessions", 1);
    ck_assert_uint_eq(accounts.sessions, 2);
    accounts_remove_session(&accounts, user);
    accounts_remove_session(&accounts, user);
    ck_assert_ptr_nonnull(join(USER + 1));
    accounts_remove_session(&accounts, RB_ROOT(&accounts.tree));
}
END_TEST

/* A named loop outlives its owner's sessions with all its registrations, and a new session meets the same account. */
START_TEST(an_account_lives_as_long_as_it_has_anything)
{
    struct account *user = join(USER);

    ck_assert_int_eq(accounts_add_loop(&accounts, user, &fault), 0);
    ck_assert_int_eq(accounts_add_registration(&accounts, user, &fault), 0);
    accounts_remove_session(&accounts, user);
    ck_assert_ptr_eq(join(USER), user);
    ck_assert_uint_eq(user->registrations, 1);
    accounts_remove_session(&accounts, user);
    accounts_remove_loop(&accounts, user);
    ck_assert(!RB_EMPTY(&accounts.tree));
    accounts_remove_registration(&accounts, user);
    ck_assert(RB_EMPTY(&accounts.tree));
}
END_TEST

Suite *unit_policy_suite(void)
{
    Suite *suite = suite_create("unit_policy");
    TCase *tests = tcase_create("accounts");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, named_loops_are_counted_by_uid);
    tcase_add_test(tests, root_is_bound_by_the_totals_alone);
    tcase_add_test(tests, a_user_is_bound_by_its_own_limits);
    tcase_add_test(tests, lowered_limits_take_nothing_away);
    tcase_add_test(tests, an_account_lives_as_long_as_it_has_anything);
    suite_add_tcase(suite, tests);
    return suite;
}
