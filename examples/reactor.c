/* SPDX-License-Identifier: MIT */
/*
 * A reactor and an executor: one thread waits for readiness and passes tokens on, a second thread does the work.
 *
 *     reactor HOST:PORT...        prints the data of each server as the data arrives
 *
 * Streams are oneshot, so a token is in the queue at most once, and the queue between the two threads cannot overflow:
 * the executor re-arms a stream after reading. When the last stream has ended, the executor closes the loop, which ends
 * the reactor's wait.
 */
#include <minimio.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STREAMS_MAX        64
#define CONNECT_TIMEOUT_NS INT64_C(5000000000)

static struct minimio_tcp_stream *streams[STREAMS_MAX + 1]; /* by token: the position on the command line */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_tokens = PTHREAD_COND_INITIALIZER;
static minimio_token ready[STREAMS_MAX]; /* a ring; the lock guards the ring and both counts */
static size_t pushed, popped;

static void *react(void *poll)
{
    struct minimio_event events[STREAMS_MAX];
    int n;

    while ((n = minimio_poll_poll(poll, events, STREAMS_MAX, MINIMIO_FOREVER)) >= 0) {
        pthread_mutex_lock(&lock);
        for (int i = 0; i < n; i++)
            ready[pushed++ % STREAMS_MAX] = minimio_event_id(&events[i]);
        pthread_cond_signal(&has_tokens);
        pthread_mutex_unlock(&lock);
    }
    return NULL; /* -ECANCELED: the loop is closed */
}

static minimio_token next_ready(void)
{
    pthread_mutex_lock(&lock);
    while (pushed == popped)
        pthread_cond_wait(&has_tokens, &lock);
    minimio_token token = ready[popped++ % STREAMS_MAX];
    pthread_mutex_unlock(&lock);
    return token;
}

/* Runs until each of `open` streams has ended. */
static void execute(struct minimio_registrator *registrator, int open)
{
    char text[256];

    while (open > 0) {
        minimio_token token = next_ready();
        ssize_t n = minimio_tcp_stream_read(streams[token], text, sizeof text);

        if (n > 0)
            printf("%" PRIu64 ": %.*s", token, (int)n, text);
        if (n > 0 || n == -EAGAIN)
            minimio_registrator_reregister(registrator, streams[token], token, MINIMIO_READABLE, MINIMIO_ONESHOT);
        else
            streams[token] = minimio_tcp_stream_free(streams[token]);
        open -= streams[token] == NULL;
    }
}

static int open_stream(struct minimio_registrator *registrator, const char *server, minimio_token token)
{
    int result = minimio_tcp_stream_connect_host(server, CONNECT_TIMEOUT_NS, &streams[token]);

    if (result == 0)
        result = minimio_registrator_register(registrator, streams[token], token, MINIMIO_READABLE, MINIMIO_ONESHOT);
    if (result < 0) {
        streams[token] = minimio_tcp_stream_free(streams[token]);
        fprintf(stderr, "reactor: %s: %s\n", server, strerror(-result));
    }
    return result;
}

int main(int argc, char **argv)
{
    struct minimio_poll *poll;
    pthread_t reactor;
    int open = 0;

    if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        fprintf(argc < 2 ? stderr : stdout, "usage: reactor HOST:PORT...   (at most %d)\n", STREAMS_MAX);
        return argc < 2 ? 2 : 0;
    }
    if (minimio_poll_new(&poll) < 0)
        return 1;
    struct minimio_registrator *registrator = minimio_poll_registrator(poll);
    if (!registrator || pthread_create(&reactor, NULL, react, poll) != 0)
        return 1;
    for (int i = 1; i < argc && i <= STREAMS_MAX; i++)
        open += open_stream(registrator, argv[i], (minimio_token)i) == 0;
    execute(registrator, open);
    minimio_registrator_close_loop(registrator);
    pthread_join(reactor, NULL);
    minimio_registrator_free(registrator);
    minimio_poll_free(poll);
    return open != argc - 1;
}
