/* SPDX-License-Identifier: MIT */
/*
 * The system's name lookup, for the library and for the daemon's processes that look names up: getaddrinfo, so that
 * nsswitch.conf, /etc/hosts and resolv.conf apply as in every program.
 *
 * If a name server answers for one family and never for the other, glibc's getaddrinfo waits for 15 seconds before
 * returning the addresses of the first. A second lookup with short timeouts (hurry.h) therefore starts after half a
 * second. The result of the second lookup is used if the first lookup would use the same full name.
 */
#ifndef MINIMIO_NAMES_LOOKUP_H
#define MINIMIO_NAMES_LOOKUP_H

#ifdef _WIN32
#include <ws2tcpip.h>
#else
#include <netdb.h>
#endif

/*
 * As getaddrinfo, with the same results and errors; sets errno if the result is EAI_SYSTEM. `service` is not NULL.
 * Blocks for as long as the system's lookup. May leave a thread behind in the system's lookup; the thread ends by
 * itself, uses no memory of the caller, and takes no signals.
 */
int lookup_name(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);

#endif
