/* SPDX-License-Identifier: MIT */
/*
 * `wait`: until each target, or any, accepts a TCP connection; then it becomes the command it was given. Needs no
 * daemon. Ends by _exit or exec, with threads still at work: see prober.h.
 */
#include "client/command.h"

#include "client/deadline.h"
#include "client/prober.h"
#include "client/program.h"
#include "client/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct wait {
    const struct command *command;
    char **targets;
    size_t count;
    char **program; /* what to run then, NULL for nothing */
    bool any;
    bool quiet;
    int64_t interval_ns;
    int64_t deadline_ns;
    struct rlimit descriptors; /* as they were at the start, for the program that is run */
};

/* ---- Options ---------------------------------------------------------------------------------------------------- */

/* getopt moves options in front of the rest, so the command behind `--` is cut off before it looks. */
static int cut_program(struct wait *wait, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            wait->program = argv + i + 1;
            return i;
        }
    return argc;
}

static int parse_interval(struct wait *wait)
{
    int r = option_duration(wait->command, "--interval", optarg, &wait->interval_ns);

    if (r == 0 && wait->interval_ns < NS_PER_MS)
        return wrong_usage(wait->command, "--interval: '%s' is less than 1ms", optarg);
    return r;
}

static int parse_options(struct wait *wait, struct options *options, int argc, char **argv)
{
    static const struct option table[] = {
        {"all", no_argument, NULL, 'a'},
        {"any", no_argument, NULL, 'y'},
        {"interval", required_argument, NULL, 'i'},
        {"quiet", no_argument, NULL, 'q'},
        COMMON_OPTIONS,
    };
    int letter;
    int r = 0;

    while (r == 0 && (letter = options_next(wait->command, options, argc, argv, table)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'i')
            r = parse_interval(wait);
        else if (letter == 'q')
            wait->quiet = true;
        else
            wait->any = letter == 'y';
    }
    options->exit_code = r;
    return r == 0 ? 0 : OPTIONS_EXIT;
}

static int take_targets(struct wait *wait, int argc, char **argv)
{
    wait->targets = argv + optind;
    wait->count = (size_t)(argc - optind);
    if (wait->count == 0)
        return wrong_usage(wait->command, "what to wait for is missing: HOST:PORT...");
    if (wait->count > PROBER_TARGETS_MAX)
        return wrong_usage(wait->command, "%zu targets are more than the limit: targets, at most %d", wait->count,
                           PROBER_TARGETS_MAX);
    for (size_t i = 0; i < wait->count; i++) {
        const char *fault = target_fault(wait->targets[i]);

        if (fault)
            return wrong_usage(wait->command, "'%s': %s", wait->targets[i], fault);
    }
    if (wait->program && !wait->program[0])
        return wrong_usage(wait->command, "the command to run is missing behind --");
    return 0;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/* A target takes a descriptor for its connection and one for looking up its name, and 1,024 are soon gone. */
static void raise_descriptor_limit(struct wait *wait)
{
    struct rlimit raised;

    getrlimit(RLIMIT_NOFILE, &wait->descriptors);
    raised = wait->descriptors;
    raised.rlim_cur = raised.rlim_max;
    setrlimit(RLIMIT_NOFILE, &raised);
}

static const char *error_text(int error)
{
    switch (error) {
    case 0:
    case -ETIMEDOUT:
        return "no answer";
    case -ENOENT:
        return "no such host";
    case -EAGAIN:
        return "its name could not be looked up";
    default:
        return strerror(-error);
    }
}

/* A thousand lines one by one would take their time, when there is none left: they are written at once. */
static void report_unanswered(const struct wait *wait, struct probers *probers)
{
    static char lines[64 * 1024];

    setvbuf(stderr, lines, _IOFBF, sizeof(lines));
    for (size_t i = 0; i < wait->count; i++) {
        int error;

        if (!probers_answered(probers, i, &error))
            failed(wait->command, "%s: %s", wait->targets[i], error_text(error));
    }
    fflush(stderr);
}

static int become(const struct wait *wait)
{
    setrlimit(RLIMIT_NOFILE, &wait->descriptors);
    return program_become(wait->command, wait->program);
}

static int wait_for_targets(struct wait *wait)
{
    struct probers *probers;
    int r;

    raise_descriptor_limit(wait);
    r = probers_new(wait->targets, wait->count, wait->interval_ns, &probers);
    if (r < 0)
        return failed(wait->command, "out of memory");
    r = probers_start(probers);
    if (r < 0)
        return failed(wait->command, "cannot start a thread for each target: %s", strerror(-r));
    r = probers_wait(probers, wait->any ? 1 : wait->count, wait->deadline_ns);
    if (r == 0)
        return wait->program ? become(wait) : EXIT_DONE;
    if (!wait->quiet)
        report_unanswered(wait, probers);
    return EXIT_TIMED_OUT;
}

static int run(const struct command *command, struct options *options, int argc, char **argv)
{
    struct wait wait = {.command = command};
    int64_t started_ns = now_ns();
    int r;

    argc = cut_program(&wait, argc, argv);
    if (parse_options(&wait, options, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    r = take_targets(&wait, argc, argv);
    if (r != 0)
        return r;
    wait.deadline_ns = options->timeout_ns < 0 ? DEADLINE_NEVER : started_ns + options->timeout_ns;
    /* What exit would run, threads that are still at work may yet use. */
    _exit(wait_for_targets(&wait));
}

const struct command command_wait = {
    .name = "wait",
    .arguments = "HOST:PORT... [-- COMMAND...]",
    .summary = "wait until servers accept connections, then run a command",
    .help = "  --all              wait for each of them (the default)\n"
            "  --any              wait for the first of them\n"
            "  --interval D       pause between two tries (from 100ms, growing to 1s)\n"
            "  --quiet            do not say at the timeout who did not answer, and why\n"
            "\n"
            "Without --timeout it waits as long as it takes. Needs no daemon.\n",
    .method = METHODS,
    .run = run,
};
