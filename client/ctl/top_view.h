/* SPDX-License-Identifier: MIT */
/*
 * What `top` shows, as the keys choose it: the order of the loops, the filter, the selected loop, and the page.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_VIEW_H
#define MINIMIO_CLIENT_CTL_TOP_VIEW_H

#include "client/ctl/top_sample.h"

enum top_order { BY_STREAMS, BY_READY, BY_NAME };
enum top_page { PAGE_LOOPS, PAGE_DETAILS, PAGE_HELP };

/* Zeros are the view at the start. */
struct top_view {
    enum top_order order;
    bool reversed;
    enum top_page page;
    bool typing; /* the filter */
    char filter[NAME_MAX_BYTES + 1];
    const struct top_loop **shown; /* of the last sample, those that match the filter, in order */
    size_t count;
    size_t first, index;      /* of the shown: the topmost on the screen, the selected */
    bool follows;             /* the selection stays on `selected` and not on its place */
    struct top_loop selected; /* as it was last */
    size_t rows;              /* for loops on the screen */
};

void top_view_deinit(struct top_view *view);

/* Arranges a new sample, which is used until the next one is arranged. Error: -ENOMEM. */
int top_view_arrange(struct top_view *view, const struct top_sample *sample);

/* Returns whether to go on; *ret_arrange: the sample must be arranged anew. */
bool top_view_key(struct top_view *view, int key, bool *ret_arrange);

#endif
