/* SPDX-License-Identifier: MIT */
#include "tests/stuck.h"

#include "tests/skip.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_BYTES 65536 /* a multiple of every page's size */

struct reading {
    int fd;
    void *page;
};

static void *read_for_good(void *data)
{
    const struct reading *reading = data;
    ssize_t length = read(reading->fd, reading->page, 1);

    (void)length;
    return NULL;
}

/* A page that nobody will ever fill; -1: it cannot be had. */
static int watch_page(void *page)
{
    int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK); /* poll fails on one that blocks */
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register watch = {.range = {.start = (uintptr_t)page, .len = PAGE_BYTES},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};

    if (faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0 || ioctl(faults, UFFDIO_REGISTER, &watch) < 0)
        return -1;
    return faults;
}

/* Says on `told` when the pipe is locked. */
static void hold(int reading_end, int told)
{
    static struct reading reading;
    struct pollfd fault = {.events = POLLIN};
    pthread_t thread;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    reading.fd = reading_end;
    reading.page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fault.fd = watch_page(reading.page);
    if (fault.fd < 0 || pthread_create(&thread, NULL, read_for_good, &reading) != 0)
        _exit(1);
    if (poll(&fault, 1, -1) != 1 || fault.revents != POLLIN || write(told, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

int stuck_open(pid_t *ret_holder)
{
    int ends[2], told[2];
    ssize_t length = -1;
    char byte = 'x';

    if (pipe2(ends, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0 || write(ends[1], &byte, 1) != 1)
        return -1;
    *ret_holder = fork();
    if (*ret_holder == 0) {
        close(ends[1]);
        hold(ends[0], told[1]);
    }
    close(ends[0]);
    close(told[1]);
    if (*ret_holder > 0)
        length = read(told[0], &byte, 1);
    close(told[0]);
    if (length == 1)
        return ends[1];
    test_skip(__func__, "userfaultfd");
    close(ends[1]);
    if (*ret_holder > 0)
        stuck_end(*ret_holder);
    return -1;
}

void stuck_end(pid_t holder)
{
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
}
