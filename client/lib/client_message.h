/* SPDX-License-Identifier: MIT */
/*
 * Parser of lines from the daemon.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_MESSAGE_H
#define MINIMIO_CLIENT_LIB_CLIENT_MESSAGE_H

#include "client/lib/client_state.h"

/* Parses a line. Errors: -EBADMSG, -ENOMEM. */
int client_read_message(struct span line, struct queued_message **ret_message);

/* Formats an error object, "no such host (RESOLVE_FAILED)", and copies the name of the error. */
void client_explain_fault(const char *fault, char *ret_text, size_t size, char *ret_name, size_t name_size);

/* Finds a member of an object. False: no member of this name. */
bool client_member(struct span object, const char *name, struct span *ret_value);

#endif
