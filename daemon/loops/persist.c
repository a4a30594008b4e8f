/* SPDX-License-Identifier: MIT */
#include "daemon/loops/persist.h"

#include "daemon/base/invariant.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <string.h>

/* The ledger for the loop. NULL: none, as for an anonymous loop. */
static struct ledger *ledger_of(const struct loop *loop)
{
    return loop_is_named(loop) ? loop->loops->recorder.ledger : NULL;
}

static bool is_recorded(const struct loop *loop)
{
    return ledger_of(loop) && loop->entry;
}

static bool is_stream_recorded(const struct stream *stream)
{
    return ledger_of(stream->loop) && stream->entry;
}

/* Logs once per loop, because the user relies on durability. */
static void mark_not_durable(struct loop *loop, int error)
{
    if (loop->not_durable)
        return;
    loop->not_durable = true;
    log_write(LOG_LEVEL_WARNING, "loop %s of uid %u is not durable: %s", loop->name, (unsigned)loop->account->uid,
              error == -ENOSPC ? "the manager's descriptor store is full; see FileDescriptorStoreMax and --store"
                               : strerror(-error));
}

void persist_loop_added(struct loop *loop)
{
    struct ledger_loop entry = {
        .name = {loop->name, strlen(loop->name)},
        .uid = (uint32_t)loop->account->uid,
        .linger_ms = loop->linger_ms,
        .delivery = loop->delivery,
    };
    int result;

    if (!ledger_of(loop))
        return;
    INVARIANT(loop->entry == LEDGER_NO_ENTRY);
    result = recorder_add_loop(&loop->loops->recorder, &entry, &loop->entry);
    if (result < 0)
        mark_not_durable(loop, result);
}

void persist_loop_changed(const struct loop *loop)
{
    if (is_recorded(loop))
        ledger_set_loop(ledger_of(loop), loop->entry, loop->delivery, loop->linger_ms);
}

void persist_loop_gone(const struct loop *loop)
{
    if (is_recorded(loop))
        ledger_remove(ledger_of(loop), loop->entry);
}

/* Whether the next daemon redelivers: a worker holds the stream, or the last holder did not end the lease. */
static bool is_unfinished(const struct stream *stream)
{
    return stream->holder || stream->redelivered;
}

/* Interests that a holder cleared come back with the next daemon, which ends the lease. */
static uint8_t recorded_interests(const struct stream *stream)
{
    return stream->holder && !stream->interests ? stream->leased_interests : stream->interests;
}

void persist_stream_added(struct stream *stream)
{
    struct loop *loop = stream->loop;
    struct ledger_stream entry = {
        .loop = loop->entry,
        .token = stream->token,
        .address = {stream->target, stream->target_length},
        .interests = recorded_interests(stream),
        .mode = stream->mode,
        .kind = stream->kind,
        .adopted = stream->adopted,
        .leased = is_unfinished(stream),
        .fd = stream->fd,
    };
    int result;

    if (!is_recorded(loop))
        return;
    INVARIANT(!stream->connecting && stream->entry == LEDGER_NO_ENTRY);
    result = recorder_add_stream(&loop->loops->recorder, loop->account, &entry, &stream->entry);
    if (result < 0)
        mark_not_durable(loop, result);
}

void persist_stream_changed(const struct stream *stream)
{
    if (is_stream_recorded(stream))
        ledger_set_stream(ledger_of(stream->loop), stream->entry, recorded_interests(stream), stream->mode,
                          is_unfinished(stream));
}

void persist_stream_adopted(const struct stream *stream)
{
    if (is_stream_recorded(stream))
        ledger_set_adopted(ledger_of(stream->loop), stream->entry);
}

bool persist_stream_gone(const struct stream *stream, int fd)
{
    return is_stream_recorded(stream) &&
           recorder_remove_stream(&stream->loop->loops->recorder, stream->loop->account, stream->entry, fd);
}

bool persist_has_deposit(const struct stream *stream)
{
    return is_stream_recorded(stream) && recorder_has_deposit(&stream->loop->loops->recorder, stream->entry);
}

bool persist_is_durable(const struct loop *loop)
{
    return is_recorded(loop) && !loop->not_durable && recorder_is_synced(&loop->loops->recorder, loop->account);
}

static int persist_loop(struct loop *loop)
{
    struct stream *stream;

    loop->not_durable = false;
    persist_loop_added(loop);
    for (stream = loop_next(loop, NULL); stream; stream = loop_next_stream(stream))
        persist_stream_added(stream);
    return loop->not_durable ? -ENOMEM : 0;
}

int persist_all(struct loops *loops)
{
    struct loop *loop;
    int result = ledger_new(&loops->recorder.ledger);

    for (loop = loops_after(loops, NULL); loop && result == 0; loop = loops_next(loop))
        result = persist_loop(loop);
    if (result < 0)
        persist_stop(loops);
    return result;
}

void persist_stop(struct loops *loops)
{
    persist_forget_entries(loops);
    loops->recorder.ledger = ledger_free(loops->recorder.ledger);
}

void persist_forget_entries(struct loops *loops)
{
    struct stream *stream;
    struct loop *loop;

    for (loop = loops_after(loops, NULL); loop; loop = loops_next(loop)) {
        loop->entry = LEDGER_NO_ENTRY;
        for (stream = loop_next(loop, NULL); stream; stream = loop_next_stream(stream))
            stream->entry = LEDGER_NO_ENTRY;
    }
}
