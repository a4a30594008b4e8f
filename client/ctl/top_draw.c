/* SPDX-License-Identifier: MIT */
/*
 * Layout and drawing of `top`. The file has no state.
 */
#include "client/ctl/top_draw.h"

#include "client/ctl/output.h"

#include <string.h>

#define LINE_SIZE 1024 /* of a row; wider than terminals */

/* ---- Columns ---------------------------------------------------------------------------------------------------- */

enum column { COLUMN_UID, COLUMN_ATTACHED, COLUMN_SLOW, COLUMN_READY, COLUMN_STREAMS, COLUMNS };

#define GAP        2
#define NAME_WIDTH 20 /* width of the name before other columns get room */

/* The columns after the name, the least important first: columns are dropped from the left if the screen is narrow, and
 * in a single row if the name is long. */
static const struct {
    const char *title;
    int width;
} columns[COLUMNS] = {
    [COLUMN_UID] = {"UID", 10},    [COLUMN_ATTACHED] = {"ATTACHED", 8}, [COLUMN_SLOW] = {"SLOW", 7},
    [COLUMN_READY] = {"READY", 7}, [COLUMN_STREAMS] = {"STREAMS", 7},
};

struct layout {
    size_t width;         /* of the row */
    size_t name_width;    /* width of the name for aligned columns */
    enum column leftmost; /* the first column with room */
};

static struct layout lay_out(const struct top_view *view, size_t width)
{
    struct layout layout = {.width = width < LINE_SIZE - 1 ? width : LINE_SIZE - 1, .leftmost = COLUMNS};
    size_t longest = strlen("LOOP"), used = 0, least;

    for (size_t i = 0; i < view->count; i++) {
        size_t length = strlen(view->shown[i]->name);

        longest = length > longest ? length : longest;
    }
    least = longest < NAME_WIDTH ? longest : NAME_WIDTH;
    while (layout.leftmost > 0 && least + used + GAP + (size_t)columns[layout.leftmost - 1].width <= width)
        used += GAP + (size_t)columns[--layout.leftmost].width;
    layout.name_width = longest + used < width ? longest : width - used;
    return layout;
}

static void put_cell(enum column column, const struct top_sample *now, const struct top_loop *loop, char *text,
                     size_t size)
{
    double slow_ms = top_slow_ms(now, loop);

    if (column == COLUMN_UID)
        snprintf(text, size, "%.0f", loop->uid);
    else if (column == COLUMN_ATTACHED && (loop->workers > 0 || loop->guests > 0))
        output_members_of_loop(loop->owner, loop->workers, loop->guests, text, size);
    else if (column == COLUMN_ATTACHED)
        snprintf(text, size, "%s", loop->attached ? "yes" : "no");
    else if (column == COLUMN_SLOW && slow_ms > 0) /* a single sample shows events in flight in any loop */
        output_duration(slow_ms, text, size);
    else if (column == COLUMN_SLOW)
        snprintf(text, size, "-");
    else
        snprintf(text, size, "%.0f", column == COLUMN_READY ? loop->ready : loop->streams);
}

/* Formats a row: the name, and the columns with room. `loop` NULL: the titles. */
static void put_row(const struct layout *layout, const struct top_sample *now, const struct top_loop *loop,
                    char ret_line[LINE_SIZE])
{
    const char *name = loop ? loop->name : "LOOP";
    size_t end = layout->name_width, used = strlen(name);

    if (used > layout->width) /* marks a cut text, as ps(1) */
        used = (size_t)snprintf(ret_line, LINE_SIZE, "%.*s+", (int)layout->width - 1, name);
    else
        snprintf(ret_line, LINE_SIZE, "%s", name);
    for (enum column i = layout->leftmost; i < COLUMNS; i++) {
        char cell[32];

        if (loop)
            put_cell(i, now, loop, cell, sizeof cell);
        else
            snprintf(cell, sizeof cell, "%s", columns[i].title);
        end += GAP + (size_t)columns[i].width;
        if (used + GAP + strlen(cell) > end)
            continue;
        snprintf(ret_line + used, LINE_SIZE - used, "%*s", (int)(end - used), cell);
        used = end;
    }
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void put_rate(const struct top_feed *feed, enum counter counter, bool bytes, char *ret_text, size_t size)
{
    double rate = top_rate(&feed->before, &feed->now, counter);

    if (rate < 0)
        snprintf(ret_text, size, "-");
    else if (bytes)
        output_size(rate, ret_text, size);
    else
        snprintf(ret_text, size, "%.0f", rate);
}

/* Joins the texts that fit. */
static void put_fields(char ret_line[LINE_SIZE], size_t width, const char *const *fields, size_t count)
{
    size_t length = 0;

    ret_line[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t gap = i > 0 ? GAP : 0, more = strlen(fields[i]);

        if (length + gap + more > width || length + gap + more >= LINE_SIZE)
            return;
        memset(ret_line + length, ' ', gap);
        memcpy(ret_line + length + gap, fields[i], more + 1);
        length += gap + more;
    }
}

static void put_counts(const struct top_feed *feed, char ret_line[LINE_SIZE], size_t width)
{
    const double *counters = feed->now.counters;
    char sessions[64], loops[64], streams[64], up[64] = "up ", leases[64], waits[64];
    bool shared = counters[COUNTER_LEASES] > 0 || counters[COUNTER_WAITS] > 0;

    ret_line[0] = '\0';
    if (!feed->ever)
        return;
    snprintf(sessions, sizeof sessions, "sessions %.0f", counters[COUNTER_SESSIONS]);
    snprintf(loops, sizeof loops, "loops %.0f", counters[COUNTER_LOOPS]);
    snprintf(streams, sizeof streams, "streams %.0f", counters[COUNTER_REGISTRATIONS]);
    top_seconds(counters[COUNTER_UPTIME_MS], up + 3, sizeof up - 3);
    snprintf(leases, sizeof leases, "leases %.0f", counters[COUNTER_LEASES]);
    snprintf(waits, sizeof waits, "waits %.0f", counters[COUNTER_WAITS]);
    put_fields(ret_line, width, (const char *const[]){sessions, loops, streams, up, leases, waits}, shared ? 6 : 4);
}

static void put_rates(const struct top_feed *feed, char ret_line[LINE_SIZE], size_t width)
{
    char rate[32], events[64], requests[64], in[64], out[64];

    put_rate(feed, COUNTER_EVENTS, false, rate, sizeof rate);
    snprintf(events, sizeof events, "events/s %s", rate);
    put_rate(feed, COUNTER_REQUESTS, false, rate, sizeof rate);
    snprintf(requests, sizeof requests, "requests/s %s", rate);
    put_rate(feed, COUNTER_BYTES_IN, true, rate, sizeof rate);
    snprintf(in, sizeof in, "in/s %s", rate);
    put_rate(feed, COUNTER_BYTES_OUT, true, rate, sizeof rate);
    snprintf(out, sizeof out, "out/s %s", rate);
    put_fields(ret_line, width, (const char *const[]){events, requests, in, out}, 4);
}

/* The status line: position, order and filter, or an error. */
static enum screen_style put_status(const struct top_view *view, const struct top_feed *feed, char ret_line[LINE_SIZE],
                                    size_t width)
{
    static const char *const orders[] = {[BY_STREAMS] = "streams", [BY_READY] = "ready", [BY_NAME] = "name"};
    char place[64], order[64], filter[NAME_MAX_BYTES + 32];
    size_t last = view->first + view->rows < view->count ? view->first + view->rows : view->count;

    if (!view->typing && top_feed_is_stuck(feed, ret_line, LINE_SIZE))
        return SCREEN_BOLD;
    if (view->count == 0)
        snprintf(place, sizeof place, "no loops");
    else
        snprintf(place, sizeof place, "%zu-%zu of %zu%s", view->first + 1, last, view->count, feed->now.cut ? "+" : "");
    snprintf(order, sizeof order, "by %s%s", orders[view->order], view->reversed ? ", reversed" : "");
    snprintf(filter, sizeof filter, "filter %s%s", view->filter, view->typing ? "_" : "");
    if (view->typing && strlen(filter) > width) /* keep the typed text visible */
        snprintf(ret_line, LINE_SIZE, "%s", filter + strlen(filter) - width);
    else if (view->typing || *view->filter)
        put_fields(ret_line, width, (const char *const[]){filter, place, order}, 3);
    else
        put_fields(ret_line, width, (const char *const[]){place, order}, 2);
    return SCREEN_PLAIN;
}

static void put_keys(const struct top_view *view, char ret_line[LINE_SIZE], size_t width)
{
    static const char *const keys[] = {"q quit",        "? help",         "/ filter", "Enter details", "s r n sort",
                                       "arrows select", "PgUp PgDn page", "Home End", "Ctrl-Z suspend"};
    static const char *const typing[] = {"Enter keep", "Esc clear", "Backspace", "Ctrl-U empty"};

    if (view->typing)
        put_fields(ret_line, width, typing, sizeof typing / sizeof typing[0]);
    else if (view->page == PAGE_HELP)
        put_fields(ret_line, width, (const char *const[]){"any key: back"}, 1);
    else if (view->page == PAGE_DETAILS)
        put_fields(ret_line, width, (const char *const[]){"Esc back", "Up Down next loop"}, 2);
    else
        put_fields(ret_line, width, keys, sizeof keys / sizeof keys[0]);
}

/* ---- Pages ------------------------------------------------------------------------------------------------------ */

static void draw_help(struct screen *screen)
{
    static const char *const lines[] = {
        "q, Ctrl-C      quit",
        "Up Down, k j   select a loop",
        "PgUp PgDn      a page up, down",
        "Home End       the first, the last",
        "Enter          all about the loop",
        "s r n          sort by streams, ready,",
        "               name; again: reverse",
        "/, Esc         filter by name; show all",
        "Ctrl-Z         suspend",
        "?              this help",
        "",
        "UID      the loop's owner",
        "ATTACHED an owner or workers are in the",
        "         loop; 3w+1g: 3 workers, a guest",
        "SLOW     for how long the session has",
        "         left events unfetched",
        "READY    tokens with unfetched events",
        "STREAMS  registered tokens",
        "",
        "top itself is not counted.",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && screen->row < screen->rows - 1; i++)
        screen_line(screen, SCREEN_PLAIN, lines[i]);
}

/* Draws a name over several rows if needed. */
static void draw_name(struct screen *screen, const char *name, bool gone)
{
    char line[LINE_SIZE];

    screen_line(screen, SCREEN_REVERSE, gone ? "LOOP (gone)" : "LOOP");
    for (size_t left = strlen(name); left > 0 && screen->row < screen->rows - 1;) {
        size_t length = left < (size_t)screen->columns ? left : (size_t)screen->columns;

        length = length < LINE_SIZE ? length : LINE_SIZE - 1;
        snprintf(line, sizeof line, "%.*s", (int)length, name);
        screen_line(screen, SCREEN_BOLD, line);
        name += length;
        left -= length;
    }
}

static bool is_there(const struct top_view *view)
{
    return view->index < view->count && top_loop_compare(view->shown[view->index], &view->selected) == 0;
}

static void draw_details(const struct top_view *view, const struct top_sample *now, struct screen *screen)
{
    const struct top_loop *loop = &view->selected;
    char line[LINE_SIZE], cell[32];

    draw_name(screen, loop->name, !is_there(view));
    for (int i = COLUMNS - 1; i >= 0 && screen->row < screen->rows - 1; i--) {
        put_cell((enum column)i, now, loop, cell, sizeof cell);
        snprintf(line, sizeof line, "%-9s %s", columns[i].title, cell);
        screen_line(screen, SCREEN_PLAIN, line);
    }
    output_duration(loop->linger_ms, cell, sizeof cell);
    snprintf(line, sizeof line, "%-9s %s", "LINGER", cell);
    if (screen->row < screen->rows - 1)
        screen_line(screen, SCREEN_PLAIN, line);
}

/* Scrolls: the selected loop is visible, and the screen is full. */
static void scroll(struct top_view *view, size_t rows)
{
    view->rows = rows;
    if (view->index < view->first)
        view->first = view->index;
    if (rows > 0 && view->index >= view->first + rows)
        view->first = view->index - rows + 1;
    if (view->first + rows > view->count)
        view->first = view->count > rows ? view->count - rows : 0;
}

/* Without reverse text, a mark shows the selected loop. */
static void draw_loops(const struct top_view *view, const struct top_sample *now, struct screen *screen)
{
    size_t mark = screen->styled ? 0 : 2;
    size_t width = (size_t)screen->columns > mark ? (size_t)screen->columns - mark : 1;
    struct layout layout = lay_out(view, width);
    char line[LINE_SIZE + 2] = "  ";

    put_row(&layout, now, NULL, line + mark);
    if (screen->rows > 2)
        screen_line(screen, SCREEN_REVERSE, line);
    for (size_t i = view->first; i < view->count && i < view->first + view->rows; i++) {
        bool selected = i == view->index;

        line[0] = selected ? '>' : ' ';
        line[1] = ' ';
        put_row(&layout, now, view->shown[i], line + mark);
        screen_line(screen, selected ? SCREEN_REVERSE : SCREEN_PLAIN, line);
    }
}

/* On a low screen, drops lines in this order: rates, counts, status, keys. */
int top_draw(struct top_view *view, const struct top_feed *feed, struct screen *screen)
{
    size_t width = (size_t)screen->columns, rows = (size_t)screen->rows;
    size_t around = rows > 5 ? 5 : rows > 1 ? rows - 1 : 0; /* rows without loops */
    enum screen_style style;
    char line[LINE_SIZE];

    scroll(view, rows - around);
    screen_begin(screen);
    if (rows > 4) {
        put_counts(feed, line, width);
        screen_line(screen, SCREEN_PLAIN, line);
    }
    if (rows > 5) {
        put_rates(feed, line, width);
        screen_line(screen, SCREEN_PLAIN, line);
    }
    if (rows > 3) {
        style = put_status(view, feed, line, width);
        screen_line(screen, style, line);
    }
    if (view->page == PAGE_HELP)
        draw_help(screen);
    else if (view->page == PAGE_DETAILS)
        draw_details(view, &feed->now, screen);
    else
        draw_loops(view, &feed->now, screen);
    while (screen->row < screen->rows - 1)
        screen_line(screen, SCREEN_PLAIN, "");
    put_keys(view, line, width);
    screen_line(screen, SCREEN_PLAIN, line);
    return screen_end(screen);
}

void top_print(const struct top_view *view, const struct top_feed *feed, size_t width, FILE *stream)
{
    struct layout layout = lay_out(view, width > 0 ? width : LINE_SIZE - 1);
    char line[LINE_SIZE];

    put_counts(feed, line, layout.width);
    fprintf(stream, "%s\n", line);
    put_rates(feed, line, layout.width);
    fprintf(stream, "%s\n", line);
    put_row(&layout, &feed->now, NULL, line);
    fprintf(stream, "%s\n", line);
    for (size_t i = 0; i < view->count; i++) {
        put_row(&layout, &feed->now, view->shown[i], line);
        fprintf(stream, "%s\n", line);
    }
}
