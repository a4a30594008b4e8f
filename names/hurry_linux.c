/* SPDX-License-Identifier: MIT */
/*
 * Derives the full names of a host as the system's lookup does. Owns only the state of one lookup.
 *
 * The system's lookup tries the full names of the search list in order, and returns the addresses of the first full
 * name with an address of either family. Only a separate query for each family distinguishes a silent name server from
 * a server without an address of one family. A full name is skipped only if the system's lookup certainly skips the
 * full name too. Full names end in a dot, so that the resolver appends nothing.
 */
#include "names/hurry.h"

#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS      1000 /* timeout for a name server, the minimum of the resolver */
#define AT_ONCE_MS   900  /* a failure before this time is an answer, not a timeout */
#define FULL_MAX     512  /* bytes: longer than any name in DNS */
#define CERTAIN_LIST 6    /* limits of domains, and of bytes, below which the resolver holds the complete search list */
#define CERTAIN_TEXT 128

struct hurry {
    const char *host, *service;
    const struct addrinfo *hints;
    struct addrinfo *list; /* the result */
};

/* The result for a full name, or for the addresses of one family. */
enum knowledge {
    FOUND,  /* the name has addresses */
    ABSENT, /* the name does not exist */
    EMPTY,  /* the name exists without addresses */
    FAILED, /* the name servers answered with a failure */
    UNKNOWN /* no answer */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum knowledge query_family(struct hurry *hurry, const char *name, int family)
{
    struct addrinfo hints = *hurry->hints;
    int64_t began_ms = now_ms();

    hints.ai_family = family;
    switch (getaddrinfo(name, hurry->service, &hints, &hurry->list)) {
    case 0:
        return FOUND;
    case EAI_NONAME:
        return ABSENT;
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
        return EMPTY;
#endif
    case EAI_AGAIN:
        return now_ms() - began_ms < AT_ONCE_MS ? FAILED : UNKNOWN;
    default:
        return UNKNOWN;
    }
}

/* The name has IPv4 addresses, so this full name is the result. Looks up both families together, for the system's
 * order. */
static enum knowledge query_in_system_order(struct hurry *hurry, const char *name)
{
    freeaddrinfo(hurry->list);
    return query_family(hurry, name, AF_UNSPEC) == FOUND ? FOUND : UNKNOWN;
}

/* A name that does not exist has no addresses in any family (RFC 8020). */
static enum knowledge query_both(struct hurry *hurry, const char *name)
{
    enum knowledge v4 = query_family(hurry, name, AF_INET), v6;

    if (v4 == FOUND)
        return query_in_system_order(hurry, name);
    if (v4 == ABSENT)
        return ABSENT;
    v6 = query_family(hurry, name, AF_INET6);
    if (v6 == FOUND || v6 == UNKNOWN)
        return v6;
    if (v4 == UNKNOWN)
        return UNKNOWN;
    return v4 == FAILED || v6 == FAILED ? FAILED : EMPTY;
}

#ifdef __GLIBC__

static int set_short_timeouts(void)
{
    if (res_init() < 0)
        return -EIO;
    _res.retrans = WAIT_MS / 1000;
    _res.retry = 1;
    /* One family after the other: if the second has no answer, the addresses of the first are returned at once. */
    _res.options |= RES_SNGLKUP | RES_SNGLKUPREOP;
    return 0;
}

static unsigned count_dots(const char *host)
{
    unsigned count = 0;

    for (; *host; host++)
        count += *host == '.';
    return count;
}

/* An empty `domain` is the root: the name without a suffix. */
static enum knowledge query_in_domain(struct hurry *hurry, const char *domain)
{
    char name[FULL_MAX];
    int length = snprintf(name, sizeof name, "%s.%s%s", hurry->host, domain, *domain ? "." : "");

    return (size_t)length < sizeof name ? query_both(hurry, name) : UNKNOWN;
}

static bool is_complete(unsigned count)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length += strlen(_res.dnsrch[i]) + 1;
    return count < CERTAIN_LIST && length < CERTAIN_TEXT;
}

/* Tries the search list. `*ret_root`: the list contained the root. Returns FOUND, UNKNOWN, or EMPTY to continue
 * after the list. */
static enum knowledge query_search_list(struct hurry *hurry, bool *ret_root)
{
    unsigned count = 0;

    while (count < MAXDNSRCH && _res.dnsrch[count])
        count++;
    if (!(_res.options & RES_DNSRCH) && count > 1)
        count = 1;
    for (unsigned i = 0; i < count; i++) {
        const char *domain = _res.dnsrch[i] + (_res.dnsrch[i][0] == '.');
        enum knowledge known = query_in_domain(hurry, domain);

        *ret_root |= !*domain;
        /* After some failures the resolver continues with the next domain, after other failures with the end of the
         * list. */
        if (known == FOUND || known == UNKNOWN || (known == FAILED && i + 1 < count))
            return known == FOUND ? FOUND : UNKNOWN;
    }
    return is_complete(count) ? EMPTY : UNKNOWN;
}

static bool is_searched(unsigned dots)
{
    return _res.options & (dots ? RES_DNSRCH : RES_DEFNAMES);
}

/* Tries names in the resolver's order: a name with enough dots is tried unchanged first, any other name last. */
static enum knowledge query_in_order(struct hurry *hurry)
{
    unsigned dots = count_dots(hurry->host);
    bool as_is = dots >= _res.ndots, root = false;
    enum knowledge known = EMPTY;

    if (!dots && getenv("HOSTALIASES"))
        return UNKNOWN;
    if (hurry->host[strlen(hurry->host) - 1] == '.')
        return query_both(hurry, hurry->host);
    if (as_is)
        known = query_in_domain(hurry, "");
    if (known == FOUND || known == UNKNOWN)
        return known;
    if (is_searched(dots))
        known = query_search_list(hurry, &root);
    if (known == FOUND || known == UNKNOWN || as_is || root || (!dots && _res.options & RES_NOTLDQUERY))
        return known;
    return query_in_domain(hurry, "");
}

#else

/* The timeouts cannot be set per thread, and only the first full name is tried. */
static int set_short_timeouts(void)
{
    return 0;
}

static enum knowledge query_in_order(struct hurry *hurry)
{
    return query_both(hurry, hurry->host);
}

#endif

int hurry_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    struct hurry hurry = {.host = host, .service = service, .hints = hints};
    int result = *host ? set_short_timeouts() : -EINVAL;

    if (result < 0)
        return result;
    if (query_in_order(&hurry) != FOUND)
        return -EAGAIN;
    *ret_list = hurry.list;
    return 0;
}
