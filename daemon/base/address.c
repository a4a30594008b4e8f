/* SPDX-License-Identifier: MIT */
#include "daemon/base/address.h"

#include "proto/json_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static void address_copy_text(struct span text, char *ret_text, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;

    if (length)
        memcpy(ret_text, text.data, length);
    ret_text[length] = '\0';
}

enum endpoint_fault target_parse(struct span text, struct target *ret_target)
{
    struct endpoint endpoint;
    enum endpoint_fault fault = endpoint_parse(text, &endpoint);

    if (fault != ENDPOINT_OK)
        return fault;
    ret_target->kind = endpoint.kind;
    ret_target->port = endpoint.port;
    memcpy(ret_target->bytes, endpoint.bytes, sizeof ret_target->bytes);
    address_copy_text(endpoint.host, ret_target->host, sizeof ret_target->host);
    address_copy_text(endpoint.zone, ret_target->zone, sizeof ret_target->zone);
    return ENDPOINT_OK;
}

/* An interface may have a number as its name: try the name before the number. */
static int address_find_zone(const char *zone, uint32_t *ret_scope)
{
    *ret_scope = if_nametoindex(zone);
    if (*ret_scope)
        return 0;
    return decimal_parse((struct span){zone, strlen(zone)}, UINT32_MAX, ret_scope) == strlen(zone) ? 0 : -ENODEV;
}

int target_literal(const struct target *target, union address *ret_address)
{
    union address address = {0};
    int result = 0;

    if (target->kind == ENDPOINT_V4) {
        address.v4.sin_family = AF_INET;
        memcpy(&address.v4.sin_addr, target->bytes, sizeof address.v4.sin_addr);
    } else if (target->kind == ENDPOINT_V6) {
        address.v6.sin6_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, target->bytes, sizeof address.v6.sin6_addr);
        result = target->zone[0] ? address_find_zone(target->zone, &address.v6.sin6_scope_id) : 0;
    } else {
        return -ENOENT;
    }
    if (result < 0)
        return result;
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

/* Each register replies with two addresses, and printf took a third of the time of a register. */
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

void address_of_socket(int fd, address_getter *get, char ret_text[ADDRESS_TEXT_MAX])
{
    struct sockaddr_storage address;
    struct sockaddr *any = (struct sockaddr *)&address;
    socklen_t length = sizeof address;

    ret_text[0] = '\0';
    if (get(fd, any, &length) == 0)
        address_format(any, ret_text);
}
