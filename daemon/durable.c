/* SPDX-License-Identifier: MIT */
#include "daemon/durable.h"

#include "daemon/closer.h"
#include "daemon/durable_names.h"
#include "daemon/log.h"
#include "daemon/context.h"
#include "daemon/stream.h"

#include <errno.h>
#include <string.h>

static void release_unowned(struct depositor *depositor, int fd)
{
    closer_discard(container_of(depositor, struct durable, depositor)->closer, fd);
}

void durable_init(struct durable *durable, struct closer *closer)
{
    *durable = (struct durable){.closer = closer};
    depositor_init(&durable->depositor, release_unowned);
}

static uint64_t next_id(struct durable *durable)
{
    durable->last_id = durable->last_id % DURABLE_ID_MAX + 1;
    return durable->last_id;
}

/* ---- Keeping ---------------------------------------------------------------------------------------------------- */

static bool keeps(const struct durable *durable, const struct loop *loop)
{
    return durable && durable->ledger && loop_is_named(loop);
}

/* Said once a loop: whoever relies on it must know. */
static void lose(struct loop *loop, int error)
{
    if (loop->lossy)
        return;
    loop->lossy = true;
    log_write(LOG_LEVEL_WARNING, "loop %s of uid %u is not durable: %s", loop->name, (unsigned)loop->account->uid,
              error == -ENOSPC ? "the manager's descriptor store is full; see FileDescriptorStoreMax and --store"
                               : strerror(-error));
}

void durable_loop_added(struct durable *durable, struct loop *loop)
{
    struct ledger_loop entry = {
        .name = {loop->name, strlen(loop->name)},
        .uid = (uint32_t)loop->account->uid,
        .linger_ms = loop->linger_ms,
        .delivery = loop->delivery,
    };
    int result;

    if (!keeps(durable, loop))
        return;
    result = ledger_add_loop(durable->ledger, &entry, &loop->entry);
    if (result < 0)
        lose(loop, result);
}

void durable_loop_changed(struct durable *durable, const struct loop *loop)
{
    if (keeps(durable, loop) && loop->entry)
        ledger_set_loop(durable->ledger, loop->entry, loop->delivery, loop->linger_ms);
}

void durable_loop_gone(struct durable *durable, const struct loop *loop)
{
    if (keeps(durable, loop) && loop->entry)
        ledger_remove(durable->ledger, loop->entry);
}

/* The ledger's side of it; `*ret_id` is what the descriptor is to be kept under. */
static int enter_stream(struct durable *durable, struct stream *stream, uint64_t *ret_id)
{
    struct ledger_stream entry = {
        .loop = stream->loop->entry,
        .id = next_id(durable),
        .token = stream->token,
        .address = {stream->target, stream->target_length},
        .interests = stream->interests,
        .mode = stream->mode,
        .kind = stream->kind,
        .adopted = stream->adopted,
        .fd = stream->fd,
    };

    *ret_id = entry.id;
    return ledger_add_stream(durable->ledger, &entry, &stream->entry);
}

void durable_stream_added(struct durable *durable, struct stream *stream)
{
    char name[DURABLE_NAME_SIZE];
    uint64_t id;
    int result;

    if (!keeps(durable, stream->loop) || !stream->loop->entry)
        return;
    result = enter_stream(durable, stream, &id);
    if (result == 0 && service_has_store(durable->service)) {
        durable_name(id, name);
        result = service_store(durable->service, &stream->loop->account->depositor, stream->fd, name);
    }
    if (result == 0)
        return;
    if (stream->entry)
        ledger_remove(durable->ledger, stream->entry);
    stream->entry = LEDGER_NOWHERE;
    lose(stream->loop, result);
}

void durable_stream_changed(struct durable *durable, const struct stream *stream)
{
    if (keeps(durable, stream->loop) && stream->entry)
        ledger_set_stream(durable->ledger, stream->entry, stream->interests, stream->mode);
}

void durable_stream_adopted(struct durable *durable, const struct stream *stream)
{
    if (keeps(durable, stream->loop) && stream->entry)
        ledger_set_adopted(durable->ledger, stream->entry);
}

/* The name under which its descriptor is kept. False: it is not. */
static bool find_name(const struct durable *durable, const struct stream *stream, char ret_name[DURABLE_NAME_SIZE])
{
    struct ledger_stream entry;

    if (!keeps(durable, stream->loop) || !stream->entry ||
        ledger_get_stream(durable->ledger, stream->entry, &entry) < 0)
        return false;
    durable_name(entry.id, ret_name);
    return true;
}

bool durable_stream_is_deposited(const struct durable *durable, const struct stream *stream)
{
    char name[DURABLE_NAME_SIZE];

    return find_name(durable, stream, name) && service_keeps(durable->service, name);
}

static bool forget_stream(struct durable *durable, struct account *account, const char *name, int fd)
{
    bool is_held = service_keeps(durable->service, name);

    if (is_held && fd >= 0)
        account_add_waiting(account, 1);
    service_forget(durable->service, &account->depositor, name, is_held ? fd : -1);
    return is_held;
}

bool durable_stream_gone(struct durable *durable, const struct stream *stream, int fd)
{
    char name[DURABLE_NAME_SIZE];

    if (!find_name(durable, stream, name))
        return false;
    ledger_remove(durable->ledger, stream->entry);
    return forget_stream(durable, stream->loop->account, name, fd);
}

bool durable_is_kept(const struct durable *durable, const struct loop *loop)
{
    return keeps(durable, loop) && loop->entry && !loop->lossy &&
           (!service_has_store(durable->service) || (!durable->depositor.pending && !loop->account->depositor.pending));
}

/* Without a manager there is no ledger until somebody is about to read it. */
int durable_write(struct context *context)
{
    struct durable *durable = &context->durable;
    struct stream *stream;
    struct loop *loop;
    int result = ledger_new(&durable->ledger);

    for (loop = loops_after(&context->loops, NULL); loop && result == 0; loop = loops_next(loop)) {
        loop->lossy = false;
        durable_loop_added(durable, loop);
        for (stream = loop_next(loop, NULL); stream; stream = loop_next(loop, &stream->token))
            durable_stream_added(durable, stream);
        if (loop->lossy)
            result = -ENOMEM;
    }
    if (result < 0)
        durable_stop(context);
    return result;
}

void durable_stop(struct context *context)
{
    durable_forget_entries(context);
    context->durable.ledger = ledger_free(context->durable.ledger);
}

void durable_forget_entries(struct context *context)
{
    struct stream *stream;
    struct loop *loop;

    for (loop = loops_after(&context->loops, NULL); loop; loop = loops_next(loop)) {
        loop->entry = LEDGER_NOWHERE;
        for (stream = loop_next(loop, NULL); stream; stream = loop_next(loop, &stream->token))
            stream->entry = LEDGER_NOWHERE;
    }
}
