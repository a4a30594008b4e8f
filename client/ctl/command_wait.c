/* SPDX-License-Identifier: MIT */
/*
 * `wait`: waits until all targets, or any target, are open, closed, or have sent data; then executes the given command.
 * Needs no daemon. Ends by _exit or exec, while threads are still running: see prober.h.
 */
#include "client/ctl/commands.h"
#include "client/ctl/curl.h"
#include "client/ctl/options.h"
#include "client/ctl/prober.h"
#include "client/ctl/program.h"
#include "client/ctl/wait_report.h"
#include "client/ctl/wait_target.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct wait {
    const struct command *command;
    char **targets;
    struct wait_target *read; /* the targets */
    size_t count;
    char **program; /* the command to execute; NULL: no command */
    bool any;
    struct wait_report report;
    struct probe_settings settings;
    int64_t deadline_ns;
    struct rlimit descriptors; /* limits at the start, restored for the program */
};

/* ---- Options ---------------------------------------------------------------------------------------------------- */

/* getopt permutes arguments, so cut off the command after `--` before calling getopt. */
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
    return option_duration_from(wait->command, "--interval", optarg, NS_PER_MS, &wait->settings.interval_ns);
}

static int take_goal(struct wait *wait, enum probe_goal goal)
{
    if (wait->settings.goal != PROBE_OPEN && wait->settings.goal != goal)
        return wrong_usage(wait->command, "--closed and --readable are mutually exclusive");
    wait->settings.goal = goal;
    return 0;
}

static int parse_options(struct wait *wait, struct options *options, int argc, char **argv)
{
    int letter;
    int result = 0;

    while (result == 0 && (letter = options_next(wait->command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'i')
            result = parse_interval(wait);
        else if (letter == 's')
            result = option_duration(wait->command, "--stable", optarg, &wait->settings.stable_ns);
        else if (letter == 'q')
            wait->report.quiet = true;
        else if (letter == 'c' || letter == 'r')
            result = take_goal(wait, letter == 'c' ? PROBE_CLOSED : PROBE_READABLE);
        else
            wait->any = letter == 'y';
    }
    options->exit_code = result;
    return result == 0 ? 0 : OPTIONS_EXIT;
}

/* Checks URLs: only URLs need libcurl, and an HTTP server does not send data first. */
static int take_urls(const struct wait *wait)
{
    const char *fault = NULL;
    bool loaded = false;

    for (size_t i = 0; i < wait->count; i++) {
        if (wait->read[i].kind != WAIT_HTTP)
            continue;
        if (wait->settings.goal == PROBE_READABLE)
            return wrong_usage(wait->command, "--readable is not for http:// and https://");
        fault = loaded ? NULL : curl_load();
        if (fault)
            return failed(wait->command, "%s", fault);
        loaded = true;
        fault = curl_url_fault(wait->read[i].place);
        if (fault)
            return wrong_usage(wait->command, "invalid address '%s': %s", wait->read[i].text, fault);
    }
    return 0;
}

static int take_targets(struct wait *wait, int argc, char **argv)
{
    wait->targets = argv + optind;
    wait->count = (size_t)(argc - optind);
    if (wait->count == 0)
        return wrong_usage(wait->command, "missing addresses: HOST:PORT, unix:/PATH or a URL");
    if (wait->count > PROBER_TARGETS_MAX)
        return wrong_usage(wait->command, "too many addresses: %zu, at most %d", wait->count, PROBER_TARGETS_MAX);
    wait->read = calloc(wait->count, sizeof *wait->read);
    if (!wait->read)
        return failed(wait->command, "out of memory");
    for (size_t i = 0; i < wait->count; i++) {
        const char *fault = wait_target_read(wait->targets[i], &wait->read[i]);

        if (fault)
            return wrong_usage(wait->command, "invalid address '%s': %s", wait->targets[i], fault);
    }
    if (wait->program && !wait->program[0])
        return wrong_usage(wait->command, "missing command after --");
    return take_urls(wait);
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/* A target needs a descriptor for the connection and a descriptor for the lookup; the usual limit is 1,024. */
static void raise_descriptor_limit(struct wait *wait)
{
    struct rlimit raised;

    getrlimit(RLIMIT_NOFILE, &wait->descriptors);
    raised = wait->descriptors;
    raised.rlim_cur = raised.rlim_max;
    setrlimit(RLIMIT_NOFILE, &raised);
}

static int wait_become(const struct wait *wait)
{
    setrlimit(RLIMIT_NOFILE, &wait->descriptors);
    return program_become(wait->command, wait->program);
}

/* Reports progress until enough targets have reached the goal, or the deadline. Returns 0 or the exit code. */
static int await_goal(struct wait *wait, struct probers *probers)
{
    int wanted = wait->any ? 1 : (int)wait->count;
    uint64_t changes = 0;
    int result = wait_report_update(&wait->report, probers);

    while (result == 0) {
        int reached = probers_wait(probers, &changes, wait->deadline_ns);

        if (reached == -ETIMEDOUT) {
            result = wait_report_unreached(&wait->report, probers);
            return result != 0 ? result : EXIT_TIMED_OUT;
        }
        result = wait_report_update(&wait->report, probers);
        if (reached >= wanted)
            break;
    }
    return result;
}

static int wait_for_targets(struct wait *wait)
{
    struct probers *probers;
    int result;

    raise_descriptor_limit(wait);
    result = probers_new(wait->read, wait->count, &wait->settings, &probers);
    if (result == 0)
        result = wait_report_begin(&wait->report);
    if (result < 0)
        return failed(wait->command, "out of memory");
    result = probers_start(probers);
    if (result < 0)
        return failed(wait->command, "cannot start a thread for each target: %s", strerror(-result));
    result = await_goal(wait, probers);
    return result == 0 && wait->program ? wait_become(wait) : result;
}

static int run_wait(const struct command *command, struct options *options, int argc, char **argv)
{
    struct wait wait = {.command = command};
    int64_t started_ns = now_ns();
    int result;

    argc = cut_program(&wait, argc, argv);
    if (parse_options(&wait, options, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    result = take_targets(&wait, argc, argv);
    if (result != 0) {
        free(wait.read);
        return result;
    }
    wait.deadline_ns = options->timeout_ns < 0 ? DEADLINE_NEVER : started_ns + options->timeout_ns;
    wait.report = (struct wait_report){.command = command,
                                       .targets = wait.targets,
                                       .count = wait.count,
                                       .goal = wait.settings.goal,
                                       .quiet = wait.report.quiet,
                                       .json = options->json,
                                       .started_ns = started_ns};
    /* exit() would run handlers on objects that running threads may still use. */
    _exit(wait_for_targets(&wait));
}

static const struct option own_options[] = {
    {"all", no_argument, NULL, 'a'},
    {"any", no_argument, NULL, 'y'},
    {"interval", required_argument, NULL, 'i'},
    {"quiet", no_argument, NULL, 'q'},
    {"closed", no_argument, NULL, 'c'},
    {"readable", no_argument, NULL, 'r'},
    {"stable", required_argument, NULL, 's'},
    {0},
};

const struct command command_wait = {
    .options = own_options,
    .name = "wait",
    .arguments = "ADDRESS... [-- COMMAND...]",
    .summary = "wait until servers are up, or down, then run a command",
    .help = "  --all              wait for all addresses (the default)\n"
            "  --any              wait for the first address\n"
            "  --closed           wait until each address accepts no connections\n"
            "  --readable         wait until a server accepts a connection and sends a greeting\n"
            "  --stable D         and it stays so for D: a connection is not closed, each attempt ends alike\n"
            "  --interval D       pause between two attempts (from 100ms, growing to 1s)\n"
            "  --quiet            print nothing\n"
            "\n"
            "ADDRESS is HOST:PORT, tcp://HOST:PORT, unix:/PATH, or a URL, http://... or https://..., which has to\n"
            "answer 2xx or 3xx. URLs need libcurl. Without --timeout there is no limit. Needs no daemon.\n",
    .method = METHOD_COUNT,
    .run = run_wait,
};
