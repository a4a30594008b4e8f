/* SPDX-License-Identifier: MIT */
/*
 * Output of minimioctl, through stdio to standard output. A successful exit status means that all output was written.
 * If the reader has closed the pipe, the program dies silently by SIGPIPE, as shells expect.
 */
#ifndef MINIMIO_CLIENT_CTL_OUTPUT_H
#define MINIMIO_CLIENT_CTL_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Flushes standard output. Returns 0, or EXIT_FAILED after printing the error. */
int output_flush(void);

/* Prints errno as the error of standard output; for EPIPE, ends the program by SIGPIPE. Returns EXIT_FAILED. */
int output_failed(void);

/* Whether standard output is a terminal and NO_COLOR is unset. */
bool output_is_coloured(void);

/* ---- output_escape.c -------------------------------------------------------------------------------------------- */

/*
 * Copies text without terminal control sequences and line breaks: each byte of an unsafe character becomes `\xNN`, such
 * as `\x1b`. Characters outside of ASCII are kept in UTF-8 locales. A text that does not fit is cut after a complete
 * character. `size` is at least 1. Returns the length.
 */
size_t output_escape(const char *text, char *ret_text, size_t size);

/* As output_escape, with printable ASCII only, so that a byte is a column; escapes the backslash too. */
size_t output_escape_columns(const char *text, char *ret_text, size_t size);

/* As output_escape, to a stream, without a limit of the length. */
void output_text(FILE *stream, const char *text);

/* A JSON string with \u escapes for unsafe characters, which keep the value. */
void output_json_string(const char *text);

/* A validated line of JSON, with \u escapes for unsafe characters, which keep the value. */
void output_json_text(const char *json);

/* ---- output_json.c ---------------------------------------------------------------------------------------------- */

/* A line of compact JSON of a value from json_parse. Numbers keep their text. */
void output_json_line(const cJSON *value);

/* ---- output_text.c ---------------------------------------------------------------------------------------------- */

/* The members of an object as aligned `name  value` lines; nested members as `outer.inner`. Durations (NAME_ms) and
 * sizes get units. */
void output_members(const cJSON *object);

/* "250ms", "1.5s", "3m20s", "2d4h"; "12 bytes", "64K", "1.2M". */
/* Formats who is in a loop: "owner", "owner+1g" with a guest, "3w+1g" with three workers and a guest. */
void output_members_of_loop(bool owner, double workers, double guests, char *ret_text, size_t size);

void output_duration(double milliseconds, char *ret_text, size_t size);
void output_size(double bytes, char *ret_text, size_t size);

/* ---- output_table.c --------------------------------------------------------------------------------------------- */

enum output_kind { OUTPUT_TEXT, OUTPUT_NUMBER, OUTPUT_DURATION };

struct output_column {
    const char *title;
    const char *member; /* of each record; "-" for an absent member */
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

/* The width of a printed address, in bytes. */
#define OUTPUT_ADDRESS_SIZE 1280 /* of the longest valid address with all bytes escaped */
int output_address_width(const char *address);

/* An event with READY_ bits: `2  127.0.0.1:80  readable,read_closed`. */
void output_event(const struct output_event_layout *layout, uint64_t token, const char *address, uint32_t readiness);

/* The names of readiness, separated by commas. */
#define READINESS_SIZE 64
void readiness_text(uint32_t readiness, char ret_text[READINESS_SIZE]);

#endif
