/* SPDX-License-Identifier: MIT */
/*
 * The methods, one row each. Every table of methods is generated from the rows, so that an incomplete method does not
 * compile. A row has:
 *
 *     symbol    METHOD_symbol is the method's number
 *     function  handle_function is the daemon's handler, declared in daemon/methods/handlers.h
 *     name      on the wire
 *     loop      NEEDS_LOOP: LOOP_CLOSED if the session has no loop; or ANYWHERE
 *     effect    ONLY_ANSWERS: as a notification, the method does nothing; or ACTS
 *     cost      maximum, in units of a ping, about 1 us: the handler's system calls and bytes. Work that grows with the
 *               size of a loop is done in pieces, and is not counted.
 *     params    PARAMS(array), an array of proto/methods.c; or NO_PARAMS
 *     summary   one line for people
 *     result    JSON Schema of the result, in the macros of proto/discover.c
 *
 * The macros from PARAMS to the end of a row are defined only in the file that uses the column.
 */
#ifndef MINIMIO_PROTO_METHOD_ROWS_H
#define MINIMIO_PROTO_METHOD_ROWS_H

/* clang-format off */
#define METHOD_ROWS(ROW)                                                                                               \
    ROW(HELLO, hello, "hello", ANYWHERE, ONLY_ANSWERS, 2, NO_PARAMS,                                                   \
        "which daemon this is, and its limits",                                                                        \
        OBJECT("\"server\":{\"const\":\"minimiod\"},\"version\":" TEXT_ ",\"protocol\":{\"const\":1}"                  \
               ",\"limits\":" COUNTS ",\"features\":" LIST_OF(TEXT_)))                                                 \
    ROW(PING, ping, "ping", ANYWHERE, ONLY_ANSWERS, 1, NO_PARAMS,                                                      \
        "nothing but a reply",                                                                                         \
        EMPTY)                                                                                                         \
    ROW(OPEN_LOOP, open_loop, "open_loop", ANYWHERE, ACTS, 8, PARAMS(open_loop_params),                                \
        "open the anonymous loop anew, or create or rejoin a named one",                                               \
        OBJECT("\"loop\":" NAME_OR_NULL ",\"created\":" FLAG_ ",\"delivery\":{\"enum\":[\"push\",\"poll\"]}"           \
               ",\"registrations\":" COUNT_))                                                                          \
    ROW(REGISTER, register, "register", NEEDS_LOOP, ACTS, 8, PARAMS(register_params),                                  \
        "connect a stream, or take one over, and tell when it is ready",                                               \
        OBJECT("\"token\":" COUNT_ ",\"local\":" TEXT_ ",\"peer\":" TEXT_ ",\"existing\":" FLAG_))                                            \
    ROW(REREGISTER, reregister, "reregister", NEEDS_LOOP, ACTS, 1, PARAMS(reregister_params),                          \
        "arm a token again, with other interests or mode if given",                                                    \
        EMPTY)                                                                                                         \
    ROW(DEREGISTER, deregister, "deregister", NEEDS_LOOP, ACTS, 3, PARAMS(token_params),                               \
        "forget a token and close its stream",                                                                         \
        EMPTY)                                                                                                         \
    ROW(TAKE, take, "take", NEEDS_LOOP, ACTS, 4, PARAMS(take_params),                                                  \
        "hand the stream's descriptor over, open, and forget the token",                                               \
        OBJECT("\"token\":" COUNT_ ",\"fd\":{\"const\":true}"))                                                        \
    ROW(READ, read, "read", NEEDS_LOOP, ACTS, 4, PARAMS(read_params),                                                  \
        "read from the token's stream what is there now",                                                              \
        OBJECT("\"data\":" TEXT_ ",\"encoding\":{\"enum\":[\"utf8\",\"base64\"]},\"bytes\":" COUNT_                    \
               ",\"eof\":" FLAG_ ",\"errno\":" TEXT_))                                                                 \
    ROW(WRITE, write, "write", NEEDS_LOOP, ACTS, 4, PARAMS(write_params),                                              \
        "write to the token's stream what the kernel takes now",                                                       \
        OBJECT("\"bytes\":" COUNT_))                                                                                   \
    ROW(SHUTDOWN, shutdown, "shutdown", NEEDS_LOOP, ACTS, 2, PARAMS(shutdown_params),                                  \
        "end one or both directions of the token's stream",                                                            \
        EMPTY)                                                                                                         \
    ROW(POLL, poll, "poll", NEEDS_LOOP, ACTS, 2, PARAMS(poll_params),                                                  \
        "wait for events, in a loop with poll delivery",                                                               \
        OBJECT("\"events\":" LIST_OF(REF("event"))))                                                                   \
    ROW(CLOSE_LOOP, close_loop, "close_loop", NEEDS_LOOP, ACTS, 4, NO_PARAMS,                                          \
        "forget all tokens, close their streams and end the loop",                                                     \
        EMPTY)                                                                                                         \
    ROW(LIST, list, "list", NEEDS_LOOP, ONLY_ANSWERS, 32, PARAMS(list_params),                                         \
        "the loop's registrations, by ascending token",                                                                \
        OBJECT("\"loop\":" NAME_OR_NULL ",\"registrations\":" LIST_OF(REF("registration"))                             \
               ",\"next\":{\"type\":[\"integer\",\"null\"]}"))                                                         \
    ROW(LOOPS, loops, "loops", ANYWHERE, ONLY_ANSWERS, 16, PARAMS(loops_params),                                       \
        "your named loops, by name; everybody's for root",                                                             \
        OBJECT("\"loops\":" LIST_OF(REF("loop")) ",\"next\":" NAME_OR_NULL))                                           \
    ROW(CANCEL, cancel, "cancel", ANYWHERE, ACTS, 2, PARAMS(cancel_params),                                            \
        "end a waiting poll, open_loop or register of this session",                                                   \
        OBJECT("\"cancelled\":" FLAG_))                                                                                \
    ROW(STATS, stats, "stats", ANYWHERE, ONLY_ANSWERS, 4, NO_PARAMS,                                                   \
        "counters since the daemon's start, and its limits",                                                           \
        OBJECT("\"uptime_ms\":" COUNT_ ",\"sessions\":" COUNT_ ",\"loops\":" COUNT_ ",\"registrations\":" COUNT_       \
               ",\"leases\":" COUNT_ ",\"redeliveries\":" COUNT_ ",\"waits\":" COUNT_                              \
               ",\"requests\":" COUNT_ ",\"replies\":" COUNT_ ",\"events\":" COUNT_ ",\"bytes_in\":" COUNT_            \
               ",\"bytes_out\":" COUNT_ ",\"errors\":" COUNTS ",\"slow_turns\":" COUNTS ",\"turns\":" COUNT_            \
               ",\"turn_us\":" COUNTS ",\"limits\":" COUNTS))                                                            \
    ROW(DISCOVER, discover, "rpc.discover", ANYWHERE, ONLY_ANSWERS, 16, NO_PARAMS,                                     \
        "this protocol as an OpenRPC document",                                                                        \
        EMPTY)
/* clang-format on */

#endif
