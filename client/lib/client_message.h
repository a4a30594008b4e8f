/* SPDX-License-Identifier: MIT */
/*
 * What a line from the daemon means.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_MESSAGE_H
#define MINIMIO_CLIENT_LIB_CLIENT_MESSAGE_H

#include "client/lib/client_state.h"

/* Reads a line. Errors: -EBADMSG, -ENOMEM. */
int client_read_message(struct span line, struct kept **ret_kept);

/* An error object in words: "no such host (RESOLVE_FAILED)"; and its name. */
void client_explain_fault(const char *fault, char *ret_text, size_t size, char *ret_name, size_t name_size);

/* The members of an object; false: there is none of that name. */
bool client_member(struct span object, const char *name, struct span *ret_value);

#endif
