/* SPDX-License-Identifier: MIT */
#include "daemon/resolver.h"

#include "daemon/log.h"
#include "daemon/resolver_files.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLIND_MS 100 /* how soon watching a socket is tried again */

/* More addresses than this of one family are left untried: no client waits that long. */
#define LOOKUP_ADDRESSES_MAX 16

/* A socket of c-ares' own, watched for it. */
struct resolver_socket {
    struct source source;
    LIST_ENTRY(resolver_socket) entry;
    struct channel *channel;
    ares_socket_t fd;
};

/* One reading of the resolver settings. Goes when it is not the current one and its last lookup is done. */
struct channel {
    struct resolver *resolver;
    LIST_ENTRY(channel) entry;
    ares_channel ares;
    LIST_HEAD(, resolver_socket) sockets;
    struct timer timeout;
    size_t lookups;
    bool busy;  /* in a call of c-ares', which must not lose its channel */
    bool blind; /* a socket of its could not be watched */
};

struct resolver {
    struct reactor *reactor;
    const char *servers;
    struct channel *current;
    LIST_HEAD(, channel) channels;
    struct timespec settings_changed;
    size_t lookups;
};

struct lookup {
    struct channel *channel;
    lookup_done *done; /* NULL: nobody waits for it any more */
    void *owner;
};

static void channel_release(struct channel *channel);

/* ---- c-ares' sockets and timeouts on the reactor ----------------------------------------------------------------- */

static void arm_timeout(struct channel *channel);

static void process(struct channel *channel, ares_socket_t readable, ares_socket_t writable)
{
    channel->busy = true;
    ares_process_fd(channel->ares, readable, writable);
    channel->busy = false;
    arm_timeout(channel);
    channel_release(channel);
}

static void look_again(struct channel *channel);

static void timeout_expired(struct timer *timer)
{
    struct channel *channel = container_of(timer, struct channel, timeout);

    look_again(channel);
    process(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void arm_timeout(struct channel *channel)
{
    struct timers *timers = &channel->resolver->reactor->timers;
    struct timeval wait;
    uint64_t wait_ms;

    if (!ares_timeout(channel->ares, NULL, &wait)) {
        timer_stop(timers, &channel->timeout);
        return;
    }
    /* Rounded up: c-ares compares with its own clock, and one look too early would be followed by another. */
    wait_ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
    timer_start(timers, &channel->timeout, channel->blind && wait_ms > BLIND_MS ? BLIND_MS : wait_ms, timeout_expired);
}

static void socket_ready(struct source *source, const struct minimio_event *event)
{
    struct resolver_socket *ready = container_of(source, struct resolver_socket, source);
    bool closed = minimio_event_is_read_closed(event) || minimio_event_is_error(event);

    process(ready->channel, minimio_event_is_readable(event) || closed ? ready->fd : ARES_SOCKET_BAD,
            minimio_event_is_writable(event) || closed ? ready->fd : ARES_SOCKET_BAD);
}

static struct resolver_socket *find_socket(struct channel *channel, ares_socket_t fd)
{
    struct resolver_socket *found;

    LIST_FOREACH(found, &channel->sockets, entry)
    if (found->fd == fd)
        return found;
    return NULL;
}

static void forget_socket(struct resolver_socket *gone)
{
    struct reactor *reactor = gone->channel->resolver->reactor;

    reactor_unwatch(reactor, gone->fd);
    LIST_REMOVE(gone, entry);
    reactor_bury(reactor, &gone->source);
}

static void watch_socket(struct channel *channel, ares_socket_t fd, minimio_interests interests)
{
    struct reactor *reactor = channel->resolver->reactor;
    struct resolver_socket *watched = calloc(1, sizeof *watched);

    if (!watched) {
        channel->blind = true;
        return;
    }
    watched->source.ready = socket_ready;
    watched->channel = channel;
    watched->fd = fd;
    if (reactor_watch(reactor, fd, &watched->source, interests, MINIMIO_LEVEL) < 0) {
        free(watched);
        channel->blind = true;
        return;
    }
    LIST_INSERT_HEAD(&channel->sockets, watched, entry);
}

static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct channel *channel = data;
    struct resolver_socket *known = find_socket(channel, fd);
    minimio_interests interests =
        (minimio_interests)((readable ? MINIMIO_READABLE : 0) | (writable ? MINIMIO_WRITABLE : 0));

    if (!interests) {
        if (known)
            forget_socket(known);
    } else if (!known) {
        watch_socket(channel, fd, interests);
    } else if (reactor_rewatch(channel->resolver->reactor, fd, &known->source, interests, MINIMIO_LEVEL) < 0) {
        forget_socket(known);
        channel->blind = true;
    }
}

/* c-ares tells of a socket once, and asks all later names over it. */
static void look_again(struct channel *channel)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    int wanted;

    if (!channel->blind)
        return;
    channel->blind = false;
    wanted = ares_getsock(channel->ares, sockets, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        int readable = ARES_GETSOCK_READABLE(wanted, i), writable = ARES_GETSOCK_WRITABLE(wanted, i);

        if ((readable || writable) && !find_socket(channel, sockets[i]))
            socket_state(channel, sockets[i], readable, writable);
    }
}

/* ---- Channels --------------------------------------------------------------------------------------------------- */

static void channel_free(struct channel *channel)
{
    channel->busy = true; /* the lookups that end now are not to free it again */
    LIST_REMOVE(channel, entry);
    timer_stop(&channel->resolver->reactor->timers, &channel->timeout);
    if (channel->ares)
        ares_destroy(channel->ares);
    free(channel);
}

static void channel_release(struct channel *channel)
{
    if (!channel->busy && !channel->lookups && channel->resolver->current != channel)
        channel_free(channel);
}

static int from_ares(int status)
{
    return status == ARES_SUCCESS ? 0 : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
}

static int channel_new(struct resolver *resolver, struct channel **ret_channel)
{
    struct channel *channel = calloc(1, sizeof *channel);
    struct ares_options options = {.sock_state_cb = socket_state, .sock_state_cb_data = channel};
    int result;

    if (!channel)
        return -ENOMEM;
    channel->resolver = resolver;
    LIST_INIT(&channel->sockets);
    LIST_INSERT_HEAD(&resolver->channels, channel, entry);
    result = from_ares(ares_init_options(&channel->ares, &options, ARES_OPT_SOCK_STATE_CB));
    if (result == 0 && resolver->servers)
        result = from_ares(ares_set_servers_ports_csv(channel->ares, resolver->servers));
    if (result < 0) {
        channel_free(channel);
        return result;
    }
    *ret_channel = channel;
    return 0;
}

static bool same_time(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

/* A failure leaves the settings as they were: they have served until now. */
static void refresh(struct resolver *resolver)
{
    struct channel *fresh, *old = resolver->current;
    struct stat settings;

    if (stat(RESOLV_CONF, &settings) < 0 || same_time(&settings.st_mtim, &resolver->settings_changed))
        return;
    if (!resolver_files_check_settings()) {
        resolver->settings_changed = settings.st_mtim; /* logged once */
        return;
    }
    if (channel_new(resolver, &fresh) < 0)
        return;
    resolver->settings_changed = settings.st_mtim;
    resolver->current = fresh;
    channel_release(old);
    log_write(LOG_LEVEL_DEBUG, "name server settings reread from " RESOLV_CONF);
}

/* ---- The resolver ----------------------------------------------------------------------------------------------- */

int resolver_new(struct reactor *reactor, const char *servers, struct resolver **ret_resolver)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    struct stat settings;
    int result;

    if (!resolver)
        return -ENOMEM;
    if (!resolver_files_check_settings()) {
        free(resolver);
        return -EINVAL;
    }
    resolver->reactor = reactor;
    resolver->servers = servers;
    result = from_ares(ares_library_init(ARES_LIB_INIT_ALL));
    if (result == 0) {
        if (stat(RESOLV_CONF, &settings) == 0)
            resolver->settings_changed = settings.st_mtim;
        result = channel_new(resolver, &resolver->current);
    }
    if (result < 0) {
        free(resolver);
        return result;
    }
    *ret_resolver = resolver;
    return 0;
}

static bool same_servers(const char *left, const char *right)
{
    return left && right ? !strcmp(left, right) : left == right;
}

int resolver_set_servers(struct resolver *resolver, const char *servers)
{
    const char *before = resolver->servers;
    struct channel *fresh, *old = resolver->current;
    int result;

    resolver->servers = servers;
    if (same_servers(before, servers))
        return 0;
    result = resolver_files_check_settings() ? channel_new(resolver, &fresh) : -EINVAL;
    if (result < 0) {
        resolver->servers = before;
        return result;
    }
    resolver->current = fresh;
    channel_release(old);
    return 0;
}

struct resolver *resolver_free(struct resolver *resolver)
{
    struct channel *channel, *next;

    if (!resolver)
        return NULL;
    LIST_FOREACH_SAFE(channel, &resolver->channels, entry, next)
    channel_free(channel);
    ares_library_cleanup();
    free(resolver);
    return NULL;
}

static size_t take_addresses(const struct ares_addrinfo *found, union address addresses[LOOKUP_ADDRESSES_MAX])
{
    size_t count = 0;

    for (const struct ares_addrinfo_node *node = found->nodes; node && count < LOOKUP_ADDRESSES_MAX;
         node = node->ai_next) {
        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
            (size_t)node->ai_addrlen > sizeof(union address))
            continue;
        addresses[count] = (union address){0};
        memcpy(&addresses[count++], node->ai_addr, (size_t)node->ai_addrlen);
    }
    return count;
}

static void lookup_answered(void *data, int status, int timeouts, struct ares_addrinfo *found)
{
    struct lookup *lookup = data;
    struct channel *channel = lookup->channel;
    union address addresses[LOOKUP_ADDRESSES_MAX];
    size_t count = status == ARES_SUCCESS && found ? take_addresses(found, addresses) : 0;

    (void)timeouts;
    if (found)
        ares_freeaddrinfo(found);
    channel->lookups--;
    channel->resolver->lookups--;
    if (lookup->done)
        lookup->done(lookup->owner, addresses, count, ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status));
    free(lookup);
    channel_release(channel);
}

int lookup_start(struct resolver *resolver, const char *name, int family, lookup_done *done, void *owner,
                 struct lookup **ret_lookup)
{
    /* Without NOSORT c-ares opens a socket to each address found, to sort them; the connector has its own order. */
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_family = family, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup;
    struct channel *channel;
    bool nested;

    if (resolver->lookups >= RESOLVER_LOOKUPS_MAX)
        return -EBUSY;
    if (!resolver_files_check_hosts())
        return -EINVAL;
    lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return -ENOMEM;
    refresh(resolver);
    channel = resolver->current;
    *lookup = (struct lookup){.channel = channel, .done = done, .owner = owner};
    *ret_lookup = lookup;
    channel->lookups++;
    resolver->lookups++;
    nested = channel->busy;
    channel->busy = true;
    ares_getaddrinfo(channel->ares, name, NULL, &hints, lookup_answered, lookup);
    channel->busy = nested;
    arm_timeout(channel);
    channel_release(channel);
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    lookup->done = NULL;
}
