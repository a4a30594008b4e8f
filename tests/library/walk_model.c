/* SPDX-License-Identifier: MIT */
/* The rules of the walk. */
#include "tests/library/walk_model.h"

#include <string.h>

static bool is_kqueue(void)
{
    return strcmp(minimio_backend(), "kqueue") == 0;
}

bool is_windows(void)
{
    return strcmp(minimio_backend(), "windows") == 0;
}

/* A kqueue has an event for each interest. They come as one if they come in one poll. */
static int pieces(const struct model *model)
{
    return is_kqueue() && model->interests == (MINIMIO_READABLE | MINIMIO_WRITABLE) ? 2 : 1;
}

bool is_read_closed(const struct model *model)
{
    return model->peer_ended || model->reset || model->own_read_end;
}

bool is_write_closed(const struct model *model)
{
    return model->reset || (model->own_read_end && model->own_write_end);
}

static unsigned closed_flags(const struct model *model)
{
    return (is_read_closed(model) ? READ_CLOSED : 0U) | (is_write_closed(model) ? WRITE_CLOSED : 0U);
}

static unsigned own_closed_flags(const struct model *model)
{
    return model->own_read_end ? READ_CLOSED | (model->own_write_end ? WRITE_CLOSED : 0U) : 0U;
}

/* Wine's server finds the peer's end by reading up to it. */
static unsigned peer_s_closed_flags(const struct model *model)
{
    if (is_wine() && model->unread > 0)
        return 0;
    return model->reset ? READ_CLOSED | WRITE_CLOSED : model->peer_ended ? READ_CLOSED : 0U;
}

static unsigned awaited_closed_flags(const struct model *model)
{
    return (model->interests & MINIMIO_READABLE ? READ_CLOSED : 0U) |
           (model->interests & MINIMIO_WRITABLE ? WRITE_CLOSED : 0U);
}

/* On a kqueue who waits for one direction is sure to be told of that one only. */
static unsigned sure_closed_flags(const struct model *model)
{
    if (is_windows())
        return peer_s_closed_flags(model) | (model->unaware ? 0U : own_closed_flags(model));
    return closed_flags(model) & (is_kqueue() ? awaited_closed_flags(model) : READ_CLOSED | WRITE_CLOSED);
}

unsigned sure_flags(const struct model *model)
{
    bool room = !model->full && !model->own_write_end && !model->reset;

    return ((model->interests & MINIMIO_READABLE) && model->unread > 0 ? READABLE : 0U) |
           ((model->interests & MINIMIO_WRITABLE) && room ? WRITABLE : 0U) | sure_closed_flags(model);
}

unsigned repeated_flags(const struct model *model)
{
    return sure_flags(model) & (READABLE | WRITABLE | awaited_closed_flags(model));
}

unsigned possible_flags(const struct model *model)
{
    bool closed = is_read_closed(model) || model->own_write_end;

    return sure_flags(model) | closed_flags(model) | ((model->interests & MINIMIO_WRITABLE) || closed ? WRITABLE : 0U) |
           (is_read_closed(model) ? READABLE : 0U) | (model->own_write_end ? WRITE_CLOSED : 0U) |
           (model->reset ? IN_ERROR : 0U) | (is_windows() ? model->seen : 0U);
}

bool must_come(const struct model *model)
{
    if (!model->registered || (model->mode == MINIMIO_ONESHOT && model->fired))
        return false;
    /* A oneshot's one event may tell one flag of many. */
    return model->mode == MINIMIO_ONESHOT ? sure_flags(model) != 0 : (model->owed & sure_flags(model)) != 0;
}

static bool may_edge_come(const struct model *model, unsigned flags)
{
    if (is_windows())
        return (flags & ~model->asleep) != 0;
    /* That the own end has reached the peer is news whose time is the system's own; so is room. */
    if (model->own_write_end || (model->full && !model->room_told))
        return true;
    return model->news > 0 || (model->owed & sure_flags(model)) != 0;
}

bool may_come(const struct model *model, unsigned flags)
{
    switch (model->mode) {
    case MINIMIO_ONESHOT:
        return !model->fired;
    case MINIMIO_EDGE:
        return may_edge_come(model, flags);
    default:
        return true;
    }
}

void model_looked_at(struct model *model)
{
    if (is_kqueue())
        model->news = pieces(model);
}

void model_happened(struct model *model, unsigned flags)
{
    model->news = pieces(model);
    /* An end is news in itself. */
    model->asleep &= ~(flags & (READ_CLOSED | WRITE_CLOSED));
    model->seen |= flags;
    model->owed |= flags & ~model->asleep;
}

void model_met_end(struct model *model, unsigned flags)
{
    model->asleep &= ~flags;
}

void model_shut(struct model *model, bool read_end, bool write_end)
{
    unsigned known = model->unaware ? 0 : own_closed_flags(model);

    model->own_read_end |= read_end;
    model->own_write_end |= write_end;
    model->unaware = false;
    /* Windows takes no notice of what was so before. */
    model_happened(model, own_closed_flags(model) & (is_windows() ? ~known : ~0U));
}

void model_arm(struct model *model, minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    model->registered = true;
    model->token = token;
    model->interests = interests;
    model->mode = mode;
    model->fired = false;
    model->asleep = 0;
    model->news = pieces(model);
    model->seen = model->owed = sure_flags(model);
}

void model_told(struct model *model, unsigned flags)
{
    model->fired = true;
    if (model->news > 0)
        model->news--;
    if (is_windows() && model->mode == MINIMIO_EDGE)
        model->asleep |= flags;
    model->seen = sure_flags(model);
    model->owed &= ~flags;
    if (flags & WRITABLE)
        model->room_told = true;
}
