/* SPDX-License-Identifier: MIT */
/*
 * The port and the clock.
 *
 * GetQueuedCompletionStatusEx counts milliseconds, by a clock that ticks every 15.6 ms unless somebody sped it up for
 * the whole machine. A high-resolution timer (Windows 10, version 1803) is exact to half a millisecond and costs the
 * others nothing. It ends the wait by an asynchronous procedure call, which an alertable wait runs: a documented way,
 * unlike those of waiting at a port and a timer at once. Long timeouts are begun with a plain wait, so that a busy
 * queue, whose waits hardly ever last, does not set and cancel a timer for each.
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

/* A plain wait may be late by a tick, and by another where the system gathers wake-ups; the timer has the rest. */
#define LATENESS_NS     (40 * NS_PER_MS)
#define LONGEST_WAIT_MS INT64_C(0x7fffffff)

int64_t monotonic_ns(void)
{
    LARGE_INTEGER frequency, now;

    /* Neither can fail. The whole seconds apart, for the product would overflow within weeks. */
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return now.QuadPart / frequency.QuadPart * NS_PER_S +
           now.QuadPart % frequency.QuadPart * NS_PER_S / frequency.QuadPart;
}

static HANDLE create_timer(void)
{
    HANDLE timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_ALL_ACCESS);

    /* An older system refuses the flag; its timers go by the tick. */
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

    /* It could fail only for want of the kernel's memory for a few words. */
    PostQueuedCompletionStatus(port->handle, 0, 0, NULL);
    SetLastError(saved_error);
}

int port_take(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit)
{
    ULONG count;

    return GetQueuedCompletionStatusEx(port->handle, packets, limit, &count, 0, FALSE) ? (int)count : 0;
}

/* As port_wait, but the timeout is the system's. */
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
    /* Negative: from now on. */
    LARGE_INTEGER due = {.QuadPart = -((timeout_ns + NS_PER_FILETIME - 1) / NS_PER_FILETIME)};
    DWORD timeout_ms = (DWORD)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS);

    port->is_timed = FALSE;
    if (!port->timer || !SetWaitableTimer(port->timer, &due, 0, end_wait, port, FALSE))
        return wait_ms(port, packets, limit, timeout_ms);
    /* The plain timeout, a tick later, is for a timer that never comes. */
    int count = wait_ms(port, packets, limit, timeout_ms + (DWORD)(LATENESS_NS / NS_PER_MS));
    /* A call that is due already, but did not run, is withdrawn by this. */
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
        return port_take(port, packets, limit);
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
