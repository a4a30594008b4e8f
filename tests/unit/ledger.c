/* SPDX-License-Identifier: MIT */
/* The ledger: what is written is read by another, and what is damaged is noticed. */
#include "daemon/keep/ledger.h"

#include "daemon/base/fd_kind.h"
#include "daemon/manager/store_names.h"
#include "proto/methods.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *unit_ledger_suite(void);

static struct ledger *ledger;

static void set_up(void)
{
    ck_assert_int_eq(ledger_new(&ledger), 0);
}

static void tear_down(void)
{
    ledger = ledger_free(ledger);
}

static uint32_t add_loop(const char *name)
{
    struct ledger_loop loop = {
        .name = {name, strlen(name)}, .uid = 1000, .linger_ms = 60000, .delivery = DELIVERY_POLL};
    uint32_t entry;

    ck_assert_int_eq(ledger_add_loop(ledger, &loop, &entry), 0);
    return entry;
}

static uint32_t add_stream(uint32_t loop, uint64_t token)
{
    struct ledger_stream stream = {
        .loop = loop,
        .id = token + 1,
        .token = token,
        .address = {"[::1]:80", 8},
        .interests = READY_WRITABLE,
        .mode = MODE_EDGE,
        .kind = FD_KIND_DATAGRAM,
        .adopted = true,
        .fd = 7,
    };
    uint32_t entry;

    ck_assert_int_eq(ledger_add_stream(ledger, &stream, &entry), 0);
    return entry;
}

/* As the next process has it: by a descriptor alone. */
static struct ledger *reopen(void)
{
    struct ledger *other;

    ck_assert_int_eq(ledger_open(dup(ledger_fd(ledger)), &other), 0);
    return other;
}

static bool span_is(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.data, text, span.length) == 0;
}

START_TEST(what_is_written_is_read_by_another)
{
    uint32_t loop = add_loop("upstreams"), stream = add_stream(loop, 42);
    struct ledger *other = reopen();
    struct ledger_stream found;
    struct ledger_loop found_loop;

    ck_assert_int_eq(ledger_get_loop(other, loop, &found_loop), 0);
    ck_assert(span_is(found_loop.name, "upstreams"));
    ck_assert_uint_eq(found_loop.uid, 1000);
    ck_assert_uint_eq(found_loop.linger_ms, 60000);
    ck_assert_uint_eq(found_loop.delivery, DELIVERY_POLL);
    ck_assert_int_eq(ledger_get_stream(other, stream, &found), 0);
    ck_assert_uint_eq(found.loop, loop);
    ck_assert_uint_eq(found.id, 43);
    ck_assert_uint_eq(found.token, 42);
    ck_assert(span_is(found.address, "[::1]:80"));
    ck_assert_uint_eq(found.interests, READY_WRITABLE);
    ck_assert_uint_eq(found.mode, MODE_EDGE);
    ck_assert_uint_eq(found.kind, FD_KIND_DATAGRAM);
    ck_assert(found.adopted);
    ck_assert_int_eq(found.fd, 7);
    ck_assert_int_eq(ledger_get_loop(other, stream, &found_loop), -ENOENT);
    ck_assert_int_eq(ledger_get_stream(other, loop, &found), -ENOENT);
    ledger_free(other);
}
END_TEST

START_TEST(changes_and_removals_are_seen_at_once)
{
    uint32_t loop = add_loop("a"), stream = add_stream(loop, 1);
    struct ledger *other = reopen();
    struct ledger_stream found;
    struct ledger_loop found_loop;

    ledger_set_loop(ledger, loop, DELIVERY_PUSH, 5);
    ledger_set_stream(ledger, stream, READY_READABLE, MODE_LEVEL, false);
    ledger_set_fd(ledger, stream, 9);
    ck_assert_int_eq(ledger_get_loop(other, loop, &found_loop), 0);
    ck_assert_uint_eq(found_loop.delivery, DELIVERY_PUSH);
    ck_assert_uint_eq(found_loop.linger_ms, 5);
    ck_assert_int_eq(ledger_get_stream(other, stream, &found), 0);
    ck_assert_uint_eq(found.interests, READY_READABLE);
    ck_assert_uint_eq(found.mode, MODE_LEVEL);
    ck_assert_int_eq(found.fd, 9);
    ledger_remove(ledger, stream);
    ck_assert_int_eq(ledger_get_stream(other, stream, &found), -ENOENT);
    ledger_free(other);
}
END_TEST

/* A model in plain arrays, against which adding and removing by chance is held. */
START_TEST(entries_are_reused_and_none_is_lost)
{
    enum { TOKENS = 1500, STEPS = 20000 };
    static uint32_t entries[TOKENS];
    uint32_t loop = add_loop("many");
    struct ledger_stream found;
    struct ledger *other;

    memset(entries, 0, sizeof entries);
    srand(7);
    for (int i = 0; i < STEPS; i++) {
        int token = rand() % TOKENS;
        if (entries[token]) {
            ledger_remove(ledger, entries[token]);
            entries[token] = 0;
        } else {
            entries[token] = add_stream(loop, (uint64_t)token);
        }
    }
    ck_assert_uint_le(ledger_count(ledger), 2048);
    other = reopen();
    for (int token = 0; token < TOKENS; token++) {
        if (!entries[token])
            continue;
        ck_assert_int_eq(ledger_get_stream(other, entries[token], &found), 0);
        ck_assert_uint_eq(found.token, (uint64_t)token);
    }
    ledger_free(other);
}
END_TEST

START_TEST(a_successor_goes_on_writing)
{
    uint32_t loop = add_loop("a"), first = add_stream(loop, 1), second;
    struct ledger *other = reopen();
    struct ledger_stream found;

    ledger_free(ledger);
    ledger = other;
    second = add_stream(loop, 2);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_ne(loop, second);
    ck_assert_int_eq(ledger_get_stream(ledger, first, &found), 0);
    ck_assert_uint_eq(found.token, 1);
}
END_TEST

/* Every byte of an entry, turned, is either noticed or in a place that means nothing. */
START_TEST(damage_is_noticed)
{
    uint32_t loop = add_loop("upstreams"), stream = add_stream(loop, 42);
    struct stat file;
    unsigned char *bytes;
    int noticed = 0;

    ck_assert_int_eq(fstat(ledger_fd(ledger), &file), 0);
    bytes = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, ledger_fd(ledger), 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    for (off_t i = 24; i < 24 + 2 * 352 && i < file.st_size; i++) {
        struct ledger_stream found = {0};
        struct ledger_loop found_loop = {0};
        int of_loop, of_stream;
        bytes[i] ^= 0xff;
        of_loop = ledger_get_loop(ledger, loop, &found_loop);
        of_stream = ledger_get_stream(ledger, stream, &found);
        noticed += of_loop < 0 || of_stream < 0;
        if (of_loop == 0)
            ck_assert(span_is(found_loop.name, "upstreams") && found_loop.uid == 1000);
        if (of_stream == 0)
            ck_assert(found.token == 42 && found.id == 43 && span_is(found.address, "[::1]:80") && found.loop == loop &&
                      found.kind == FD_KIND_DATAGRAM && found.adopted);
        bytes[i] ^= 0xff;
    }
    ck_assert_int_gt(noticed, 60);
    munmap(bytes, (size_t)file.st_size);
}
END_TEST

/* Each of them alone, and with a sum that is right. */
static const struct ledger_stream wrong_streams[] = {
    {.loop = 0, .id = 1, .interests = 1},
    {.loop = 1u << 30, .id = 1, .interests = 1},
    {.loop = 1, .id = 0, .interests = 1},
    {.loop = 1, .id = 1, .token = INTEGER_MAX + 1, .interests = 1},
    {.loop = 1, .id = 1, .interests = 4},
    {.loop = 1, .id = 1, .interests = 1, .mode = MODE_LEVEL + 1},
    {.loop = 1, .id = 1, .interests = 1, .kind = FD_KIND_OTHER + 1},
};

START_TEST(a_stream_that_cannot_be_right_is_none)
{
    struct ledger_stream right = {.loop = 1, .id = 1, .token = INTEGER_MAX, .interests = 3, .mode = MODE_LEVEL};
    struct ledger_stream found;
    uint32_t entry;

    ck_assert_int_eq(ledger_add_stream(ledger, &wrong_streams[_i], &entry), 0);
    ck_assert_int_eq(ledger_get_stream(ledger, entry, &found), -EBADMSG);
    right.kind = FD_KIND_OTHER;
    right.loop = ledger_count(ledger);
    ck_assert_int_eq(ledger_add_stream(ledger, &right, &entry), 0);
    ck_assert_int_eq(ledger_get_stream(ledger, entry, &found), 0);
}
END_TEST

START_TEST(a_loop_that_cannot_be_right_is_none)
{
    static const char name[] = "1234567890123456789012345678901234567890123456789012345678901234567890";
    struct ledger_loop loop, found;
    uint32_t entry;

    for (size_t length = 0; length <= NAME_MAX_BYTES + 1; length++)
        for (uint8_t delivery = 0; delivery <= DELIVERY_POLL + 1; delivery++) {
            bool right = length >= 1 && length <= NAME_MAX_BYTES && delivery <= DELIVERY_POLL;
            loop = (struct ledger_loop){.name = {name, length}, .delivery = delivery};
            ck_assert_int_eq(ledger_add_loop(ledger, &loop, &entry), 0);
            ck_assert_int_eq(ledger_get_loop(ledger, entry, &found), right ? 0 : -EBADMSG);
        }
}
END_TEST

START_TEST(what_is_no_ledger_is_refused)
{
    struct ledger *other = NULL;
    int empty = memfd_create("empty", MFD_CLOEXEC), cut = memfd_create("cut", MFD_CLOEXEC);
    char heading[64];
    int ends[2];

    ck_assert_int_eq(ledger_open(empty, &other), -EBADMSG);
    ck_assert_int_eq(ledger_open(-1, &other), -EBADMSG);
    ck_assert_int_eq(pread(ledger_fd(ledger), heading, sizeof heading, 0), sizeof heading);
    ck_assert_int_eq(write(cut, heading, sizeof heading), sizeof heading);
    ck_assert_int_eq(ledger_open(cut, &other), -EBADMSG);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(ledger_open(ends[0], &other), -EBADMSG);
    ck_assert_ptr_null(other);
    close(ends[0]);
    close(ends[1]);
    close(empty);
    close(cut);
}
END_TEST

START_TEST(another_version_is_refused)
{
    struct ledger *other = NULL;

    ck_assert_int_eq(pwrite(ledger_fd(ledger), "2", 1, 15), 1);
    ck_assert_int_eq(ledger_open(ledger_fd(ledger), &other), -EBADMSG);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(names_and_ids_are_one_to_one)
{
    static const uint64_t ids[] = {1, 2, 63, 64, 65, 4095, 4096, 1000000, STORE_ID_MAX};
    char name[STORE_NAME_SIZE];

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        store_name(ids[i], name);
        ck_assert_uint_lt(strlen(name), sizeof name);
        ck_assert_ptr_null(strchr(name, ':'));
        ck_assert_uint_eq(store_name_id(name), ids[i]);
    }
    ck_assert_uint_eq(store_name_id(""), 0);
    ck_assert_uint_eq(store_name_id("+"), 0);
    ck_assert_uint_eq(store_name_id("ledger"), 0);
    ck_assert_uint_eq(store_name_id("+a:b"), 0);
    ck_assert_uint_eq(store_name_id("+abcdefg"), 0);
    ck_assert_uint_eq(store_name_id("stored"), 0);
}
END_TEST

Suite *unit_ledger_suite(void)
{
    Suite *suite = suite_create("unit_ledger");
    TCase *tests = tcase_create("ledger");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_written_is_read_by_another);
    tcase_add_test(tests, changes_and_removals_are_seen_at_once);
    tcase_add_test(tests, entries_are_reused_and_none_is_lost);
    tcase_add_test(tests, a_successor_goes_on_writing);
    tcase_add_test(tests, damage_is_noticed);
    tcase_add_loop_test(tests, a_stream_that_cannot_be_right_is_none, 0,
                        (int)(sizeof wrong_streams / sizeof wrong_streams[0]));
    tcase_add_test(tests, a_loop_that_cannot_be_right_is_none);
    tcase_add_test(tests, what_is_no_ledger_is_refused);
    tcase_add_test(tests, another_version_is_refused);
    tcase_add_test(tests, names_and_ids_are_one_to_one);
    suite_add_tcase(suite, tests);
    return suite;
}
