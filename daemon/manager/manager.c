/* SPDX-License-Identifier: MIT */
#include "daemon/manager/manager.h"

#include "daemon/base/log.h"
#include "daemon/manager/notify_socket.h"
#include "daemon/manager/passed_sockets.h"
#include "proto/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
/* Without libsystemd, passed descriptors are refused, and no watchdog runs. Readiness and status are sent all the
 * same, because other managers use the same protocol. */
#define SD_LISTEN_FDS_START 3

static int sd_listen_fds_with_names(int unset_environment, char ***ret_names)
{
    const char *receiver = getenv("LISTEN_PID");

    (void)unset_environment;
    *ret_names = NULL;
    return receiver && atol(receiver) == getpid() ? -EOPNOTSUPP : 0;
}

static int sd_watchdog_enabled(int unset_environment, uint64_t *ret_usec)
{
    (void)unset_environment, (void)ret_usec;
    return 0;
}
#endif

#define STATUS_SIZE 128

struct manager {
    struct reactor *reactor;
    struct notify_socket notify;
    struct fd_store store;

    char **names; /* names of the passed descriptors; NULL: taken */
    int count;
    int scanned; /* number of names that manager_take_stored has examined */

    const char *state; /* state still to be sent; NULL: none */
    char status[STATUS_SIZE];
    bool tell_status;
    bool ping_watchdog; /* a ping is still to be sent */
    int64_t status_ns, pinged_ns;
    uint64_t watchdog_usec;   /* 0: no watchdog */
    uint64_t watchdog_due_ms; /* half of watchdog_usec */
    struct timer watchdog;

    char *address;      /* $NOTIFY_SOCKET */
    uint32_t store_max; /* capacity that the manager reports */
};

/* ---- What was passed --------------------------------------------------------------------------------------------- */

static int passed_fd(int i)
{
    return SD_LISTEN_FDS_START + i;
}

static int take_passed_fd(struct manager *manager, int i)
{
    free(manager->names[i]);
    manager->names[i] = NULL;
    return passed_fd(i);
}

int manager_take_listener(struct manager *manager)
{
    int found = passed_find_listener(SD_LISTEN_FDS_START, manager->names, manager->count);

    return found < 0 ? found : take_passed_fd(manager, found);
}

/* manager_store refuses the names of socket units, so a client's stored listening socket is never taken for the
 * daemon's own. */
static bool is_stored(const struct manager *manager, int i)
{
    return manager->names[i] && !passed_from_socket_unit(passed_fd(i), manager->names[i]);
}

int manager_take_stored(struct manager *manager, char ret_name[MANAGER_NAME_SIZE])
{
    for (; manager->scanned < manager->count; manager->scanned++) {
        if (is_stored(manager, manager->scanned)) {
            snprintf(ret_name, MANAGER_NAME_SIZE, "%s", manager->names[manager->scanned]);
            return take_passed_fd(manager, manager->scanned);
        }
    }
    return -ENOENT;
}

static int count_stored(struct manager *manager)
{
    int result = 0;

    for (int i = 0; result == 0 && i < manager->count; i++)
        if (is_stored(manager, i))
            result = fd_store_adopt(&manager->store, manager->names[i]);
    return result;
}

/* Removes the descriptors from the environment. An unusable socket is an error, because clients of the socket would
 * wait forever. Errors: -ENOMEM; errors of sd_listen_fds(3), which are logged; -EOPNOTSUPP, built without
 * libsystemd. */
static int read_passed_fds(struct manager *manager)
{
    const char *count = getenv("LISTEN_FDS");
    bool none = count && !strcmp(count, "0"); /* sd_listen_fds takes "0" for an error */
    int result = sd_listen_fds_with_names(1, &manager->names);

    if (none)
        return 0;
    if (result < 0 && result != -ENOMEM)
        log_write(LOG_LEVEL_ERROR, "the descriptors that were passed (LISTEN_FDS) cannot be used%s",
                  result == -EOPNOTSUPP ? ": this minimiod was built without libsystemd" : "");
    if (result < 0)
        return result;
    manager->count = result;
    return count_stored(manager);
}

/* ---- What is said ------------------------------------------------------------------------------------------------ */

static void message_append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void message_append(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* A manager with Type=notify-reload refuses a RELOADING message without a time. */
static uint64_t monotonic_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Sends all pending state in one message. After an error the state stays pending for the next message. */
static void manager_send_state(struct manager *manager)
{
    char text[STATUS_SIZE + 128] = "";

    if (!manager->state && !manager->tell_status && !manager->ping_watchdog)
        return;
    if (manager->state)
        message_append(text, sizeof text, "%s=1\nMONOTONIC_USEC=%" PRIu64 "\n", manager->state, monotonic_usec());
    if (manager->ping_watchdog)
        message_append(text, sizeof text, "WATCHDOG=1\n");
    if (manager->tell_status)
        message_append(text, sizeof text, "STATUS=%s\n", manager->status);
    if (notify_socket_send(&manager->notify, text, strlen(text), -1) < 0)
        return;
    manager->state = NULL;
    manager->tell_status = false;
    manager->ping_watchdog = false;
}

static void manager_set_status(struct manager *manager, const char *format, va_list arguments)
{
    vsnprintf(manager->status, sizeof manager->status, format, arguments);
    manager->tell_status = true;
    manager->status_ns = manager->reactor->timers.now_ns;
}

static void manager_set_state(struct manager *manager, const char *state)
{
    manager->state = state;
    manager_send_state(manager);
}

void manager_ready(struct manager *manager, const char *status, ...)
{
    va_list arguments;

    if (!notify_socket_is_open(&manager->notify))
        return;
    va_start(arguments, status);
    manager_set_status(manager, status, arguments);
    va_end(arguments);
    manager_set_state(manager, "READY");
}

bool manager_wants_status(const struct manager *manager)
{
    return notify_socket_is_open(&manager->notify) &&
           manager->reactor->timers.now_ns - manager->status_ns >= MANAGER_STATUS_MS * NS_PER_MS;
}

void manager_status(struct manager *manager, const char *status, ...)
{
    va_list arguments;

    va_start(arguments, status);
    manager_set_status(manager, status, arguments);
    va_end(arguments);
}

void manager_reloading(struct manager *manager)
{
    if (notify_socket_is_open(&manager->notify))
        manager_set_state(manager, "RELOADING");
}

void manager_stopping(struct manager *manager)
{
    fd_store_flush_now(&manager->store);
    if (notify_socket_is_open(&manager->notify))
        manager_set_state(manager, "STOPPING");
}

/* ---- The watchdog ------------------------------------------------------------------------------------------------ */

/* Empty: the timer only wakes the loop, and manager_turn pings the watchdog. */
static void watchdog_wake_loop(struct timer *timer)
{
    (void)timer;
}

static void watchdog_restart(struct manager *manager)
{
    manager->pinged_ns = manager->reactor->timers.now_ns;
    timer_start(&manager->reactor->timers, &manager->watchdog, manager->watchdog_due_ms, watchdog_wake_loop);
}

static void watchdog_init(struct manager *manager)
{
    uint64_t usec;

    if (sd_watchdog_enabled(1, &usec) <= 0)
        return;
    manager->watchdog_usec = usec;
    manager->watchdog_due_ms = usec > 2000 ? usec / 2000 : 1;
    watchdog_restart(manager);
}

static bool watchdog_is_due(const struct manager *manager)
{
    int64_t passed_ns = manager->reactor->timers.now_ns - manager->pinged_ns;

    return manager->watchdog_usec && (uint64_t)(passed_ns / NS_PER_MS) >= manager->watchdog_due_ms;
}

void manager_turn(struct manager *manager)
{
    if (!notify_socket_is_open(&manager->notify))
        return;
    if (watchdog_is_due(manager)) {
        manager->ping_watchdog = true;
        watchdog_restart(manager);
    }
    manager_send_state(manager);
    fd_store_send(&manager->store);
}

/* ---- The store --------------------------------------------------------------------------------------------------- */

void manager_set_store_max(struct manager *manager, uint32_t max)
{
    manager->store.max = max < manager->store_max ? max : manager->store_max;
}

bool manager_has_store(const struct manager *manager)
{
    return notify_socket_is_open(&manager->notify) && manager->store.max > 0;
}

int manager_store(struct manager *manager, struct depositor *depositor, int fd, const char *name)
{
    return manager_has_store(manager) ? fd_store_add(&manager->store, depositor, fd, name) : -ENOTCONN;
}

int manager_adopt_entry(struct manager *manager, const char *name)
{
    return manager_has_store(manager) ? fd_store_adopt(&manager->store, name) : 0;
}

int manager_forget(struct manager *manager, struct depositor *depositor, const char *name, int fd)
{
    return fd_store_remove(&manager->store, depositor, name, fd);
}

bool manager_keeps(struct manager *manager, const char *name)
{
    return fd_store_keeps(&manager->store, name);
}

void manager_release_held(struct manager *manager)
{
    fd_store_release_held(&manager->store);
}

bool manager_is_synced(const struct manager *manager)
{
    return !notify_socket_is_open(&manager->notify) || fd_store_is_synced(&manager->store);
}

/* ---- Lifetime ---------------------------------------------------------------------------------------------------- */

/* $FDSTORE is an upper bound. Any text but a decimal number is ignored. */
static uint32_t read_store_max(const char *text)
{
    uint64_t max;

    return text && number_parse(text, 10, UINT32_MAX, &max) == 0 ? (uint32_t)max : UINT32_MAX;
}

static int read_environment(struct manager *manager)
{
    const char *address = getenv("NOTIFY_SOCKET");

    manager->address = address ? strdup(address) : NULL;
    notify_socket_init(&manager->notify, manager->reactor, manager->address);
    if (address && !manager->address)
        return -ENOMEM;
    manager->store_max = read_store_max(getenv("FDSTORE"));
    watchdog_init(manager);
    manager_clear_environment();
    return read_passed_fds(manager);
}

int manager_new(struct reactor *reactor, struct manager **ret_manager)
{
    struct manager *manager = calloc(1, sizeof *manager);
    int result;

    if (!manager)
        return -ENOMEM;
    manager->reactor = reactor;
    fd_store_init(&manager->store, &manager->notify);
    result = read_environment(manager);
    if (result < 0) {
        manager_free(manager);
        return result;
    }
    *ret_manager = manager;
    return 0;
}

void manager_clear_environment(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("FDSTORE");
}

int manager_restore_environment(const struct manager *manager)
{
    char number[24];

    if (manager->address && setenv("NOTIFY_SOCKET", manager->address, 1) < 0)
        return -ENOMEM;
    if (manager->watchdog_usec) {
        snprintf(number, sizeof number, "%" PRIu64, manager->watchdog_usec);
        if (setenv("WATCHDOG_USEC", number, 1) < 0)
            return -ENOMEM;
    }
    if (manager->store_max != UINT32_MAX) {
        snprintf(number, sizeof number, "%" PRIu32, manager->store_max);
        if (setenv("FDSTORE", number, 1) < 0)
            return -ENOMEM;
    }
    return 0;
}

struct manager *manager_free(struct manager *manager)
{
    if (!manager)
        return NULL;
    timer_stop(&manager->reactor->timers, &manager->watchdog);
    fd_store_deinit(&manager->store);
    notify_socket_deinit(&manager->notify);
    for (int i = 0; i < manager->count; i++)
        if (manager->names[i])
            close(take_passed_fd(manager, i));
    free(manager->names);
    free(manager->address);
    free(manager);
    return NULL;
}
