/* SPDX-License-Identifier: MIT */
/*
 * Owns the present run of the daemon: the clock, the wait, the uids of clients, and the queue of the closing process.
 * The linker's --wrap replaces the functions of the system.
 */
#include "fuzz/world.h"

#include "daemon/base/closing.h"
#include "daemon/base/program.h"
#include "daemon/config/tried_settings.h"
#include "fuzz/peers.h"
#include "fuzz/require.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_NS    INT64_C(1000000000000)
#define WAITS_MAX   20000 /* more waits than any input justifies, unless a client receives bytes */
#define NEWCOMERS   16
#define CLOSING_MAX 4096

static struct world *world; /* NULL: no run; all functions behave normally */
static world_step *take_step;
static unsigned waits, heard_at;

/* ---- Time ------------------------------------------------------------------------------------------------------- */

int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    if (!world || clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, ret_time);
    ret_time->tv_sec = (time_t)(world->now_ns / 1000000000);
    ret_time->tv_nsec = (long)(world->now_ns % 1000000000);
    return 0;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

int __real_minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, int capacity, int64_t timeout_ns);
int __wrap_minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, int capacity, int64_t timeout_ns);

static bool is_signalled(void)
{
    const struct server_signals *signals = &world->signals;

    return signals->stop || signals->reload || signals->hand_over;
}

/* Has the wait ended? A wait lasts no longer than its timeout, and reaches the timeout only if nothing else happens. */
static bool has_wait_ended(int64_t since_ns, int64_t timeout_ns)
{
    bool woken = world->woken;

    world->woken = false;
    return woken || (is_signalled() && !world->server.context.turn.stopping) ||
           (timeout_ns >= 0 && world->now_ns - since_ns >= timeout_ns);
}

int __wrap_minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, int capacity, int64_t timeout_ns)
{
    int64_t since_ns;
    int count = __real_minimio_poll_poll(poll, events, capacity, world ? 0 : timeout_ns);

    if (!world)
        return count;
    REQUIRE(++waits - heard_at < WAITS_MAX, "the daemon spins");
    if (waits == WAITS_MAX)
        world->signals.stop = 1;
    since_ns = world->now_ns;
    if (world->impatient && (count || !timeout_ns) && take_step(world, false) && !count)
        count = __real_minimio_poll_poll(poll, events, capacity, 0);
    while (!count && !has_wait_ended(since_ns, timeout_ns)) {
        if (!take_step(world, true)) {
            REQUIRE(timeout_ns >= 0, "the daemon waits for nothing");
            world->now_ns = since_ns + timeout_ns;
        }
        count = __real_minimio_poll_poll(poll, events, capacity, 0);
    }
    return count;
}

/* A client that has sent its own socket to the daemon can receive bytes, and cause events, without end. */
void world_note_progress(void)
{
    heard_at = waits;
}

/* ---- Clients ---------------------------------------------------------------------------------------------------- */

static struct {
    uid_t uids[NEWCOMERS];
    unsigned first, count;
    uid_t current;
} newcomers;

void world_expect_user(uid_t uid)
{
    REQUIRE(newcomers.count < NEWCOMERS, "too many newcomers");
    newcomers.uids[(newcomers.first + newcomers.count++) % NEWCOMERS] = uid;
}

int __real_accept4(int fd, struct sockaddr *ret_address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *ret_address, socklen_t *length, int flags);

/* Clients are accepted in the order of their connects. */
int __wrap_accept4(int fd, struct sockaddr *ret_address, socklen_t *length, int flags)
{
    int accepted = __real_accept4(fd, ret_address, length, flags), least = 1;

    if (!world || accepted < 0)
        return accepted;
    REQUIRE(newcomers.count, "accepted a client without a uid");
    newcomers.current = newcomers.uids[newcomers.first++ % NEWCOMERS];
    newcomers.count--;
    if (world->narrow)
        setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    return accepted;
}

struct ucred __wrap_access_peer(int fd);

struct ucred __wrap_access_peer(int fd)
{
    (void)fd;
    return (struct ucred){.pid = getpid(), .uid = newcomers.current, .gid = newcomers.current};
}

/* ---- Connections ------------------------------------------------------------------------------------------------ */

int __real_connect(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    if (!world || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return __real_connect(fd, address, length);
    return peers_connect(fd, address, length);
}

/* ---- Closing ---------------------------------------------------------------------------------------------------- */

/* Replaces the closing process: descriptors stay open until the input closes them. */
static struct {
    struct fake_close {
        int slot, fd;
        bool alone;
    } list[CLOSING_MAX];
    unsigned count;
    struct closing_progress slots[CLOSING_SLOTS];
} closing;

int __wrap_closing_start(void);
bool __wrap_closing_is_running(void);
int __wrap_closing_leave(void);
void __wrap_closing_end(void);
struct closing_progress __wrap_closing_progress(int slot);
bool __wrap_closing_put(int slot, int fd, enum closing_how how);

int __wrap_closing_start(void)
{
    return 0;
}

bool __wrap_closing_is_running(void)
{
    return true;
}

/* Returns descriptors to the daemon whose close has not started; closes files. */
int __wrap_closing_leave(void)
{
    for (unsigned i = 0; i < closing.count; i++)
        if (closing.list[i].alone) {
            close(closing.list[i].fd);
            closing.slots[closing.list[i].slot].alone++;
        }
    closing.count = 0;
    return 0;
}

void __wrap_closing_end(void)
{
}

struct closing_progress __wrap_closing_progress(int slot)
{
    return closing.slots[slot];
}

bool __wrap_closing_put(int slot, int fd, enum closing_how how)
{
    REQUIRE(closing.count < CLOSING_MAX, "too many descriptors to close");
    closing.list[closing.count++] = (struct fake_close){.slot = slot, .fd = fd, .alone = how == CLOSING_ALONE};
    return true;
}

bool world_close(void)
{
    unsigned count = closing.count;

    for (unsigned i = 0; i < count; i++) {
        struct closing_progress *slot = &closing.slots[closing.list[i].slot];

        close(closing.list[i].fd);
        slot->begun += !closing.list[i].alone;
        slot->done += !closing.list[i].alone;
        slot->alone += closing.list[i].alone;
    }
    closing.count = 0;
    return count;
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

static void allow_address(struct rules *rules, const char *text)
{
    const char *advice;

    REQUIRE(rules_add(rules, false, text, &advice) == 0, "%s: %s", text, advice);
}

static void narrow_limits(struct limits *limits)
{
    limits->message_bytes = 512;
    limits->message_depth = 6;
    limits->message_values = 64;
    limits->batch = 4;
    limits->id_bytes = 32;
    limits->line_bytes = 8 * 1024;
    limits->output_bytes = 4 * 1024;
    limits->sessions = 3;
    limits->sessions_uid = 2;
    limits->registrations = 5;
    limits->registrations_uid = 4;
    limits->loops_uid = 2;
    limits->descriptors_message = 2;
    limits->descriptors_unclaimed = 3;
    limits->descriptors_uid = 6;
    limits->descriptors_unread = 4;
    limits->descriptors_unread_uid = 2;
}

/* Allows only the loopback, except one address. */
static void config_init(struct config *config, bool narrow)
{
    const char *advice;

    *config = (struct config){.log_level = LOG_LEVEL_ERROR, .descriptors = 1024, .overflow_uid = (uid_t)-1};
    limits_init(&config->limits);
    config->limits.registrations = config->limits.registrations_uid = 64;
    config->limits.descriptors_uid = 128;
    config->limits.descriptors_unread = config->limits.descriptors_unread_uid = 64;
    if (narrow)
        narrow_limits(&config->limits);
    config->rules.default_deny = true;
    REQUIRE(rules_add(&config->rules, true, "127.0.0.3", &advice) == 0, "%s", advice);
    allow_address(&config->rules, "127.0.0.0/8");
    allow_address(&config->rules, "[::1]");
    config->access.descriptor_users.list = calloc(WORLD_USERS, sizeof(unsigned));
    REQUIRE(config->access.descriptor_users.list, "out of memory");
    for (unsigned uid = 1; uid < WORLD_USERS - 1; uid++) /* the last user may not hand over descriptors */
        config->access.descriptor_users.list[config->access.descriptor_users.count++] = uid;
}

/* An address in the abstract namespace, chosen by the kernel. */
static int listen_somewhere(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    world->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    world->address_length = sizeof world->address;
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&world->address, sizeof(sa_family_t)) == 0 && listen(fd, 64) == 0,
            "no listener: %s", strerror(errno));
    getsockname(fd, (struct sockaddr *)&world->address, &world->address_length);
    return fd;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

unsigned world_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    REQUIRE(folder, "cannot open /proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Returns the number of accounts. */
static unsigned free_accounts(struct account *account)
{
    unsigned count;

    if (!account)
        return 0;
    count = 1 + free_accounts(RB_LEFT(account, entry)) + free_accounts(RB_RIGHT(account, entry));
    REQUIRE(!account->sessions && !account->registrations && !account->loops && !account->waiting && !account->unread,
            "an account is not empty");
    REQUIRE(account->closer.slot >= 0 && async_closer_deinit(&account->closer), "an account with an active closer");
    free(account);
    return count;
}

/* An account that still had descriptors to close when its last session ended stays in the tree, empty. */
static void require_accounts_empty(struct accounts *accounts)
{
    REQUIRE(!accounts->sessions && !accounts->registrations, "the counts are %u sessions and %u registrations, not 0",
            accounts->sessions, accounts->registrations);
    REQUIRE(free_accounts(RB_ROOT(&accounts->tree)) <= WORLD_USERS, "more accounts than users");
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void reload(struct server *server)
{
    struct config fresh;

    world->signals.reload = 0;
    config_init(&fresh, world->narrow);
    server_reconfigure(server, &fresh);
    server_ready(server);
}

/* The binary does not exist, so this process continues. */
static void hand_over(struct server *server)
{
    static const struct program none = {.path = "/nowhere/minimiod"};
    char *arguments[] = {(char *)"minimiod", NULL};

    world->signals.hand_over = 0;
    REQUIRE(server_take_leave(server) == 0, "server_take_leave failed");
    REQUIRE(world->signals.stop || handover_run(&server->context, &none, arguments, TRIED_NO_FILE) < 0,
            "handover to a missing binary succeeded");
    server_resume(server);
}

static void serve(struct server *server)
{
    int result;

    while ((result = server_run(server, &world->signals)) > SERVER_STOPPED) {
        if (result == SERVER_RELOAD)
            reload(server);
        else
            hand_over(server);
    }
    REQUIRE(result == SERVER_STOPPED, "server_run: %s", strerror(-result));
}

void world_prepare(void)
{
    static bool done;

    if (done)
        return;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("WATCHDOG_USEC");
    log_set_level(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN);
    peers_begin();
    done = true;
}

void world_run(struct world *new_world, world_step *step)
{
    struct handover handover = {.ledger = -1, .listener = -1};

    waits = heard_at = 0;
    memset(&newcomers, 0, sizeof newcomers);
    take_step = step;
    world = new_world;
    world->now_ns = START_NS;
    config_init(&world->config, world->narrow);
    world->limits = world->config.limits;
    handover.listener = listen_somewhere();
    REQUIRE(server_init(&world->server, &world->config, &handover) == 0, "server_init failed");
    serve(&world->server);
    server_deinit(&world->server);
    REQUIRE(!world->server.context.loops.lease_count && !world->server.context.loops.waiter_count,
            "leases or waiting calls are left");
    world_close();
    async_closer_deinit(&world->server.context.wire.closer);
    world = NULL;
    require_accounts_empty(&new_world->server.context.accounts);
    config_deinit(&new_world->config);
    peers_end();
}
