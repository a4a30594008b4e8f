/* SPDX-License-Identifier: MIT */
/*
 * How minimioctl prints. All goes to standard output through stdio; what is written there must have arrived when the
 * program says that it succeeded, and a reader that is gone ends it as the shell expects: silently, by SIGPIPE.
 */
#ifndef MINIMIO_CLIENT_OUTPUT_H
#define MINIMIO_CLIENT_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes out what was printed. Returns 0, or EXIT_FAILED having said what is wrong. */
int output_flush(void);

/* Replaces control characters, so that no text from elsewhere steers a terminal. */
void output_make_printable(char *text);

/* ---- output_json.c ---------------------------------------------------------------------------------------------- */

/* One line of compact JSON. Integers up to 2^53 are exact, which cJSON's own printing does not promise. */
void output_json_line(const cJSON *value);
void output_json_string(const char *text);

/* ---- output_text.c ---------------------------------------------------------------------------------------------- */

/* An object's members, one `name  value` line each, aligned; those of an object in it as `outer.inner`. */
void output_members(const cJSON *object);

/* Rows of cells, each column as wide as its widest cell. `cells` holds rows * columns texts. */
void output_table(const char *const *cells, size_t rows, size_t columns);

/* ---- output_event.c --------------------------------------------------------------------------------------------- */

struct output_event_layout {
    bool json;
    int token_width;
    int address_width;
};

/* One event, an object of the `ready` notification: `2  127.0.0.1:80  readable,read_closed`. */
void output_event(const struct output_event_layout *layout, const char *address, const cJSON *event);

#endif
