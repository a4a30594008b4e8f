/* SPDX-License-Identifier: MIT */
/* The platform's part of the tests' support where sockets are descriptors. */
#include "tests/library/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

const int64_t lateness_max_ns = 500000;
const bool edge_awaits_the_end = false;

bool is_wine(void)
{
    return false;
}

void close_fd(minimio_fd fd)
{
    close(fd);
}

minimio_fd open_socket(int family, bool is_blocking)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | (is_blocking ? 0 : SOCK_NONBLOCK), 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

minimio_fd accept_from(minimio_fd listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

bool is_non_blocking(minimio_fd fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

bool is_inherited(minimio_fd fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

void make_blocking_and_inherited(minimio_fd fd)
{
    fcntl(fd, F_SETFL, 0);
    fcntl(fd, F_SETFD, 0);
}

void connected_pair(minimio_fd ret_fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds), 0);
}

void await_arrival(minimio_fd fd, size_t count)
{
    /* A local socket's bytes are there when they have been sent. */
    (void)fd;
    (void)count;
}

minimio_fd trigger_new(bool is_fired)
{
    int fd = eventfd(is_fired, EFD_CLOEXEC | EFD_NONBLOCK);

    ck_assert_int_ge(fd, 0);
    return fd;
}

void trigger_fire(minimio_fd trigger)
{
    ck_assert_int_eq(eventfd_write(trigger, 1), 0);
}

void trigger_drain(minimio_fd trigger)
{
    eventfd_t value;

    ck_assert_int_eq(eventfd_read(trigger, &value), 0);
}

void trigger_free(minimio_fd trigger)
{
    close(trigger);
}

minimio_fd trigger_reuse(minimio_fd closed)
{
    int fd = trigger_new(false);

    if (fd == closed)
        return fd;
    ck_assert_int_eq(dup3(fd, closed, O_CLOEXEC), closed);
    close(fd);
    return closed;
}

minimio_fd open_file(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

minimio_fd open_folder(void)
{
    int fd = open("/", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

void close_file(minimio_fd file)
{
    close(file);
}

int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", ".." and the folder itself */

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

size_t allocated_bytes(void)
{
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

struct minimio_event *reserve_events(size_t capacity)
{
    void *memory = mmap(NULL, capacity * sizeof(struct minimio_event), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void release_events(struct minimio_event *events, size_t capacity)
{
    munmap(events, capacity * sizeof(*events));
}
