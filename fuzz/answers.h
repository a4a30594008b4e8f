/* SPDX-License-Identifier: MIT */
/*
 * Checks a client's output against its input: each line is JSON, each answer belongs to a request, each request with an
 * answer is answered once, and no event names a removed token.
 */
#ifndef MINIMIO_FUZZ_ANSWERS_H
#define MINIMIO_FUZZ_ANSWERS_H

#include "fuzz/clients.h"
#include "proto/limits.h"

void require_answers(const struct client *client, const struct limits *limits);

#endif
