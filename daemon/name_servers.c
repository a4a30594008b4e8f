/* SPDX-License-Identifier: MIT */
#include "daemon/name_servers.h"

#include "daemon/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE " \t"

/* Puts what an address may lack around it: the brackets, the port. */
static int read_as(const char *before, struct span text, const char *behind, union address *ret_address)
{
    char whole[ADDRESS_TEXT_MAX];
    struct target target;
    int length = snprintf(whole, sizeof whole, "%s%.*s%s", before, (int)text.length, text.data, behind);

    if (length < 0 || (size_t)length >= sizeof whole ||
        target_parse((struct span){whole, (size_t)length}, &target) != ENDPOINT_OK)
        return -EINVAL;
    return target_literal(&target, ret_address) < 0 ? -EINVAL : 0;
}

static int read_one(struct span text, char ret_server[ADDRESS_TEXT_MAX])
{
    union address address;

    if (read_as("", text, "", &address) < 0 && read_as("", text, ":" NAME_SERVER_PORT, &address) < 0 &&
        read_as("[", text, "]:" NAME_SERVER_PORT, &address) < 0)
        return -EINVAL;
    address_format(&address.any, ret_server);
    return 0;
}

/* What stands before the next comma, without the space around it. */
static struct span next_item(const char **text)
{
    const char *begin = *text + strspn(*text, SPACE);
    size_t length = strcspn(begin, ",");

    *text = begin + length;
    while (length && strchr(SPACE, begin[length - 1]))
        length--;
    return (struct span){begin, length};
}

int name_servers_read(const char *text, char **ret_servers)
{
    struct buffer servers;
    int result = 0;

    buffer_init(&servers);
    for (;;) {
        char server[ADDRESS_TEXT_MAX];

        result = read_one(next_item(&text), server);
        if (result < 0)
            break;
        buffer_append_text(&servers, server);
        if (*text++ != ',')
            break;
        buffer_append_text(&servers, ",");
    }
    buffer_append(&servers, "", 1);
    if (result == 0 && buffer_failed(&servers))
        result = -ENOMEM;
    if (result == 0)
        *ret_servers = strdup(buffer_bytes(&servers));
    if (result == 0 && !*ret_servers)
        result = -ENOMEM;
    buffer_deinit(&servers);
    return result;
}
