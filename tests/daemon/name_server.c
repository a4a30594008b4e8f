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

/* Behind the name: its end, type and class. */
static size_t end_of_question(const unsigned char *message)
{
    size_t end = HEADER_BYTES;

    while (message[end])
        end += message[end] + 1U;
    return end + 5;
}

static unsigned char type_of(const unsigned char *message)
{
    return message[end_of_question(message) - 3];
}

static size_t turn_into_answer(unsigned char *message, const char *const *addresses)
{
    size_t end = end_of_question(message);
    unsigned char type = type_of(message);

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

void name_server_take(int server, struct question *ret_question)
{
    socklen_t length = sizeof ret_question->client;
    ssize_t size;

    name_server_await(server);
    size = recvfrom(server, ret_question->message, sizeof ret_question->message, 0,
                    (struct sockaddr *)&ret_question->client, &length);
    ck_assert_int_gt(size, HEADER_BYTES + 4);
    ret_question->size = (size_t)size;
    ret_question->is_v6 = type_of(ret_question->message) == TYPE_AAAA;
}

void name_server_reply(int server, const struct question *question, const char *const *addresses)
{
    unsigned char message[1024];

    memcpy(message, question->message, question->size);
    sendto(server, message, turn_into_answer(message, addresses), 0, (const struct sockaddr *)&question->client,
           sizeof question->client);
}

void name_server_answer(int server, int count, const char *const *addresses)
{
    struct question question;

    while (count-- > 0) {
        name_server_take(server, &question);
        name_server_reply(server, &question, addresses);
    }
}
