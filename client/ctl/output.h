/* SPDX-License-Identifier: MIT */
/*
 * How minimioctl prints. All goes to standard output through stdio; what is written there must have arrived when the
 * program says that it succeeded, and a reader that is gone ends it as the shell expects: silently, by SIGPIPE.
 */
#ifndef MINIMIO_CLIENT_CTL_OUTPUT_H
#define MINIMIO_CLIENT_CTL_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes out what was printed. Returns 0, or EXIT_FAILED having said what is wrong. */
int output_flush(void);

/* Says why standard output could not be written, by errno; a reader that is gone ends the program. Returns EXIT_FAILED.
 */
int output_failed(void);

/* On a terminal, and where nobody set NO_COLOR. */
bool output_is_coloured(void);

/* ---- output_escape.c -------------------------------------------------------------------------------------------- */

/*
 * Copies text so that it can neither steer a terminal nor forge a line: each byte of an unsafe character becomes
 * `\x1b`. Characters outside of ASCII stay where the locale has UTF-8. What does not fit is cut behind a whole
 * character. `size` is at least 1. Returns the length.
 */
size_t output_escape(const char *text, char *ret_text, size_t size);

/* Likewise, and only printable ASCII is left, so that a byte is a column; a backslash is escaped too. */
size_t output_escape_columns(const char *text, char *ret_text, size_t size);

/* As output_escape, written to a stream, of any length. */
void output_text(FILE *stream, const char *text);

/* A JSON string; unsafe characters are written as \u escapes, so its value is the same. */
void output_json_string(const char *text);

/* A line of JSON as it came, checked already: the same value, unsafe characters as \u escapes. */
void output_json_text(const char *json);

/* ---- output_json.c ---------------------------------------------------------------------------------------------- */

/* One line of compact JSON, of a value that json_parse has read. Numbers are as they came. */
void output_json_line(const cJSON *value);

/* ---- output_text.c ---------------------------------------------------------------------------------------------- */

/* An object's members, one `name  value` line each, aligned; those of an object in it as `outer.inner`. Times, named
 * NAME_ms, and bytes are made readable. */
void output_members(const cJSON *object);

/* "250ms", "1.5s", "3m20s", "2d4h"; "12 bytes", "64K", "1.2M". */
void output_duration(double milliseconds, char *ret_text, size_t size);
void output_size(double bytes, char *ret_text, size_t size);

/* ---- output_table.c --------------------------------------------------------------------------------------------- */

enum output_kind { OUTPUT_TEXT, OUTPUT_NUMBER, OUTPUT_DURATION };

struct output_column {
    const char *title;
    const char *member; /* of each record; "-" is printed where it is absent */
    enum output_kind kind;
};

/* A table with a row for each object of the array. Errors: -ENOMEM. */
int output_table(const cJSON *records, const struct output_column *columns, size_t count);

/* ---- output_event.c --------------------------------------------------------------------------------------------- */

struct output_event_layout {
    bool json;
    int token_width;
    int address_width;
};

/* How wide an address is printed, in bytes. */
#define OUTPUT_ADDRESS_SIZE 1280 /* of the longest that the daemon takes, were all of it escaped */
int output_address_width(const char *address);

/* One event, its readiness READY_ bits: `2  127.0.0.1:80  readable,read_closed`. */
void output_event(const struct output_event_layout *layout, uint64_t token, const char *address, uint32_t readiness);

/* The names of readiness, with commas between. */
#define READINESS_SIZE 64
void readiness_text(uint32_t readiness, char ret_text[READINESS_SIZE]);

#endif
