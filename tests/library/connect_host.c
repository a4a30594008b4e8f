/* SPDX-License-Identifier: MIT */
/*
 * Connecting by name: what is a name, which address is tried, how long.
 * The name "many.test" has the addresses that the test gives it: see lookup.h.
 */
#include "tests/library/support.h"

#include "tests/library/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *library_connect_host_suite(void);

static struct minimio_tcp_stream *stream;

static void tear_down(void)
{
    stream = minimio_tcp_stream_free(stream);
}

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
        "[::1]:80x",
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

    for (int i = 0; i < 2; i++) {
        int before = open_descriptors();
        minimio_fd listener = listen_on(i == 0 ? AF_INET : AF_INET6, &address, &length);
        ck_assert_int_eq(connect_to(i == 0 ? "127.0.0.1" : "[::1]", port_of(&address), PLENTY), 0);
        ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), 0);
        ck_assert_int_eq(minimio_tcp_stream_write(stream, "x", 1), 1);
        stream = minimio_tcp_stream_free(stream);
        close_fd(listener);
        ck_assert_int_eq(open_descriptors(), before);
    }
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

#define MANY_MAX 4

static struct sockaddr_storage many[MANY_MAX];
static size_t many_count;
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

/* Another address of the name: a listener, whose descriptor is returned, or for `refuses` one that has gone. */
static minimio_fd add_address(int family, bool refuses)
{
    socklen_t length;
    minimio_fd listener = listen_on(family, &many[many_count++], &length);

    if (refuses)
        close_fd(listener);
    return listener;
}

static const struct sockaddr_storage *peer(void)
{
    static struct sockaddr_storage address;
    socklen_t length;

    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &address, &length), 0);
    return &address;
}

START_TEST(the_next_address_is_tried_at_once_after_a_refusal)
{
    add_address(AF_INET6, true);
    add_address(AF_INET, true);
    minimio_fd listener = add_address(AF_INET, false);
    int64_t start = now_ns();
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), 0);
    if (!is_slowed_down())
        ck_assert_int_lt(now_ns() - start, 200 * MS);
    ck_assert_int_eq(port_of(peer()), port_of(&many[2]));
    close_fd(listener);
}
END_TEST

START_TEST(the_next_address_is_tried_after_a_quarter_second_of_silence)
{
    minimio_fd filling[FILLING];
    minimio_fd silent = add_address(AF_INET, false);
    minimio_fd listener = add_address(AF_INET, false);
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
    minimio_fd silent = add_address(AF_INET, false);
    minimio_fd second_of_family = add_address(AF_INET, false);
    minimio_fd other_family = add_address(AF_INET6, false);

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
    add_address(AF_INET, true);
    many[many_count++].ss_family = NO_FAMILY;
    ck_assert_int_eq(connect_to("many.test", 80, PLENTY), -EAFNOSUPPORT);
    many_count = 0;
    many[many_count++].ss_family = NO_FAMILY;
    add_address(AF_INET, true);
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
    ck_assert_int_lt(now_ns() - start, PLENTY);
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
    tcase_add_test(tests, literals_of_both_families_connect);
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
