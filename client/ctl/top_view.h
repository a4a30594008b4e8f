/* SPDX-License-Identifier: MIT */
/*
 * The view of `top`, controlled by keys: order of the loops, filter, selected loop, and page.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_VIEW_H
#define MINIMIO_CLIENT_CTL_TOP_VIEW_H

#include "client/ctl/top_sample.h"

enum top_order { BY_STREAMS, BY_READY, BY_NAME };
enum top_page { PAGE_LOOPS, PAGE_DETAILS, PAGE_HELP };

/* Zero-initialized: the initial view. */
struct top_view {
    enum top_order order;
    bool reversed;
    enum top_page page;
    bool typing; /* the filter */
    char filter[NAME_MAX_BYTES + 1];
    const struct top_loop **shown; /* loops of the last sample that match the filter, in order */
    size_t count;
    size_t first, index;      /* indices in `shown`: topmost on the screen, selected */
    bool follows;             /* the selection follows the loop `selected`, not the index */
    struct top_loop selected; /* last known state */
    size_t rows;              /* for loops on the screen */
};

void top_view_deinit(struct top_view *view);

/* Sorts and filters a new sample, which must stay valid until the next call. Error: -ENOMEM. */
int top_view_arrange(struct top_view *view, const struct top_sample *sample);

/* Handles a key. False: quit. `*ret_arrange`: call top_view_arrange again. */
bool top_view_key(struct top_view *view, int key, bool *ret_arrange);

#endif
