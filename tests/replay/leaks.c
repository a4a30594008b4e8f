/* SPDX-License-Identifier: MIT */
/*
 * A target for fuzz/replay.c whose use of memory the input chooses: "leak" loses a block in every run, "hoard"
 * allocates a block in each of the first ten runs and keeps it, "alternate" keeps a block from every other run to the
 * next.
 */
#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#define HOARD_MAX 10

static void *volatile lost;
static void *hoard[HOARD_MAX];
static size_t hoarded;
static void *kept;

static int is(const char *name, const uint8_t *data, size_t size)
{
    return size == strlen(name) && memcmp(name, data, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (is("leak", data, size))
        lost = malloc(64);
    if (is("hoard", data, size) && hoarded < HOARD_MAX)
        hoard[hoarded++] = malloc(64);
    if (is("alternate", data, size) && kept) {
        free(kept);
        kept = NULL;
    } else if (is("alternate", data, size)) {
        kept = malloc(64);
    }
    return 0;
}
