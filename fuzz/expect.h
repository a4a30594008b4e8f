/* SPDX-License-Identifier: MIT */
/*
 * The results that PROTOCOL.md prescribes for a client's bytes: messages, requests, values and faults, from the trees
 * of the second reader. Shares only the table of methods with the product.
 */
#ifndef MINIMIO_FUZZ_EXPECT_H
#define MINIMIO_FUZZ_EXPECT_H

#include "fuzz/reader.h"
#include "proto/fault.h"
#include "proto/methods.h"

/* ---- Messages --------------------------------------------------------------------------------------------------- */

enum expected_kind {
    EXPECT_MORE,    /* no further message in the bytes */
    EXPECT_MESSAGE, /* `reading.root`, an object or an array */
    EXPECT_FAULT,
    EXPECT_CLOSE, /* the peer speaks another protocol */
};

/* Iterates over all bytes that a client has written. */
struct expected_stream {
    const char *bytes;
    size_t length;
    size_t at; /* the bytes before are consumed */
    const struct limits *limits;
    bool skipping; /* skipping to the next line feed */
};

struct expected_message {
    enum expected_kind kind;
    struct reading reading; /* for EXPECT_MESSAGE; always free with reading_deinit */
    size_t begin;           /* the offset in the stream */
    enum fault_name fault;
    int64_t offset; /* negative: none */
    const char *limit;
};

void expected_stream_init(struct expected_stream *ret_stream, const char *bytes, size_t length,
                          const struct limits *limits);
void expected_stream_next(struct expected_stream *stream, struct expected_message *ret_message);

/* Handles the end of the client's input. Returns whether a last fault follows. */
bool expected_stream_end(const struct expected_stream *stream, enum fault_name *ret_fault);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

struct expected_value {
    bool given;
    uint64_t integer; /* an integer, a boolean, a choice or interests */
    const char *text; /* a text or a name; NULL: none */
    size_t length;
};

struct expected_request {
    bool accepted;
    enum fault_name fault;
    const char *limit;
    char param[68];
    size_t id_at, id_length; /* position in the text; id_length 0: none */
    bool has_answer;
    bool id_is_null; /* because no id could be read */
    int method;      /* negative: none */
    struct expected_value values[PARAMS_MAX];
};

/* The fault of the message as a whole, or FAULT_COUNT. */
enum fault_name expect_whole(const struct node *message, const struct limits *limits, const char **ret_limit);

void expect_request(const char *text, const struct node *node, const struct limits *limits,
                    struct expected_request *ret_request);

#endif
