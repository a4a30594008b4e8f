/* SPDX-License-Identifier: MIT */
#include "tests/runner/progress.h"

#include "tests/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SILENCE_NS 7000000000 /* the longest without a line where the output is no terminal */
#define COLUMNS    80         /* of a terminal that does not know its width */

static size_t all, ended;
static int64_t started_ns, last_line_ns;
static bool in_place;

static bool is_capable_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS;
}

static int whole_seconds(int64_t ns)
{
    return (int)(ns / 1000000000);
}

static void print_duration(int seconds)
{
    if (seconds < 100)
        printf("%d second%s", seconds, seconds == 1 ? "" : "s");
    else
        printf("%d minutes", (seconds + 30) / 60);
}

void progress_start(size_t total, int parallel, int seconds)
{
    all = total;
    started_ns = last_line_ns = test_now_ns();
    in_place = is_capable_terminal();
    printf("%zu suite%s, %d at a time (JOBS=%d): about ", total, total == 1 ? "" : "s", parallel, parallel);
    print_duration(seconds);
    puts("");
    fflush(stdout);
}

void progress_clear(void)
{
    if (in_place)
        fputs("\r\033[K", stdout);
}

void progress_ended(const char *name, const char *result, int64_t elapsed_ns, double processor_seconds)
{
    ended++;
    last_line_ns = test_now_ns();
    if (!in_place)
        printf("[%3zu/%zu] %s: %s, %.1f s, %.1f s of processor time\n", ended, all, name, result,
               (double)elapsed_ns / 1e9, processor_seconds);
    fflush(stdout);
}

static void show_in_place(const char *running, int seconds)
{
    char line[512];
    int length = snprintf(line, sizeof line, "[%zu/%zu] %d:%02d  %s", ended, all, seconds / 60, seconds % 60, running);

    if (length >= columns()) /* in the last column some terminals go on to the next line */
        line[columns() - 1] = '\0';
    progress_clear();
    fputs(line, stdout);
    fflush(stdout);
}

void progress_tick(const char *running)
{
    int64_t now = test_now_ns();

    if (in_place) {
        show_in_place(running, whole_seconds(now - started_ns));
    } else if (now - last_line_ns >= SILENCE_NS) {
        printf("          still running: %s\n", running);
        fflush(stdout);
        last_line_ns = now;
    }
}
