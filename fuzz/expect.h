/* SPDX-License-Identifier: MIT */
/*
 * What PROTOCOL.md makes of a client's bytes: messages, requests, their values and their faults, from the second
 * reader's trees. It has the table of methods in common with the product, and nothing else.
 */
#ifndef MINIMIO_FUZZ_EXPECT_H
#define MINIMIO_FUZZ_EXPECT_H

#include "fuzz/reader.h"
#include "proto/fault.h"
#include "proto/methods.h"

/* ---- Messages --------------------------------------------------------------------------------------------------- */

enum expected_kind {
    EXPECT_MORE,    /* nothing more in these bytes */
    EXPECT_MESSAGE, /* `reading.root`, an object or an array */
    EXPECT_FAULT,
    EXPECT_CLOSE, /* a peer that speaks something else */
};

/* Walks over all that a client has written. */
struct expected_stream {
    const char *bytes;
    size_t length;
    size_t at; /* what stands before it is done with */
    const struct limits *limits;
    bool skipping; /* up to the next line feed */
};

struct expected_message {
    enum expected_kind kind;
    struct reading reading; /* of EXPECT_MESSAGE; to be freed with reading_deinit in any case */
    size_t begin;           /* where it begins in the stream */
    enum fault_name fault;
    int64_t offset; /* negative: none */
    const char *limit;
};

void expected_stream_init(struct expected_stream *ret_stream, const char *bytes, size_t length,
                          const struct limits *limits);
void expected_stream_next(struct expected_stream *stream, struct expected_message *ret_message);

/* The client stopped writing: is there a last fault? */
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
    size_t id_at, id_length; /* in the text; id_length 0: none */
    bool has_answer;
    bool id_is_null; /* because none could be read */
    int method;      /* negative: none */
    struct expected_value values[PARAMS_MAX];
};

/* Why the message as a whole is none, or FAULT_COUNT. */
enum fault_name expect_whole(const struct node *message, const struct limits *limits, const char **ret_limit);

void expect_request(const char *text, const struct node *node, const struct limits *limits,
                    struct expected_request *ret_request);

#endif
