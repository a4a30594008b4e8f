/* SPDX-License-Identifier: MIT */
/*
 * Draws a view of `top`. The name of a loop is the first column and is complete if the name fits into a row; the other
 * columns are drawn if there is room.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_DRAW_H
#define MINIMIO_CLIENT_CTL_TOP_DRAW_H

#include "client/ctl/screen.h"
#include "client/ctl/top_feed.h"
#include "client/ctl/top_view.h"

#include <stdio.h>

/* Error: -ENOMEM. */
int top_draw(struct top_view *view, const struct top_feed *feed, struct screen *screen);

/* Prints the view as text, with all loops; `width` 0: no limit. */
void top_print(const struct top_view *view, const struct top_feed *feed, size_t width, FILE *stream);

#endif
