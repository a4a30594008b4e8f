/* SPDX-License-Identifier: MIT */
#include "daemon/manager/manager.h"

#include "daemon/base/log.h"
#include "daemon/manager/notify_socket.h"
#include "daemon/manager/passed_sockets.h"

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
/* What is passed is refused, and no watchdog runs. Readiness and status are told all the same, as other managers know
 * that protocol too. */
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
    struct notify_socket link;
    struct fd_store store;

    char **names; /* of the descriptors that were passed; NULL in place of one that was taken */
    int count;
    int looked; /* those before were taken, or are sockets */

    const char *state; /* to be said of the daemon; NULL: it was */
    char status[STATUS_SIZE];
    bool tell_status;
    bool ping_watchdog; /* the watchdog */
    int64_t status_ns, fed_ns;
    uint64_t watchdog_usec;   /* 0: there is none */
    uint64_t watchdog_due_ms; /* half of that */
    struct timer watchdog;

    char *manager;      /* $NOTIFY_SOCKET */
    uint32_t store_max; /* that the manager speaks of */
};

/* ---- What was passed ----------------------------------------------------------------------------------------------
 */

static int passed_fd(int i)
{
    return SD_LISTEN_FDS_START + i;
}

static int take(struct manager *service, int i)
{
    free(service->names[i]);
    service->names[i] = NULL;
    return passed_fd(i);
}

int manager_take_listener(struct manager *service)
{
    int found = passed_find_listener(SD_LISTEN_FDS_START, service->names, service->count);

    return found < 0 ? found : take(service, found);
}

/* What the store kept was named by service_store, which refuses the names of socket units: so no client's listening
 * socket that was stored is ever taken for the daemon's own. */
static bool is_stored(const struct manager *service, int i)
{
    return service->names[i] && !passed_from_socket_unit(passed_fd(i), service->names[i]);
}

int manager_take_stored(struct manager *service, char ret_name[MANAGER_NAME_SIZE])
{
    for (; service->looked < service->count; service->looked++) {
        if (is_stored(service, service->looked)) {
            snprintf(ret_name, MANAGER_NAME_SIZE, "%s", service->names[service->looked]);
            return take(service, service->looked);
        }
    }
    return -ENOENT;
}

static int count_stored(struct manager *service)
{
    int result = 0;

    for (int i = 0; result == 0 && i < service->count; i++)
        if (is_stored(service, i))
            result = fd_store_adopt(&service->store, service->names[i]);
    return result;
}

/* Also of the environment. Clients of a socket that cannot be used would wait for ever. Errors: -ENOMEM; others, which
 * were logged, are of sd_listen_fds(3); -EOPNOTSUPP, libsystemd is missing. */
static int take_passed(struct manager *service)
{
    const char *count = getenv("LISTEN_FDS");
    bool none = count && !strcmp(count, "0"); /* which is an error to sd_listen_fds */
    int result = sd_listen_fds_with_names(1, &service->names);

    if (none)
        return 0;
    if (result < 0 && result != -ENOMEM)
        log_write(LOG_LEVEL_ERROR, "the descriptors that were passed (LISTEN_FDS) cannot be used%s",
                  result == -EOPNOTSUPP ? ": this minimiod was built without libsystemd" : "");
    if (result < 0)
        return result;
    service->count = result;
    return count_stored(service);
}

/* ---- What is said -------------------------------------------------------------------------------------------------
 */

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

/* The manager refuses a RELOADING that does not say when, where it is Type=notify-reload. */
static uint64_t monotonic_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* One message for all that is new: what could not be sent is part of the next. */
static void say(struct manager *service)
{
    char text[STATUS_SIZE + 128] = "";

    if (!service->state && !service->tell_status && !service->ping_watchdog)
        return;
    if (service->state)
        add(text, sizeof text, "%s=1\nMONOTONIC_USEC=%" PRIu64 "\n", service->state, monotonic_usec());
    if (service->ping_watchdog)
        add(text, sizeof text, "WATCHDOG=1\n");
    if (service->tell_status)
        add(text, sizeof text, "STATUS=%s\n", service->status);
    if (notify_socket_send(&service->link, text, strlen(text), -1) < 0)
        return;
    service->state = NULL;
    service->tell_status = false;
    service->ping_watchdog = false;
}

static void set_status(struct manager *service, const char *format, va_list arguments)
{
    vsnprintf(service->status, sizeof service->status, format, arguments);
    service->tell_status = true;
    service->status_ns = service->reactor->timers.now_ns;
}

static void enter(struct manager *service, const char *state)
{
    service->state = state;
    say(service);
}

void manager_ready(struct manager *service, const char *status, ...)
{
    va_list arguments;

    if (!notify_socket_is_open(&service->link))
        return;
    va_start(arguments, status);
    set_status(service, status, arguments);
    va_end(arguments);
    enter(service, "READY");
}

bool manager_wants_status(const struct manager *service)
{
    return notify_socket_is_open(&service->link) &&
           service->reactor->timers.now_ns - service->status_ns >= SERVICE_STATUS_MS * NS_PER_MS;
}

void manager_status(struct manager *service, const char *status, ...)
{
    va_list arguments;

    va_start(arguments, status);
    set_status(service, status, arguments);
    va_end(arguments);
}

void manager_reloading(struct manager *service)
{
    if (notify_socket_is_open(&service->link))
        enter(service, "RELOADING");
}

void manager_stopping(struct manager *service)
{
    fd_store_flush_now(&service->store);
    if (notify_socket_is_open(&service->link))
        enter(service, "STOPPING");
}

/* ---- The watchdog -------------------------------------------------------------------------------------------------
 */

/* It feeds nothing itself: it sees to it that there is a turn, and the turn's end feeds. */
static void watchdog_due(struct timer *timer)
{
    (void)timer;
}

static void wait_for_hunger(struct manager *service)
{
    service->fed_ns = service->reactor->timers.now_ns;
    timer_start(&service->reactor->timers, &service->watchdog, service->watchdog_due_ms, watchdog_due);
}

static void watchdog_turn(struct manager *service)
{
    uint64_t usec;

    if (sd_watchdog_enabled(1, &usec) <= 0)
        return;
    service->watchdog_usec = usec;
    service->watchdog_due_ms = usec > 2000 ? usec / 2000 : 1;
    wait_for_hunger(service);
}

static bool is_watchdog_due(const struct manager *service)
{
    int64_t passed_ns = service->reactor->timers.now_ns - service->fed_ns;

    return service->watchdog_usec && (uint64_t)(passed_ns / NS_PER_MS) >= service->watchdog_due_ms;
}

void manager_turn(struct manager *service)
{
    if (!notify_socket_is_open(&service->link))
        return;
    if (is_watchdog_due(service)) {
        service->ping_watchdog = true;
        wait_for_hunger(service);
    }
    say(service);
    fd_store_send(&service->store);
}

/* ---- The store ----------------------------------------------------------------------------------------------------
 */

void manager_set_store_max(struct manager *service, uint32_t max)
{
    service->store.max = max < service->store_max ? max : service->store_max;
}

bool manager_has_store(const struct manager *service)
{
    return notify_socket_is_open(&service->link) && service->store.max > 0;
}

int service_store(struct manager *service, struct depositor *depositor, int fd, const char *name)
{
    return manager_has_store(service) ? fd_store_add(&service->store, depositor, fd, name) : -ENOTCONN;
}

int manager_adopt_entry(struct manager *service, const char *name)
{
    return manager_has_store(service) ? fd_store_adopt(&service->store, name) : 0;
}

int manager_forget(struct manager *service, struct depositor *depositor, const char *name, int fd)
{
    return fd_store_remove(&service->store, depositor, name, fd);
}

bool manager_keeps(struct manager *service, const char *name)
{
    return fd_store_keeps(&service->store, name);
}

void manager_release_held(struct manager *service)
{
    fd_store_release_held(&service->store);
}

bool manager_is_synced(const struct manager *service)
{
    return !notify_socket_is_open(&service->link) || fd_store_is_synced(&service->store);
}

/* -------------------------------------------------------------------------------------------------------------------
 */

/* What the manager says in FDSTORE is a bound, and nothing else there is taken for a number. */
static uint32_t read_store_max(const char *text)
{
    unsigned long long max;
    char *end;

    if (!text || *text < '0' || *text > '9')
        return UINT32_MAX;
    max = strtoull(text, &end, 10);
    return *end || max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
}

static int read_environment(struct manager *service)
{
    const char *manager = getenv("NOTIFY_SOCKET");

    service->manager = manager ? strdup(manager) : NULL;
    notify_socket_init(&service->link, service->reactor, service->manager);
    if (manager && !service->manager)
        return -ENOMEM;
    service->store_max = read_store_max(getenv("FDSTORE"));
    watchdog_turn(service);
    manager_clear_environment();
    return take_passed(service);
}

int manager_new(struct reactor *reactor, struct manager **ret_service)
{
    struct manager *service = calloc(1, sizeof *service);
    int result;

    if (!service)
        return -ENOMEM;
    service->reactor = reactor;
    fd_store_init(&service->store, &service->link);
    result = read_environment(service);
    if (result < 0) {
        manager_free(service);
        return result;
    }
    *ret_service = service;
    return 0;
}

void manager_clear_environment(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("FDSTORE");
}

int manager_restore_environment(const struct manager *service)
{
    char number[24];

    if (service->manager && setenv("NOTIFY_SOCKET", service->manager, 1) < 0)
        return -ENOMEM;
    if (service->watchdog_usec) {
        snprintf(number, sizeof number, "%" PRIu64, service->watchdog_usec);
        if (setenv("WATCHDOG_USEC", number, 1) < 0)
            return -ENOMEM;
    }
    if (service->store_max != UINT32_MAX) {
        snprintf(number, sizeof number, "%" PRIu32, service->store_max);
        if (setenv("FDSTORE", number, 1) < 0)
            return -ENOMEM;
    }
    return 0;
}

struct manager *manager_free(struct manager *service)
{
    if (!service)
        return NULL;
    timer_stop(&service->reactor->timers, &service->watchdog);
    fd_store_deinit(&service->store);
    notify_socket_deinit(&service->link);
    for (int i = 0; i < service->count; i++)
        if (service->names[i])
            close(take(service, i));
    free(service->names);
    free(service->manager);
    free(service);
    return NULL;
}
