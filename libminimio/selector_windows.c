/* SPDX-License-Identifier: MIT */
/*
 * The selector on Windows: a completion port, and registrations that ask AFD about their sockets.
 *
 * A completion names the request that it completes, whose memory is kept until then: so an event of an earlier
 * registration finds that one, marked as removed, and never another. Completions are taken from the port by the
 * polling thread and, before they look at a registration, by the threads that change one. What they bring is kept on
 * the ring of those that are ready, until a wait returns it.
 *
 * Requests are sent at the beginning of a wait, so that a change before it costs nothing more and what has gone before
 * it is not reported; during a wait they are sent at once.
 *
 * Two locks: the writers' own, and the inner one, of all that is here. The polling thread takes only that one, so that
 * a writer can wait for a completion which that thread has in its hands.
 */
#include "libminimio/selector.h"

#include "libminimio/event.h"
#include "libminimio/group_windows.h"
#include "libminimio/port_windows.h"
#include "libminimio/selector_windows.h"
#include "libminimio/watch_windows.h"
#include "libminimio/winsock_windows.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* Packets that are taken at a time, on the stack: 2 KiB of them. */
#define PACKETS 64

/* A cancelled request completes at once; a wait that must not miss what comes of it gives it so long. */
#define CANCEL_NS INT64_C(10000000)

/* Turns of one wait, with threads that change things faster than it can follow. */
#define TURNS_MAX 64

struct selector {
    SRWLOCK writers;
    SRWLOCK lock;
    struct port port;
    struct group *room;
    struct link all;
    struct link updating; /* whose request may have to be sent or widened before the next wait */
    struct link readying; /* in the order in which they became ready */
    size_t ready_count;
    size_t outstanding;     /* requests in the kernel */
    size_t cancelling;      /* of those, what was cancelled in order to be sent anew */
    bool is_waiting;        /* the polling thread is in the kernel, or on its way there */
    bool is_kicked;         /* a kick's packet was taken */
    bool must_turn;         /* a request came back without an answer and has to be sent again in this wait */
    atomic_uint references; /* its owner's, and those of a stream's call that is just telling it something */
};

const char *minimio_backend(void)
{
    return "windows";
}

/* ---- Birth and death -------------------------------------------------------------------------------------------- */

int selector_new(struct selector **ret_selector)
{
    int r = winsock_start();

    if (r < 0)
        return r;
    struct selector *selector = calloc(1, sizeof(*selector));
    if (!selector)
        return -ENOMEM;
    r = port_open(&selector->port);
    if (r < 0) {
        free(selector);
        return r;
    }
    InitializeSRWLock(&selector->writers);
    InitializeSRWLock(&selector->lock);
    link_init(&selector->all);
    link_init(&selector->updating);
    link_init(&selector->readying);
    atomic_init(&selector->references, 1);
    *ret_selector = selector;
    return 0;
}

void selector_close_waker(struct selector *selector)
{
    port_close(&selector->port);
}

static void retain(void *selector)
{
    atomic_fetch_add(&((struct selector *)selector)->references, 1);
}

struct selector *selector_free(struct selector *selector)
{
    if (selector && atomic_fetch_sub(&selector->references, 1) == 1)
        free(selector);
    return NULL;
}

/* There is no fork here. */
bool selector_lock(struct selector *selector)
{
    AcquireSRWLockExclusive(&selector->writers);
    return true;
}

void selector_unlock(struct selector *selector)
{
    ReleaseSRWLockExclusive(&selector->writers);
}

minimio_fd selector_fd(const struct selector *selector)
{
    (void)selector;
    return MINIMIO_INVALID_FD;
}

static void lock(struct selector *selector)
{
    AcquireSRWLockExclusive(&selector->lock);
}

static void unlock(struct selector *selector)
{
    ReleaseSRWLockExclusive(&selector->lock);
}

/* ---- A registration's requests ---------------------------------------------------------------------------------- */

#define CONTAINER(link, member) ((struct watch *)(void *)((char *)(link)-offsetof(struct watch, member)))

static int send_request(struct selector *selector, struct watch *watch, struct afd_request *request, uint32_t events)
{
    int r = afd_poll(watch->group->afd, watch->base, events | AFD_POLL_LOCAL_CLOSE, request);

    if (r == 0)
        selector->outstanding++;
    return r;
}

static void cancel_request(struct watch *watch, struct afd_request *request)
{
    if (request->pending && !request->cancelled)
        afd_cancel(watch->group->afd, request);
}

/* A socket was accepted before: by now its number is nobody's, or another object's. The closing's completion tells. */
static bool is_closed(int error)
{
    return error == -EBADF || error == -EPERM;
}

/* Makes the request in the kernel ask for all that is wanted. */
static int update(struct selector *selector, struct watch *watch)
{
    struct afd_request *request = &watch->request;

    if (!request->pending)
        return watch->wanted != 0 ? send_request(selector, watch, request, watch->wanted) : 0;
    if ((watch->wanted & ~request->events) != 0 && !request->cancelled) {
        cancel_request(watch, request);
        selector->cancelling++;
    }
    return 0;
}

/* Has the registration's request updated: now if there is a wait under way, else when the next one begins. */
static void schedule(struct selector *selector, struct watch *watch)
{
    if (selector->is_waiting && update(selector, watch) == 0)
        return;
    if (link_is_alone(&watch->updating))
        link_append(&selector->updating, &watch->updating);
    /* For want of memory; the wait is to try again and, when it cannot either, to tell. */
    if (selector->is_waiting)
        port_kick(&selector->port);
}

/* Puts it on the ring of those that are ready or takes it off, as it is. */
static void list_ready(struct selector *selector, struct watch *watch)
{
    bool is_listed = !link_is_alone(&watch->readying);

    if (watch->ready != 0 && !is_listed) {
        link_append(&selector->readying, &watch->readying);
        selector->ready_count++;
    } else if (watch->ready == 0 && is_listed) {
        link_remove(&watch->readying);
        selector->ready_count--;
    }
}

static void free_if_done(struct selector *selector, struct watch *watch)
{
    if (!watch->is_removed || watch->request.pending || watch->closing.pending)
        return;
    group_release(&selector->room, watch->group);
    free(watch);
}

/* Ends the registration; its memory goes when the kernel has given back the last request. */
static void forget(struct selector *selector, struct watch *watch)
{
    socket_table_remove(&watch->entry);
    link_remove(&watch->all);
    link_remove(&watch->updating);
    watch->ready = 0;
    list_ready(selector, watch);
    if (watch->request.pending && watch->request.cancelled)
        selector->cancelling--;
    watch->is_removed = true;
    cancel_request(watch, &watch->request);
    cancel_request(watch, &watch->closing);
    free_if_done(selector, watch);
}

/* ---- Completions ------------------------------------------------------------------------------------------------ */

/* An answer of the request that waits for readiness. */
static void answered(struct selector *selector, struct watch *watch, uint32_t events)
{
    /* What was sent before a reregister may have completed before it too: it is asked again. */
    if (watch->is_stale)
        events = 0;
    watch->is_stale = false;
    watch_take(watch, events);
    list_ready(selector, watch);
    if (events == 0)
        selector->must_turn = true;
    /* Under LEVEL it is sent again when this event has been returned. */
    if (watch->ready == 0 || watch->mode == MINIMIO_EDGE)
        schedule(selector, watch);
}

static void complete(struct selector *selector, struct afd_request *request)
{
    struct watch *watch = request->owner;
    bool was_cancelled = request->cancelled;
    uint32_t events = afd_complete(request);

    selector->outstanding--;
    if (watch->is_removed) {
        free_if_done(selector, watch);
        return;
    }
    if (was_cancelled && request == &watch->request)
        selector->cancelling--;
    if (events & AFD_POLL_LOCAL_CLOSE)
        forget(selector, watch);
    else if (request == &watch->request)
        answered(selector, watch, events);
    else if (is_closed(send_request(selector, watch, request, 0)))
        forget(selector, watch);
}

static void complete_all(struct selector *selector, const OVERLAPPED_ENTRY *packets, int count)
{
    for (int i = 0; i < count; i++) {
        if (packets[i].lpOverlapped)
            complete(selector, (struct afd_request *)(void *)packets[i].lpOverlapped);
        else
            selector->is_kicked = true;
    }
}

/* Ends the wait under way, if there is one, that has now something to return. */
static void tell_waiting(struct selector *selector)
{
    if (selector->is_waiting && (selector->ready_count > 0 || selector->is_kicked))
        port_kick(&selector->port);
}

/* Takes up what is in the port: by a thread that does not wait. */
static void collect(struct selector *selector)
{
    OVERLAPPED_ENTRY packets[PACKETS];
    int count;

    do {
        count = port_take(&selector->port, packets, PACKETS);
        complete_all(selector, packets, count);
    } while (count == PACKETS);
    tell_waiting(selector);
}

void selector_close(struct selector *selector)
{
    OVERLAPPED_ENTRY packets[PACKETS];

    lock(selector);
    while (!link_is_alone(&selector->all))
        forget(selector, CONTAINER(selector->all.next, all));
    /* The kernel writes to the requests until then. */
    while (selector->outstanding > 0) {
        int count = port_wait(&selector->port, packets, PACKETS, MINIMIO_FOREVER);
        complete_all(selector, packets, count);
    }
    port_close_timer(&selector->port);
    unlock(selector);
}

/* ---- What is watched -------------------------------------------------------------------------------------------- */

static struct watch *find(struct selector *selector, SOCKET socket)
{
    struct socket_entry *entry = socket_table_find(socket, selector);

    return entry ? (struct watch *)(void *)((char *)entry - offsetof(struct watch, entry)) : NULL;
}

/*
 * Is the socket still registered, or has the one of that number been closed? Its request that waits for the closing is
 * cancelled: what it says then is certain, wherever its completion is, and whoever has taken it.
 */
static bool is_still_registered(struct selector *selector, SOCKET socket)
{
    struct watch *watch = find(selector, socket);

    if (!watch)
        return false;
    cancel_request(watch, &watch->closing);
    for (int turn = 0;; turn++) {
        collect(selector);
        watch = find(selector, socket);
        if (!watch || !watch->closing.cancelled)
            return watch != NULL;
        /* The polling thread has it, or the kernel is about to post it. */
        unlock(selector);
        Sleep(turn < 16 ? 0 : 1);
        lock(selector);
    }
}

static int watch_new(struct selector *selector, SOCKET socket, SOCKET base, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return -ENOMEM;
    int r = group_take(&selector->room, selector->port.handle, &watch->group);
    if (r < 0) {
        free(watch);
        return r;
    }
    watch->entry = (struct socket_entry){.socket = socket, .owner = selector};
    watch->base = base;
    watch->request.owner = watch->closing.owner = watch;
    link_init(&watch->updating);
    link_init(&watch->readying);
    r = send_request(selector, watch, &watch->closing, 0);
    if (r < 0) {
        group_release(&selector->room, watch->group);
        free(watch);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode)
{
    struct watch *watch;
    SOCKET base;

    int r = winsock_base_socket(fd, &base);
    if (r < 0)
        return r;
    lock(selector);
    r = is_still_registered(selector, fd) ? -EEXIST : watch_new(selector, fd, base, &watch);
    if (r == 0) {
        link_append(&selector->all, &watch->all);
        socket_table_add(&watch->entry);
        watch_arm(watch, token, interests, mode);
        schedule(selector, watch);
    }
    unlock(selector);
    return r;
}

int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode)
{
    return selector_add(selector, fd, token, interests, mode);
}

int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode)
{
    SOCKET base;

    int r = winsock_base_socket(fd, &base);
    if (r < 0)
        return r;
    lock(selector);
    collect(selector);
    struct watch *watch = find(selector, fd);
    if (watch) {
        watch_arm(watch, token, interests, mode);
        list_ready(selector, watch);
        schedule(selector, watch);
        tell_waiting(selector);
    }
    unlock(selector);
    return watch ? 0 : -ENOENT;
}

int selector_remove(struct selector *selector, minimio_fd fd)
{
    SOCKET base;

    if (winsock_base_socket(fd, &base) == -EBADF)
        return -EBADF;
    lock(selector);
    collect(selector);
    struct watch *watch = find(selector, fd);
    if (watch)
        forget(selector, watch);
    unlock(selector);
    return watch ? 0 : -ENOENT;
}

/* ---- The stream's own calls ------------------------------------------------------------------------------------- */

typedef void (*change_function)(struct watch *watch, uint32_t argument);

static void change_everywhere(SOCKET socket, change_function change, uint32_t argument)
{
    struct selector *previous = NULL, *selector;

    while ((selector = socket_table_next_owner(socket, previous, retain)) != NULL) {
        selector_free(previous);
        previous = selector;
        lock(selector);
        struct watch *watch = find(selector, socket);
        if (watch) {
            change(watch, argument);
            list_ready(selector, watch);
            schedule(selector, watch);
            tell_waiting(selector);
        }
        unlock(selector);
    }
    selector_free(previous);
}

static void rearm(struct watch *watch, uint32_t interests)
{
    watch_rearm(watch, (minimio_interests)interests);
}

void selector_windows_rearm(SOCKET socket, minimio_interests interests)
{
    change_everywhere(socket, rearm, interests);
}

void selector_windows_shut(SOCKET socket, uint32_t closed)
{
    change_everywhere(socket, watch_shut, closed);
}

/* ---- The wait --------------------------------------------------------------------------------------------------- */

/* Error: -ENOMEM; what could not be sent is tried again by the next wait. */
static int update_all(struct selector *selector)
{
    struct link rest;
    int r = 0;

    link_init(&rest);
    while (!link_is_alone(&selector->updating)) {
        struct watch *watch = CONTAINER(selector->updating.next, updating);
        link_remove(&watch->updating);
        if (watch->mode == MINIMIO_LEVEL) {
            watch_repeat(watch);
            list_ready(selector, watch);
        }
        int sent = update(selector, watch);
        if (sent < 0 && !is_closed(sent)) {
            link_append(&rest, &watch->updating);
            r = sent;
        }
    }
    while (!link_is_alone(&rest)) {
        struct link *first = rest.next;
        link_remove(first);
        link_append(&selector->updating, first);
    }
    return r;
}

/* Takes up packets, and waits for them so long. Returns their number, or -EINTR. */
static int fetch(struct selector *selector, int64_t timeout_ns)
{
    OVERLAPPED_ENTRY packets[PACKETS];

    selector->is_waiting = timeout_ns != 0;
    unlock(selector);
    int count = port_wait(&selector->port, packets, PACKETS, timeout_ns);
    lock(selector);
    selector->is_waiting = false;
    complete_all(selector, packets, count);
    return count;
}

static int deliver(struct selector *selector, struct minimio_event *events, size_t capacity)
{
    int count = 0;

    while ((size_t)count < capacity && count < INT32_MAX && selector->ready_count > 0) {
        struct watch *watch = CONTAINER(selector->readying.next, readying);
        events[count++] = (struct minimio_event){.token = watch->token, .readiness = watch_deliver(watch)};
        list_ready(selector, watch);
        if (watch->mode == MINIMIO_LEVEL)
            schedule(selector, watch);
    }
    return count;
}

/* How long this turn of a wait may last. */
static int64_t turn_ns(struct selector *selector, int64_t timeout_ns, int64_t deadline_ns, int turn)
{
    int64_t left_ns = timeout_ns;

    if (selector->ready_count > 0 || selector->is_kicked)
        left_ns = 0;
    else if (turn > 0 && timeout_ns > 0)
        left_ns = deadline_ns - monotonic_ns();
    if (timeout_ns > 0 && left_ns < 0)
        left_ns = 0;
    return left_ns == 0 && selector->cancelling > 0 ? CANCEL_NS : left_ns;
}

/* Waits until there is something to return, or time is over, with every answer that can be had. */
static int wait_turns(struct selector *selector, size_t capacity, int64_t timeout_ns)
{
    int64_t now_ns = timeout_ns > 0 ? monotonic_ns() : 0;
    int64_t deadline_ns = timeout_ns < INT64_MAX - now_ns ? now_ns + timeout_ns : INT64_MAX;
    int r = 0;

    for (int turn = 0; turn < TURNS_MAX; turn++) {
        selector->must_turn = false;
        r = update_all(selector);
        if (r < 0)
            break;
        r = fetch(selector, turn_ns(selector, timeout_ns, deadline_ns, turn));
        if (r < 0)
            break;
        /* What is still in the port may be that one was closed which is ready. */
        if (r == PACKETS)
            continue;
        if (selector->ready_count >= capacity || (!selector->must_turn && selector->cancelling == 0))
            break;
    }
    return r < 0 ? r : 0;
}

int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    lock(selector);
    int r = wait_turns(selector, capacity, timeout_ns);
    selector->is_kicked = false;
    int count = deliver(selector, events, capacity);
    unlock(selector);
    return count > 0 ? count : r;
}

void selector_kick(struct selector *selector)
{
    port_kick(&selector->port);
}
