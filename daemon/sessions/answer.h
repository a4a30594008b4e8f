/* SPDX-License-Identifier: MIT */
/*
 * Answers shared by many methods. Each function ends the call.
 *
 * Owns no state. Calls the call.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_ANSWER_H
#define MINIMIO_DAEMON_SESSIONS_ANSWER_H

#include "daemon/sessions/call.h"

/* `{}` */
void answer_empty(struct call *call);

/* A fault with this message. */
void answer_fault(struct call *call, enum fault_name name, const char *message);

/* INVALID_PARAMS for the parameter `param`. */
void answer_param_fault(struct call *call, const char *param, const char *message);

/* INTERNAL: memory ran out. */
void answer_out_of_memory(struct call *call);

#endif
