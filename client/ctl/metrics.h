/* SPDX-License-Identifier: MIT */
#ifndef MINIMIO_CLIENT_CTL_METRICS_H
#define MINIMIO_CLIENT_CTL_METRICS_H

#include <cjson/cJSON.h>

/* Prints the result of `stats` as OpenMetrics text. */
void metrics_print(const cJSON *stats);

#endif
