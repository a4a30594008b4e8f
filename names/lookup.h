/* SPDX-License-Identifier: MIT */
/*
 * The system's name lookup, for the library and for the processes in which the daemon looks up names: getaddrinfo, so
 * that nsswitch.conf, /etc/hosts and resolv.conf hold here as for every other program.
 *
 * Where a name server answers for one family and never for the other, getaddrinfo of glibc waits for 15 seconds and
 * gives what it has. So a second, hurried lookup starts when the first has no answer after half a second (hurry.h). Its
 * answer is taken if it is of the very name that the first lookup would give the addresses of.
 */
#ifndef MINIMIO_NAMES_LOOKUP_H
#define MINIMIO_NAMES_LOOKUP_H

#ifdef _WIN32
#include <ws2tcpip.h>
#else
#include <netdb.h>
#endif

/*
 * As getaddrinfo, with its results and errors, and errno where the result is EAI_SYSTEM. `service` is not NULL. Blocks
 * for as long as the system's lookup. It may leave a thread behind, in the system's lookup; that thread ends by itself,
 * touches nothing of the caller's, and takes no signals.
 */
int lookup_name(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);

#endif
