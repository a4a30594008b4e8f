/* SPDX-License-Identifier: MIT */
/*
 * What the daemon goes by: the command line, else the environment, else the configuration file, else the defaults.
 * Read at the start and again whenever it is asked for.
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
    char *file;              /* that was read; NULL: there is none */
    struct config_text text; /* of that file */
    char socket[SOCKET_PATH_SIZE];
    mode_t socket_mode;
    bool system_socket; /* the system's own: shared with the group minimio */
    enum log_level log_level;
    uint32_t store;       /* descriptors that the service manager keeps for us */
    uint32_t descriptors; /* that this process may have open */
    struct limits limits;
    struct access_rules access;
    uid_t overflow_uid; /* stands for every unmapped user of this user namespace; (uid_t)-1: there is none */
    struct rules rules;
};

/*
 * Reads the file and settles everything, the limits against the descriptor limit, which it raises as far as it goes.
 * `file`: the one that was read before, which must be there still; NULL: none was. At the start, settings that were
 * tried before this binary took over are used in place of the file. Complains about all that is wrong. Waits for the
 * file and for the system's user database. Error: -EINVAL, and there is nothing to be freed.
 */
int config_load(const struct options *options, const char *file, struct config_errors *config_errors,
                struct config *ret_config);
void config_deinit(struct config *config);

/*
 * Puts `*fresh`, which is empty afterwards, in the place of `*config`, but for what only a start can change: the
 * socket and its mode. Returns whether those would have changed.
 */
bool config_replace(struct config *config, struct config *fresh);

#endif
