/* SPDX-License-Identifier: MIT */
/*
 * A second JSON reader, to check the product's reader: recursive descent over a complete text, by RFC 8259, the
 * definition of UTF-8, and the stricter rules of PROTOCOL.md. The reader shares no code with the scanner, and builds a
 * tree.
 */
#ifndef MINIMIO_FUZZ_READER_H
#define MINIMIO_FUZZ_READER_H

#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_OBJECT, NODE_ARRAY, NODE_STRING, NODE_NUMBER, NODE_TRUE, NODE_FALSE, NODE_NULL };

struct node {
    enum node_kind kind;
    size_t at, length;  /* position in the text */
    struct node *next;  /* the next sibling */
    struct node *first; /* the first child */
    size_t count;       /* number of children */
    const char *name;   /* for a member: the decoded name, NUL-terminated */
    size_t name_length;
    const char *text; /* for a string: the decoded text, NUL-terminated */
    size_t text_length;
};

enum reading_status {
    READING_WHOLE,
    READING_NUMBER, /* a number at the top level, complete if no byte follows */
    READING_OPEN,   /* a valid prefix of a text */
    READING_WRONG,
    READING_LIMIT,
};

struct node_block;

struct reading {
    enum reading_status status;
    size_t used;       /* the length of the text, or of the valid prefix */
    size_t offset;     /* for READING_WRONG: data.offset of the error */
    const char *limit; /* for READING_LIMIT */
    struct node *root; /* for READING_WHOLE and READING_NUMBER */
    struct node_block *blocks;
    char *texts;
};

/* Reads the text at the start of the bytes, after optional white space. */
void reading_init(struct reading *ret_reading, const char *text, size_t length, const struct limits *limits);
void reading_deinit(struct reading *reading);

/* The member with this name, or NULL. */
const struct node *node_member(const struct node *object, const char *name);

/* Is the node a string with this decoded text? */
bool node_is_text(const struct node *node, const char *text);

#endif
