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

/* A socket that c-ares has opened. */
struct resolver_socket {
    struct source source;
    LIST_ENTRY(resolver_socket) entry;
    struct channel *channel;
    ares_socket_t fd;
    minimio_interests interests; /* 0: c-ares has not asked for any yet */
    bool watched;
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
    bool blind; /* a socket could not be watched */
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

static void watch_again(struct channel *channel);

static void timeout_expired(struct timer *timer)
{
    struct channel *channel = container_of(timer, struct channel, timeout);

    watch_again(channel);
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

    if (gone->watched)
        reactor_unwatch(reactor, gone->fd);
    LIST_REMOVE(gone, entry);
    reactor_bury(reactor, &gone->source);
}

/* A socket that the reactor cannot watch now is tried again with the next timeout. */
static void watch_socket(struct resolver_socket *socket)
{
    struct reactor *reactor = socket->channel->resolver->reactor;
    bool was_watched = socket->watched;
    int result;

    if (was_watched)
        result = reactor_rewatch(reactor, socket->fd, &socket->source, socket->interests, MINIMIO_LEVEL);
    else
        result = reactor_watch(reactor, socket->fd, &socket->source, socket->interests, MINIMIO_LEVEL);
    if (result < 0 && was_watched)
        reactor_unwatch(reactor, socket->fd);
    socket->watched = result >= 0;
    socket->channel->blind |= result < 0;
}

/* c-ares asks the callback once for each socket, and then uses the socket for all later names: without memory for the
 * record the socket is refused, and c-ares opens another for the next name. */
static int socket_opened(ares_socket_t fd, int type, void *data)
{
    struct channel *channel = data;
    struct resolver_socket *opened = find_socket(channel, fd);

    (void)type;
    if (opened) /* the socket before, which c-ares closed without ever asking for its readiness */
        forget_socket(opened);
    opened = calloc(1, sizeof *opened);
    if (!opened)
        return -1;
    opened->source.ready = socket_ready;
    opened->channel = channel;
    opened->fd = fd;
    LIST_INSERT_HEAD(&channel->sockets, opened, entry);
    return 0;
}

static void socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolver_socket *known = find_socket(data, fd);

    if (!known)
        return;
    known->interests = (minimio_interests)((readable ? MINIMIO_READABLE : 0) | (writable ? MINIMIO_WRITABLE : 0));
    if (known->interests)
        watch_socket(known);
    else
        forget_socket(known);
}

static void watch_again(struct channel *channel)
{
    struct resolver_socket *socket;

    if (!channel->blind)
        return;
    channel->blind = false;
    LIST_FOREACH(socket, &channel->sockets, entry)
    if (socket->interests && !socket->watched)
        watch_socket(socket);
}

/* ---- Channels --------------------------------------------------------------------------------------------------- */

static void channel_free(struct channel *channel)
{
    struct resolver_socket *socket, *next;

    channel->busy = true; /* the lookups that end now are not to free it again */
    LIST_REMOVE(channel, entry);
    timer_stop(&channel->resolver->reactor->timers, &channel->timeout);
    if (channel->ares)
        ares_destroy(channel->ares);
    LIST_FOREACH_SAFE(socket, &channel->sockets, entry, next)
    forget_socket(socket);
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
    if (result == 0)
        ares_set_socket_callback(channel->ares, socket_opened, channel);
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
