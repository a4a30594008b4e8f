/* SPDX-License-Identifier: MIT */
/* The table of what backends skip. */
#include "tests/library/skips.h"

#include "libminimio/minimio.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *backend;
    const char *test;
    const char *reason;
} skips[] = {
    {"kqueue", "a_writer_hears_of_the_peer_s_end_too", "EVFILT_WRITE tells of the sending direction alone"},
    {"kqueue", "library_ends, of a writer, but resets", "EVFILT_WRITE tells of the sending direction alone"},
    {"kqueue", "library_ends, write_closed of a reader, but resets",
     "EVFILT_READ tells of the receiving direction alone"},
    {"kqueue", "an_event_costs_no_system_call_but_the_wait", "the kqueue of the tests makes system calls of its own"},
    {"kqueue", "events_cost_no_system_call_beyond_the_wait", "the kqueue of the tests makes system calls of its own"},
    {"kqueue", "arming_a_oneshot_anew_costs_one_system_call", "the kqueue of the tests makes system calls of its own"},
    {"kqueue", "without_epoll_pwait2_milliseconds_are_rounded_up", "kevent has always had nanoseconds"},
};

#define COUNT (sizeof(skips) / sizeof(skips[0]))

bool is_skipped(const char *function)
{
    for (size_t i = 0; i < COUNT; i++) {
        size_t length = strlen(skips[i].test);
        if (strcmp(skips[i].backend, minimio_backend()) == 0 && strncmp(function, skips[i].test, length) == 0 &&
            (function[length] == '\0' || strcmp(function + length, "_fn") == 0))
            return true;
    }
    return false;
}

void print_skips(void)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(skips[i].backend, minimio_backend()) == 0)
            printf("%s skips %s: %s\n", skips[i].backend, skips[i].test, skips[i].reason);
}
