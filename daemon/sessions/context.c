/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/context.h"

#include "daemon/loops/stream.h"

/* Asks about rearmed streams before events are written. */
static void context_settle(struct schedule *schedule)
{
    rearm_batch_flush(&container_of(schedule, struct context, turn.schedule)->loops.rearm);
}

void context_init(struct context *context, struct config *config, void (*deliver)(struct task *task),
                  request_handler *handle, void (*retry_all)(struct turn *turn))
{
    struct turn *turn = &context->turn;

    context->config = config;
    context->handle = handle;
    context->wire.turn = turn;
    context->wire.access = &config->access;
    LIST_INIT(&context->sessions);
    turn_init(turn, &config->limits, context_settle, retry_all);
    fd_room_set(config->descriptors - CONFIG_DESCRIPTOR_ROOM);
    async_closers_start();
    async_closer_init(&context->wire.closer, true);
    loops_init(&context->loops, &turn->reactor, &context->wire.closer, deliver);
    context->loops.rearm.report = stream_rearmed;
    accounts_init(&context->accounts, turn->limits, &turn->schedule, config->descriptors - CONFIG_DESCRIPTOR_RESERVE);
    unreads_init(&context->wire.unreads, &turn->reactor);
    lingerings_init(&context->wire.lingerings, &turn->reactor, &context->accounts, &context->wire.closer);
}

int context_start(struct context *context)
{
    return resolver_new(&context->turn.reactor, context->turn.limits, &context->resolver);
}

void context_deinit(struct context *context)
{
    unreads_deinit(&context->wire.unreads);
    listener_deinit(&context->wire.listener);
    resolver_free(context->resolver);
}

void context_child_ended(struct context *context)
{
    async_closers_look();
    resolver_look(context->resolver);
}

void context_leave(struct context *context)
{
    resolver_leave(context->resolver);
}

void context_return(struct context *context)
{
    resolver_return(context->resolver);
}
