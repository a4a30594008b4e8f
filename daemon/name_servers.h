/* SPDX-License-Identifier: MIT */
/*
 * Name servers as an operator lists them: ADDRESS or ADDRESS:PORT, an IPv6 one in brackets before a port, with commas
 * between them.
 */
#ifndef MINIMIO_DAEMON_NAME_SERVERS_H
#define MINIMIO_DAEMON_NAME_SERVERS_H

#define NAME_SERVER_PORT "53"

/*
 * The same list as resolver_new takes it, each server with its port; to be freed. What c-ares makes of a list that is
 * wrong depends on its version. Errors: -EINVAL, it is no such list; -ENOMEM.
 */
int name_servers_read(const char *text, char **ret_servers);

#endif
