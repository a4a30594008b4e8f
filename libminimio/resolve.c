/* SPDX-License-Identifier: MIT */
/* Names to addresses, by the system's resolver. Portable. */
#include "libminimio/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX    255 /* bytes of a name in DNS, and more than an IPv6 address with its zone */
#define PORT_DIGITS 5

struct host_port {
    char host[HOST_MAX + 1];
    char port[PORT_DIGITS + 1];
    bool is_literal; /* it stood in brackets */
};

static bool is_port(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > PORT_DIGITS || text[length] != '\0')
        return false;
    long port = strtol(text, NULL, 10);
    return port >= 1 && port <= 65535;
}

static int parse(const char *text, struct host_port *ret_parsed)
{
    bool is_literal = text[0] == '[';
    const char *host = is_literal ? text + 1 : text;
    const char *end = strchr(host, is_literal ? ']' : ':');
    const char *colon = end && is_literal ? end + 1 : end;

    /* A second colon without brackets leaves no port behind the first one. */
    if (!end || end == host || end - host > HOST_MAX || *colon != ':' || !is_port(colon + 1))
        return -EINVAL;
    memcpy(ret_parsed->host, host, (size_t)(end - host));
    ret_parsed->host[end - host] = '\0';
    strcpy(ret_parsed->port, colon + 1);
    ret_parsed->is_literal = is_literal;
    return 0;
}

static int lookup_error(int error, bool is_literal)
{
    switch (error) {
    case EAI_MEMORY:
        return -ENOMEM;
#ifdef EAI_SYSTEM
    case EAI_SYSTEM:
        return errno != 0 ? -errno : -EAGAIN;
#endif
    case EAI_NONAME:
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY:
#endif
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
        return is_literal ? -EINVAL : -ENOENT;
    default:
        /* A literal is not looked up, so that nothing of the moment can have failed. */
        return is_literal ? -EINVAL : -EAGAIN;
    }
}

/* The next address at or after `from` whose family is `family`, or with `same` false is not. */
static struct addrinfo *next_of(struct addrinfo *from, int family, bool same)
{
    while (from && (from->ai_family == family) != same)
        from = from->ai_next;
    return from;
}

static int order_by_turns(struct addresses *addresses)
{
    struct addrinfo *all = addresses->list;
    size_t count = 0;

    for (struct addrinfo *address = all; address; address = address->ai_next)
        count++;
    if (!count)
        return -ENOENT;
    addresses->order = calloc(count, sizeof(*addresses->order));
    if (!addresses->order)
        return -ENOMEM;
    struct addrinfo *preferred = all;
    struct addrinfo *other = next_of(all, all->ai_family, false);
    while (preferred || other) {
        if (preferred) {
            addresses->order[addresses->count++] = preferred;
            preferred = next_of(preferred->ai_next, all->ai_family, true);
        }
        if (other) {
            addresses->order[addresses->count++] = other;
            other = next_of(other->ai_next, all->ai_family, false);
        }
    }
    return 0;
}

int addresses_resolve(const char *host_port, struct addresses *ret_addresses)
{
    struct addresses addresses = {0};
    struct host_port parsed;

    int r = parse(host_port, &parsed);
    if (r < 0)
        return r;
    struct addrinfo hints = {
        .ai_family = parsed.is_literal ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (parsed.is_literal ? AI_NUMERICHOST : 0),
    };
    int error = getaddrinfo(parsed.host, parsed.port, &hints, &addresses.list);
    if (error != 0)
        return lookup_error(error, parsed.is_literal);
    r = order_by_turns(&addresses);
    if (r < 0) {
        addresses_deinit(&addresses);
        return r;
    }
    *ret_addresses = addresses;
    return 0;
}

void addresses_deinit(struct addresses *addresses)
{
    free(addresses->order);
    if (addresses->list)
        freeaddrinfo(addresses->list);
    *addresses = (struct addresses){0};
}
