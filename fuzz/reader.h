/* SPDX-License-Identifier: MIT */
/*
 * A second reader of JSON, to hold the product's against: recursive descent over a whole text, from RFC 8259, the
 * definition of UTF-8 and the stricter rules of PROTOCOL.md. It shares no code with the scanner, and builds a tree.
 */
#ifndef MINIMIO_FUZZ_READER_H
#define MINIMIO_FUZZ_READER_H

#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_OBJECT, NODE_ARRAY, NODE_STRING, NODE_NUMBER, NODE_TRUE, NODE_FALSE, NODE_NULL };

struct node {
    enum node_kind kind;
    size_t at, length;  /* where it is written in the text */
    struct node *next;  /* behind it in its array or object */
    struct node *first; /* in it */
    size_t count;       /* how many are in it */
    const char *name;   /* of a member: what is meant, NUL behind it */
    size_t name_length;
    const char *text; /* of a string: likewise */
    size_t text_length;
};

enum reading_status {
    READING_WHOLE,
    READING_NUMBER, /* a number at the top level, whole if nothing follows */
    READING_OPEN,   /* all that is there may begin a text */
    READING_WRONG,
    READING_LIMIT,
};

struct node_block;

struct reading {
    enum reading_status status;
    size_t used;       /* how many bytes belong to the text, or stand before what is wrong */
    size_t offset;     /* with READING_WRONG: what is told as data.offset */
    const char *limit; /* with READING_LIMIT */
    struct node *root; /* with READING_WHOLE and READING_NUMBER */
    struct node_block *blocks;
    char *texts;
};

/* Reads the text that begins with the first byte; white space may stand before it, not behind it. */
void reading_init(struct reading *ret_reading, const char *text, size_t length, const struct limits *limits);
void reading_deinit(struct reading *reading);

/* The member of this name, or NULL. */
const struct node *node_member(const struct node *object, const char *name);

/* Is it a string that means this? */
bool node_is_text(const struct node *node, const char *text);

#endif
