/* SPDX-License-Identifier: MIT */
/*
 * All processes of this file share one descriptor table, and a close() may block any of them. So the closing process
 * only reads requests and starts workers. A worker closes. A sweeper empties the table at the end, so that a blocked
 * worker keeps no connection open except the one in its close().
 */
#include "daemon/base/closing_process.h"

#include "daemon/base/fd_kind.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_AT_ONCE 512
#define RETRY_MS         20   /* delay before another attempt to start a worker */
#define LINGER_US        5000 /* how long a close() waits for unsent data; the kernel continues to send afterwards */
#define SWEEPERS         32   /* started in sequence: a sweeper may block in a close() */
#define SWEEP_MS         100
#define DESCRIPTORS_MAX  (1024 * 1024)
#define DRAIN_BYTES      65536

struct waiting {
    int fd;
    enum closing_how how;
};

struct queue {
    struct waiting *list;
    size_t count, capacity;
    pid_t worker;  /* 0: none */
    uint32_t base; /* the slot's count of begun closes at the first element of the list */
};

/* A file and its worker, if a worker has been started. */
struct loner {
    pid_t worker; /* 0: none */
    int slot, fd;
};

static struct {
    struct closing_page *page;
    pid_t daemon;
    int requests;
    struct queue queues[CLOSING_SLOTS];
    struct loner *loners;
    size_t loner_count, loner_capacity;
    int workers;
    int next; /* the slot that gets the next worker */
    bool leave;
} process;

pid_t closing_fork(void)
{
#ifdef __s390__
    return (pid_t)syscall(SYS_clone, NULL, CLONE_FILES | SIGCHLD, NULL, NULL, NULL);
#else
    return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

static void interrupt_wait(int number)
{
    (void)number; /* the signal interrupts the blocking call, which is enough */
}

static void handle_signal(int number, void handler(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(number, &action, NULL);
}

/* ---- A worker ---------------------------------------------------------------------------------------------------- */

/* A signal interrupts a close() that lingers for a peer. */
static void interrupt_often(void)
{
    const struct itimerval often = {.it_interval.tv_usec = LINGER_US, .it_value.tv_usec = LINGER_US};

    handle_signal(SIGALRM, interrupt_wait);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void worker_drain(int fd)
{
    static char discarded[DRAIN_BYTES];

    while (recv(fd, discarded, sizeof discarded, MSG_DONTWAIT) > 0)
        ;
}

static noreturn void worker_run(const struct queue *queue, struct closing_counts *counts, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    interrupt_often();
    for (size_t i = 0; i < queue->count && getppid() == parent; i++) {
        if (atomic_load(&process.page->halted))
            break;
        atomic_fetch_add(&counts->begun, 1);
        if (queue->list[i].how == CLOSING_DRAIN)
            worker_drain(queue->list[i].fd);
        close(queue->list[i].fd);
        atomic_fetch_add(&counts->done, 1);
    }
    _exit(0);
}

static void worker_start(int slot)
{
    struct queue *queue = &process.queues[slot];
    pid_t parent = getpid(), pid;

    queue->base = atomic_load(&process.page->slots[slot].begun);
    pid = closing_fork();
    if (pid == 0)
        worker_run(queue, &process.page->slots[slot], parent);
    if (pid < 0)
        return;
    queue->worker = pid;
    process.workers++;
}

/* Starts workers, up to CLOSING_WORKERS. False: a fork has failed, try again later. */
static bool workers_start(void)
{
    for (int i = 0; i < CLOSING_SLOTS && process.workers < CLOSING_WORKERS; i++) {
        int slot = (process.next + i) % CLOSING_SLOTS;
        struct queue *queue = &process.queues[slot];

        if (!queue->count || queue->worker)
            continue;
        worker_start(slot);
        if (!queue->worker) {
            process.next = slot;
            return false;
        }
    }
    process.next = (process.next + 1) % CLOSING_SLOTS;
    return true;
}

static void loner_start(struct loner *loner)
{
    loner->worker = closing_fork();
    if (loner->worker == 0) {
        interrupt_often();
        atomic_fetch_add(&process.page->slots[loner->slot].alone_begun, 1);
        close(loner->fd);
        _exit(0);
    }
    if (loner->worker < 0)
        loner->worker = 0;
}

/* Starts workers for files, up to CLOSING_LONERS. False: a fork has failed, try again later. */
static bool loners_start(void)
{
    for (size_t i = 0; i < process.loner_count && i < CLOSING_LONERS; i++) {
        if (!process.loners[i].worker)
            loner_start(&process.loners[i]);
        if (!process.loners[i].worker)
            return false;
    }
    return true;
}

static void loner_forget(pid_t pid)
{
    for (size_t i = 0; i < process.loner_count; i++)
        if (process.loners[i].worker == pid) {
            atomic_fetch_add(&process.page->slots[process.loners[i].slot].alone, 1);
            process.loner_count--;
            memmove(&process.loners[i], &process.loners[i + 1], (process.loner_count - i) * sizeof process.loners[0]);
            return;
        }
}

/* Even a worker killed in close() has removed the descriptor from the table: never repeat a begun close. */
static void queue_forget_begun(int slot)
{
    struct queue *queue = &process.queues[slot];
    struct closing_counts *counts = &process.page->slots[slot];
    uint32_t begun = atomic_load(&counts->begun), count = begun - queue->base;

    atomic_store(&counts->done, begun);
    queue->count -= count;
    memmove(queue->list, queue->list + count, queue->count * sizeof *queue->list);
    queue->worker = 0;
    process.workers--;
}

static void reap_children(void)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        loner_forget(pid);
        for (int slot = 0; slot < CLOSING_SLOTS; slot++)
            if (process.queues[slot].worker == pid)
                queue_forget_begun(slot);
    }
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};

    nanosleep(&pause, NULL);
}

/* A lost request would leak a descriptor, so the process retries until memory is available. */
static void *list_grow(void *list, size_t count, size_t *capacity, size_t size)
{
    void *grown;

    if (count < *capacity)
        return list;
    *capacity = *capacity ? 2 * *capacity : 16;
    while (!(grown = realloc(list, *capacity * size)))
        pause_ms(RETRY_MS);
    return grown;
}

static void loner_add(const struct closing_request *request)
{
    process.loners = list_grow(process.loners, process.loner_count, &process.loner_capacity, sizeof process.loners[0]);
    process.loners[process.loner_count++] = (struct loner){.slot = request->slot, .fd = request->fd};
}

static void queue_add(const struct closing_request *request)
{
    struct queue *queue = &process.queues[request->slot];

    queue->list = list_grow(queue->list, queue->count, &queue->capacity, sizeof *queue->list);
    queue->list[queue->count++] = (struct waiting){.fd = request->fd, .how = (enum closing_how)request->how};
}

static void read_requests(void)
{
    struct closing_request requests[REQUESTS_AT_ONCE];
    ssize_t length = read(process.requests, requests, sizeof requests);

    for (ssize_t i = 0; i < length / (ssize_t)sizeof requests[0]; i++) {
        if (requests[i].how == CLOSING_LEAVE)
            process.leave = true;
        else if (requests[i].how == CLOSING_ALONE)
            loner_add(&requests[i]);
        else
            queue_add(&requests[i]);
    }
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

/* Descriptors whose close no worker has begun: close() may block. */
static unsigned char waiting_bits[DESCRIPTORS_MAX / 8];

static void set_waiting(int fd)
{
    if (fd < DESCRIPTORS_MAX)
        waiting_bits[fd / 8] |= (unsigned char)(1 << fd % 8);
}

static const unsigned char *find_waiting(void)
{
    for (size_t i = 0; i < process.loner_count; i++)
        if (!process.loners[i].worker)
            set_waiting(process.loners[i].fd);
    for (int slot = 0; slot < CLOSING_SLOTS; slot++) {
        const struct queue *queue = &process.queues[slot];
        size_t begun = queue->worker ? atomic_load(&process.page->slots[slot].begun) - queue->base : 0;

        for (size_t i = begun; i < queue->count; i++)
            set_waiting(queue->list[i].fd);
    }
    return waiting_bits;
}

static bool is_waiting(const unsigned char *waiting, int fd)
{
    return fd < DESCRIPTORS_MAX && waiting[fd / 8] & 1 << fd % 8;
}

enum sweep { SWEEP_PLAIN, SWEEP_LINGERING, SWEEP_WAITING };

static bool is_swept(enum sweep what, const unsigned char *waiting, int fd)
{
    if (is_waiting(waiting, fd))
        return what == SWEEP_WAITING;
    return what == SWEEP_LINGERING || (what == SWEEP_PLAIN && !fd_lingers(fd));
}

static noreturn void sweeper_run(enum sweep what, const unsigned char *waiting)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    interrupt_often();
    while (folder && (entry = readdir(folder))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] != '.' && fd != dirfd(folder) && is_swept(what, waiting, fd))
            close(fd);
    }
    _exit(0);
}

/* Whether the sweeper has ended within SWEEP_MS. */
static bool sweeper_await(pid_t pid)
{
    for (int ms = 0; ms < SWEEP_MS; ms++) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return true;
        pause_ms(1);
    }
    return false;
}

/* A sweeper that blocks in a close() has removed the descriptor from the table, and the next sweeper continues. */
static void sweep_all(enum sweep what, const unsigned char *waiting)
{
    for (int i = 0; i < SWEEPERS; i++) {
        pid_t pid = closing_fork();

        if (pid == 0)
            sweeper_run(what, waiting);
        if (pid > 0 && sweeper_await(pid))
            break;
    }
}

/* The worker of a finished queue may still be running, or not yet be reaped. */
static bool queue_is_done(int slot)
{
    const struct queue *queue = &process.queues[slot];

    return !queue->count ||
           (queue->worker && atomic_load(&process.page->slots[slot].done) - queue->base == queue->count);
}

/* With no descriptor left to close, the daemon may still use the table, and a sweep would close the daemon's own
 * descriptors. */
static bool has_work(void)
{
    if (process.loner_count)
        return true;
    for (int slot = 0; slot < CLOSING_SLOTS; slot++)
        if (!queue_is_done(slot))
            return true;
    return false;
}

/* Called after the daemon has unshared the table or has died. A daemon that unshared the table waits for the end of
 * this process. The kernel frees the table with the last process that shares the table. */
static noreturn void leave_table(void)
{
    const unsigned char *waiting;

    atomic_store(&process.page->halted, 1);
    if (has_work()) {
        waiting = find_waiting();
        sweep_all(SWEEP_PLAIN, waiting);
        if (closing_fork() == 0) {
            sweep_all(SWEEP_LINGERING, waiting);
            sweep_all(SWEEP_WAITING, waiting);
        }
    }
    _exit(0);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

/* Signals sent to the daemon's whole process group or service must not end this process. */
static void closing_set_up_signals(sigset_t *ret_waiting)
{
    static const int not_ours[] = {SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t held;

    for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++)
        handle_signal(not_ours[i], SIG_IGN);
    handle_signal(SIGTERM, interrupt_wait); /* the daemon may have ended: compare getppid() */
    handle_signal(SIGCHLD, interrupt_wait);
    sigemptyset(ret_waiting);
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGCHLD);
    sigprocmask(SIG_SETMASK, &held, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

noreturn void closing_process_run(struct closing_page *page, int requests, pid_t daemon)
{
    static const struct timespec retry = {.tv_nsec = RETRY_MS * 1000000L};
    struct pollfd readable = {.fd = requests, .events = POLLIN};
    sigset_t waiting;

    process.page = page;
    process.requests = requests;
    process.daemon = daemon;
    prctl(PR_SET_NAME, "minimiod-close");
    closing_set_up_signals(&waiting);
    while (!process.leave && getppid() == daemon) {
        bool started = workers_start() && loners_start();

        if (ppoll(&readable, 1, started ? NULL : &retry, &waiting) == 1)
            read_requests();
        reap_children();
    }
    leave_table();
}
