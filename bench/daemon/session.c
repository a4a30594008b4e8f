/* SPDX-License-Identifier: MIT */
/* Sends requests and reads lines. Owns the line buffer. */
#include "bench/daemon/session.h"

#include "bench/daemon/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char input[1 << 18];

int session_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    need(fd >= 0, "socket");
    strcpy(address.sun_path, path);
    need(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, path);
    return fd;
}

void session_send(int fd, const char *text, size_t length)
{
    need(send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length, "send");
}

void session_printf(int fd, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    need(length > 0 && length < (int)sizeof text, "a request that fits");
    session_send(fd, text, (size_t)length);
}

void session_send_fds(int fd, const char *text, size_t length, const int *fds, int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (char *)(size_t)text, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};
    size_t bytes = (size_t)count * sizeof(int);

    message.msg_controllen = CMSG_SPACE(bytes);
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(bytes), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, bytes);
    need(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)length, "sendmsg");
}

int session_receive_fds(int fd, int ret_fds[DESCRIPTORS_MAX])
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control;
    char byte;
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    size_t bytes;

    need(recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
    if (!CMSG_FIRSTHDR(&message))
        return 0;
    bytes = control.header.cmsg_len - CMSG_LEN(0);
    memcpy(ret_fds, CMSG_DATA(&control.header), bytes);
    return (int)(bytes / sizeof(int));
}

static size_t receive(int fd, size_t begin)
{
    ssize_t length = recv(fd, input + begin, sizeof input - 1 - begin, 0);

    if (length == 0)
        errno = EPIPE;
    need(length > 0, "recv");
    input[begin + (size_t)length] = '\0';
    return (size_t)length;
}

static void check(const char *text)
{
    if (!strstr(text, "\"error\":{"))
        return;
    fprintf(stderr, "an error: %.300s\n", text);
    exit(EXIT_FAILURE);
}

static int count_of(const char *text, const char *what)
{
    int count = 0;

    while ((text = strstr(text, what))) {
        text += strlen(what);
        count++;
    }
    return count;
}

void session_await_lines(int fd, int count)
{
    while (count > 0) {
        receive(fd, 0);
        check(input);
        count -= count_of(input, "\n");
    }
    errno = EPROTO;
    need(count == 0, "as many lines as were asked for");
}

/* An incomplete line at the end of a read is kept for the next read. */
void session_await_events(int fd, int count)
{
    size_t begin = 0;

    while (count > 0) {
        size_t length = begin + receive(fd, begin);
        char *end = memrchr(input, '\n', length);

        begin = length;
        if (!end)
            continue;
        *end = '\0';
        count -= count_of(input, "{\"token\":");
        begin = (size_t)(input + length - end) - 1;
        memmove(input, end + 1, begin);
    }
    errno = EPROTO;
    need(count == 0 && begin == 0, "as many events as there were bytes");
}
