/* SPDX-License-Identifier: MIT */
/*
 * Sorting, filtering and selection of loops, and the keys. The state is in struct top_view.
 */
#include "client/ctl/top_view.h"

#include "client/ctl/screen_keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL(letter) ((letter)&0x1f)

/* ---- Order and selection ---------------------------------------------------------------------------------------- */

static int view_compare(const void *left, const void *right, void *context)
{
    const struct top_loop *a = *(const struct top_loop *const *)left, *b = *(const struct top_loop *const *)right;
    const struct top_view *view = context;
    int result = 0;

    if (view->order == BY_STREAMS)
        result = (a->streams < b->streams) - (a->streams > b->streams);
    else if (view->order == BY_READY)
        result = (a->ready < b->ready) - (a->ready > b->ready);
    if (result == 0)
        result = top_loop_compare(a, b);
    return view->reversed ? -result : result;
}

/* Selects an index; `follow`: the selection follows the loop at the index. */
static void select_index(struct top_view *view, size_t index, bool follow)
{
    view->index = index < view->count ? index : view->count > 0 ? view->count - 1 : 0;
    view->follows = follow && view->count > 0;
    if (view->follows)
        view->selected = *view->shown[view->index];
}

/* Finds the followed loop. A missing loop stays selected, because a later sample or filter may show the loop again. */
static void find_selected(struct top_view *view)
{
    for (size_t i = 0; view->follows && i < view->count; i++)
        if (top_loop_compare(view->shown[i], &view->selected) == 0) {
            select_index(view, i, true);
            return;
        }
    if (view->index >= view->count)
        view->index = view->count > 0 ? view->count - 1 : 0;
}

int top_view_arrange(struct top_view *view, const struct top_sample *sample)
{
    const struct top_loop **shown = realloc(view->shown, (sample->count + 1) * sizeof *shown);

    if (!shown)
        return -ENOMEM;
    view->shown = shown;
    view->count = 0;
    for (size_t i = 0; i < sample->count; i++)
        if (strstr(sample->loops[i].name, view->filter))
            shown[view->count++] = &sample->loops[i];
    qsort_r(shown, view->count, sizeof *shown, view_compare, view);
    find_selected(view);
    return 0;
}

void top_view_deinit(struct top_view *view)
{
    free(view->shown);
}

/* ---- Keys ------------------------------------------------------------------------------------------------------- */

static bool take_motion(struct top_view *view, int key)
{
    size_t page = view->rows > 1 ? view->rows - 1 : 1, index = view->index;

    if (key == KEY_UP || key == 'k')
        select_index(view, index > 0 ? index - 1 : 0, true);
    else if (key == KEY_DOWN || key == 'j')
        select_index(view, index + 1, true);
    else if (key == KEY_PAGE_UP || key == CONTROL('B'))
        select_index(view, index > page ? index - page : 0, true);
    else if (key == KEY_PAGE_DOWN || key == CONTROL('F') || key == ' ')
        select_index(view, index + page, true);
    else if (key == KEY_HOME || key == 'g')
        select_index(view, 0, false); /* follow the index 0 */
    else if (key == KEY_END || key == 'G')
        select_index(view, SIZE_MAX, true);
    else
        return false;
    return true;
}

static void take_letter(struct top_view *view, int key)
{
    size_t length = strlen(view->filter);

    if (key == '\n' || key == '\r' || key == '\033')
        view->typing = false;
    if (key == '\033' || key == CONTROL('U'))
        view->filter[0] = '\0';
    else if ((key == 0x7f || key == '\b') && length > 0)
        view->filter[length - 1] = '\0';
    else if (key < 0x80 && isgraph(key) && length + 1 < sizeof view->filter) {
        view->filter[length] = (char)key;
        view->filter[length + 1] = '\0';
    }
}

static bool take_order(struct top_view *view, int key)
{
    static const char orders[] = "srn"; /* by enum top_order */
    const char *order = key > 0 && key < 0x80 ? strchr(orders, key) : NULL;

    if (!order)
        return false;
    view->reversed = view->order == (enum top_order)(order - orders) && !view->reversed;
    view->order = (enum top_order)(order - orders);
    return true;
}

/* Keys on a details or help page: motion keys select another loop, other keys close the page. */
static void take_page_key(struct top_view *view, int key)
{
    if (view->page == PAGE_DETAILS && take_motion(view, key))
        return;
    view->page = PAGE_LOOPS;
}

static void open_details(struct top_view *view)
{
    if (view->count == 0)
        return;
    select_index(view, view->index, true);
    view->page = PAGE_DETAILS;
}

bool top_view_key(struct top_view *view, int key, bool *ret_arrange)
{
    *ret_arrange = false;
    if (view->typing && key < KEY_UP) {
        take_letter(view, key);
        *ret_arrange = true;
    } else if (view->page != PAGE_LOOPS)
        take_page_key(view, key);
    else if (key == 'q' || key == 'Q')
        return false;
    else if (key == '?' || key == 'h')
        view->page = PAGE_HELP;
    else if (key == '\n' || key == '\r')
        open_details(view);
    else if (key == '/')
        view->typing = true;
    else if (key == '\033') {
        view->filter[0] = '\0';
        *ret_arrange = true;
    } else if (!take_motion(view, key))
        *ret_arrange = take_order(view, key);
    return true;
}
