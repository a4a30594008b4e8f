/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program under test: has the resolver of glibc ask the name server 127.0.0.1:$NAME_SERVER_PORT, which
 * a resolv.conf cannot say, as it has no ports. All else is as the system has it.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

typedef int (*getaddrinfo_function)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static void use_port(int port)
{
    if (!(_res.options & RES_INIT))
        res_init();
    _res.nscount = 1;
    _res.nsaddr_list[0] = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
}

EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    const char *port = getenv("NAME_SERVER_PORT");

    if (port)
        use_port(atoi(port));
    return ((getaddrinfo_function)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, list);
}
