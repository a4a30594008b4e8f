/* SPDX-License-Identifier: MIT */
/* Sends and cancels the requests of registrations, and handles completions. Owns struct requests. */
#include "libminimio/requests_windows.h"

#include "libminimio/group_windows.h"

#include <errno.h>
#include <stdlib.h>

/* ---- A registration's requests ---------------------------------------------------------------------------------- */

static int send_request(struct requests *requests, struct watch *watch, struct afd_request *request, uint32_t events)
{
    int result = afd_poll(watch->group->afd, watch->base, events | AFD_POLL_LOCAL_CLOSE, request);

    if (result == 0)
        requests->outstanding++;
    return result;
}

static void cancel_request(struct watch *watch, struct afd_request *request)
{
    if (request->pending && !request->cancelled)
        afd_cancel(watch->group->afd, request);
}

/* The socket was accepted earlier, so now the number is free or names another object. The completion of the closing
 * request ends the registration. */
static bool is_closed(int error)
{
    return error == -EBADF || error == -EPERM;
}

/* Makes the request in the kernel cover all wanted events. */
static int update_request(struct requests *requests, struct watch *watch)
{
    struct afd_request *request = &watch->request;

    if (!request->pending)
        return watch->wanted != 0 ? send_request(requests, watch, request, watch->wanted) : 0;
    if ((watch->wanted & ~request->events) != 0 && !request->cancelled) {
        cancel_request(watch, request);
        requests->cancelling++;
    }
    return 0;
}

void requests_schedule(struct requests *requests, struct watch *watch)
{
    if (requests->is_waiting && update_request(requests, watch) == 0)
        return;
    if (link_is_alone(&watch->updating))
        link_append(&requests->updating, &watch->updating);
    /* Out of memory: the wait tries again, and reports a second failure. */
    if (requests->is_waiting)
        port_kick(&requests->port);
}

void requests_list_ready(struct requests *requests, struct watch *watch)
{
    bool is_listed = !link_is_alone(&watch->readying);

    if (watch->ready != 0 && !is_listed) {
        link_append(&requests->readying, &watch->readying);
        requests->ready_count++;
    } else if (watch->ready == 0 && is_listed) {
        link_remove(&watch->readying);
        requests->ready_count--;
    }
}

int requests_begin(struct requests *requests, struct watch *watch)
{
    int result = group_reserve(&requests->room, requests->port.handle, &watch->group);

    if (result < 0)
        return result;
    result = send_request(requests, watch, &watch->closing, 0);
    if (result < 0)
        group_release(&requests->room, watch->group);
    return result;
}

void requests_ask_closed(struct watch *watch)
{
    cancel_request(watch, &watch->closing);
}

static void free_if_done(struct requests *requests, struct watch *watch)
{
    if (!watch->is_removed || watch->request.pending || watch->closing.pending)
        return;
    group_release(&requests->room, watch->group);
    free(watch);
}

void requests_forget(struct requests *requests, struct watch *watch)
{
    socket_table_remove(&watch->entry);
    link_remove(&watch->all);
    link_remove(&watch->updating);
    watch->ready = 0;
    requests_list_ready(requests, watch);
    if (watch->request.pending && watch->request.cancelled)
        requests->cancelling--;
    watch->is_removed = true;
    cancel_request(watch, &watch->request);
    cancel_request(watch, &watch->closing);
    free_if_done(requests, watch);
}

/* ---- Completions ------------------------------------------------------------------------------------------------ */

/* Handles a completion of the readiness request. */
static void handle_poll_result(struct requests *requests, struct watch *watch, uint32_t events)
{
    /* A request sent before a reregister may also have completed before: poll again. */
    if (watch->is_outdated)
        events = 0;
    watch->is_outdated = false;
    watch_apply_events(watch, events);
    requests_list_ready(requests, watch);
    if (events == 0)
        requests->must_turn = true;
    /* Under LEVEL the request is sent after the event was returned. */
    if (watch->ready == 0 || watch->mode == MINIMIO_EDGE)
        requests_schedule(requests, watch);
}

static void complete_request(struct requests *requests, struct afd_request *request)
{
    struct watch *watch = request->owner;
    bool was_cancelled = request->cancelled;
    uint32_t events = afd_complete(request);

    requests->outstanding--;
    if (watch->is_removed) {
        free_if_done(requests, watch);
        return;
    }
    if (was_cancelled && request == &watch->request)
        requests->cancelling--;
    if (events & AFD_POLL_LOCAL_CLOSE)
        requests_forget(requests, watch);
    else if (request == &watch->request)
        handle_poll_result(requests, watch, events);
    else if (is_closed(send_request(requests, watch, request, 0)))
        requests_forget(requests, watch);
}

void requests_complete(struct requests *requests, const OVERLAPPED_ENTRY *packets, int count)
{
    for (int i = 0; i < count; i++) {
        if (packets[i].lpOverlapped)
            complete_request(requests, (struct afd_request *)(void *)packets[i].lpOverlapped);
        else
            requests->is_kicked = true;
    }
}

/* Ends a wait in progress that now has an event or a kick to return. */
static void kick_waiting(struct requests *requests)
{
    if (requests->is_waiting && (requests->ready_count > 0 || requests->is_kicked))
        port_kick(&requests->port);
}

void requests_changed(struct requests *requests, struct watch *watch)
{
    requests_list_ready(requests, watch);
    requests_schedule(requests, watch);
    kick_waiting(requests);
}

void requests_collect(struct requests *requests)
{
    OVERLAPPED_ENTRY packets[PACKETS_MAX];
    int count;

    do {
        count = port_fetch(&requests->port, packets, PACKETS_MAX);
        requests_complete(requests, packets, count);
    } while (count == PACKETS_MAX);
    kick_waiting(requests);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

int requests_init(struct requests *requests)
{
    int result = port_open(&requests->port);

    if (result < 0)
        return result;
    InitializeSRWLock(&requests->lock);
    link_init(&requests->updating);
    link_init(&requests->readying);
    return 0;
}

void requests_close(struct requests *requests)
{
    OVERLAPPED_ENTRY packets[PACKETS_MAX];

    /* The kernel writes to the requests until their completion. */
    while (requests->outstanding > 0) {
        int count = port_wait(&requests->port, packets, PACKETS_MAX, MINIMIO_FOREVER);
        requests_complete(requests, packets, count);
    }
    port_close_timer(&requests->port);
}

int requests_update(struct requests *requests)
{
    struct link rest;
    int result = 0;

    link_init(&rest);
    while (!link_is_alone(&requests->updating)) {
        struct watch *watch = WATCH_OF(requests->updating.next, updating);
        link_remove(&watch->updating);
        if (watch->mode == MINIMIO_LEVEL) {
            watch_repeat(watch);
            requests_list_ready(requests, watch);
        }
        int sent = update_request(requests, watch);
        if (sent < 0 && !is_closed(sent)) {
            link_append(&rest, &watch->updating);
            result = sent;
        }
    }
    while (!link_is_alone(&rest)) {
        struct link *first = rest.next;
        link_remove(first);
        link_append(&requests->updating, first);
    }
    return result;
}
