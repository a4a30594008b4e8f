/* SPDX-License-Identifier: MIT */
/*
 * What is known of a stream and its registration, and what a poll must and may therefore say of it. The truth about
 * the sockets and the contract's about the modes, nothing of how the library works.
 */
#ifndef MINIMIO_TESTS_LIBRARY_WALK_MODEL_H
#define MINIMIO_TESTS_LIBRARY_WALK_MODEL_H

#include "tests/library/support.h"

enum {
    READABLE = 1 << 0,
    WRITABLE = 1 << 1,
    READ_CLOSED = 1 << 2,
    WRITE_CLOSED = 1 << 3,
    IN_ERROR = 1 << 4,
};

struct model {
    struct pair pair; /* NULL: closed */
    size_t unread;    /* by the stream */
    size_t in_flight; /* written by the stream, not read by the peer */
    bool full;      /* the stream met the end of its room; some of it may be there again, all when the peer has read */
    bool room_told; /* since then */
    bool peer_ended, reset, own_read_end, own_write_end;

    bool registered, by_fd;
    minimio_token token;
    minimio_interests interests;
    enum minimio_mode mode;
    bool unaware;    /* on Windows, by descriptor and after the own shutdown, which the stream alone remembers there */
    bool fired;      /* a oneshot */
    int news;        /* how many events EDGE may report of what happened since the last one: pieces() */
    unsigned asleep; /* flags that EDGE on Windows has told, and tells again after the program has met the end alone */
    unsigned seen;   /* flags that were true since the last event, which Windows may tell though they are over */
    unsigned owed;   /* flags that must come, while they are true */
};

bool is_windows(void);

/* The peer has ended, or the connection, or the own reading. */
bool is_read_closed(const struct model *model);
bool is_write_closed(const struct model *model);

/* The flags that are true for sure and are to be told; all those that may be told. */
unsigned sure_flags(const struct model *model);
unsigned possible_flags(const struct model *model);

/* Of the sure flags, those that every poll tells under LEVEL: an end that was not asked for is told once. */
unsigned repeated_flags(const struct model *model);

/* Is an event owed? May one with these flags come? Of what is registered. */
bool must_come(const struct model *model);
bool may_come(const struct model *model, unsigned flags);

/* It was looked at anew, by which some systems report again. */
void model_looked_at(struct model *model);

/* Something happened to the stream, of which these flags are to be told. */
void model_happened(struct model *model, unsigned flags);

/* A call of the stream's met the end of what there was: of these flags. */
void model_met_end(struct model *model, unsigned flags);

/* The stream was shut down by its program, in these directions too. */
void model_shut(struct model *model, bool read_end, bool write_end);

/* It was registered, or changed. */
void model_arm(struct model *model, minimio_token token, minimio_interests interests, enum minimio_mode mode);

/* An event with these flags came. */
void model_told(struct model *model, unsigned flags);

#endif
