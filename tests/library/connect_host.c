/* SPDX-License-Identifier: MIT */
/*
 * Connecting by name: what is a name, which address is tried, how long.
 * The name "many.test" has the addresses that the test gives it: see lookup.h.
 */
#include "tests/library/support.h"

#include "tests/library/ipv6.h"
#include "tests/library/lookup.h"
#include "tests/skip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *library_connect_host_suite(void);

static struct minimio_tcp_stream *stream;

static int port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

static int connect_to(const char *host, int port, int64_t timeout_ns)
{
    char text[64];

    snprintf(text, sizeof(text), "%s:%d", host, port);
    return minimio_tcp_stream_connect_host(text, timeout_ns, &stream);
}

static const struct sockaddr_storage *peer(void)
{
    static struct sockaddr_storage address;
    socklen_t length;

    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &address, &length), 0);
    return &address;
}

START_TEST(what_is_no_host_and_port_is_refused)
{
    static const char *const texts[] = {
        "",
        "localhost",
        "localhost:",
        ":80",
        "localhost:0",
        "localhost:65536",
        "localhost:http",
        "localhost:8 ",
        "localhost:+8",
        "localhost:-1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[]:80",
        "[::1:80",
        "[127.0.0.1]:80",
        "[localhost]:80",
        "localhost:000080",
        "localhost:080",
        "[::1]:80x",
        "[zz]:80",
        "[::1%1]:80",
        "[fe80::1%0]:80",
        "127.0.0.010:80",
        "127.1:80",
        "0x7f.1:80",
        "2130706433:80",
        "127.0.0.1.:80",
        "127.0.0.1%1:80",
        "a..b:80",
        "\xef\xbc\x91.2.3.4:80",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int r = minimio_tcp_stream_connect_host(texts[i], PLENTY, &stream);
        ck_assert_msg(r == -EINVAL, "\"%s\" gave %d", texts[i], r);
        ck_assert_ptr_null(stream);
    }
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    strcpy(longest + 390, ":80");
    ck_assert_int_eq(minimio_tcp_stream_connect_host(longest, PLENTY, &stream), -EINVAL);
}
END_TEST

START_TEST(literals_of_both_families_connect)
{
    struct sockaddr_storage address;
    socklen_t length;

    TEST_NEEDS(_i == 0 || has_ipv6(), IPV6);
    int before = open_descriptors();
    minimio_fd listener = listen_on(_i == 0 ? AF_INET : AF_INET6, &address, &length);
    ck_assert_int_eq(connect_to(_i == 0 ? "127.0.0.1" : "[::1]", port_of(&address), PLENTY), 0);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_write(stream, "x", 1), 1);
    stream = minimio_tcp_stream_free(stream);
    close_fd(listener);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* RFC 6761: a name server, or a file of the system's, may say otherwise. */
START_TEST(localhost_is_the_loopback)
{
    static const char *const names[] = {"localhost", "LocalHost.", "any.localhost", "many.test.localhost."};
    int family = _i % 2 == 0 ? AF_INET : AF_INET6;
    struct sockaddr_storage address;
    socklen_t length;

    TEST_NEEDS(family == AF_INET || has_ipv6(), IPV6);
    minimio_fd listener = listen_on(family, &address, &length);
    ck_assert_int_eq(connect_to(names[_i / 2], port_of(&address), PLENTY), 0);
    ck_assert_int_eq(peer()->ss_family, family);
    close_fd(listener);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    struct sockaddr_storage address;
    socklen_t length;

    close_fd(listen_on(AF_INET, &address, &length));
    ck_assert_int_eq(connect_to("127.0.0.1", port_of(&address), PLENTY), -ECONNREFUSED);
    ck_assert_int_eq(connect_to("localhost", port_of(&address), PLENTY), -ECONNREFUSED);
    ck_assert_ptr_null(stream);
}
END_TEST

/* ---- A name of many addresses ----------------------------------------------------------------------------------- */

#define MANY_MAX 101

static struct sockaddr_storage many[MANY_MAX];
static size_t many_count;
static minimio_fd refusing[MANY_MAX];
static int refusing_count;
static int many_error;

static int look_up(struct addrinfo **ret_list)
{
    /* What came before the lookup may have left another. */
    errno = EMFILE;
    if (many_error != 0)
        return many_error;
    for (size_t i = 0; i < many_count; i++, ret_list = &(*ret_list)->ai_next)
        *ret_list = lookup_node(&many[i]);
    return 0;
}

static void set_up(void)
{
    lookup_many = look_up;
}

static void tear_down(void)
{
    stream = minimio_tcp_stream_free(stream);
    close_all(refusing, refusing_count);
}

/* Another address of the name, of a listener. */
static minimio_fd add_address(int family)
{
    socklen_t length;

    return listen_on(family, &many[many_count++], &length);
}

/* Another address of the name, which refuses connections until the end of the test. */
static void add_refusing_address(int family)
{
    socklen_t length;

    refusing[refusing_count++] = bind_on(family, &many[many_count++], &length);
}

/* With the pause of a quarter second after each refusal, the attempts would take longer than the timeout. */
START_TEST(the_next_address_is_tried_at_once_after_a_refusal)
{
    bool both = has_ipv6();

    for (int i = 0; i < 100; i++)
        add_refusing_address(both && i % 2 == 0 ? AF_INET6 : AF_INET);
    minimio_fd listener = add_address(AF_INET);
    ck_assert_int_eq(connect_to("many.test", 80, 100 * 250 * MS - 1), 0);
    ck_assert_int_eq(port_of(peer()), port_of(&many[100]));
    close_fd(listener);
}
END_TEST

START_TEST(the_next_address_is_tried_after_a_quarter_second_of_silence)
{
    minimio_fd filling[FILLING];
    minimio_fd silent = add_address(AF_INET);
    minimio_fd listener = add_address(AF_INET);
    int before = open_descriptors();

    fill_listener(silent, &many[0], filling);
    int64_t start = now_ns();
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), 0);
    ck_assert_int_ge(now_ns() - start, 250 * MS);
    ck_assert_int_eq(port_of(peer()), port_of(&many[1]));
    stream = minimio_tcp_stream_free(stream);
    ck_assert_int_eq(open_descriptors(), before + FILLING);
    close_all(filling, FILLING);
    close_fd(silent);
    close_fd(listener);
}
END_TEST

START_TEST(families_take_turns)
{
    minimio_fd filling[FILLING];

    TEST_NEEDS(has_ipv6(), IPV6);
    minimio_fd silent = add_address(AF_INET);
    minimio_fd second_of_family = add_address(AF_INET);
    minimio_fd other_family = add_address(AF_INET6);
    fill_listener(silent, &many[0], filling);
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), 0);
    ck_assert_int_eq(peer()->ss_family, AF_INET6);
    close_all(filling, FILLING);
    close_fd(silent);
    close_fd(second_of_family);
    close_fd(other_family);
}
END_TEST

START_TEST(the_last_address_s_error_is_told)
{
    add_refusing_address(AF_INET);
    many[many_count++].ss_family = NO_FAMILY;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -EAFNOSUPPORT);
    many_count = 0;
    many[many_count++].ss_family = NO_FAMILY;
    add_refusing_address(AF_INET);
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -ECONNREFUSED);
}
END_TEST

START_TEST(errors_of_the_lookup_are_told)
{
    many_error = EAI_NONAME;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -ENOENT);
    many_error = EAI_NODATA;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -ENOENT);
    many_error = EAI_AGAIN;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -EAGAIN);
    many_error = EAI_MEMORY;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -ENOMEM);
#ifdef EAI_SYSTEM
    many_error = EAI_SYSTEM;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -EMFILE);
#endif
    ck_assert_ptr_null(stream);
}
END_TEST

START_TEST(its_timeout_is_kept)
{
    struct sockaddr_storage address;
    socklen_t length;
    minimio_fd filling[FILLING];
    minimio_fd listener = listen_on(AF_INET, &address, &length);

    fill_listener(listener, &address, filling);
    int before = open_descriptors();
    int64_t start = now_ns();
    ck_assert_int_eq(connect_to("127.0.0.1", port_of(&address), 60 * MS), -ETIMEDOUT);
    ck_assert_int_ge(now_ns() - start, 60 * MS);
    ck_assert_int_eq(connect_to("127.0.0.1", port_of(&address), 0), -ETIMEDOUT);
    ck_assert_int_eq(open_descriptors(), before);
    close_all(filling, FILLING);
    close_fd(listener);
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_told)
{
    /* Without a name server the lookup fails for now; with one it says that there is no such name. */
    int r = connect_to("no-such-name.invalid", 80, PLENTY);

    ck_assert(r == -ENOENT || r == -EAGAIN);
}
END_TEST

Suite *library_connect_host_suite(void)
{
    Suite *suite = suite_create("library_connect_host");
    TCase *tests = tcase_create("connect host");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_no_host_and_port_is_refused);
    tcase_add_loop_test(tests, literals_of_both_families_connect, 0, 2);
    tcase_add_loop_test(tests, localhost_is_the_loopback, 0, 8);
    tcase_add_test(tests, a_refusal_is_told);
    tcase_add_test(tests, the_next_address_is_tried_at_once_after_a_refusal);
    tcase_add_test(tests, the_next_address_is_tried_after_a_quarter_second_of_silence);
    tcase_add_test(tests, families_take_turns);
    tcase_add_test(tests, the_last_address_s_error_is_told);
    tcase_add_test(tests, errors_of_the_lookup_are_told);
    tcase_add_test(tests, its_timeout_is_kept);
    tcase_add_test(tests, a_name_that_does_not_exist_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
