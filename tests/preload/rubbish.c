/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program under test: a name service module that has been taken over. It says on standard input, which
 * is the socket of the process that looks up names, what the first letter of the host asks for.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);

__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **list)
{
    static unsigned char bytes[65536];

    (void)service, (void)hints, (void)list;
    if (*node == 'e')
        _exit(0);
    if (*node == 's')
        abort();
    memset(bytes, *node == 'z' ? 0 : 0xff, sizeof bytes);
    send(STDIN_FILENO, bytes, *node == 'l' ? sizeof bytes : 300, MSG_NOSIGNAL);
    for (;;)
        pause();
}
