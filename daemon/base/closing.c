/* SPDX-License-Identifier: MIT */
#include "daemon/base/closing.h"

#include "daemon/base/valgrind.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES_MS     1   /* how often closing_leave checks whether the workers have begun every file */
#define FILES_MAX_MS 200 /* and the longest wait for the workers */

#define PIPE_BYTES (1024 * 1024) /* size of the pipe to the process, which reads requests at once */

static struct {
    struct closing_page *page; /* shared with the process and the workers; remains mapped after their end */
    pid_t pid;                 /* 0: the process does not run */
    int requests;              /* write end of the pipe */
    int other_end;             /* read end: open here as well, because the table is shared */
    bool taken[CLOSING_SLOTS];
    uint32_t put[CLOSING_SLOTS], alone[CLOSING_SLOTS]; /* descriptors and files put into each slot since the start */
} closing;

bool closing_is_running(void)
{
    return closing.pid > 0;
}

pid_t closing_pid(void)
{
    return closing.pid;
}

static int make_page(void)
{
    void *page;

    if (closing.page)
        return 0;
    page = mmap(NULL, sizeof *closing.page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -errno;
    closing.page = page;
    return 0;
}

/* The worker of a begun close() is dead: count the close as done. */
static void reset_page(void)
{
    atomic_store(&closing.page->halted, 0);
    for (int slot = 0; slot < CLOSING_SLOTS; slot++) {
        closing.put[slot] = atomic_load(&closing.page->slots[slot].begun);
        atomic_store(&closing.page->slots[slot].done, closing.put[slot]);
        atomic_store(&closing.page->slots[slot].alone, closing.alone[slot]);
        atomic_store(&closing.page->slots[slot].alone_begun, closing.alone[slot]);
    }
}

static void close_pipe(void)
{
    close(closing.requests);
    close(closing.other_end);
}

int closing_start(void)
{
    pid_t daemon = getpid();
    int ends[2];
    int result = is_under_valgrind() ? -ENOSYS : make_page();

    if (result < 0)
        return result;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    reset_page();
    closing.requests = ends[1];
    closing.other_end = ends[0];
    closing.pid = closing_fork();
    if (closing.pid == 0)
        closing_process_run(closing.page, ends[0], daemon);
    if (closing.pid < 0) {
        result = -errno;
        closing.pid = 0;
        close_pipe();
    }
    return result;
}

/* A request is shorter than PIPE_BUF, so write() is atomic. */
static bool closing_send(const struct closing_request *what)
{
    return write(closing.requests, what, sizeof *what) == (ssize_t)sizeof *what;
}

/* Returns soon: the process never waits in close() itself. */
static void end_process(void)
{
    const struct closing_request leave = {.how = CLOSING_LEAVE};

    if (!closing_send(&leave))
        kill(closing.pid, SIGKILL);
    while (waitpid(closing.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    closing.pid = 0;
    close_pipe();
}

/* A worker that was killed may have begun no close, but counts as done. */
bool closing_has_files(void)
{
    for (int slot = 0; closing.pid && slot < CLOSING_SLOTS; slot++) {
        const struct closing_counts *counts = &closing.page->slots[slot];

        if (closing.alone[slot] != atomic_load(&counts->alone_begun) &&
            closing.alone[slot] != atomic_load(&counts->alone))
            return true;
    }
    return false;
}

bool closing_is_about_to_begin(void)
{
    for (int slot = 0; closing.pid && slot < CLOSING_SLOTS; slot++) {
        const struct closing_counts *counts = &closing.page->slots[slot];
        uint32_t begun = atomic_load(&counts->begun);

        if (closing.put[slot] != begun && begun == atomic_load(&counts->done))
            return true;
    }
    return closing_has_files();
}

uint32_t closing_begun(void)
{
    uint32_t begun = 0;

    for (int slot = 0; closing.pid && slot < CLOSING_SLOTS; slot++)
        begun += atomic_load(&closing.page->slots[slot].begun) + atomic_load(&closing.page->slots[slot].alone_begun);
    return begun;
}

/* A worker begins within milliseconds, except when CLOSING_LONERS workers are busy. */
static void await_files(void)
{
    static const struct timespec moment = {.tv_nsec = FILES_MS * 1000000L};

    for (int waited = 0; waited < FILES_MAX_MS && closing_has_files(); waited += FILES_MS)
        nanosleep(&moment, NULL);
}

int closing_leave(void)
{
    if (!closing.pid)
        return 0;
    await_files();
    atomic_store(&closing.page->halted, 1);
    if (unshare(CLONE_FILES) < 0) {
        int result = -errno;

        atomic_store(&closing.page->halted, 0);
        return result;
    }
    end_process();
    return 0;
}

void closing_end(void)
{
    if (!closing.pid)
        return;
    for (int slot = 0; slot < CLOSING_SLOTS; slot++)
        if (closing.put[slot] != atomic_load(&closing.page->slots[slot].done) ||
            closing.alone[slot] != atomic_load(&closing.page->slots[slot].alone))
            return;
    end_process();
}

bool closing_has_died(void)
{
    if (!closing.pid || waitpid(closing.pid, NULL, WNOHANG) != closing.pid)
        return false;
    closing.pid = 0;
    close_pipe();
    return true;
}

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

int closing_take_slot(void)
{
    for (int slot = 0; slot < CLOSING_SLOTS; slot++)
        if (!closing.taken[slot]) {
            closing.taken[slot] = true;
            return slot;
        }
    return -1;
}

void closing_give_slot(int slot)
{
    closing.taken[slot] = false;
}

struct closing_progress closing_progress(int slot)
{
    const struct closing_counts *counts = &closing.page->slots[slot];

    return (struct closing_progress){
        .begun = atomic_load(&counts->begun), .done = atomic_load(&counts->done), .alone = atomic_load(&counts->alone)};
}

bool closing_put(int slot, int fd, enum closing_how how)
{
    const struct closing_request what = {.slot = (uint16_t)slot, .how = (uint16_t)how, .fd = fd};
    bool taken = closing_send(&what);

    if (how == CLOSING_ALONE)
        closing.alone[slot] += taken;
    else
        closing.put[slot] += taken;
    return taken;
}
