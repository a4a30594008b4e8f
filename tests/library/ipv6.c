/* SPDX-License-Identifier: MIT */
#include "tests/library/ipv6.h"

#include "tests/library/support.h"

bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    minimio_fd fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool bound;

    if (fd == MINIMIO_INVALID_FD)
        return false;
    bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close_fd(fd);
    return bound;
}
