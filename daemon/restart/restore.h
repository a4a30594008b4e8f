/* SPDX-License-Identifier: MIT */
/*
 * Restores loops and streams from the service manager's store, or from the previous binary.
 *
 * Owns no state after it returns. Calls loops, the recorder and the service manager.
 */
#ifndef MINIMIO_DAEMON_RESTART_RESTORE_H
#define MINIMIO_DAEMON_RESTART_RESTORE_H

#include "daemon/manager/manager.h"
#include "daemon/sessions/context.h"

/*
 * Restores all loops and streams, and begins to record. `handed_over`: the descriptor of the previous binary's ledger;
 * -1: no previous binary. Lost or unreadable entries are logged, and never guessed. Errors: -ENOMEM, -EMFILE: the
 * daemon must not start, because the daemon would lose the stored descriptors.
 */
int restore_run(struct context *context, struct manager *manager, int handed_over);

#endif
