/* SPDX-License-Identifier: MIT */
/*
 * Owns the completion port and its timer; implements the clock.
 *
 * GetQueuedCompletionStatusEx counts milliseconds, by a clock with a tick of 15.6 ms unless a program has raised the
 * rate for the whole machine. A high-resolution timer (Windows 10, version 1803) is exact to half a millisecond,
 * without a cost for other programs. The timer ends the wait by an asynchronous procedure call, which an alertable wait
 * runs. This method is documented; methods that wait for a port and a timer at once are not. A long timeout begins with
 * a plain wait, so that a busy queue, whose waits rarely reach the timeout, need not set and cancel a timer for each
 * wait.
 */
#include "libminimio/port_windows.h"

#include "libminimio/selector.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

#define NS_PER_S        INT64_C(1000000000)
#define NS_PER_MS       INT64_C(1000000)
#define NS_PER_FILETIME 100

/* A plain wait may be late by one tick, and by another tick if the system coalesces timers; the timer covers the
 * rest. */
#define LATENESS_NS     (40 * NS_PER_MS)
#define LONGEST_WAIT_MS INT64_C(0x7fffffff)

int64_t monotonic_ns(void)
{
    LARGE_INTEGER frequency, now;

    /* Neither call can fail. Whole seconds are converted separately, because the product would overflow within
     * weeks. */
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return now.QuadPart / frequency.QuadPart * NS_PER_S +
           now.QuadPart % frequency.QuadPart * NS_PER_S / frequency.QuadPart;
}

static HANDLE create_timer(void)
{
    HANDLE timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);

    /* Older systems refuse the flag; a timer without the flag has the resolution of the tick. */
    return timer ? timer : CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
}

int port_open(struct port *ret_port)
{
    HANDLE handle = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);

    if (!handle)
        return -ENOMEM;
    *ret_port = (struct port){.handle = handle, .timer = create_timer()};
    return 0;
}

static void close_handle(HANDLE *handle)
{
    if (*handle)
        CloseHandle(*handle);
    *handle = NULL;
}

void port_close_timer(struct port *port)
{
    close_handle(&port->timer);
}

void port_close(struct port *port)
{
    close_handle(&port->handle);
}

void port_kick(struct port *port)
{
    DWORD saved_error = GetLastError();

    /* Fails only if the kernel lacks memory for a few words. */
    PostQueuedCompletionStatus(port->handle, 0, 0, NULL);
    SetLastError(saved_error);
}

int port_fetch(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit)
{
    ULONG count;

    return GetQueuedCompletionStatusEx(port->handle, packets, limit, &count, 0, FALSE) ? (int)count : 0;
}

/* As port_wait, with the system's timeout. */
static int wait_ms(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, DWORD timeout_ms)
{
    ULONG count;

    SetLastError(0);
    if (GetQueuedCompletionStatusEx(port->handle, packets, limit, &count, timeout_ms, TRUE))
        return (int)count;
    return GetLastError() == WAIT_TIMEOUT || port->is_timed ? 0 : -EINTR;
}

static void CALLBACK end_wait(void *argument, DWORD low, DWORD high)
{
    struct port *port = argument;

    (void)low;
    (void)high;
    port->is_timed = TRUE;
}

static int wait_by_timer(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, int64_t timeout_ns)
{
    /* Negative: relative. */
    LARGE_INTEGER due = {.QuadPart = -((timeout_ns + NS_PER_FILETIME - 1) / NS_PER_FILETIME)};
    DWORD timeout_ms = (DWORD)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS);

    port->is_timed = FALSE;
    if (!port->timer || !SetWaitableTimer(port->timer, &due, 0, end_wait, port, FALSE))
        return wait_ms(port, packets, limit, timeout_ms);
    /* The plain timeout, a tick later, covers a timer that fails to fire. */
    int count = wait_ms(port, packets, limit, timeout_ms + (DWORD)(LATENESS_NS / NS_PER_MS));
    /* Also withdraws a call that is due but has not run. */
    CancelWaitableTimer(port->timer);
    port->is_timed = FALSE;
    return count;
}

static int wait_once(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, int64_t timeout_ns)
{
    if (timeout_ns < 0)
        return wait_ms(port, packets, limit, INFINITE);
    if (timeout_ns <= 2 * LATENESS_NS)
        return wait_by_timer(port, packets, limit, timeout_ns);
    int64_t timeout_ms = (timeout_ns - LATENESS_NS) / NS_PER_MS;
    return wait_ms(port, packets, limit, (DWORD)(timeout_ms < LONGEST_WAIT_MS ? timeout_ms : LONGEST_WAIT_MS));
}

int port_wait(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, int64_t timeout_ns)
{
    if (timeout_ns == 0)
        return port_fetch(port, packets, limit);
    int64_t start_ns = monotonic_ns();
    int64_t left_ns = timeout_ns;
    for (;;) {
        int count = wait_once(port, packets, limit, left_ns);
        if (count != 0 || timeout_ns < 0)
            return count;
        int64_t passed_ns = monotonic_ns() - start_ns;
        if (passed_ns >= timeout_ns)
            return 0;
        left_ns = timeout_ns - passed_ns;
    }
}
