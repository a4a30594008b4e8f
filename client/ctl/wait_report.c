/* SPDX-License-Identifier: MIT */
/*
 * Progress lines and records of `wait`. The state is in struct wait_report.
 */
#include "client/ctl/wait_report.h"

#include "client/ctl/curl.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"
#include "proto/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const reached_texts[] = {
    [PROBE_OPEN] = "is up", [PROBE_CLOSED] = "is down", [PROBE_READABLE] = "has greeted"};

/* The result is valid until the next call. */
static const char *status_text(int error)
{
    static char text[32];

    snprintf(text, sizeof text, "it answers %d", PROBE_STATUS - error);
    return text;
}

static const char *reason_text(int error)
{
    switch (error) {
    case 0:
    case -ETIMEDOUT:
        return "no answer";
    case -ENOENT:
        return "no such host";
    case -EAGAIN:
        return "its name could not be looked up";
    case -EISCONN:
        return "it is up still";
    case -ENOMSG:
        return "it accepts, but says nothing";
    case -ENODATA:
        return "it accepts, and closes without a word";
    case -ESHUTDOWN:
        return "it accepts, and closes before --stable is over";
    case -EBUSY:
        return "it is there, and accepts nobody at the moment";
    case -ENXIO:
        return "there is no such socket";
    case -EADDRNOTAVAIL:
        return "this machine has no port or address left to connect from";
    case -EMFILE:
    case -ENFILE:
        return "this machine has no descriptor left";
    default:
        return error <= PROBE_STATUS ? status_text(error) : curl_reason(error) ? curl_reason(error) : strerror(-error);
    }
}

static void elapsed_text(const struct wait_report *report, const struct probe *probe, char *ret_text, size_t size)
{
    int64_t elapsed_ns = probe->at_ns - report->started_ns;

    output_duration((double)milliseconds_of(elapsed_ns > 0 ? elapsed_ns : 0), ret_text, size);
}

/* ---- A terminal ------------------------------------------------------------------------------------------------- */

static bool can_draw(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static struct winsize terminal_size(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 3 || size.ws_col < 20)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    return size;
}

static void draw_row(const struct wait_report *report, struct probers *probers, size_t index, int columns)
{
    struct probe probe = probers_get(probers, index);
    const char *no_color = getenv("NO_COLOR");
    bool coloured = !(no_color && *no_color);
    char text[512], shown[1024], elapsed[32];

    if (probe.reached) {
        elapsed_text(report, &probe, elapsed, sizeof elapsed);
        snprintf(text, sizeof text, "%s %s after %s", report->targets[index], reached_texts[report->goal], elapsed);
    } else if (probe.attempts == 0) {
        snprintf(text, sizeof text, "%s ...", report->targets[index]);
    } else {
        snprintf(text, sizeof text, "%s not yet: %s", report->targets[index], reason_text(probe.error));
    }
    /* Cut the row: a wrapped row would break the cursor movement. */
    output_escape(text, shown, (size_t)columns < sizeof shown ? (size_t)columns : sizeof shown);
    fprintf(stderr, "\r\033[K%s%s%s\n",
            !coloured       ? ""
            : probe.reached ? "\033[32m"
                            : "\033[33m",
            shown, coloured ? "\033[0m" : "");
}

/* Draws the targets that fit, unreached targets first. */
static void report_draw(struct wait_report *report, struct probers *probers)
{
    struct winsize size = terminal_size();
    size_t room = (size_t)size.ws_row - 2, rows = 0, left;

    if (report->rows > 0)
        fprintf(stderr, "\033[%zuA", report->rows);
    left = report->count > room ? report->count - room : 0;
    for (size_t i = 0, skipped = 0; i < report->count; i++) {
        if (skipped < left && report->told[i]) {
            skipped++;
            continue;
        }
        if (rows == room)
            break;
        draw_row(report, probers, i, size.ws_col);
        rows++;
    }
    if (left > 0)
        fprintf(stderr, "\r\033[Kand %zu more\n", report->count - rows);
    report->rows = rows + (left > 0);
    fflush(stderr);
}

/* ---- Lines and records ------------------------------------------------------------------------------------------ */

static void tell_reached(const struct wait_report *report, size_t index, const struct probe *probe)
{
    char elapsed[32];

    if (report->json) {
        fputs("{\"address\":", stdout);
        output_json_string(report->targets[index]);
        printf(",\"reached\":true,\"after_ms\":%.0f}\n",
               (double)milliseconds_of(probe->at_ns > report->started_ns ? probe->at_ns - report->started_ns : 0));
    } else if (!report->quiet && !report->drawing) {
        elapsed_text(report, probe, elapsed, sizeof elapsed);
        output_text(stderr, report->targets[index]);
        fprintf(stderr, " %s after %s\n", reached_texts[report->goal], elapsed);
    }
}

static void tell_unreached(const struct wait_report *report, size_t index, const struct probe *probe)
{
    if (report->json) {
        fputs("{\"address\":", stdout);
        output_json_string(report->targets[index]);
        fputs(",\"reached\":false,\"reason\":", stdout);
        output_json_string(reason_text(probe->error));
        puts("}");
    } else if (!report->quiet) {
        failed(report->command, "%s: %s", report->targets[index], reason_text(probe->error));
    }
}

int wait_report_begin(struct wait_report *report)
{
    report->told = calloc(report->count, sizeof *report->told);
    report->drawing = !report->quiet && !report->json && can_draw();
    return report->told ? 0 : -ENOMEM;
}

int wait_report_update(struct wait_report *report, struct probers *probers)
{
    for (size_t i = 0; i < report->count; i++) {
        struct probe probe;

        if (report->told[i])
            continue;
        probe = probers_get(probers, i);
        if (!probe.reached)
            continue;
        report->told[i] = true;
        tell_reached(report, i, &probe);
    }
    if (report->drawing)
        report_draw(report, probers);
    return report->json ? output_flush() : 0;
}

/* Buffers the lines: a thousand unbuffered writes after the deadline would take too long. */
int wait_report_unreached(struct wait_report *report, struct probers *probers)
{
    static char lines[64 * 1024];

    setvbuf(stderr, lines, _IOFBF, sizeof lines);
    for (size_t i = 0; i < report->count; i++) {
        struct probe probe = probers_get(probers, i);

        if (!probe.reached)
            tell_unreached(report, i, &probe);
    }
    fflush(stderr);
    return output_flush();
}
