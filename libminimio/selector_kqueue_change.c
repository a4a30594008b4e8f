/* SPDX-License-Identifier: MIT */
/*
 * Changes the set of descriptors that a kqueue watches. Owns the writers' part of struct watch.
 *
 * The kernel adds and changes knotes without reporting whether the knotes existed, and drops knotes silently when the
 * descriptor is closed. This file therefore remembers the registrations. A change without EV_ADD shows whether a
 * registration still exists: the change fails with ENOENT if the knote is gone, also when a new descriptor has the same
 * number.
 *
 * Changes are submitted without room for events, so the kernel stops at the first failure and returns the error.
 * Changes that can fail come first, so that a failure can be undone.
 */
#include "libminimio/selector_kqueue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define UDATA(word) ((__typeof__(((struct kevent *)0)->udata))(uintptr_t)(word))

/* The filter for each interest. */
static const struct {
    minimio_interests interest;
    int filter;
    unsigned fflags;
} filters[] = {
    {MINIMIO_READABLE, EVFILT_READ, 0},
    {MINIMIO_WRITABLE, EVFILT_WRITE, 0},
#ifdef NOTE_OOB
    {MINIMIO_PRIORITY, EVFILT_EXCEPT, NOTE_OOB},
#endif
};

#define FILTER_COUNT (sizeof filters / sizeof filters[0])

#ifdef NOTE_OOB
#define INTERESTS (MINIMIO_READABLE | MINIMIO_WRITABLE | MINIMIO_PRIORITY)
#else
#define INTERESTS (MINIMIO_READABLE | MINIMIO_WRITABLE)
#endif

/* ---- Changes to knotes ------------------------------------------------------------------------------------------ */

struct changes {
    struct kevent list[2 * FILTER_COUNT];
    int count;
};

/* Appends a change with `flags` for the knote of each interest. */
static void append_change(struct changes *changes, int fd, minimio_interests interests, unsigned flags, uint32_t word)
{
    for (size_t i = 0; i < FILTER_COUNT; i++)
        if (interests & filters[i].interest)
            changes->list[changes->count++] = (struct kevent){
                .ident = (uintptr_t)fd,
                .filter = filters[i].filter,
                .flags = flags,
                .fflags = filters[i].fflags,
                .udata = UDATA(word),
            };
}

static int submit_changes(struct selector *selector, const struct changes *changes)
{
    return kevent(selector->kqueue_fd, changes->list, changes->count, NULL, 0, NULL) < 0 ? -errno : 0;
}

/* Deletes each knote separately, so that a missing knote does not stop the deletion of the next. */
static void delete_knotes(struct selector *selector, int fd, minimio_interests interests)
{
    for (size_t i = 0; i < FILTER_COUNT; i++) {
        struct changes changes = {.count = 0};
        append_change(&changes, fd, interests & filters[i].interest, EV_DELETE, 0);
        if (changes.count > 0)
            (void)submit_changes(selector, &changes);
    }
}

static unsigned mode_flags(enum minimio_mode mode)
{
    return mode == MINIMIO_ONESHOT ? EV_DISPATCH : mode == MINIMIO_EDGE ? EV_CLEAR : 0;
}

static uint32_t word_of(uint32_t generation, bool is_socket, minimio_interests interests, enum minimio_mode mode)
{
    bool is_single = (interests & (interests - 1)) == 0;
    bool disarm = mode == MINIMIO_ONESHOT && (EV_DISPATCH == 0 || !is_single);

    return generation >> 1 << 2 | (is_socket ? 0 : WORD_NO_SOCKET) | (disarm ? WORD_DISARM : 0);
}

/* ---- The watched descriptors ------------------------------------------------------------------------------------ */

/* An entry of the registry and the extra data of the entry. */
struct entry {
    struct registration *registration;
    struct watch *watch;
};

static void forget_entry(struct entry entry)
{
    registration_withdraw(entry.registration);
    entry.watch->interests = 0;
}

/* Finds the entry of a registered descriptor; false: not registered. */
static bool find_entry(struct selector *selector, int fd, struct entry *ret_entry)
{
    if (fd < 0 || waker_owns(&selector->waker, fd))
        return false;
    struct entry entry = {registry_find(&selector->registry, fd), registry_extra(&selector->registry, fd)};
    if (!entry.registration || !entry.watch || entry.watch->interests == 0)
        return false;
    *ret_entry = entry;
    return true;
}

/*
 * Do the knotes still exist, so that the descriptor was not closed meanwhile? Submits a change without effect. Some
 * kernels then check the knote again, and may report an event a second time.
 */
static bool has_knotes(struct selector *selector, int fd, struct entry entry)
{
    uint32_t generation = atomic_load_explicit(&entry.registration->generation, memory_order_relaxed);
    struct changes changes = {.count = 0};

    append_change(
        &changes, fd, entry.watch->interests, 0,
        word_of(generation, entry.watch->is_socket, entry.watch->interests, (enum minimio_mode)entry.watch->mode));
    return submit_changes(selector, &changes) == 0;
}

/* Can the descriptor be polled? A kqueue accepts regular files and reports them as always ready. */
static int check_pollable(const struct selector *selector, int fd, bool *ret_is_socket)
{
    struct stat status;

    if (selector_owns(selector, fd))
        return -EINVAL;
    if (fstat(fd, &status) < 0)
        return -errno;
    *ret_is_socket = S_ISSOCK(status.st_mode);
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? -EPERM : 0;
}

/* Converts the kernel's error of adding a knote to an error of the contract. */
static int adding_error(int fd, int result)
{
    switch (result) {
    case -EBADF: /* for an open descriptor: NetBSD, a pipe without a reader; EPIPE on other systems */
        return fcntl(fd, F_GETFD) < 0 ? result : -EPIPE;
    case -EINVAL:
    case -ENODEV:
    case -ENXIO:
    case -EOPNOTSUPP:
        return -EPERM;
    default:
        return result;
    }
}

/* Publishes the registration to the polling thread. */
static void publish_registration(struct entry entry, uint32_t generation, minimio_token token,
                                 minimio_interests interests, enum minimio_mode mode)
{
    entry.watch->interests = interests;
    entry.watch->mode = (uint8_t)mode;
    registration_publish(entry.registration, generation, token);
}

static uint32_t next_generation(struct entry entry)
{
    return registration_next_generation(entry.registration) & GENERATION_MASK;
}

int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode)
{
    struct changes changes = {.count = 0};
    struct entry entry = {0};
    bool is_socket = false;

    int result = check_pollable(selector, fd, &is_socket);
    if (result < 0)
        return result;
    if (waker_owns(&selector->waker, fd) || (find_entry(selector, fd, &entry) && has_knotes(selector, fd, entry)))
        return -EEXIST;
    if (interests & ~INTERESTS)
        return -ENOTSUP;
    result = registry_reserve(&selector->registry, fd, &entry.registration);
    if (result < 0)
        return result;
    entry.watch = registry_extra(&selector->registry, fd);
    assert(entry.watch);
    uint32_t generation = next_generation(entry);
    append_change(&changes, fd, interests, EV_ADD | mode_flags(mode), word_of(generation, is_socket, interests, mode));
    result = submit_changes(selector, &changes);
    if (result < 0) {
        delete_knotes(selector, fd, interests);
        return adding_error(fd, result);
    }
    entry.watch->is_socket = is_socket;
    publish_registration(entry, generation, token, interests, mode);
    return 0;
}

int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode)
{
    return selector_add(selector, fd, token, interests, mode);
}

/* The error for a descriptor without a registration, with the checks in the order of the contract. */
static int absent_error(const struct selector *selector, int fd)
{
    bool is_socket = false;
    int result = check_pollable(selector, fd, &is_socket);

    return result < 0 ? result : -ENOENT;
}

/*
 * Undoes a change that failed with `result`. `added` are the new knotes. The old knotes remain, unless the descriptor
 * was closed, or the kernel refused to add a knote again in the new mode; in both cases the registration ends.
 */
static int undo_change(struct selector *selector, int fd, struct entry entry, minimio_interests added, int result)
{
    delete_knotes(selector, fd, added);
    if (has_knotes(selector, fd, entry))
        return adding_error(fd, result);
    delete_knotes(selector, fd, entry.watch->interests);
    forget_entry(entry);
    return result == -ENOENT ? absent_error(selector, fd) : adding_error(fd, result);
}

/*
 * A knote keeps its mode, so a new mode needs a new knote. In the same mode the knote is disabled and enabled, which
 * makes the kernel report present readiness again.
 */
int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode)
{
    struct changes changes = {.count = 0};
    struct entry entry;

    if (!find_entry(selector, fd, &entry))
        return absent_error(selector, fd);
    if (interests & ~INTERESTS)
        return has_knotes(selector, fd, entry) ? -ENOTSUP : undo_change(selector, fd, entry, 0, -ENOENT);
    minimio_interests old = entry.watch->interests;
    minimio_interests added = (minimio_interests)(interests & ~old);
    uint32_t generation = next_generation(entry);
    uint32_t word = word_of(generation, entry.watch->is_socket, interests, mode);
    append_change(&changes, fd, added, EV_ADD | mode_flags(mode), word);
    append_change(&changes, fd, (minimio_interests)(old & ~interests), EV_DELETE, word);
    append_change(&changes, fd, old & interests, mode == (enum minimio_mode)entry.watch->mode ? EV_DISABLE : EV_DELETE,
                  word);
    append_change(&changes, fd, old & interests, EV_ADD | EV_ENABLE | mode_flags(mode), word);
    int result = submit_changes(selector, &changes);
    if (result < 0)
        return undo_change(selector, fd, entry, added, result);
    publish_registration(entry, generation, token, interests, mode);
    return 0;
}

int selector_remove(struct selector *selector, minimio_fd fd)
{
    struct changes changes = {.count = 0};
    struct entry entry;
    struct stat status;

    if (!find_entry(selector, fd, &entry))
        return fstat(fd, &status) < 0 ? -errno : -ENOENT;
    append_change(&changes, fd, entry.watch->interests, EV_DELETE, 0);
    int result = submit_changes(selector, &changes);
    forget_entry(entry);
    return result;
}

/* Disables the knotes of these interests, unless the registration was changed meanwhile. */
static void disable_knotes(struct selector *selector, int fd, minimio_interests interests, uint32_t word)
{
    struct changes changes = {.count = 0};
    struct entry entry;
    uint64_t token;

    pthread_mutex_lock(&selector->lock);
    if (find_entry(selector, fd, &entry) && registration_read(entry.registration, GENERATION(word), &token)) {
        append_change(&changes, fd, entry.watch->interests & interests, EV_DISABLE, word);
        if (changes.count > 0)
            (void)submit_changes(selector, &changes);
    }
    pthread_mutex_unlock(&selector->lock);
}

void selector_disarm(struct selector *selector, int fd, uint32_t word)
{
    disable_knotes(selector, fd, INTERESTS, word);
}

void selector_silence_priority(struct selector *selector, int fd, uint32_t word)
{
    disable_knotes(selector, fd, MINIMIO_PRIORITY, word);
}
