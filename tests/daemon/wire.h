/* SPDX-License-Identifier: MIT */
/*
 * A client of minimiod for tests: says bytes, and expects lines. Every line that comes is checked to be what the
 * protocol promises of all of them: strict JSON, one text, shorter than 64 KiB. Whatever is awaited comes in time or
 * fails the test.
 *
 * In what is said and in patterns, ' stands for ": '{"token":1}' is written "{'token':1}".
 */
#ifndef MINIMIO_TESTS_DAEMON_WIRE_H
#define MINIMIO_TESTS_DAEMON_WIRE_H

#include "proto/buffer.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_LINE_BYTES 65536

struct event {
    uint64_t token;
    unsigned flags; /* READY_ bits */
};

struct wire {
    int fd;
    struct buffer in;
    char line[WIRE_LINE_BYTES]; /* the last one, without its LF */
    cJSON *message;             /* the same, read; valid until the next */
    struct event *events;       /* came and were not expected yet */
    size_t event_count;
};

void wire_open(struct wire *ret_wire, const char *socket);
void wire_close(struct wire *wire);

/* Bytes as they are. */
void wire_send(struct wire *wire, const char *text);
void wire_send_bytes(struct wire *wire, const void *data, size_t length);

/* No more will be said; what is to come can still be read. */
void wire_finish(struct wire *wire);

/* One line, printf's way, with ' for ". */
void say(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads the next line into wire->line and wire->message; false at the end of the stream. */
bool wire_read(struct wire *wire);

/* Whether wire_read has something to read by now. */
bool wire_has_more(const struct wire *wire);

/*
 * The next line has all that the pattern has: objects may have more members, arrays have the same length, the rest is
 * equal. Returns the message.
 */
const cJSON *expect(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));
void expect_in(const cJSON *json, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next line is exactly this one. */
void expect_line(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The stream ends here, with nothing before it. */
void expect_end(struct wire *wire);

/* A line that must be answered is said now: nothing comes before its answer. */
void expect_silence(struct wire *wire);

/* The next event, from however many lines, is of this token and has exactly these flags. */
void expect_event(struct wire *wire, uint64_t token, unsigned flags);
struct event next_event(struct wire *wire);

/* The next line that is no event, valid until the one after it is read. Events before it are kept for expect_event. */
const cJSON *next_reply(struct wire *wire);

/* Calls and returns the result, valid until the next line is read. `params` may be NULL. Events before the reply are
 * kept for expect_event. */
const cJSON *call(struct wire *wire, const char *method, const char *params, ...) __attribute__((format(printf, 3, 4)));

/* Calls, and the error that comes has this name, and what `more` wants of its data. */
void call_fails(struct wire *wire, const char *name, const char *more, const char *method, const char *params, ...)
    __attribute__((format(printf, 5, 6)));

/* A member of an object, in the way "limits.message_bytes"; fails the test if there is none. */
const cJSON *member(const cJSON *json, const char *path);

#endif
