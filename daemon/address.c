/* SPDX-License-Identifier: MIT */
#include "daemon/address.h"

#include "proto/json_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static int parse_port(const char *text, size_t length, uint16_t *ret_port)
{
    uint32_t port = 0;

    if (length < 1 || length > 5)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (port < 1 || port > UINT16_MAX)
        return -EINVAL;
    *ret_port = (uint16_t)port;
    return 0;
}

/* Printable ASCII without what would make the text mean something else; whether the name exists is for DNS to say. */
static bool is_host(const char *text, size_t length, bool bracketed)
{
    if (length < 1 || length > ADDRESS_HOST_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 127 || strchr("[]/@\\\"", text[i]) || (text[i] == ':' && !bracketed))
            return false;
    return true;
}

int target_parse(struct span text, struct target *ret_target)
{
    const char *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    const char *host = text.data;
    size_t host_length;
    bool bracketed;
    uint16_t port;

    if (!colon || parse_port(colon + 1, text.length - (size_t)(colon + 1 - text.data), &port) < 0)
        return -EINVAL;
    host_length = (size_t)(colon - host);
    bracketed = host_length >= 2 && host[0] == '[' && host[host_length - 1] == ']';
    if (bracketed) {
        host++;
        host_length -= 2;
    }
    if (!is_host(host, host_length, bracketed))
        return -EINVAL;
    memcpy(ret_target->host, host, host_length);
    ret_target->host[host_length] = '\0';
    ret_target->port = port;
    ret_target->bracketed = bracketed;
    return 0;
}

/* A scope is an interface's name or number. */
static int parse_scope(const char *text, uint32_t *ret_scope)
{
    uint32_t scope = if_nametoindex(text);
    char rest;

    if (!scope && sscanf(text, "%u%c", &scope, &rest) != 1)
        return -ENOENT;
    *ret_scope = scope;
    return 0;
}

static int parse_v6(const char *host, struct sockaddr_in6 *ret_address)
{
    const char *percent = strchr(host, '%');
    size_t length = percent ? (size_t)(percent - host) : strlen(host);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    char digits[INET6_ADDRSTRLEN];

    if (length >= sizeof digits)
        return -ENOENT;
    memcpy(digits, host, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, &address.sin6_addr) != 1)
        return -ENOENT;
    if (percent && parse_scope(percent + 1, &address.sin6_scope_id) < 0)
        return -ENOENT;
    *ret_address = address;
    return 0;
}

int target_literal(const struct target *target, union address *ret_address)
{
    union address address = {.v4 = {.sin_family = AF_INET}};

    if (target->bracketed ? parse_v6(target->host, &address.v6) < 0
                          : inet_pton(AF_INET, target->host, &address.v4.sin_addr) != 1)
        return -ENOENT;
    address_set_port(&address, target->port);
    *ret_address = address;
    return 0;
}

void address_set_port(union address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

/* Each register answers with two of them, and printf's way took a third of all that it is done in. */
static void format_v4(const struct sockaddr_in *address, char *text)
{
    const uint8_t *bytes = (const uint8_t *)&address->sin_addr;

    for (int i = 0; i < 4; i++) {
        text += json_format_unsigned(bytes[i], text);
        *text++ = i < 3 ? '.' : ':';
    }
    text[json_format_unsigned(ntohs(address->sin_port), text)] = '\0';
}

static void format_v6(const struct sockaddr_in6 *address, char *text)
{
    char host[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof host);
    if (address->sin6_scope_id)
        snprintf(text, ADDRESS_TEXT_MAX, "[%s%%%u]:%u", host, address->sin6_scope_id, ntohs(address->sin6_port));
    else
        snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(address->sin6_port));
}

void address_format(const struct sockaddr *address, char ret_text[ADDRESS_TEXT_MAX])
{
    ret_text[0] = '\0';
    if (address->sa_family == AF_INET)
        format_v4((const struct sockaddr_in *)(const void *)address, ret_text);
    else if (address->sa_family == AF_INET6)
        format_v6((const struct sockaddr_in6 *)(const void *)address, ret_text);
}
