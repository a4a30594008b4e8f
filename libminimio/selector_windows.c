/* SPDX-License-Identifier: MIT */
/*
 * The selector on Windows: owns the set of registrations, and two locks. A completion port and AFD report readiness.
 *
 * The outer lock serializes writers. The inner lock guards the registrations and the requests. The polling thread takes
 * only the inner lock, so that a writer can wait for a completion that the polling thread has fetched.
 */
#include "libminimio/selector.h"

#include "libminimio/event.h"
#include "libminimio/requests_windows.h"
#include "libminimio/selector_windows.h"
#include "libminimio/watch_windows.h"
#include "libminimio/winsock_windows.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct selector {
    SRWLOCK writers;
    struct requests requests; /* includes the inner lock */
    struct link all;          /* the registrations */
    atomic_uint references;   /* of the owner, and of streams' calls in progress */
};

const char *minimio_backend(void)
{
    return "windows";
}

/* ---- Creation and destruction ----------------------------------------------------------------------------------- */

int selector_new(struct selector **ret_selector)
{
    int result = winsock_start();

    if (result < 0)
        return result;
    struct selector *selector = calloc(1, sizeof *selector);
    if (!selector)
        return -ENOMEM;
    result = requests_init(&selector->requests);
    if (result < 0) {
        free(selector);
        return result;
    }
    InitializeSRWLock(&selector->writers);
    link_init(&selector->all);
    atomic_init(&selector->references, 1);
    *ret_selector = selector;
    return 0;
}

void selector_close_waker(struct selector *selector)
{
    port_close(&selector->requests.port);
}

static void retain_selector(void *selector)
{
    atomic_fetch_add(&((struct selector *)selector)->references, 1);
}

struct selector *selector_free(struct selector *selector)
{
    if (selector && atomic_fetch_sub(&selector->references, 1) == 1)
        free(selector);
    return NULL;
}

/* Windows has no fork. */
bool selector_lock(struct selector *selector)
{
    AcquireSRWLockExclusive(&selector->writers);
    return true;
}

void selector_unlock(struct selector *selector)
{
    ReleaseSRWLockExclusive(&selector->writers);
}

int selector_fd(struct selector *selector)
{
    (void)selector;
    return -ENOTSUP;
}

bool selector_owns(const struct selector *selector, minimio_fd fd)
{
    (void)selector;
    (void)fd;
    return false;
}

static void lock_requests(struct selector *selector)
{
    AcquireSRWLockExclusive(&selector->requests.lock);
}

static void unlock_requests(struct selector *selector)
{
    ReleaseSRWLockExclusive(&selector->requests.lock);
}

void selector_close(struct selector *selector)
{
    lock_requests(selector);
    while (!link_is_alone(&selector->all))
        requests_forget(&selector->requests, WATCH_OF(selector->all.next, all));
    requests_close(&selector->requests);
    unlock_requests(selector);
}

/* ---- The watched descriptors ------------------------------------------------------------------------------------ */

static struct watch *find_watch(struct selector *selector, SOCKET socket)
{
    struct socket_entry *entry = socket_table_find(socket, selector);

    return entry ? WATCH_OF(entry, entry) : NULL;
}

/*
 * Is the socket still registered, or was the socket closed and the number reused? Cancels the request that waits for
 * the close: the result of the completion is reliable, whichever thread handles the completion.
 */
static bool is_still_registered(struct selector *selector, SOCKET socket)
{
    struct watch *watch = find_watch(selector, socket);

    if (!watch)
        return false;
    requests_ask_closed(watch);
    for (int turn = 0;; turn++) {
        requests_collect(&selector->requests);
        watch = find_watch(selector, socket);
        if (!watch || !watch->closing.cancelled)
            return watch != NULL;
        /* The polling thread has the completion, or the kernel is about to post the completion. */
        unlock_requests(selector);
        Sleep(turn < 16 ? 0 : 1);
        lock_requests(selector);
    }
}

static int watch_new(struct selector *selector, SOCKET socket, SOCKET base, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return -ENOMEM;
    watch->entry = (struct socket_entry){.socket = socket, .owner = selector};
    watch->base = base;
    watch->request.owner = watch->closing.owner = watch;
    link_init(&watch->updating);
    link_init(&watch->readying);
    int result = requests_begin(&selector->requests, watch);
    if (result < 0) {
        free(watch);
        return result;
    }
    *ret_watch = watch;
    return 0;
}

int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode)
{
    struct watch *watch;
    SOCKET base;

    int result = winsock_base_socket(fd, &base);
    if (result < 0)
        return result;
    lock_requests(selector);
    result = is_still_registered(selector, fd) ? -EEXIST : watch_new(selector, fd, base, &watch);
    if (result == 0) {
        link_append(&selector->all, &watch->all);
        socket_table_add(&watch->entry);
        watch_arm(watch, token, interests, mode);
        requests_changed(&selector->requests, watch);
    }
    unlock_requests(selector);
    return result;
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

    int result = winsock_base_socket(fd, &base);
    if (result < 0)
        return result;
    lock_requests(selector);
    requests_collect(&selector->requests);
    struct watch *watch = find_watch(selector, fd);
    if (watch) {
        watch_arm(watch, token, interests, mode);
        requests_changed(&selector->requests, watch);
    }
    unlock_requests(selector);
    return watch ? 0 : -ENOENT;
}

int selector_remove(struct selector *selector, minimio_fd fd)
{
    SOCKET base;

    if (winsock_base_socket(fd, &base) == -EBADF)
        return -EBADF;
    lock_requests(selector);
    requests_collect(&selector->requests);
    struct watch *watch = find_watch(selector, fd);
    if (watch)
        requests_forget(&selector->requests, watch);
    unlock_requests(selector);
    return watch ? 0 : -ENOENT;
}

/* ---- The stream's own calls ------------------------------------------------------------------------------------- */

typedef void (*change_function)(struct watch *watch, uint32_t argument);

static void change_everywhere(SOCKET socket, change_function change, uint32_t argument)
{
    struct selector *previous = NULL, *selector;

    while ((selector = socket_table_next_owner(socket, previous, retain_selector)) != NULL) {
        selector_free(previous);
        previous = selector;
        lock_requests(selector);
        struct watch *watch = find_watch(selector, socket);
        if (watch) {
            change(watch, argument);
            requests_changed(&selector->requests, watch);
        }
        unlock_requests(selector);
    }
    selector_free(previous);
}

static void rearm_watch(struct watch *watch, uint32_t interests)
{
    watch_rearm(watch, (minimio_interests)interests);
}

void selector_windows_rearm(SOCKET socket, minimio_interests interests)
{
    change_everywhere(socket, rearm_watch, interests);
}

void selector_windows_shut(SOCKET socket, uint32_t closed)
{
    change_everywhere(socket, watch_shut, closed);
}

/* ---- The wait --------------------------------------------------------------------------------------------------- */

int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    lock_requests(selector);
    int result = requests_wait(&selector->requests, events, capacity, timeout_ns);
    unlock_requests(selector);
    return result;
}

void selector_kick(struct selector *selector)
{
    port_kick(&selector->requests.port);
}
