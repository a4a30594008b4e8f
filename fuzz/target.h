/* SPDX-License-Identifier: MIT */
/*
 * A target is this function. The driver (libFuzzer, AFL++'s driver, or replay.c) calls the target with one input after
 * another. A target keeps no state between inputs, and aborts the process on an error.
 */
#ifndef MINIMIO_FUZZ_TARGET_H
#define MINIMIO_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
