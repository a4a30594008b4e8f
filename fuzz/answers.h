/* SPDX-License-Identifier: MIT */
/*
 * Whether what a client was told fits what it wrote: each line is JSON, each answer is one that it waited for, each
 * request that is to be answered is, once, and nothing is told of a token that was given up.
 */
#ifndef MINIMIO_FUZZ_ANSWERS_H
#define MINIMIO_FUZZ_ANSWERS_H

#include "fuzz/clients.h"
#include "proto/limits.h"

void require_answers(const struct client *client, const struct limits *limits);

#endif
