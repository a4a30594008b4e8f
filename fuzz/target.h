/* SPDX-License-Identifier: MIT */
/*
 * A target is this function: whoever drives it (libFuzzer, AFL++'s driver, replay.c) calls it with one input after the
 * other. It keeps nothing from one to the next, and ends the process where something is wrong.
 */
#ifndef MINIMIO_FUZZ_TARGET_H
#define MINIMIO_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
