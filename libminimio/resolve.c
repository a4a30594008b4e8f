/* SPDX-License-Identifier: MIT */
/* Resolves "host:port" to an ordered list of addresses, by the system's resolver. Stateless and portable. */
#include "libminimio/resolve.h"

#include "libminimio/host_port.h"
#include "names/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int lookup_error(int error)
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
        return -ENOENT;
    default:
        return -EAGAIN;
    }
}

/* The next address at or after `from` with the family `family`, or with `same` false, with any other family. */
static struct addrinfo *next_with_family(struct addrinfo *from, int family, bool same)
{
    while (from && (from->ai_family == family) != same)
        from = from->ai_next;
    return from;
}

static int interleave_families(struct addresses *addresses, bool v6_first)
{
    struct addrinfo *all = addresses->list;
    size_t count = 0;

    for (struct addrinfo *address = all; address; address = address->ai_next)
        count++;
    if (!count)
        return -ENOENT;
    addresses->order = calloc(count, sizeof *addresses->order);
    if (!addresses->order)
        return -ENOMEM;
    int first = v6_first ? AF_INET6 : all->ai_family;
    struct addrinfo *preferred = next_with_family(all, first, true);
    struct addrinfo *other = next_with_family(all, first, false);
    while (preferred || other) {
        if (preferred) {
            addresses->order[addresses->count++] = preferred;
            preferred = next_with_family(preferred->ai_next, first, true);
        }
        if (other) {
            addresses->order[addresses->count++] = other;
            other = next_with_family(other->ai_next, first, false);
        }
    }
    return 0;
}

/* Only names are looked up; literals are parsed. */
static int look_up_host(const struct host_port *parsed, struct addrinfo **ret_list)
{
    bool is_literal = parsed->kind == HOST_V4 || parsed->kind == HOST_V6;
    struct addrinfo hints = {
        .ai_family = parsed->kind == HOST_V4   ? AF_INET
                     : parsed->kind == HOST_V6 ? AF_INET6
                                               : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (is_literal ? AI_NUMERICHOST : 0),
    };

    /* Without a host getaddrinfo returns the loopback addresses. */
    int error = lookup_name(parsed->kind == HOST_LOCALHOST ? NULL : parsed->host, parsed->port, &hints, ret_list);
    return error == 0 ? 0 : lookup_error(error);
}

int addresses_resolve(const char *host_port, struct addresses *ret_addresses)
{
    struct addresses addresses = {0};
    struct host_port parsed;

    int result = host_port_parse(host_port, &parsed);
    if (result == 0)
        result = look_up_host(&parsed, &addresses.list);
    if (result < 0)
        return result;
    result = interleave_families(&addresses, parsed.kind == HOST_LOCALHOST);
    if (result < 0) {
        addresses_deinit(&addresses);
        return result;
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
