/* SPDX-License-Identifier: MIT */
#include "tests/daemon/passing.h"

#include "tests/daemon/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void make_pair(int type, int ret_fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ret_fds), 0);
}

void make_tcp_pair(int ret_fds[2])
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    ck_assert_int_eq(getsockname(port.fd, (struct sockaddr *)&address, &length), 0);
    ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(ret_fds[0], (struct sockaddr *)&address, length), 0);
    ret_fds[1] = port_accept(&port);
}

void make_pipe(int ret_fds[2])
{
    ck_assert_int_eq(pipe2(ret_fds, O_CLOEXEC), 0);
}

ino_t inode_of(int fd)
{
    struct stat found;

    ck_assert_int_eq(fstat(fd, &found), 0);
    return found.st_ino;
}

void expect_bytes(int fd, const char *bytes)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    for (; *bytes; bytes++) {
        char byte;

        ck_assert_int_eq(poll(&readable, 1, PROCESS_TIMEOUT_MS), 1);
        ck_assert_int_eq(read(fd, &byte, 1), 1);
        ck_assert_int_eq(byte, *bytes);
    }
}

void put_bytes(int fd, const char *bytes)
{
    ck_assert_int_eq(write(fd, bytes, strlen(bytes)), strlen(bytes));
}

/* ---- Out -------------------------------------------------------------------------------------------------------- */

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

void send_with(struct wire *on, const void *data, size_t length, const int *fds, size_t count)
{
    union control control = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(count * sizeof *fds), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
    }
    /* musl passes no more than 1,024 bytes beside a message. */
    ck_assert_int_eq(syscall(SYS_sendmsg, on->fd, &message, MSG_NOSIGNAL), length);
}

void say_with(struct wire *on, int fd, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
    va_end(arguments);
    for (char *quote = text; (quote = strchr(quote, '\''));)
        *quote = '"';
    send_with(on, text, strlen(text), &fd, 1);
    wire_send(on, "\n");
    free(text);
    close(fd);
}

const cJSON *adopt(struct wire *on, uint64_t token, int fd, const char *more)
{
    say_with(on, fd, "{'jsonrpc':'2.0','id':'adopt','method':'register','params':{'token':%llu,'fd':true%s}}",
             (unsigned long long)token, more);
    expect(on, "{'id':'adopt','result':{'token':%llu}}", (unsigned long long)token);
    return member(on->message, "result");
}

/* ---- In --------------------------------------------------------------------------------------------------------- */

size_t receive_with(int socket, char *room, size_t size, int *ret_fds, size_t *ret_count)
{
    struct pollfd readable = {.fd = socket, .events = POLLIN};
    union control control;
    struct iovec piece = {.iov_base = room, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header;
    ssize_t length;

    ck_assert_msg(poll(&readable, 1, PROCESS_TIMEOUT_MS) == 1, "the daemon says nothing");
    length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    ck_assert_msg(length >= 0, "recvmsg: %s", strerror(errno));
    ck_assert(!(message.msg_flags & MSG_CTRUNC));
    header = CMSG_FIRSTHDR(&message);
    *ret_count = header ? (header->cmsg_len - CMSG_LEN(0)) / sizeof *ret_fds : 0;
    if (header)
        memcpy(ret_fds, CMSG_DATA(header), *ret_count * sizeof *ret_fds);
    return (size_t)length;
}

/* How many bytes have come, up to the end of the line. They stay in the socket. */
static size_t rest_of_line(int socket, char *room, size_t size)
{
    struct pollfd readable = {.fd = socket, .events = POLLIN};
    const char *end;
    ssize_t length;

    ck_assert_msg(poll(&readable, 1, PROCESS_TIMEOUT_MS) == 1, "the daemon says nothing");
    length = recv(socket, room, size, MSG_PEEK);
    ck_assert_int_gt(length, 0);
    end = memchr(room, '\n', (size_t)length);
    return end ? (size_t)(end - room) + 1 : (size_t)length;
}

size_t read_line_with(struct wire *on, int *ret_fds)
{
    size_t length, count, more;
    int others[PASSED_MAX];

    ck_assert_uint_eq(on->in.length, 0);
    length = receive_with(on->fd, on->line, 1, ret_fds, &count);
    while (on->line[length - 1] != '\n') {
        ck_assert_uint_lt(length, WIRE_LINE_BYTES);
        length += receive_with(on->fd, on->line + length,
                               rest_of_line(on->fd, on->line + length, WIRE_LINE_BYTES - length), others, &more);
        ck_assert_msg(!more, "a descriptor came within the line, before byte %zu", length);
    }
    on->line[length - 1] = '\0';
    cJSON_Delete(on->message);
    on->message = cJSON_Parse(on->line);
    ck_assert_ptr_nonnull(on->message);
    return count;
}

int take(struct wire *on, uint64_t token)
{
    int fds[PASSED_MAX];

    say(on, "{'jsonrpc':'2.0','id':'take','method':'take','params':[%llu]}", (unsigned long long)token);
    ck_assert_uint_eq(read_line_with(on, fds), 1);
    expect_in(on->message, "{'id':'take','result':{'token':%llu,'fd':true}}", (unsigned long long)token);
    return fds[0];
}

/* ---- What the daemon has ----------------------------------------------------------------------------------------- */

static DIR *open_descriptors(void)
{
    char path[64];
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)minimiod.process.pid);
    folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    return folder;
}

static int descriptor_count(void)
{
    DIR *folder = open_descriptors();
    int count = 0;

    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* "." and ".." */
}

int current_descriptor_count(void)
{
    call(&wire, "ping", NULL);
    return descriptor_count();
}

int find_descriptor(ino_t inode)
{
    DIR *folder = open_descriptors();
    const struct dirent *entry;
    struct stat found;
    int fd = -1;

    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && fstatat(dirfd(folder), entry->d_name, &found, 0) == 0 && found.st_ino == inode)
            fd = atoi(entry->d_name);
    closedir(folder);
    return fd;
}

void await_descriptor_count(int count)
{
    int64_t until = test_now_ns() + PROCESS_TIMEOUT_MS * INT64_C(1000000);

    while (descriptor_count() > count) {
        ck_assert_msg(test_now_ns() < until, "%d descriptors instead of %d", descriptor_count(), count);
        sched_yield();
    }
    ck_assert_int_eq(descriptor_count(), count);
}
