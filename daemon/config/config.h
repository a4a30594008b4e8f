/* SPDX-License-Identifier: MIT */
/*
 * The effective configuration: the command line, else the environment, else the configuration file, else the defaults.
 * The daemon reads the configuration at the start and at SIGHUP.
 */
#ifndef MINIMIO_DAEMON_CONFIG_CONFIG_H
#define MINIMIO_DAEMON_CONFIG_CONFIG_H

#include "daemon/base/log.h"
#include "daemon/config/access.h"
#include "daemon/config/config_text.h"
#include "daemon/config/diagnostics.h"
#include "daemon/config/options.h"
#include "daemon/config/rules.h"
#include "proto/limits.h"
#include "proto/socket_path.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors kept for what one message may bring, and for what the daemon opens for a moment meanwhile. */
#define CONFIG_DESCRIPTOR_ROOM 272

/* Descriptors kept for the daemon itself, its sessions and that room when registrations are shared out. */
#define CONFIG_DESCRIPTOR_RESERVE (64 + CONFIG_DESCRIPTOR_ROOM)

struct config {
    char *file;              /* path of the file that was read; NULL: no file */
    struct config_text text; /* of that file */
    char socket[SOCKET_PATH_SIZE];
    mode_t socket_mode;
    bool system_socket; /* /run/minimio/minimio.sock, shared with the group minimio */
    enum log_level log_level;
    uint32_t store;       /* descriptors that the service manager keeps for us */
    uint32_t descriptors; /* that this process may have open */
    struct limits limits;
    struct access_rules access;
    uid_t overflow_uid; /* stands for every unmapped user of this user namespace; (uid_t)-1: there is none */
    struct rules rules;
};

/*
 * Reads the file, merges the settings, and fits the limits into the descriptor limit, which is raised to the maximum.
 * `file`: the file that was read before, which must still exist; NULL: no file was read. At the start, settings that
 * the previous binary has tried take the place of the file. Reports all errors. Waits for the file and for the system's
 * user database. Error: -EINVAL, and the caller frees nothing.
 */
int config_load(const struct options *options, const char *file, struct config_errors *config_errors,
                struct config *ret_config);
void config_deinit(struct config *config);

/*
 * Moves `*fresh` into `*config` and leaves `*fresh` empty. The socket and its mode stay, as only a start can change the
 * socket. Returns whether `*fresh` had another socket or mode.
 */
bool config_replace(struct config *config, struct config *fresh);

#endif
