/* SPDX-License-Identifier: MIT */
/*
 * Turns what the manager has kept, or the binary before has left, into loops and streams again.
 *
 * Owns no state after it returns. Calls loops, the recorder and the service manager.
 */
#ifndef MINIMIO_DAEMON_RESTART_RESTORE_H
#define MINIMIO_DAEMON_RESTART_RESTORE_H

#include "daemon/manager/manager.h"
#include "daemon/sessions/context.h"

/*
 * `handed_over`: the ledger's descriptor of the binary before; -1: there was none. Begins to record. What is lost or
 * cannot be read is logged, never guessed. Errors: -ENOMEM, -EMFILE: the daemon must not start, as it would lose what
 * it was given.
 */
int restore(struct context *context, struct manager *service, int handed_over);

#endif
