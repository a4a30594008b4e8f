/* SPDX-License-Identifier: MIT */
#include "fuzz/resolver.h"

#include "fuzz/require.h"

#include <arpa/inet.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <string.h>

#define ADDRESSES_MAX 4

struct lookup {
    TAILQ_ENTRY(lookup) entry;
    struct resolver *resolver;
    lookup_done *done; /* NULL: nobody waits for it any more */
    void *owner;
    int family;
    struct timer answered; /* runs: it is */
    union address addresses[ADDRESSES_MAX];
    size_t count;
};

struct resolver {
    struct reactor *reactor;
    TAILQ_HEAD(, lookup) lookups;
};

int resolver_new(struct reactor *reactor, const char *servers, struct resolver **ret_resolver)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));

    (void)servers;
    if (!resolver)
        return -ENOMEM;
    resolver->reactor = reactor;
    TAILQ_INIT(&resolver->lookups);
    *ret_resolver = resolver;
    return 0;
}

int resolver_set_servers(struct resolver *resolver, const char *servers)
{
    (void)resolver;
    (void)servers;
    return 0;
}

static void finish(struct lookup *lookup)
{
    TAILQ_REMOVE(&lookup->resolver->lookups, lookup, entry);
    timer_stop(&lookup->resolver->reactor->timers, &lookup->answered);
    if (lookup->done)
        lookup->done(lookup->owner, lookup->addresses, lookup->count, "there is no such name here");
    free(lookup);
}

struct resolver *resolver_free(struct resolver *resolver)
{
    struct lookup *lookup, *next;

    if (!resolver)
        return NULL;
    TAILQ_FOREACH_SAFE(lookup, &resolver->lookups, entry, next)
    {
        REQUIRE(!lookup->done, "somebody waits for a lookup when the daemon has ended");
        finish(lookup);
    }
    free(resolver);
    return NULL;
}

static void add(struct lookup *lookup, const char *v4, const char *v6)
{
    union address *address = &lookup->addresses[lookup->count++];

    *address = (union address){0};
    address->any.sa_family = (sa_family_t)lookup->family;
    if (lookup->family == AF_INET)
        inet_pton(AF_INET, v4, &address->v4.sin_addr);
    else
        inet_pton(AF_INET6, v6, &address->v6.sin6_addr);
}

static void answered(struct timer *timer)
{
    finish(container_of(timer, struct lookup, answered));
}

bool resolver_answer(struct resolver *resolver, const char *kinds, size_t length)
{
    struct lookup *lookup;

    TAILQ_FOREACH(lookup, &resolver->lookups, entry)
    {
        if (!lookup->answered.running)
            break;
    }
    if (!lookup)
        return false;
    for (size_t i = 0; i < length && lookup->count < ADDRESSES_MAX; i++) {
        if (kinds[i] == '1')
            add(lookup, "127.0.0.1", "::1");
        else if (kinds[i] == '2')
            add(lookup, "127.0.0.2", "::ffff:127.0.0.2");
        else if (kinds[i] == 'd')
            add(lookup, "10.0.0.1", "fd00::1");
    }
    timer_start(&resolver->reactor->timers, &lookup->answered, 0, answered);
    return true;
}

/* What the system knows by itself is found at once, before this returns. */
int lookup_start(struct resolver *resolver, const char *name, int family, lookup_done *done, void *owner,
                 struct lookup **ret_lookup)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (!lookup)
        return -ENOMEM;
    *lookup = (struct lookup){.resolver = resolver, .done = done, .owner = owner, .family = family};
    TAILQ_INSERT_TAIL(&resolver->lookups, lookup, entry);
    *ret_lookup = lookup;
    if (strcmp(name, "localhost") == 0) {
        add(lookup, "127.0.0.1", "::1");
        finish(lookup);
    }
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    lookup->done = NULL;
}
