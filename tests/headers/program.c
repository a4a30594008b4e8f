/* SPDX-License-Identifier: MIT */
/* A program to link where it cannot be run: awaits that connecting to a closed port fails. */
#include "libminimio/minimio.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct minimio_poll *poll;
    struct minimio_tcp_stream *stream;
    struct minimio_event event;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (minimio_poll_new(&poll) < 0)
        return 1;
    struct minimio_registrator *registrator = minimio_poll_registrator(poll);
    if (minimio_tcp_stream_connect((struct sockaddr *)&address, sizeof(address), &stream) == 0) {
        minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
        int count = minimio_poll_poll(poll, &event, 1, INT64_C(1000000000));
        printf("%s: %d event, %d\n", minimio_backend(), count, minimio_tcp_stream_finish_connect(stream));
        minimio_tcp_stream_free(stream);
    }
    minimio_registrator_free(registrator);
    minimio_poll_free(poll);
    return 0;
}
