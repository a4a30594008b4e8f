/* SPDX-License-Identifier: MIT */
/*
 * The fuzzers' corpora, and the inputs that once were findings, through the same targets without a fuzzer; and the
 * fuzzers' dictionary, which is made from the table of methods.
 */
#include "fuzz/live_blocks.h"
#include "proto/methods.h"
#include "tests/script.h"
#include "tests/skip.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *fuzz_suite(void);

#define REPLAY_MS 120000 /* far more than it takes, under a sanitizer too */

static const char *const targets[] = {"scan", "request", "session"};

START_TEST(every_input_is_well)
{
    char program[64], made[64], seeds[PATH_MAX], corpus[64], found[64];
    struct process replay;

    snprintf(program, sizeof program, "fuzz/%s", targets[_i]);
    snprintf(made, sizeof made, "fuzz/seeds/%s", targets[_i]);
    snprintf(seeds, sizeof seeds, "%s", built_program(made));
    snprintf(corpus, sizeof corpus, "fuzz/corpus/%s", targets[_i]);
    snprintf(found, sizeof found, "fuzz/found/%s", targets[_i]);
    const char *const arguments[] = {built_program(program), seeds, corpus, found, NULL};

    process_start(&replay, false, arguments);
    script_ended(arguments, &replay, process_wait(&replay, REPLAY_MS));
    ck_assert_ptr_nonnull(strstr(replay.out.text, " runs\n"));
    process_free(&replay);
}
END_TEST

/* Replays one input of tests/replay/leaks.c and returns the exit status. */
static int replay_leaks(const char *input, struct process *ret_replay)
{
    char path[] = "/tmp/minimio-replay-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC), status;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, input, strlen(input)), (ssize_t)strlen(input));
    close(fd);
    status = process_run(ret_replay, (const char *const[]){built_program("tests/replay_leaks"), path, NULL});
    unlink(path);
    return status;
}

START_TEST(replay_finds_a_leak)
{
    struct process replay;

    TEST_NEEDS(LIVE_BLOCKS_COUNTED, "the allocator of the C library");
    ck_assert_int_eq(replay_leaks("leak", &replay), 128 + SIGABRT);
    ck_assert_ptr_nonnull(strstr(replay.err.text, "memory leaks"));
    process_free(&replay);
}
END_TEST

static const char *const kept[] = {"none", "hoard", "alternate"};

START_TEST(replay_accepts_memory_that_is_kept)
{
    struct process replay;

    ck_assert_int_eq(replay_leaks(kept[_i], &replay), 0);
    ck_assert_ptr_nonnull(strstr(replay.out.text, " runs\n"));
    process_free(&replay);
}
END_TEST

static char *read_dictionary(void)
{
    FILE *file = fopen("fuzz/minimio.dict", "re");
    char *text = calloc(1, 1 << 16);

    ck_assert_msg(file && text, "fuzz/minimio.dict cannot be read: run the tests from the root of the repository");
    ck_assert_uint_gt(fread(text, 1, (1 << 16) - 1, file), 0);
    fclose(file);
    return text;
}

static void require_word(const char *dictionary, const char *word, const char *behind)
{
    char line[96];

    snprintf(line, sizeof line, "\n\"\\\"%s\\\"%s\"\n", word, behind);
    ck_assert_msg(strstr(dictionary, line), "fuzz/minimio.dict lacks %s: make fuzz-dictionary", word);
}

START_TEST(every_name_is_in_the_dictionary)
{
    char *dictionary = read_dictionary();

    for (int i = 0; i < METHOD_COUNT; i++) {
        const struct method_info *method = &method_table[i];

        require_word(dictionary, method->name, "");
        for (size_t j = 0; j < method->param_count; j++) {
            require_word(dictionary, method->params[j].name, ":");
            for (const char *const *choice = method->params[j].choices; choice && *choice; choice++)
                require_word(dictionary, *choice, "");
        }
    }
    free(dictionary);
}
END_TEST

START_TEST(the_dictionary_is_as_it_is_made)
{
    char *dictionary = read_dictionary();
    struct process made;

    ck_assert_int_eq(process_run(&made, (const char *const[]){built_program("fuzz/dictionary"), NULL}), 0);
    ck_assert_msg(strcmp(made.out.text, dictionary) == 0, "fuzz/minimio.dict is another: make fuzz-dictionary");
    process_free(&made);
    free(dictionary);
}
END_TEST

Suite *fuzz_suite(void)
{
    Suite *suite = suite_create("fuzz");
    TCase *dictionary = tcase_create("dictionary"), *leaks = tcase_create("leaks");

    for (int i = 0; i < (int)(sizeof targets / sizeof *targets); i++) {
        TCase *replay = tcase_create(targets[i]);

        tcase_set_timeout(replay, REPLAY_MS / 1000 + 30);
        tcase_add_loop_test(replay, every_input_is_well, i, i + 1);
        suite_add_tcase(suite, replay);
    }
    tcase_add_test(leaks, replay_finds_a_leak);
    tcase_add_loop_test(leaks, replay_accepts_memory_that_is_kept, 0, sizeof kept / sizeof *kept);
    suite_add_tcase(suite, leaks);
    tcase_add_test(dictionary, every_name_is_in_the_dictionary);
    tcase_add_test(dictionary, the_dictionary_is_as_it_is_made);
    suite_add_tcase(suite, dictionary);
    return suite;
}
