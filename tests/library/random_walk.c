/* SPDX-License-Identifier: MIT */
/*
 * Random calls against a model of what must and what must not come of them: streams are opened, freed, registered,
 * changed, forgotten, sent to, read from, filled, shut down from both ends, reset, and the queue is woken. Every event
 * must be one that the model allows, with flags that are true; and what the model owes must come.
 *
 * The walk is its seed's alone: no choice depends on what the system does. MINIMIO_TEST_SEED=N walks it again.
 */
#include "tests/library/support.h"

#include "tests/library/walk_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *library_random_walk_suite(void);

#define STREAMS    8
#define STEPS      4000
#define WALKS      8
#define UNREAD_MAX 200
#define GHOSTS     2
#define A_WHILE    (MS / 2)

static unsigned first_seed, seed;
static int step;

/* Says from which seed the walk came when it fails. */
#define require(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            disagree(#condition, __VA_ARGS__);                                                                         \
    } while (0)

static void disagree(const char *condition, const char *what, minimio_token token)
{
    ck_abort_msg("MINIMIO_TEST_SEED=%u, step %d: %s, token %llu: %s", seed, step, what, (unsigned long long)token,
                 condition);
}

/* The same numbers everywhere, below `limit`. */
static unsigned draw(unsigned limit)
{
    static uint32_t state;
    static unsigned of_seed;

    if (of_seed != seed) {
        of_seed = seed;
        state = seed * 2654435761U | 1;
    }
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

static struct model models[STREAMS];
static minimio_token next_token;
static bool wake_pending;

/* ---- Steps: streams --------------------------------------------------------------------------------------------- */

static void toggle_open(struct model *model)
{
    int small = 4096;

    if (model->pair.stream) {
        if (model->registered && model->by_fd)
            minimio_registrator_deregister_fd(registrator, minimio_tcp_stream_fd(model->pair.stream));
        pair_close(&model->pair);
        *model = (struct model){.pair.peer = MINIMIO_INVALID_FD};
        return;
    }
    *model = (struct model){0};
    pair_open(&model->pair);
    setsockopt(minimio_tcp_stream_fd(model->pair.stream), SOL_SOCKET, SO_SNDBUF, (const char *)&small, sizeof(small));
}

static void peer_sends(struct model *model)
{
    static const char text[8] = "sent";
    char arrived[UNREAD_MAX + 8];
    size_t length = 1 + draw(4);

    if (is_read_closed(model) || model->unread + length > UNREAD_MAX)
        return;
    ck_assert_int_eq(send(model->pair.peer, text, length, 0), (ssize_t)length);
    model->unread += length;
    /* Until it is there: then it is one arrival. Not by the stream's own call, which might meet the end. */
    while (recv(minimio_tcp_stream_fd(model->pair.stream), arrived, sizeof(arrived), MSG_PEEK) !=
           (ssize_t)model->unread)
        ;
    model_happened(model, READABLE);
}

static ssize_t read_some(struct minimio_tcp_stream *stream, char *bytes, size_t length)
{
    size_t half = length / 2;
    struct minimio_slice halves[] = {{bytes, half}, {bytes + half, length - half}};

    return draw(2) == 0 ? minimio_tcp_stream_read(stream, bytes, length)
                        : minimio_tcp_stream_read_vectored(stream, halves, 2);
}

static void stream_reads(struct model *model)
{
    char bytes[UNREAD_MAX];
    size_t length = 1 + draw(UNREAD_MAX);
    size_t expected = length < model->unread ? length : model->unread;

    if (model->reset || expected == 0)
        return;
    require(read_some(model->pair.stream, bytes, length) == (ssize_t)expected, "a read", model->token);
    model->unread -= expected;
    if (expected < length)
        model_met_end(model, READABLE);
}

static void stream_peeks(struct model *model)
{
    char bytes[UNREAD_MAX];
    size_t length = 1 + draw(UNREAD_MAX);
    ssize_t expected = (ssize_t)(length < model->unread ? length : model->unread);

    if (model->reset)
        return;
    if (expected == 0 && !is_read_closed(model))
        expected = -EAGAIN;
    require(minimio_tcp_stream_peek(model->pair.stream, bytes, length) == expected, "a peek", model->token);
    if (expected == -EAGAIN)
        model_met_end(model, READABLE);
}

static void stream_drains(struct model *model)
{
    if (is_read_closed(model))
        return;
    require(drain(model->pair.stream) == model->unread, "draining", model->token);
    model->unread = 0;
    model_met_end(model, READABLE);
}

static void stream_fills(struct model *model)
{
    if (model->reset || model->own_write_end)
        return;
    model->in_flight += fill(model->pair.stream);
    model->full = true;
    model->room_told = false;
    model_met_end(model, WRITABLE);
}

static void peer_reads(struct model *model)
{
    static char block[65536];

    if (model->reset)
        return;
    while (model->in_flight > 0) {
        size_t length = model->in_flight < sizeof(block) ? model->in_flight : sizeof(block);
        ssize_t count = recv(model->pair.peer, block, length, 0);
        ck_assert_int_gt(count, 0);
        model->in_flight -= (size_t)count;
    }
    if (model->full)
        model_happened(model, model->mode == MINIMIO_EDGE && model->room_told ? 0 : WRITABLE);
    model->full = false;
}

static void peer_ends(struct model *model)
{
    if (is_read_closed(model))
        return;
    ck_assert_int_eq(shutdown(model->pair.peer, SHUT_WR), 0);
    model->peer_ended = true;
    model_happened(model, READ_CLOSED);
}

static void peer_resets(struct model *model)
{
    if (is_read_closed(model) || model->own_write_end)
        return;
    reset_on_close(model->pair.peer);
    close_fd(model->pair.peer);
    model->pair.peer = MINIMIO_INVALID_FD;
    model->reset = true;
    model_happened(model, READ_CLOSED | WRITE_CLOSED);
}

static void stream_ends(struct model *model)
{
    enum minimio_shutdown how = (enum minimio_shutdown)draw(3);

    /* Of a connection that both ends have closed there is nothing left to shut down. */
    if (model->reset || (model->peer_ended && model->own_write_end))
        return;
    /* Windows resets a connection of which something is never to be read. */
    if (is_windows() && how != MINIMIO_SHUTDOWN_WRITE && model->unread > 0)
        return;
    require(minimio_tcp_stream_shutdown(model->pair.stream, how) == 0, "a shutdown", model->token);
    model_shut(model, how != MINIMIO_SHUTDOWN_WRITE, how != MINIMIO_SHUTDOWN_READ);
}

/* ---- Steps: ghosts ---------------------------------------------------------------------------------------------- */

/*
 * A descriptor that was closed while it was registered and of which a duplicate lives on. Where the system goes on
 * reporting it, its token may come until its number is registered or deregistered anew, and never from then on.
 */
struct ghost {
    minimio_fd fd; /* the number that it had */
    minimio_fd duplicate, peer;
    minimio_token token;
    bool may_be_named;
};

static struct ghost ghosts[GHOSTS];

static void ghost_end(struct ghost *ghost)
{
    if (ghost->duplicate > 0) {
        close_fd(ghost->duplicate);
        close_fd(ghost->peer);
    }
    *ghost = (struct ghost){0};
}

static minimio_fd duplicate(minimio_fd fd)
{
#ifdef _WIN32
    (void)fd;
    return MINIMIO_INVALID_FD;
#else
    return dup(fd);
#endif
}

static void become_ghost(struct model *model)
{
    struct ghost *ghost = &ghosts[draw(GHOSTS)];

    if (!model->registered || model->reset || is_windows())
        return;
    ghost_end(ghost);
    ghost->fd = minimio_tcp_stream_fd(model->pair.stream);
    ghost->duplicate = duplicate(ghost->fd);
    ck_assert(ghost->duplicate != MINIMIO_INVALID_FD);
    /* A stream that is freed leaves the queue by itself, if it was registered as one. */
    ghost->may_be_named = model->by_fd || draw(2) == 0;
    if (ghost->may_be_named)
        close_fd(minimio_tcp_stream_take_fd(model->pair.stream));
    else
        minimio_tcp_stream_free(model->pair.stream);
    ghost->peer = model->pair.peer;
    ghost->token = model->token;
    *model = (struct model){.pair.peer = MINIMIO_INVALID_FD};
}

static void ghost_moves(void)
{
    struct ghost *ghost = &ghosts[draw(GHOSTS)];

    if (ghost->duplicate > 0 && draw(4) > 0)
        send(ghost->peer, "x", 1, MSG_NOSIGNAL);
    else
        ghost_end(ghost);
}

static void number_means_another(minimio_fd fd)
{
    for (int i = 0; i < GHOSTS; i++)
        if (ghosts[i].fd == fd)
            ghosts[i].may_be_named = false;
}

static bool is_ghost(minimio_token token)
{
    for (int i = 0; i < GHOSTS; i++)
        if (ghosts[i].may_be_named && ghosts[i].token == token)
            return true;
    return false;
}

/* ---- Steps: registrations --------------------------------------------------------------------------------------- */

static minimio_interests draw_interests(void)
{
    static const minimio_interests some[] = {MINIMIO_READABLE, MINIMIO_WRITABLE, MINIMIO_READABLE | MINIMIO_WRITABLE};

    return some[draw(3)];
}

static void try_register(struct model *model)
{
    minimio_token token = next_token++;
    minimio_interests interests = draw_interests();
    enum minimio_mode mode = (enum minimio_mode)draw(3);
    bool by_fd = draw(2) == 0;

    int r = by_fd ? minimio_registrator_register_fd(registrator, minimio_tcp_stream_fd(model->pair.stream), token,
                                                    interests, mode)
                  : minimio_registrator_register(registrator, model->pair.stream, token, interests, mode);
    require(r == (model->registered ? -EEXIST : 0), "register", token);
    if (r != 0) {
        model_looked_at(model); /* to be refused */
        return;
    }
    model->by_fd = by_fd;
    model->unaware = by_fd && model->own_read_end;
    number_means_another(minimio_tcp_stream_fd(model->pair.stream));
    model_arm(model, token, interests, mode);
}

static void try_reregister(struct model *model)
{
    minimio_token token = next_token++;
    minimio_interests interests = draw_interests();
    enum minimio_mode mode = (enum minimio_mode)draw(3);
    bool by_fd = draw(2) == 0;

    int r = by_fd ? minimio_registrator_reregister_fd(registrator, minimio_tcp_stream_fd(model->pair.stream), token,
                                                      interests, mode)
                  : minimio_registrator_reregister(registrator, model->pair.stream, token, interests, mode);
    require(r == (model->registered ? 0 : -ENOENT), "reregister", token);
    if (r != 0)
        return;
    model->unaware = model->unaware && by_fd;
    model_arm(model, token, interests, mode);
}

static void try_deregister(struct model *model)
{
    int r = draw(2) == 0 ? minimio_registrator_deregister_fd(registrator, minimio_tcp_stream_fd(model->pair.stream))
                         : minimio_registrator_deregister(registrator, model->pair.stream);

    require(r == (model->registered ? 0 : -ENOENT), "deregister", model->token);
    number_means_another(minimio_tcp_stream_fd(model->pair.stream));
    model->registered = false;
}

/* ---- Polling ---------------------------------------------------------------------------------------------------- */

static unsigned flags_of(const struct minimio_event *event)
{
    require(!minimio_event_is_priority(event), "nothing urgent was sent", event->token);
    return (minimio_event_is_readable(event) ? READABLE : 0U) | (minimio_event_is_writable(event) ? WRITABLE : 0U) |
           (minimio_event_is_read_closed(event) ? READ_CLOSED : 0U) |
           (minimio_event_is_write_closed(event) ? WRITE_CLOSED : 0U) | (minimio_event_is_error(event) ? IN_ERROR : 0U);
}

static struct model *find(minimio_token token)
{
    struct model *model = models;

    while (model < models + STREAMS && !(model->registered && model->token == token))
        model++;
    require(model < models + STREAMS, "a token of no registration", token);
    return model;
}

static void take(const struct minimio_event *event)
{
    if (is_ghost(minimio_event_id(event)))
        return;
    struct model *model = find(minimio_event_id(event));
    unsigned flags = flags_of(event);

    require(flags != 0, "an event that says nothing", model->token);
    require((flags & ~possible_flags(model)) == 0, "a flag that is not true", model->token);
    require(may_come(model, flags), "an event without a reason", model->token);
    model_told(model, flags);
}

static bool is_any_owed(void)
{
    for (int i = 0; i < STREAMS; i++)
        if (must_come(&models[i]))
            return true;
    return false;
}

/* One poll, of what is there now or until something comes. Returns how many events. */
static int take_events(size_t capacity, int64_t timeout_ns)
{
    struct minimio_event events[STREAMS + 2];

    events[capacity].token = UINT64_MAX;
    int count = minimio_poll_poll(queue, events, capacity, timeout_ns);
    require(count >= 0 && count <= (int)capacity, "how many events", (minimio_token)count);
    require(events[capacity].token == UINT64_MAX, "something past the capacity", events[capacity].token);
    for (int i = 0; i < count; i++) {
        for (int other = 0; other < i; other++)
            require(events[other].token != events[i].token, "twice in one batch", events[i].token);
        take(&events[i]);
    }
    return count;
}

static void poll_until_nothing_is_owed(void)
{
    size_t capacity = 1 + draw(STREAMS + 1);
    int64_t start = now_ns();
    bool was_woken = wake_pending;

    /* What is level-triggered is told anew, by every poll; with a small capacity, in turns. */
    for (int i = 0; i < STREAMS; i++)
        if (models[i].registered && models[i].mode == MINIMIO_LEVEL)
            models[i].owed |= repeated_flags(&models[i]);
    if (wake_pending)
        take_events(capacity, PLENTY); /* which the wake ends, whatever else there is */
    require(now_ns() - start < PLENTY, "a wake that ends no poll", 0);
    wake_pending = false;
    while (is_any_owed()) {
        take_events(capacity, PLENTY);
        if (now_ns() - start > PLENTY)
            break;
    }
    for (int i = 0; i < STREAMS; i++)
        require(!must_come(&models[i]), "an event that does not come", models[i].token);
    /* No wake is left, so that it is not before its time that the next poll comes back with nothing. */
    start = now_ns();
    if (take_events(STREAMS + 1, was_woken ? A_WHILE : 0) == 0 && was_woken)
        require(now_ns() - start >= A_WHILE, "a poll that is cut short", 0);
}

static void poll_what_is_there(void)
{
    take_events(1 + draw(STREAMS + 1), 0);
    wake_pending = false;
}

static void wake(void)
{
    require(minimio_registrator_wake(registrator) == 0, "wake", 0);
    wake_pending = true;
}

/* ---- The walk --------------------------------------------------------------------------------------------------- */

static void step_of_a_stream(struct model *model)
{
    static void (*const often[])(struct model *) = {try_register, try_reregister, try_deregister, peer_sends,
                                                    peer_sends,   stream_reads,   stream_peeks,   stream_drains};
    static void (*const seldom[])(struct model *) = {toggle_open, stream_fills, peer_reads,  peer_ends,
                                                     peer_resets, stream_ends,  become_ghost};

    if (!model->pair.stream)
        toggle_open(model);
    else if (draw(4) > 0)
        often[draw(sizeof(often) / sizeof(often[0]))](model);
    else
        seldom[draw(sizeof(seldom) / sizeof(seldom[0]))](model);
}

static void walk(void)
{
    for (int i = 0; i < STREAMS; i++)
        models[i] = (struct model){.pair.peer = MINIMIO_INVALID_FD};
    for (step = 0; step < STEPS; step++) {
        unsigned choice = draw(16);
        if (choice == 0)
            wake();
        else if (choice == 5)
            ghost_moves();
        else if (choice < 3)
            poll_what_is_there();
        else if (choice < 5)
            poll_until_nothing_is_owed();
        else
            step_of_a_stream(&models[draw(STREAMS)]);
    }
    poll_until_nothing_is_owed();
    for (int i = 0; i < STREAMS; i++)
        if (models[i].pair.stream)
            toggle_open(&models[i]);
    for (int i = 0; i < GHOSTS; i++)
        ghost_end(&ghosts[i]);
    assert_quiet();
}

/* What the model does not hold the platform to. */
static void say_what_is_left_out(const char *function)
{
    skip_on("kqueue", function, "in part: who waits for one direction is sure to be told of that one's end alone");
    if (is_wine())
        skip_on("windows", function, "in part, under wine alone: " WINE_READS_UP_TO_AN_END);
}

START_TEST(a_random_walk_agrees_with_the_model)
{
    if (_i == 0) {
        say_what_is_left_out(__func__);
        printf("library: random walks by the seeds from %u; MINIMIO_TEST_SEED=%u walks them again\n", first_seed,
               first_seed);
    }
    seed = first_seed + (unsigned)_i;
    walk();
}
END_TEST

Suite *library_random_walk_suite(void)
{
    Suite *suite = suite_create("library_random_walk");
    TCase *tests = tcase_create("random walk");
    const char *given = getenv("MINIMIO_TEST_SEED");

    first_seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL) % 1000000;
    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_loop_test(tests, a_random_walk_agrees_with_the_model, 0, WALKS);
    suite_add_tcase(suite, tests);
    return suite;
}
