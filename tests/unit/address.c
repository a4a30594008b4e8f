/* SPDX-License-Identifier: MIT */
/* Addresses as text: how the daemon and its clients read them, that libminimio reads them alike, and what is told. */
#include "daemon/base/address.h"

#include "libminimio/minimio.h"
#include "tests/library/lookup.h"
#include "tests/unit/vectors.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *unit_address_suite(void);

static const char *const literals[] = {
    "0.0.0.0:1", "127.0.0.1:80",         "1.20.255.9:443", "255.255.255.255:65535",
    "[::1]:80",  "[2001:db8::ff]:65535", "[fe80::1%1]:53", "[::ffff:192.0.2.1]:7",
};

#define LITERALS ((int)(sizeof(literals) / sizeof(*literals)))

START_TEST(a_literal_is_formatted_as_it_was_written)
{
    struct span text = {literals[_i], strlen(literals[_i])};
    char formatted[ADDRESS_TEXT_MAX];
    union address address;
    struct target target;

    ck_assert_int_eq(target_parse(text, &target), ENDPOINT_OK);
    ck_assert_int_eq(target_literal(&target, &address), 0);
    address_format(&address.any, formatted);
    ck_assert_str_eq(formatted, literals[_i]);
}
END_TEST

/* ---- The vectors ------------------------------------------------------------------------------------------------ */

static const char *const kinds[] = {
    [ENDPOINT_NAME] = "name", [ENDPOINT_LOCALHOST] = "localhost", [ENDPOINT_V4] = "v4", [ENDPOINT_V6] = "v6"};

static const char *const faults[ENDPOINT_FAULT_COUNT] = {
    [ENDPOINT_OK] = "none",
    [ENDPOINT_NO_PORT] = "no port",
    [ENDPOINT_BAD_PORT] = "port",
    [ENDPOINT_NO_HOST] = "no host",
    [ENDPOINT_UNBRACKETED] = "unbracketed",
    [ENDPOINT_BAD_V6] = "v6",
    [ENDPOINT_BAD_ZONE] = "zone",
    [ENDPOINT_BAD_V4] = "v4",
    [ENDPOINT_BAD_NAME] = "name",
};

/* "" stands for what is not there. */
static const char *text_of(const cJSON *vector, const char *member)
{
    const char *text = vector_text(vector, member);

    return text ? text : "";
}

static void require_span(const cJSON *vector, const char *member, struct span span)
{
    const char *expected = text_of(vector, member);

    ck_assert_msg(span.length == strlen(expected) && !memcmp(span.length ? span.data : "", expected, span.length),
                  "%s: %s \"%.*s\"", vector_name(vector), member, (int)span.length, span.length ? span.data : "");
}

static void require_bytes(const cJSON *vector, const struct endpoint *endpoint)
{
    int family = endpoint->kind == ENDPOINT_V4 ? AF_INET : AF_INET6;
    struct in6_addr expected; /* room for the other family too */

    ck_assert_int_eq(inet_pton(family, text_of(vector, "address"), &expected), 1);
    ck_assert_msg(!memcmp(endpoint->bytes, &expected, family == AF_INET ? 4 : 16), "%s", vector_name(vector));
}

static void read_endpoint(const cJSON *vector)
{
    const char *text = vector_text(vector, "text"), *expected = vector_text(vector, "fault");
    char *copy = exact_copy(text, strlen(text));
    struct endpoint endpoint;
    enum endpoint_fault fault = endpoint_parse((struct span){copy, strlen(text)}, &endpoint);

    ck_assert_msg(!strcmp(faults[fault], expected ? expected : "none"), "%s: %s", vector_name(vector), faults[fault]);
    if (fault == ENDPOINT_OK) {
        ck_assert_msg(!strcmp(kinds[endpoint.kind], text_of(vector, "kind")), "%s: %s", vector_name(vector),
                      kinds[endpoint.kind]);
        ck_assert_int_eq(endpoint.port, (int)vector_number(vector, "port"));
        require_span(vector, "host", endpoint.host);
        require_span(vector, "zone", endpoint.zone);
        if (endpoint.kind == ENDPOINT_V4 || endpoint.kind == ENDPOINT_V6)
            require_bytes(vector, &endpoint);
    } else {
        ck_assert_uint_gt(strlen(endpoint_fault_text(fault)), 10);
    }
    free(copy);
}

START_TEST(an_address_is_read_as_the_vectors_say)
{
    each_vector("addresses.jsonl", read_endpoint);
}
END_TEST

static struct {
    int count;
    char host[300], port[8];
    bool is_localhost;
    struct addrinfo hints;
} lookups;

static int note_lookup(const char *node, const char *service, const struct addrinfo *hints)
{
    lookups.count++;
    lookups.is_localhost = !node;
    lookups.hints = *hints;
    snprintf(lookups.host, sizeof lookups.host, "%s", node ? node : "");
    snprintf(lookups.port, sizeof lookups.port, "%s", service);
    return EAI_FAIL;
}

/* What the library looked up is what the vector says. */
static void require_lookup(const cJSON *vector)
{
    const char *kind = text_of(vector, "kind"), *zone = text_of(vector, "zone");
    bool is_v4 = !strcmp(kind, "v4"), is_v6 = !strcmp(kind, "v6"), is_localhost = !strcmp(kind, "localhost");
    char host[300];

    snprintf(host, sizeof host, "%s%s%s", is_localhost ? "" : text_of(vector, "host"), zone[0] ? "%" : "", zone);
    ck_assert_int_eq(lookups.count, 1);
    ck_assert_msg(!strcmp(lookups.host, host), "%s: %s", vector_name(vector), lookups.host);
    ck_assert_int_eq(atoi(lookups.port), (int)vector_number(vector, "port"));
    ck_assert_int_eq(lookups.is_localhost, is_localhost);
    ck_assert_int_eq(!!(lookups.hints.ai_flags & AI_NUMERICHOST), is_v4 || is_v6);
    ck_assert_int_eq(lookups.hints.ai_family, is_v4 ? AF_INET : is_v6 ? AF_INET6 : AF_UNSPEC);
}

static void connect_to_it(const cJSON *vector)
{
    const char *text = vector_text(vector, "text");
    bool fails = vector_text(vector, "fault");
    struct minimio_tcp_stream *stream;
    char *copy = exact_copy(text, strlen(text) + 1);
    int r;

    lookups.count = 0;
    r = minimio_tcp_stream_connect_host(copy, MINIMIO_FOREVER, &stream);
    ck_assert_msg(r == (fails ? -EINVAL : -EAGAIN), "%s: %d", vector_name(vector), r);
    if (fails)
        ck_assert_msg(!lookups.count, "%s: %s was looked up", vector_name(vector), lookups.host);
    else
        require_lookup(vector);
    free(copy);
}

START_TEST(the_library_reads_an_address_likewise)
{
    lookup_any = note_lookup;
    each_vector("addresses.jsonl", connect_to_it);
}
END_TEST

START_TEST(a_zone_is_an_interface_s_name_or_its_number)
{
    static const char *const texts[] = {"[fe80::1%lo]:80", "[fe80::1%1]:80", "[fe80::1%77777]:80"};
    static const uint32_t scopes[] = {1, 1, 77777};
    static const char unknown[] = "[fe80::1%no-such]:80";
    union address address;
    struct target target;

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(target_parse((struct span){texts[i], strlen(texts[i])}, &target), ENDPOINT_OK);
        ck_assert_int_eq(target_literal(&target, &address), 0);
        ck_assert_uint_eq(address.v6.sin6_scope_id, scopes[i]);
    }
    ck_assert_int_eq(target_parse((struct span){unknown, strlen(unknown)}, &target), ENDPOINT_OK);
    ck_assert_int_eq(target_literal(&target, &address), -ENODEV);
}
END_TEST

START_TEST(another_family_has_no_text)
{
    struct sockaddr local = {.sa_family = AF_UNIX};
    char formatted[ADDRESS_TEXT_MAX] = "before";

    address_format(&local, formatted);
    ck_assert_str_eq(formatted, "");
}
END_TEST

Suite *unit_address_suite(void)
{
    Suite *suite = suite_create("unit_address");
    TCase *tests = tcase_create("text");

    tcase_add_loop_test(tests, a_literal_is_formatted_as_it_was_written, 0, LITERALS);
    tcase_add_test(tests, an_address_is_read_as_the_vectors_say);
    tcase_add_test(tests, the_library_reads_an_address_likewise);
    tcase_add_test(tests, a_zone_is_an_interface_s_name_or_its_number);
    tcase_add_test(tests, another_family_has_no_text);
    suite_add_tcase(suite, tests);
    return suite;
}
