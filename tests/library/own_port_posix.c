/* SPDX-License-Identifier: MIT */
/* The replaced connect where the program's own stands in front of the C library's. */
#include "tests/library/own_port.h"

#include <dlfcn.h>

typedef int (*connect_function)(int, const struct sockaddr *, socklen_t);

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr *source = connect_source(address, length);

    if (source)
        bind(fd, source, length);
    return ((connect_function)dlsym(RTLD_NEXT, "connect"))(fd, address, length);
}
