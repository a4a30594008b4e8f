/* SPDX-License-Identifier: MIT */
/*
 * Draws a view of `top`. The name of a loop comes first and is whole wherever a row has room for the name; the other
 * columns are drawn as far as they fit.
 */
#ifndef MINIMIO_CLIENT_CTL_TOP_DRAW_H
#define MINIMIO_CLIENT_CTL_TOP_DRAW_H

#include "client/ctl/screen.h"
#include "client/ctl/top_feed.h"
#include "client/ctl/top_view.h"

#include <stdio.h>

/* Error: -ENOMEM. */
int top_draw(struct top_view *view, const struct top_feed *feed, struct screen *screen);

/* The same as text, with all loops; `width` 0: as wide as it has to be. */
void top_print(const struct top_view *view, const struct top_feed *feed, size_t width, FILE *stream);

#endif
