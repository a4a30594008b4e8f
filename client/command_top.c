/* SPDX-License-Identifier: MIT */
/*
 * `top`: a live screen of the daemon's counters and named loops. In a pipe the same as text, one after the other; with
 * --json an object a refresh.
 */
#include "client/command.h"

#include "client/deadline.h"
#include "client/output.h"
#include "client/screen.h"
#include "client/top_sample.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFRESH_NS (500 * NS_PER_MS)
#define LATEST_NS  (5 * NS_PER_S) /* for a daemon's answer: a screen that stands still longer tells nothing */

enum order { BY_STREAMS, BY_READY, BY_NAME };

struct top {
    const struct command *command;
    struct options *options;
    struct minimio_client *client;
    int64_t refresh_ns, deadline_ns;
    uint64_t left; /* how many refreshes are wanted yet */
    struct top_sample before, now;
    enum order order;
    bool reversed;
    bool typing; /* the filter */
    char filter[NAME_MAX_BYTES + 1];
    size_t first; /* of the loops shown */
    struct screen screen;
};

/* ---- Text ------------------------------------------------------------------------------------------------------- */

static void put(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

static void put_summary(const struct top *top, struct buffer *out)
{
    const double *counters = top->now.counters;
    char in[32], sent[32];

    output_size(top_rate(&top->before, &top->now, COUNTER_BYTES_IN), in, sizeof(in));
    output_size(top_rate(&top->before, &top->now, COUNTER_BYTES_OUT), sent, sizeof(sent));
    put(out, "sessions %.0f   loops %.0f   streams %.0f\n", counters[COUNTER_SESSIONS], counters[COUNTER_LOOPS],
        counters[COUNTER_REGISTRATIONS]);
    put(out, "a second: events %.0f   requests %.0f   in %s   out %s\n",
        top_rate(&top->before, &top->now, COUNTER_EVENTS), top_rate(&top->before, &top->now, COUNTER_REQUESTS), in,
        sent);
}

static void put_loop(const struct top *top, struct buffer *out, const struct top_loop *loop)
{
    char slow[32] = "-";

    /* One look finds events on their way in any loop; twice is a reader that does not come. */
    if (loop->slow_since_ns > 0 && loop->slow_since_ns < top->now.at_ns)
        output_duration((double)milliseconds_of(top->now.at_ns - loop->slow_since_ns), slow, sizeof(slow));
    put(out, "%8.0f  %8.0f  %-8s  %8s  %8.0f  %s\n", loop->streams, loop->ready, loop->attached ? "yes" : "no", slow,
        loop->uid, loop->name);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct top_loop *a = left, *b = right;
    const struct top *top = context;
    int r = 0;

    if (top->order == BY_STREAMS)
        r = (a->streams < b->streams) - (a->streams > b->streams);
    else if (top->order == BY_READY)
        r = (a->ready < b->ready) - (a->ready > b->ready);
    if (r == 0)
        r = strcmp(a->name, b->name);
    return top->reversed ? -r : r;
}

static void put_screen(struct top *top, struct buffer *out)
{
    static const char *const orders[] = {[BY_STREAMS] = "streams", [BY_READY] = "ready", [BY_NAME] = "name"};
    size_t matched = 0;

    if (top->now.count > 0)
        qsort_r(top->now.loops, top->now.count, sizeof(top->now.loops[0]), compare, top);
    put_summary(top, out);
    put(out, "by %s%s   filter %s%s\n", orders[top->order], top->reversed ? ", reversed" : "",
        *top->filter || top->typing ? top->filter : "-", top->typing ? "_" : "");
    put(out, " STREAMS     READY  ATTACHED      SLOW       UID  LOOP\n");
    for (size_t i = 0; i < top->now.count; i++)
        if (strstr(top->now.loops[i].name, top->filter) && matched++ >= top->first)
            put_loop(top, out, &top->now.loops[i]);
    if (top->first >= matched)
        top->first = matched > 0 ? matched - 1 : 0;
}

static void print_json(const struct top *top)
{
    const double *counters = top->now.counters;

    printf("{\"sessions\":%.0f,\"loops\":%.0f,\"streams\":%.0f,\"events_per_second\":%.1f,"
           "\"requests_per_second\":%.1f,\"named\":[",
           counters[COUNTER_SESSIONS], counters[COUNTER_LOOPS], counters[COUNTER_REGISTRATIONS],
           top_rate(&top->before, &top->now, COUNTER_EVENTS), top_rate(&top->before, &top->now, COUNTER_REQUESTS));
    for (size_t i = 0; i < top->now.count; i++) {
        const struct top_loop *loop = &top->now.loops[i];

        printf("%s{\"name\":\"%s\",\"uid\":%.0f,\"streams\":%.0f,\"ready\":%.0f,\"attached\":%s,\"slow_ms\":%.0f}",
               i > 0 ? "," : "", loop->name, loop->uid, loop->streams, loop->ready, loop->attached ? "true" : "false",
               loop->slow_since_ns > 0 ? (double)milliseconds_of(top->now.at_ns - loop->slow_since_ns) : 0.0);
    }
    puts("]}");
}

/* ---- Refreshes -------------------------------------------------------------------------------------------------- */

static int refresh(struct top *top)
{
    struct top_sample sample;
    int64_t left_ns = deadline_left_ns(top->deadline_ns);
    int r = top_sample_take(top->client, left_ns < 0 || left_ns > LATEST_NS ? LATEST_NS : left_ns, &top->now, &sample);

    if (r < 0)
        return r;
    top_sample_free(&top->before);
    top->before = top->now;
    top->now = sample;
    return 0;
}

static int show(struct top *top, bool on_screen)
{
    struct buffer text;
    int r = 0;

    if (top->options->json) {
        print_json(top);
        return output_flush();
    }
    buffer_init(&text);
    put_screen(top, &text);
    if (buffer_failed(&text))
        r = failed(top->command, "out of memory");
    else if (on_screen)
        screen_show(&top->screen, (struct span){buffer_bytes(&text), text.length});
    else
        fwrite(buffer_bytes(&text), 1, text.length, stdout);
    buffer_deinit(&text);
    return r == 0 && !on_screen ? output_flush() : r;
}

/* ---- Keys ------------------------------------------------------------------------------------------------------- */

static void type(struct top *top, int key)
{
    size_t length = strlen(top->filter);

    if (key == '\n' || key == '\r')
        top->typing = false;
    else if (key == '\033') {
        top->typing = false;
        top->filter[0] = '\0';
    } else if ((key == 0x7f || key == '\b') && length > 0)
        top->filter[length - 1] = '\0';
    else if (isgraph(key) && length + 1 < sizeof(top->filter)) {
        top->filter[length] = (char)key;
        top->filter[length + 1] = '\0';
    }
}

/* Returns whether to go on. */
static bool take_key(struct top *top, int key)
{
    static const char orders[] = "srn"; /* by enum order */
    const char *order = key > 0 ? strchr(orders, key) : NULL;

    if (top->typing)
        type(top, key);
    else if (key == 'q')
        return false;
    else if (order) {
        top->reversed = top->order == (enum order)(order - orders) && !top->reversed;
        top->order = (enum order)(order - orders);
    } else if (key == '/')
        top->typing = true;
    else if (key == '\033')
        top->filter[0] = '\0';
    else if (key == 'j')
        top->first++;
    else if (key == 'k' && top->first > 0)
        top->first--;
    return true;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

/* What ended it: 0, -ETIMEDOUT at the deadline, -EINTR by a signal, or why the daemon cannot be asked. */
static int run_screen(struct top *top)
{
    int64_t next_ns = 0;

    for (;;) {
        int r = 0, key;

        if (deadline_left_ns(top->deadline_ns) == 0)
            return -ETIMEDOUT;
        if (now_ns() >= next_ns) {
            r = refresh(top);
            if (r < 0)
                return r;
            next_ns = now_ns() + top->refresh_ns;
            if (top->left-- == 0)
                return 0;
        }
        show(top, true);
        key = screen_wait(&top->screen, deadline_sooner(next_ns, top->deadline_ns));
        if (key == SCREEN_END)
            return -EINTR;
        if (key >= 0 && !take_key(top, key))
            return 0;
    }
}

/* The first refresh has nothing to compare with, so it is not shown. */
static int run_plain(struct top *top)
{
    int r = refresh(top);

    while (r == 0 && top->left-- > 0) {
        deadline_pause(top->deadline_ns, top->refresh_ns);
        if (deadline_left_ns(top->deadline_ns) == 0)
            return -ETIMEDOUT;
        r = refresh(top);
        if (r == 0 && show(top, false) != 0)
            return -EIO;
    }
    return r;
}

/* Ends as the signal would have it, for whoever waits for this program; the terminal is as it was by now. */
static int end_by(int signal_number)
{
    if (signal_number == 0)
        return EXIT_FAILED;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return 128 + signal_number;
}

static int watch(struct top *top)
{
    bool on_screen = !top->options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int r;

    if (on_screen) {
        r = screen_open(&top->screen);
        if (r < 0)
            return failed(top->command, "cannot use the terminal: %s", strerror(-r));
        r = run_screen(top);
        screen_close();
    } else {
        r = run_plain(top);
    }
    if (r == -EINTR)
        return end_by(top->screen.signal_number);
    if (r == -ETIMEDOUT && deadline_left_ns(top->deadline_ns) == 0)
        return EXIT_TIMED_OUT;
    if (r == -EIO)
        return EXIT_FAILED;
    return r < 0 ? connection_failed(top->command, top->client, r) : EXIT_DONE;
}

static int parse_options(struct top *top, int argc, char **argv)
{
    int letter, r = 0;

    while (r == 0 && (letter = options_next(top->command, top->options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'c')
            r = option_count(top->command, optarg, &top->left);
        else
            r = option_duration(top->command, "--interval", optarg, &top->refresh_ns);
        if (r == 0 && top->refresh_ns < 10 * NS_PER_MS)
            r = wrong_usage(top->command, "--interval: '%s' is less than 10ms", optarg);
    }
    top->options->exit_code = r;
    return r == 0 ? 0 : OPTIONS_EXIT;
}

static int run(const struct command *command, struct options *options, int argc, char **argv)
{
    struct top top = {.command = command, .options = options, .refresh_ns = REFRESH_NS, .left = UINT64_MAX};
    int r;

    if (parse_options(&top, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    if (optind < argc)
        return wrong_usage(command, "'%s' is too much", argv[optind]);
    top.deadline_ns = deadline_in(options->timeout_ns);
    r = connection_open(command, options, top.deadline_ns, &top.client);
    if (r == 0)
        r = watch(&top);
    minimio_client_free(top.client);
    top_sample_free(&top.before);
    top_sample_free(&top.now);
    return r;
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
    .summary = "watch the daemon at work: loops, streams, events a second, slow readers",
    .help = "  --interval D       between two refreshes (500ms)\n"
            "  --count N          end after N refreshes\n"
            "\n"
            "Keys: s r n sort by streams, ready, name, and once more the other way round; / filters by name,\n"
            "Enter ends that, Esc shows all; j k scroll; q ends. SLOW is for how long a session has been in a\n"
            "loop and left events lying. In a pipe it prints as text what the screen would show.\n",
    .method = METHODS,
    .run = run,
};
