/* SPDX-License-Identifier: MIT */
/*
 * Connects to several servers and prints the data of each server in the order of arrival: one thread, one wait.
 *
 *     greetings HOST:PORT...
 *
 * The token of a stream is the position on the command line, starting at 1. Build with the installed library:
 *
 *     cc -o greetings greetings.c $(pkg-config --cflags --libs minimio)
 */
#include <minimio.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SERVERS_MAX        64
#define CONNECT_TIMEOUT_NS INT64_C(5000000000)

static struct minimio_tcp_stream *streams[SERVERS_MAX + 1]; /* by token */

/* Edge-triggered: reads until the stream would block. -EAGAIN: more data may come; 0: the end of the stream. */
static ssize_t print_data(minimio_token token)
{
    char text[256];
    ssize_t n;

    while ((n = minimio_tcp_stream_read(streams[token], text, sizeof text)) > 0)
        printf("%" PRIu64 ": %.*s", token, (int)n, text);
    return n;
}

static int open_stream(struct minimio_registrator *registrator, const char *server, minimio_token token)
{
    int result = minimio_tcp_stream_connect_host(server, CONNECT_TIMEOUT_NS, &streams[token]);

    if (result == 0)
        result = minimio_registrator_register(registrator, streams[token], token, MINIMIO_READABLE, MINIMIO_EDGE);
    if (result < 0)
        fprintf(stderr, "greetings: %s: %s\n", server, strerror(-result));
    return result;
}

/* Runs until each of `count` streams has ended. */
static int print_all(struct minimio_poll *poll, int count)
{
    struct minimio_event events[SERVERS_MAX];

    while (count > 0) {
        int n = minimio_poll_poll(poll, events, SERVERS_MAX, MINIMIO_FOREVER);
        for (int i = 0; i < n; i++) {
            minimio_token token = minimio_event_id(&events[i]);
            if (print_data(token) == -EAGAIN)
                continue;
            streams[token] = minimio_tcp_stream_free(streams[token]);
            count--;
        }
        if (n < 0)
            return n;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct minimio_poll *poll;
    int result;

    if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
        printf("usage: greetings HOST:PORT...   (at most %d)\n", SERVERS_MAX);
        return 0;
    }
    result = argc < 2 || argc - 1 > SERVERS_MAX ? -EINVAL : minimio_poll_new(&poll);

    if (result < 0) {
        fprintf(stderr, "greetings: %s\nusage: greetings HOST:PORT...   (at most %d)\n", strerror(-result),
                SERVERS_MAX);
        return 2;
    }
    struct minimio_registrator *registrator = minimio_poll_registrator(poll);
    result = registrator ? 0 : -ENOMEM;
    for (int token = 1; token < argc && result == 0; token++)
        result = open_stream(registrator, argv[token], (minimio_token)token);
    if (result == 0)
        result = print_all(poll, argc - 1);
    for (int token = 1; token < argc; token++)
        minimio_tcp_stream_free(streams[token]);
    minimio_registrator_free(registrator);
    minimio_poll_free(poll);
    return result < 0;
}
