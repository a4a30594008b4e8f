/* SPDX-License-Identifier: MIT */
/* Rules about addresses: what may be written, what each matches, and that no guise of an address gets around one. */
#include "daemon/config/rules.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *unit_rules_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct rules rules;

static void set_up(void)
{
    rules = (struct rules){0};
}

static void tear_down(void)
{
    rules_deinit(&rules);
}

/* "deny 10.0.0.0/8" as it is told of. */
static void add(const char *rule)
{
    bool deny = !strncmp(rule, "deny ", 5);
    const char *advice = "";

    ck_assert_msg(rules_add(&rules, deny, strchr(rule, ' ') + 1, &advice) == 0, "%s: %s", rule, advice);
}

static union address address_of(const char *host, uint16_t port)
{
    union address address = {0};

    address.any.sa_family = strchr(host, ':') ? AF_INET6 : AF_INET;
    ck_assert_int_eq(inet_pton(address.any.sa_family, host,
                               strchr(host, ':') ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr),
                     1);
    address_set_port(&address, port);
    return address;
}

static const char *denying(const char *host, uint16_t port)
{
    union address address = address_of(host, port);
    const char *rule = rules_denying(&rules, &address);

    return rule ? rule : "allowed";
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static const char *const good[] = {
    "10.0.0.0/8",
    "0.0.0.0/0",
    "192.0.2.7",
    "192.0.2.7/32:1",
    "192.0.2.7:65535",
    "192.0.2.0/24:8000-8999",
    "192.0.2.0/24:80-80",
    "[2001:db8::]/32",
    "[::]/0",
    "[::1]",
    "[::1]:80",
    "[2001:db8::]/32:80-443",
    "[::ffff:10.0.0.0]/104",
    "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]/128:10000-65535",
    "*",
    "*:25",
    "*:1-1023",
};

START_TEST(what_may_be_written_is_told_as_written)
{
    char expected[RULE_TEXT_MAX];

    rules.default_deny = false;
    ck_assert_int_lt(snprintf(expected, sizeof expected, "allow %s", good[_i]), RULE_TEXT_MAX);
    add(expected);
    ck_assert_str_eq(rules.list[0].text, expected);
}
END_TEST

static const struct {
    const char *text, *advice;
} bad[] = {
    {"", "write an address"},
    {"example.com", "names are not rules"},
    {"10.0.0", "four integers"},
    {"10.0.0.0.0", "four integers"},
    {"010.0.0.1", "four integers"},
    {"127.1", "four integers"},
    {"0x7f.1", "four integers"},
    {"2130706433/32", "four integers"},
    {"0x7f000001:80", "four integers"},
    {"1.2.3.4.", "four integers"},
    {"1.2.3.4.:80", "four integers"},
    {"\xef\xbc\x91.2.3.4", "four integers"},
    {"1.2.3.4%lo", "write an address"},
    {"10.0.0.0/08", "number of bits"},
    {"10.0.0.0/8:080", "one port"},
    {"10.0.0.0/8:80-0443", "one port"},
    {"::1", "in brackets"},
    {"2001:db8::/32", "in brackets"},
    {"[10.0.0.1]", "write an address"},
    {"[::1", "write an address"},
    {"[]", "write an address"},
    {"[fe80::1%lo]", "write an address"},
    {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]", "write an address"},
    {"10.0.0.0/", "number of bits"},
    {"10.0.0.0/33", "number of bits"},
    {"10.0.0.0/-1", "number of bits"},
    {"10.0.0.0/99999999999999999999", "number of bits"},
    {"[::]/129", "number of bits"},
    {"10.0.0.1/8", "bits beyond its prefix"},
    {"[2001:db8::1]/127", "bits beyond its prefix"},
    {"0.0.0.1/0", "bits beyond its prefix"},
    {"10.0.0.0/8:", "one port"},
    {"10.0.0.0/8:0", "one port"},
    {"10.0.0.0/8:65536", "one port"},
    {"10.0.0.0/8:100000", "one port"},
    {"10.0.0.0/8:80-", "one port"},
    {"10.0.0.0/8:443-80", "one port"},
    {"10.0.0.0/8:-80", "one port"},
    {"10.0.0.0/8:http", "one port"},
    {"10.0.0.0/8:80,443", "one rule a line"},
    {"10.0.0.0/8, 11.0.0.0/8", "one rule a line"},
    {"10.0.0.0/8 ", "one rule a line"},
    {"*/8", "one rule a line"},
    {"[::1]]", "one rule a line"},
};

START_TEST(what_may_not_be_written_has_an_advice)
{
    const char *advice = NULL;

    ck_assert_int_eq(rules_add(&rules, true, bad[_i].text, &advice), -EINVAL);
    ck_assert_ptr_nonnull(advice);
    ck_assert_msg(strstr(advice, bad[_i].advice), "'%s': %s", bad[_i].text, advice);
    ck_assert_uint_eq(rules.count, 0);
}
END_TEST

/* ---- Matching --------------------------------------------------------------------------------------------------- */

START_TEST(without_rules_all_is_allowed)
{
    ck_assert_str_eq(denying("127.0.0.1", 80), "allowed");
    ck_assert_str_eq(denying("::1", 80), "allowed");
    rules.default_deny = true;
    ck_assert_str_eq(denying("127.0.0.1", 80), "default deny");
    ck_assert_str_eq(denying("::1", 80), "default deny");
}
END_TEST

START_TEST(the_first_match_decides)
{
    add("deny 10.1.0.0/16:22");
    add("allow 10.1.0.0/16");
    add("deny 10.0.0.0/8");
    ck_assert_str_eq(denying("10.1.2.3", 22), "deny 10.1.0.0/16:22");
    ck_assert_str_eq(denying("10.1.2.3", 23), "allowed");
    ck_assert_str_eq(denying("10.2.2.3", 23), "deny 10.0.0.0/8");
    ck_assert_str_eq(denying("11.0.0.1", 22), "allowed");
}
END_TEST

static const struct {
    const char *rule, *host;
    uint16_t port;
    bool matches;
} edges[] = {
    {"deny 10.0.0.0/8", "10.255.255.255", 1, true},
    {"deny 10.0.0.0/8", "11.0.0.0", 1, false},
    {"deny 192.0.2.128/25", "192.0.2.127", 1, false},
    {"deny 192.0.2.128/25", "192.0.2.128", 1, true},
    {"deny 192.0.2.7", "192.0.2.7", 65535, true},
    {"deny 192.0.2.7", "192.0.2.6", 65535, false},
    {"deny 0.0.0.0/0", "255.255.255.255", 1, true},
    {"deny 0.0.0.0/0", "2001:db8::1", 1, false},
    {"deny [2001:db8::]/33", "2001:db8:7fff::1", 1, true},
    {"deny [2001:db8::]/33", "2001:db8:8000::1", 1, false},
    {"deny [2001:db8::1]", "2001:db8::1", 1, true},
    {"deny [2001:db8::1]", "2001:db8::3", 1, false},
    {"deny [::]/0", "2001:db8::1", 1, true},
    {"deny [::]/0", "10.0.0.1", 1, false},
    {"deny *:25", "10.0.0.1", 25, true},
    {"deny *:25", "2001:db8::1", 25, true},
    {"deny *:25", "10.0.0.1", 26, false},
    {"deny *:80-443", "10.0.0.1", 79, false},
    {"deny *:80-443", "10.0.0.1", 80, true},
    {"deny *:80-443", "10.0.0.1", 443, true},
    {"deny *:80-443", "10.0.0.1", 444, false},
};

START_TEST(prefixes_and_ports_end_where_they_say)
{
    add(edges[_i].rule);
    ck_assert_str_eq(denying(edges[_i].host, edges[_i].port), edges[_i].matches ? edges[_i].rule : "allowed");
}
END_TEST

static const struct {
    const char *rule, *host;
} guises[] = {
    {"deny 10.0.0.0/8", "::ffff:10.1.2.3"},
    {"deny [::ffff:10.0.0.0]/104", "10.1.2.3"},
    {"deny [::ffff:10.0.0.0]/104", "::ffff:10.1.2.3"},
    {"deny [::ffff:0.0.0.0]/96", "192.0.2.1"},
    {"deny [::]/0", "::ffff:10.1.2.3"},
    {"deny 127.0.0.0/8", "0.0.0.0"},
    {"deny 127.0.0.0/8", "::ffff:0.0.0.0"},
    {"deny 127.0.0.0/8", "::ffff:127.0.0.1"},
    {"deny 0.0.0.0", "0.0.0.0"},
    {"deny 0.0.0.0/8", "::ffff:0.0.0.0"},
    {"deny [::1]", "::"},
    {"deny [::]", "::"},
};

START_TEST(no_guise_gets_around_a_denial)
{
    add(guises[_i].rule);
    ck_assert_str_eq(denying(guises[_i].host, 80), guises[_i].rule);
}
END_TEST

/* What is allowed as IPv6 does not let an IPv4 address in that is not. */
START_TEST(no_guise_is_let_in_by_what_it_is_not)
{
    rules.default_deny = true;
    add("allow [::]/0");
    ck_assert_str_eq(denying("2001:db8::1", 80), "allowed");
    ck_assert_str_eq(denying("::", 80), "allowed");
    ck_assert_str_eq(denying("::ffff:10.0.0.1", 80), "default deny");
    add("allow 0.0.0.0");
    ck_assert_str_eq(denying("0.0.0.0", 80), "default deny");
    add("allow [::ffff:10.0.0.0]/104");
    ck_assert_str_eq(denying("::ffff:10.0.0.1", 80), "allowed");
    ck_assert_str_eq(denying("10.0.0.1", 80), "allowed");
    add("allow 127.0.0.1");
    ck_assert_str_eq(denying("0.0.0.0", 80), "allowed");
}
END_TEST

START_TEST(a_scope_is_no_part_of_an_address)
{
    union address address = address_of("fe80::1", 80);

    add("deny [fe80::]/10");
    address.v6.sin6_scope_id = 3;
    ck_assert_str_eq(rules_denying(&rules, &address), "deny [fe80::]/10");
}
END_TEST

/* Against a comparison bit by bit. */
static bool agrees(const uint8_t *left, const uint8_t *right, unsigned bits)
{
    for (unsigned bit = 0; bit < bits; bit++)
        if ((left[bit / 8] ^ right[bit / 8]) & (0x80 >> bit % 8))
            return false;
    return true;
}

START_TEST(every_prefix_length_is_exact)
{
    unsigned seed = (unsigned)time(NULL);

    srand(seed);
    for (unsigned prefix = 0; prefix <= 32; prefix++)
        for (int i = 0; i < 200; i++) {
            uint32_t mask = prefix ? htonl(UINT32_MAX << (32 - prefix)) : 0;
            uint32_t net = ((uint32_t)rand() << 16 ^ (uint32_t)rand()) & mask;
            uint32_t near = net ^ htonl(UINT32_C(1) << (unsigned)rand() % 32);
            union address address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = near}};
            char host[INET_ADDRSTRLEN], text[RULE_TEXT_MAX];
            bool denied;

            if (!near)
                continue; /* the loopback in disguise */
            inet_ntop(AF_INET, &net, host, sizeof host);
            snprintf(text, sizeof text, "deny %s/%u", host, prefix);
            add(text);
            denied = rules_denying(&rules, &address) != NULL;
            ck_assert_msg(denied == agrees((const uint8_t *)&net, (const uint8_t *)&near, prefix), "seed %u: %s", seed,
                          text);
            rules_deinit(&rules);
        }
}
END_TEST

Suite *unit_rules_suite(void)
{
    Suite *suite = suite_create("unit_rules");
    TCase *tests = tcase_create("rules");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_may_be_written_is_told_as_written, 0, LENGTH(good));
    tcase_add_loop_test(tests, what_may_not_be_written_has_an_advice, 0, LENGTH(bad));
    tcase_add_test(tests, without_rules_all_is_allowed);
    tcase_add_test(tests, the_first_match_decides);
    tcase_add_loop_test(tests, prefixes_and_ports_end_where_they_say, 0, LENGTH(edges));
    tcase_add_loop_test(tests, no_guise_gets_around_a_denial, 0, LENGTH(guises));
    tcase_add_test(tests, no_guise_is_let_in_by_what_it_is_not);
    tcase_add_test(tests, a_scope_is_no_part_of_an_address);
    tcase_add_test(tests, every_prefix_length_is_exact);
    suite_add_tcase(suite, tests);
    return suite;
}
