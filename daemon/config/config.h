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

/* Descriptors reserved for a message with descriptors and for temporary files of the daemon. */
#define CONFIG_DESCRIPTOR_ROOM 272

/* Descriptors reserved for the daemon, the sessions and CONFIG_DESCRIPTOR_ROOM; the rest is for registrations. */
#define CONFIG_DESCRIPTOR_RESERVE (64 + CONFIG_DESCRIPTOR_ROOM)

struct config {
    char *file;              /* path of the configuration file; NULL: no file */
    struct config_text text; /* contents of the file */
    char socket[SOCKET_PATH_SIZE];
    mode_t socket_mode;
    bool system_socket; /* /run/minimio/minimio.sock, shared with the group minimio */
    enum log_level log_level;
    uint32_t store;       /* size of the service manager's descriptor store */
    uint32_t descriptors; /* the descriptor limit of the process */
    struct limits limits;
    struct access_rules access;
    uid_t overflow_uid; /* uid of all unmapped users of the user namespace; (uid_t)-1: all uids are mapped */
    struct rules rules;
};

/*
 * Reads the file, merges the settings, and fits the limits into the descriptor limit, which is raised to the maximum.
 * `file`: the previous file, which must still exist; NULL: no previous file. At the start, settings that the previous
 * binary has tried take the place of the file. Reports all errors. Blocks for the file and the user
 * database. Error: -EINVAL, and the caller frees nothing.
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
