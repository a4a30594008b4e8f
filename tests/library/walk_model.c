/* SPDX-License-Identifier: MIT */
/* The rules of the walk. */
#include "tests/library/walk_model.h"

#include <string.h>

static bool is_kqueue(void)
{
    return strcmp(minimio_backend(), "kqueue") == 0;
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

/* On a kqueue who waits for one direction is sure to be told of that one only. */
static unsigned sure_closed_flags(const struct model *model)
{
    unsigned of_interests = (model->interests & MINIMIO_READABLE ? READ_CLOSED : 0U) |
                            (model->interests & MINIMIO_WRITABLE ? WRITE_CLOSED : 0U);

    return closed_flags(model) & (is_kqueue() ? of_interests : READ_CLOSED | WRITE_CLOSED);
}

unsigned sure_flags(const struct model *model)
{
    bool room = !model->full && !model->own_write_end && !model->reset;

    return ((model->interests & MINIMIO_READABLE) && model->unread > 0 ? READABLE : 0U) |
           ((model->interests & MINIMIO_WRITABLE) && room ? WRITABLE : 0U) | sure_closed_flags(model);
}

unsigned possible_flags(const struct model *model)
{
    bool closed = is_read_closed(model) || model->own_write_end;

    return sure_flags(model) | closed_flags(model) | ((model->interests & MINIMIO_WRITABLE) || closed ? WRITABLE : 0U) |
           (is_read_closed(model) ? READABLE : 0U) | (model->own_write_end ? WRITE_CLOSED : 0U) |
           (model->reset ? IN_ERROR : 0U);
}

bool must_come(const struct model *model)
{
    if (!model->registered || (model->mode == MINIMIO_ONESHOT && model->fired))
        return false;
    /* A oneshot's one event may tell one flag of many. */
    return model->mode == MINIMIO_ONESHOT ? sure_flags(model) != 0 : (model->owed & sure_flags(model)) != 0;
}

bool may_come(const struct model *model)
{
    switch (model->mode) {
    case MINIMIO_ONESHOT:
        return !model->fired;
    case MINIMIO_EDGE:
        /* That the own end has reached the peer is news whose time is the system's own; so is room. */
        if (model->own_write_end || (model->full && !model->room_told))
            return true;
        return model->news > 0 || (model->owed & sure_flags(model)) != 0;
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
    model->owed |= flags;
}

void model_arm(struct model *model, minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    model->registered = true;
    model->token = token;
    model->interests = interests;
    model->mode = mode;
    model->fired = false;
    model->drained = true;
    model->news = pieces(model);
    model->owed = sure_flags(model);
}

void model_told(struct model *model, unsigned flags)
{
    model->fired = true;
    if (model->news > 0)
        model->news--;
    model->drained = false;
    model->owed &= ~flags;
    if (flags & WRITABLE)
        model->room_told = true;
}
