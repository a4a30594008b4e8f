/* SPDX-License-Identifier: MIT */
#include "tests/daemon/name_server.h"

#include "tests/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER_BYTES 12

enum { TYPE_A = 1, TYPE_AAAA = 28 };

int name_server_open(char ret_address[32])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(ret_address, 32, "127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

/* A record for the name that was asked for, at `end`. Returns its length; 0: the address is of another family. */
static size_t put_record(unsigned char *end, unsigned char type, const char *address)
{
    size_t length = type == TYPE_A ? 4 : 16;
    unsigned char bytes[16];

    if (inet_pton(type == TYPE_A ? AF_INET : AF_INET6, address, bytes) != 1)
        return 0;
    memcpy(end, (unsigned char[]){0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)length}, 12);
    memcpy(end + 12, bytes, length);
    return 12 + length;
}

static size_t turn_into_answer(unsigned char *message, const char *const *addresses)
{
    size_t end = HEADER_BYTES;
    unsigned char type;

    while (message[end])
        end += message[end] + 1U;
    end += 5; /* the name's end, type and class */
    type = message[end - 3];
    message[2] = 0x81;
    message[3] = 0x80;
    memset(message + 6, 0, 6);
    for (; *addresses && (type == TYPE_A || type == TYPE_AAAA); addresses++) {
        size_t length = put_record(message + end, type, *addresses);
        end += length;
        message[7] += length > 0;
    }
    return end;
}

void name_server_await(int server)
{
    struct pollfd readable = {.fd = server, .events = POLLIN};

    ck_assert_int_eq(poll(&readable, 1, PROCESS_TIMEOUT_MS), 1);
}

void name_server_answer(int server, int count, const char *const *addresses)
{
    while (count-- > 0) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        unsigned char message[1024];
        ssize_t size;

        name_server_await(server);
        size = recvfrom(server, message, 512, 0, (struct sockaddr *)&client, &length);
        ck_assert_int_gt(size, HEADER_BYTES + 4);
        sendto(server, message, turn_into_answer(message, addresses), 0, (struct sockaddr *)&client, length);
    }
}
