/* SPDX-License-Identifier: MIT */
/*
 * The relay on io_uring instead of epoll: one multishot poll per stream, which completes for each arrival. Uses bare
 * system calls, so that the bench needs no library.
 */
#include "bench/daemon/floors.h"

#include "bench/daemon/process.h"
#include "bench/daemon/session.h"

#include <linux/io_uring.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SUBMISSIONS 256
#define COMPLETIONS 32768 /* for all streams at once; otherwise the kernel would use its overflow list */
#define LINES       512   /* per write, as in the other relays */
#define CLIENT      UINT32_MAX

struct ring {
    int fd;
    unsigned *submit_tail, *submit_array, submit_mask;
    struct io_uring_sqe *submissions;
    unsigned *complete_head, *complete_tail, complete_mask;
    struct io_uring_cqe *completions;
    unsigned unsubmitted;
};

static int set_up(struct io_uring_params *params)
{
    *params =
        (struct io_uring_params){.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
                                 .cq_entries = COMPLETIONS};
    return (int)syscall(SYS_io_uring_setup, SUBMISSIONS, params);
}

bool ring_is_there(void)
{
    struct io_uring_params params;
    int fd = set_up(&params);

    if (fd >= 0)
        close(fd);
    return fd >= 0 && (params.features & IORING_FEAT_SINGLE_MMAP);
}

static void *map(int fd, size_t size, off_t what)
{
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);

    need(place != MAP_FAILED, "mmap");
    return place;
}

static void open_ring(struct ring *ring)
{
    struct io_uring_params params;
    int fd = set_up(&params);

    need(fd >= 0, "io_uring_setup");
    char *queues = map(fd, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_SQ_RING);
    *ring = (struct ring){
        .fd = fd,
        .submit_tail = (unsigned *)(void *)(queues + params.sq_off.tail),
        .submit_array = (unsigned *)(void *)(queues + params.sq_off.array),
        .submit_mask = params.sq_entries - 1,
        .submissions = map(fd, params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES),
        .complete_head = (unsigned *)(void *)(queues + params.cq_off.head),
        .complete_tail = (unsigned *)(void *)(queues + params.cq_off.tail),
        .complete_mask = params.cq_entries - 1,
        .completions = (struct io_uring_cqe *)(void *)(queues + params.cq_off.cqes),
    };
}

/* Submits all prepared entries, and waits for `awaited` completions. */
static void ring_enter(struct ring *ring, unsigned awaited)
{
    long submitted = syscall(SYS_io_uring_enter, ring->fd, ring->unsubmitted, awaited, IORING_ENTER_GETEVENTS, NULL, 0);

    need(submitted == (long)ring->unsubmitted, "io_uring_enter");
    ring->unsubmitted = 0;
}

static void watch(struct ring *ring, int fd, uint32_t token)
{
    unsigned tail = *ring->submit_tail, index = tail & ring->submit_mask;

    ring->submissions[index] = (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD,
                                                     .fd = fd,
                                                     .len = IORING_POLL_ADD_MULTI,
                                                     .poll32_events = POLLIN | POLLRDHUP,
                                                     .user_data = token};
    ring->submit_array[index] = index;
    __atomic_store_n(ring->submit_tail, tail + 1, __ATOMIC_RELEASE);
    if (++ring->unsubmitted == SUBMISSIONS)
        ring_enter(ring, 0);
}

static void take_streams(struct ring *ring, int fd)
{
    uint32_t token = 0;
    int fds[DESCRIPTORS_MAX], count;

    while ((count = session_receive_fds(fd, fds)) > 0)
        for (int i = 0; i < count; i++)
            watch(ring, fds[i], token++);
    watch(ring, fd, CLIENT);
    ring_enter(ring, 0);
    session_send(fd, "\n", 1);
}

/* Relays the available completions, up to the number in one write. */
static void ring_relay(struct ring *ring, int fd)
{
    static char lines[LINES * LINE_BYTES];
    unsigned head = *ring->complete_head, tail = __atomic_load_n(ring->complete_tail, __ATOMIC_ACQUIRE);
    size_t length = 0;

    for (int left = LINES; head != tail && left > 0; head++, left--) {
        const struct io_uring_cqe *completion = &ring->completions[head & ring->complete_mask];

        if (completion->user_data == CLIENT)
            exit(EXIT_SUCCESS);
        need(completion->res > 0 && (completion->flags & IORING_CQE_F_MORE), "a poll that goes on");
        length += floor_put_line(lines + length, (uint32_t)completion->user_data);
    }
    __atomic_store_n(ring->complete_head, head, __ATOMIC_RELEASE);
    if (length)
        session_send(fd, lines, length);
}

void relay_ring(int fd)
{
    struct ring ring;

    open_ring(&ring);
    take_streams(&ring, fd);
    for (;;) {
        if (*ring.complete_head == __atomic_load_n(ring.complete_tail, __ATOMIC_ACQUIRE))
            ring_enter(&ring, 1);
        ring_relay(&ring, fd);
    }
}
