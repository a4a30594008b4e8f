/* SPDX-License-Identifier: MIT */
/*
 * The system's lookup goes through the full names that the search list makes of a name, and gives the addresses of the
 * first that has any, of either family. A name server that does not answer is told apart from one that has none for a
 * family only here, where each family is asked for by itself, and a full name is passed over only once it is certain
 * that the system's lookup passes it over too. Full names end in a dot, so that nothing is appended to them.
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

#define WAIT_MS      1000 /* for a name server: the least that the resolver can be told */
#define AT_ONCE_MS   900  /* a failure that came sooner was an answer, and not a wait that was over */
#define FULL_MAX     512  /* bytes: a longer name is in no DNS */
#define CERTAIN_LIST 6    /* domains, and bytes, of a search list that the resolver has shown whole */
#define CERTAIN_TEXT 128

struct hurry {
    const char *host, *service;
    const struct addrinfo *hints;
    struct addrinfo *list; /* what was found */
};

/* What is known of a full name, or of its addresses of one family. */
enum knowledge {
    FOUND,  /* it has addresses */
    ABSENT, /* it does not exist */
    EMPTY,  /* it exists, and has none */
    FAILED, /* the name servers answer that they cannot tell */
    UNKNOWN /* no answer */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum knowledge ask(struct hurry *hurry, const char *name, int family)
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

/* Its IPv4 addresses are there, so its name is the one. Both families are asked for together once more, for the
 * system's order. */
static enum knowledge take_both(struct hurry *hurry, const char *name)
{
    freeaddrinfo(hurry->list);
    return ask(hurry, name, AF_UNSPEC) == FOUND ? FOUND : UNKNOWN;
}

/* A name that does not exist has no addresses of any family (RFC 8020). */
static enum knowledge ask_for_both(struct hurry *hurry, const char *name)
{
    enum knowledge v4 = ask(hurry, name, AF_INET), v6;

    if (v4 == FOUND)
        return take_both(hurry, name);
    if (v4 == ABSENT)
        return ABSENT;
    v6 = ask(hurry, name, AF_INET6);
    if (v6 == FOUND || v6 == UNKNOWN)
        return v6;
    if (v4 == UNKNOWN)
        return UNKNOWN;
    return v4 == FAILED || v6 == FAILED ? FAILED : EMPTY;
}

#ifdef __GLIBC__

static int hold_nothing_up(void)
{
    if (res_init() < 0)
        return -EIO;
    _res.retrans = WAIT_MS / 1000;
    _res.retry = 1;
    /* One family after the other: where the second has no answer, what the first has found is given at once. */
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

/* "" stands for the root: the name as it is. */
static enum knowledge ask_below(struct hurry *hurry, const char *domain)
{
    char name[FULL_MAX];
    int length = snprintf(name, sizeof name, "%s.%s%s", hurry->host, domain, *domain ? "." : "");

    return (size_t)length < sizeof name ? ask_for_both(hurry, name) : UNKNOWN;
}

static bool is_whole(unsigned count)
{
    size_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length += strlen(_res.dnsrch[i]) + 1;
    return count < CERTAIN_LIST && length < CERTAIN_TEXT;
}

/* Goes through the search list. `*ret_root`: the root was on it. FOUND, UNKNOWN, or EMPTY: go on behind it. */
static enum knowledge search(struct hurry *hurry, bool *ret_root)
{
    unsigned count = 0;

    while (count < MAXDNSRCH && _res.dnsrch[count])
        count++;
    if (!(_res.options & RES_DNSRCH) && count > 1)
        count = 1;
    for (unsigned i = 0; i < count; i++) {
        const char *domain = _res.dnsrch[i] + (_res.dnsrch[i][0] == '.');
        enum knowledge known = ask_below(hurry, domain);

        *ret_root |= !*domain;
        /* After some failures the resolver goes on to the next domain, after others to the end of the list. */
        if (known == FOUND || known == UNKNOWN || (known == FAILED && i + 1 < count))
            return known == FOUND ? FOUND : UNKNOWN;
    }
    return is_whole(count) ? EMPTY : UNKNOWN;
}

static bool is_searched(unsigned dots)
{
    return _res.options & (dots ? RES_DNSRCH : RES_DEFNAMES);
}

/* In the order of the resolver: what has enough dots is asked as it is first, all else last. */
static enum knowledge walk(struct hurry *hurry)
{
    unsigned dots = count_dots(hurry->host);
    bool as_is = dots >= _res.ndots, root = false;
    enum knowledge known = EMPTY;

    if (!dots && getenv("HOSTALIASES"))
        return UNKNOWN;
    if (hurry->host[strlen(hurry->host) - 1] == '.')
        return ask_for_both(hurry, hurry->host);
    if (as_is)
        known = ask_below(hurry, "");
    if (known == FOUND || known == UNKNOWN)
        return known;
    if (is_searched(dots))
        known = search(hurry, &root);
    if (known == FOUND || known == UNKNOWN || as_is || root || (!dots && _res.options & RES_NOTLDQUERY))
        return known;
    return ask_below(hurry, "");
}

#else

/* How long others wait is not to be changed, and no other full name is gone on to unless the one before is absent. */
static int hold_nothing_up(void)
{
    return 0;
}

static enum knowledge walk(struct hurry *hurry)
{
    return ask_for_both(hurry, hurry->host);
}

#endif

int hurry_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    struct hurry hurry = {.host = host, .service = service, .hints = hints};
    int result = *host ? hold_nothing_up() : -EINVAL;

    if (result < 0)
        return result;
    if (walk(&hurry) != FOUND)
        return -EAGAIN;
    *ret_list = hurry.list;
    return 0;
}
