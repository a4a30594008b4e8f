/* SPDX-License-Identifier: MIT */
/*
 * `top`: a live screen of the daemon's counters and named loops. Without a terminal, prints a report per interval as
 * text; with --json, as an object.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/output.h"
#include "client/ctl/screen.h"
#include "client/ctl/top_draw.h"
#include "client/ctl/top_feed.h"
#include "client/ctl/top_view.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define REFRESH_NS (500 * NS_PER_MS)
#define BLANK_NS   (300 * NS_PER_MS) /* wait for the first sample before drawing an empty screen */

struct top {
    const struct command *command;
    struct options *options;
    struct minimio_client *client;
    int64_t refresh_ns, deadline_ns;
    uint64_t left; /* number of refreshes until exit */
    bool missed;   /* the absence of the daemon has been reported */
    struct top_feed feed;
    struct top_view view;
    struct screen screen;
};

/* ---- Reports ---------------------------------------------------------------------------------------------------- */

static void print_json(const struct top_feed *feed)
{
    const struct top_sample *now = &feed->now;
    const double *counters = now->counters;

    printf("{\"sessions\":%.0f,\"loops\":%.0f,\"streams\":%.0f,\"events_per_second\":%.1f,"
           "\"requests_per_second\":%.1f,\"leases\":%.0f,\"waits\":%.0f,\"redeliveries_per_second\":%.1f,\"named\":[",
           counters[COUNTER_SESSIONS], counters[COUNTER_LOOPS], counters[COUNTER_REGISTRATIONS],
           top_rate(&feed->before, now, COUNTER_EVENTS), top_rate(&feed->before, now, COUNTER_REQUESTS),
           counters[COUNTER_LEASES], counters[COUNTER_WAITS], top_rate(&feed->before, now, COUNTER_REDELIVERIES));
    for (size_t i = 0; i < now->count; i++) {
        const struct top_loop *loop = &now->loops[i];

        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", stdout);
        output_json_string(loop->name);
        printf(",\"uid\":%.0f,\"streams\":%.0f,\"ready\":%.0f,\"attached\":%s,\"slow_ms\":%.0f,\"workers\":%.0f,"
               "\"guests\":%.0f}",
               loop->uid, loop->streams, loop->ready, loop->attached ? "true" : "false", top_slow_ms(now, loop),
               loop->workers, loop->guests);
    }
    puts("]}");
}

/* Prints to standard error, once each, that the daemon is absent or silent, and that the daemon is back, to explain
 * gaps in a log of reports. */
static void say_once(struct top *top)
{
    char text[sizeof top->feed.reason + 64];
    bool stuck = top_feed_is_stuck(&top->feed, text, sizeof text);

    if (stuck && !top->missed)
        failed(top->command, "%s", text);
    else if (!stuck && top->missed)
        failed(top->command, "the daemon is back");
    top->missed = stuck;
}

/* Returns 0, or the exit code. */
static int report(struct top *top, bool first)
{
    if (top->options->json) {
        print_json(&top->feed);
        return output_flush();
    }
    if (top_view_arrange(&top->view, &top->feed.now) < 0)
        return failed(top->command, "out of memory");
    if (!first)
        putchar('\n');
    top_print(&top->view, &top->feed, (size_t)screen_columns(), stdout);
    return output_flush();
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int give_up(const struct top *top, int error)
{
    return failed(top->command, "%s", error == -ENOMEM ? "out of memory" : top->feed.reason);
}

/* Returns 0 to continue, or the exit code. */
static int await_daemon(struct top *top)
{
    short events;
    int fd = top_feed_fd(&top->feed, &events), result;

    if (deadline_left_ns(top->deadline_ns) == 0)
        return EXIT_TIMED_OUT;
    result = deadline_wait_fd(deadline_sooner(top_feed_due_ns(&top->feed), top->deadline_ns), fd, events);
    return result < 0 && result != -ETIMEDOUT
               ? failed(top->command, "cannot wait for the daemon: %s", strerror(-result))
               : 0;
}

/* The first sample of a session has no rates, and is not reported. */
static int run_plain(struct top *top)
{
    uint64_t wanted = top->left;
    int result = 0;

    while (result == 0 && top->left > 0) {
        int step = top_feed_step(&top->feed);

        if (step < 0)
            return give_up(top, step);
        say_once(top);
        if (step == 0) {
            result = await_daemon(top);
        } else if (top->feed.before.at_ns > 0) {
            result = report(top, top->left == wanted);
            top->left--;
        }
    }
    return result;
}

static int redraw(struct top *top)
{
    if (!top->feed.ever && now_ns() - top->feed.asked_ns < BLANK_NS)
        return 0;
    return top_draw(&top->view, &top->feed, &top->screen);
}

/* Waits for a key or a sample. Returns 0 to continue. Errors: -ECANCELED, a key to quit; -EINTR, a signal, or the
 * terminal hung up; -ENOMEM. */
static int await_key(struct top *top)
{
    int64_t due_ns = deadline_sooner(top_feed_due_ns(&top->feed), top->deadline_ns);
    bool arrange = false;
    short events;
    int fd = top_feed_fd(&top->feed, &events), key;

    if (!top->feed.ever)
        due_ns = deadline_sooner(due_ns, deadline_in(BLANK_NS));
    key = screen_wait(&top->screen, fd, events, due_ns);
    if (key == SCREEN_END)
        return -EINTR;
    if (key >= 0 && !top_view_key(&top->view, key, &arrange))
        return -ECANCELED;
    return arrange ? top_view_arrange(&top->view, &top->feed.now) : 0;
}

/* Returns EXIT_DONE, EXIT_TIMED_OUT, or an error of await_key and top_feed_step. */
static int run_screen(struct top *top)
{
    int result = 0;

    while (result == 0) {
        if (deadline_left_ns(top->deadline_ns) == 0)
            return EXIT_TIMED_OUT;
        result = top_feed_step(&top->feed);
        if (result > 0 && top->left-- == 0) /* the last refresh was visible for an interval */
            return EXIT_DONE;
        if (result > 0)
            result = top_view_arrange(&top->view, &top->feed.now);
        if (result == 0 && !screen_has_key(&top->screen))
            result = redraw(top);
        if (result == 0)
            result = await_key(top);
    }
    return result;
}

/* Raises the signal again, so that the parent process sees the signal. The terminal has been restored. */
static int end_by_signal(const struct top *top)
{
    int number = top->screen.signal_number;

    if (number == 0)
        return failed(top->command, "cannot use the terminal: %s",
                      top->screen.error ? strerror(top->screen.error) : "it hung up");
    signal(number, SIG_DFL);
    raise(number);
    return 128 + number;
}

static int watch(struct top *top)
{
    int result;

    if (top->options->json || !screen_is_usable())
        return run_plain(top);
    result = screen_open(&top->screen);
    if (result < 0)
        return failed(top->command, "cannot use the terminal: %s", strerror(-result));
    result = run_screen(top);
    screen_close(&top->screen);
    if (result == -EINTR)
        return end_by_signal(top);
    if (result == -ECANCELED)
        return EXIT_DONE;
    return result < 0 ? give_up(top, result) : result;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

static int parse_options(struct top *top, int argc, char **argv)
{
    int letter, result = 0;

    while (result == 0 && (letter = options_next(top->command, top->options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'c')
            result = option_count(top->command, optarg, &top->left);
        else
            result = option_duration_from(top->command, "--interval", optarg, 10 * NS_PER_MS, &top->refresh_ns);
    }
    top->options->exit_code = result;
    return result == 0 ? 0 : OPTIONS_EXIT;
}

static int run_top(const struct command *command, struct options *options, int argc, char **argv)
{
    struct top top = {.command = command, .options = options, .refresh_ns = REFRESH_NS, .left = UINT64_MAX};
    int result;

    if (parse_options(&top, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    if (optind < argc)
        return unexpected_argument(command, argv[optind]);
    top.deadline_ns = deadline_in(options->timeout_ns);
    result = connection_open(command, options, top.deadline_ns, &top.client);
    if (result == 0) {
        top_feed_init(&top.feed, top.client, top.refresh_ns);
        result = watch(&top);
        top_feed_deinit(&top.feed);
        top_view_deinit(&top.view);
    }
    minimio_client_free(top.client);
    return result;
}

static const struct option own_options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'c'},
    {0},
};

const struct command command_top = {
    .options = own_options,
    .name = "top",
    .arguments = "",
    .summary = "show the state of the daemon: loops, streams, events per second, slow readers",
    .help =
        "  --interval D       between two refreshes (500ms)\n"
        "  --count N          exit after N refreshes\n"
        "\n"
        "Keys: ? shows them all; arrows, PgUp, PgDn, Home, End select a loop, Enter shows all about it; s r n sort\n"
        "by streams, ready, name, and again in reverse; / filters by name, Esc shows all; q quits.\n"
        "SLOW is for how long the session in a loop has left events unfetched. top itself is not counted. If the\n"
        "daemon restarts, top waits and reconnects. If standard input or output is not a terminal, or TERM is\n"
        "dumb, top prints a plain-text report per interval.\n",
    .method = METHOD_COUNT,
    .run = run_top,
};
