/* SPDX-License-Identifier: MIT */
/*
 * A slot is a worker session and the program that has the stream of the session's lease. A slot with a program gets no
 * event, because the lease is open until the program has ended.
 */
#include "client/ctl/run_workers.h"

#include "client/ctl/program.h"
#include "client/ctl/registrations.h"
#include "client/ctl/worker.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct slot {
    struct worker worker;
    cJSON *registration; /* of the leased token, while a program runs */
    uint64_t token;
    pid_t child; /* 0: no program runs */
    int child_fd;
    int stream;
    int flags; /* of the stream, before the program */
};

struct run {
    struct run_plan plan;
    int64_t deadline_ns;
    struct slot slots[WORKERS_MAX];
    size_t running;
    bool stopping; /* no more programs are started */
    int exit_code; /* of the last failed program, or of an error */
};

static void stop(struct run *run, int exit_code)
{
    run->stopping = true;
    if (exit_code != 0)
        run->exit_code = exit_code;
}

/* ---- The end of a program --------------------------------------------------------------------------------------- */

static int end_lease(struct run *run, struct slot *slot, bool usable)
{
    if (run->plan.left == 0 || run->stopping)
        return worker_leave(&slot->worker, slot->token, usable ? slot->registration : NULL);
    return usable ? worker_give_back(&slot->worker, slot->stream) : worker_drop(&slot->worker);
}

static void slot_clear(struct slot *slot)
{
    close(slot->stream);
    close(slot->child_fd);
    cJSON_Delete(slot->registration);
    slot->registration = NULL;
    slot->child = 0;
}

static void slot_finish(struct run *run, struct slot *slot)
{
    int code = program_await(run->plan.command, run->plan.program[0], slot->child), result;

    program_restore_flags(slot->stream, slot->flags);
    result = end_lease(run, slot, code == 0 && !program_stream_has_ended(slot->stream));
    slot_clear(slot);
    run->running--;
    if (code != 0)
        run->exit_code = code;
    if (result != 0)
        stop(run, result);
}

/* ---- The start of a program ------------------------------------------------------------------------------------- */

/* The slot has the stream. Returns 0 or the exit code. */
static int slot_start(struct run *run, struct slot *slot)
{
    const struct run_plan *plan = &run->plan;
    struct program_stream place = {.fd = slot->stream, .number = -1};
    int result;

    slot->flags = program_make_blocking(slot->stream);
    result = program_start_with(plan->command, plan->program, place, &slot->child);
    if (result == 0) {
        slot->child_fd = (int)syscall(SYS_pidfd_open, slot->child, 0);
        run->running++;
        run->plan.left--;
        return 0;
    }
    program_restore_flags(slot->stream, slot->flags);
    (void)worker_leave(&slot->worker, slot->token, slot->registration);
    return result;
}

/* Takes the stream of an event. Returns 0 or the exit code; without a program, the token is gone. */
static int slot_serve(struct run *run, struct slot *slot, const struct minimio_client_event *event)
{
    int result = worker_find(&slot->worker, event->token, &slot->registration);

    if (result != 0 || !slot->registration)
        return result;
    slot->token = event->token;
    slot->child_fd = -1;
    slot->stream = worker_take(&slot->worker, event->token);
    if (slot->stream >= 0) {
        program_tell(slot->worker.client, run->plan.options->loop, event->token,
                     registration_address(slot->registration), event->readiness);
        result = slot_start(run, slot);
        if (result == 0)
            return 0;
        close(slot->stream);
    } else if (slot->stream != -ENOENT) {
        result = EXIT_FAILED;
    }
    cJSON_Delete(slot->registration);
    slot->registration = NULL;
    return result;
}

/* Starts programs for the events of an idle slot. */
static void slot_step(struct run *run, struct slot *slot)
{
    struct minimio_client_event event;
    int result = 1;

    while (!run->stopping && run->plan.left > 0 && !slot->child && result > 0) {
        result = worker_next(&slot->worker, &event);
        if (result < 0)
            stop(run, -result);
        if (result > 0) {
            int code = slot_serve(run, slot, &event);

            if (code != 0)
                stop(run, code);
        }
    }
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

/* Waits for a child without a descriptor. Returns whether there was one. */
static bool await_child(struct run *run)
{
    for (size_t i = 0; i < run->plan.workers; i++)
        if (run->slots[i].child && run->slots[i].child_fd < 0) {
            slot_finish(run, &run->slots[i]);
            return true;
        }
    return false;
}

/* Waits for events, for ends of programs, and for the deadline. */
static void wait_for_any(struct run *run)
{
    struct pollfd fds[WORKERS_MAX];
    int64_t left_ns = run->stopping ? -1 : deadline_left_ns(run->deadline_ns);
    struct timespec timeout = deadline_timespec(left_ns);

    for (size_t i = 0; i < run->plan.workers; i++) {
        struct slot *slot = &run->slots[i];
        bool idle = !slot->child && !run->stopping && run->plan.left > 0;

        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (slot->child)
            fds[i].fd = slot->child_fd;
        else if (idle)
            fds[i] =
                (struct pollfd){minimio_client_fd(slot->worker.client), minimio_client_wants(slot->worker.client), 0};
    }
    if (ppoll(fds, run->plan.workers, left_ns < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        stop(run, failed(run->plan.command, "cannot wait for the daemon: %s", strerror(errno)));
    for (size_t i = 0; i < run->plan.workers; i++)
        if (run->slots[i].child && fds[i].revents)
            slot_finish(run, &run->slots[i]);
}

static void run_all(struct run *run)
{
    for (;;) {
        for (size_t i = 0; i < run->plan.workers; i++)
            slot_step(run, &run->slots[i]);
        if (run->running == 0 && (run->stopping || run->plan.left == 0))
            return;
        if (await_child(run)) /* the session may have queued events */
            continue;
        wait_for_any(run);
        if (!run->stopping && run->plan.left > 0 && deadline_left_ns(run->deadline_ns) == 0)
            stop(run, EXIT_TIMED_OUT);
    }
}

/* An event that came too late for a program goes to another worker, without a redelivery. */
static void slot_retire(struct slot *slot)
{
    struct minimio_client_event event;
    cJSON *registration = NULL;

    if (worker_next(&slot->worker, &event) > 0 && worker_find(&slot->worker, event.token, &registration) == 0 &&
        registration)
        (void)worker_leave(&slot->worker, event.token, registration);
    cJSON_Delete(registration);
}

int run_workers(const struct run_plan *plan)
{
    struct run run = {.plan = *plan, .deadline_ns = deadline_in(plan->options->timeout_ns)};
    size_t begun = 0;
    int result = 0;

    while (result == 0 && begun < plan->workers)
        result = worker_begin(&run.slots[begun++].worker, plan->command, plan->options, run.deadline_ns);
    if (result == 0) {
        run_all(&run);
        result = run.exit_code;
        for (size_t i = 0; run.plan.left == 0 && i < plan->workers; i++)
            slot_retire(&run.slots[i]);
    }
    while (begun > 0)
        worker_end(&run.slots[--begun].worker);
    return result;
}
