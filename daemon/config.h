/* SPDX-License-Identifier: MIT */
/*
 * The daemon's settings: from the command line.
 */
#ifndef MINIMIO_DAEMON_CONFIG_H
#define MINIMIO_DAEMON_CONFIG_H

#include "proto/limits.h"
#include "proto/socket_path.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors kept for the daemon itself and its sessions when registrations are shared out. */
#define CONFIG_DESCRIPTOR_RESERVE 64

struct config {
    char socket[SOCKET_PATH_SIZE];
    mode_t socket_mode;
    bool system_socket;   /* the system's own: shared with the group minimio */
    const char *servers;  /* name servers in place of the system's; NULL: the system's */
    uint32_t descriptors; /* that this process may have open */
    uint32_t store;       /* descriptors that the service manager keeps for us; 0: none */
    struct limits limits;
};

enum { CONFIG_RUN, CONFIG_EXIT }; /* what to do after the options were read: with CONFIG_EXIT they were answered */

/*
 * Reads the options and settles the limits against the descriptor limit, which it raises as far as it goes. What is
 * wrong is said on standard error. Error: -EINVAL.
 */
int config_read(struct config *ret_config, int argc, char **argv);

#endif
