/* SPDX-License-Identifier: MIT */
#include "tests/daemon/name_server.h"

#include "tests/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 12

enum { TYPE_A = 1, TYPE_AAAA = 28 };

/* A sanitizer that is a library of its own insists on being the first one. */
static void allow_preloads(void)
{
    static const char allow[] = "verify_asan_link_order=0";
    const char *before = getenv("ASAN_OPTIONS");
    char options[1024];

    if (before && strstr(before, allow))
        return;
    snprintf(options, sizeof options, "%s%s%s", before ? before : "", before ? ":" : "", allow);
    setenv("ASAN_OPTIONS", options, 1);
}

void name_server_use(int port)
{
    char preload[PATH_MAX], number[16];

    if (!port) {
        unsetenv("LD_PRELOAD");
        unsetenv("NAME_SERVER_PORT");
        return;
    }
    ck_assert_ptr_nonnull(realpath(built_program("tests/name_server.so"), preload));
    snprintf(number, sizeof number, "%d", port);
    setenv("LD_PRELOAD", preload, 1);
    setenv("NAME_SERVER_PORT", number, 1);
    allow_preloads();
}

int name_server_open(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    name_server_use(ntohs(address.sin_port));
    return fd;
}

void name_server_close(int server)
{
    close(server);
    name_server_use(0);
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
