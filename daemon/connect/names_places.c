/* SPDX-License-Identifier: MIT */
#include "daemon/connect/names_places.h"

#include "daemon/base/invariant.h"

#include <stdio.h>

#define PROCESS_NS (NS_PER_MS / 4) /* time charged to the user for a process */

/* ---- Choosing a place ------------------------------------------------------------------------------------------- */

struct place *places_find_free(struct places *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!places->places[i].question && !places->places[i].leaving)
            return &places->places[i];
    return NULL;
}

/* Whether the left place is to be given up rather than the right place. */
static bool goes_before(const struct place *left, const struct place *right)
{
    if (left->asker->under_way != right->asker->under_way)
        return left->asker->under_way > right->asker->under_way;
    return left->began > right->began;
}

struct place *places_find_spare(struct places *places)
{
    struct place *spare = NULL;

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        struct place *place = &places->places[i];

        if (place->question && place->asker->under_way > 1 && (!spare || goes_before(place, spare)))
            spare = place;
    }
    return spare;
}

/* ---- A place ---------------------------------------------------------------------------------------------------- */

int place_begin(struct places *places, struct place *place, struct question *question, const char *name,
                struct asker *asker)
{
    struct names_request request = {.order = NAMES_LOOK_UP, .place = (uint16_t)(place - places->places)};
    int result;

    snprintf(request.host, sizeof request.host, "%s", name);
    result = names_link_send(&places->link, &request);
    if (result < 0)
        return result;
    *place = (struct place){.question = question, .asker = asker, .began = places->began++};
    asker->under_way++;
    share_charge(asker->share, PROCESS_NS);
    return 0;
}

void place_charge(struct place *place, struct asker *asker)
{
    place->asker->under_way--;
    place->asker = asker;
    place->asker->under_way++;
}

struct question *place_release(struct place *place)
{
    struct question *question = place->question;

    INVARIANT(question && place->asker->under_way > 0);
    place->question = NULL;
    place->asker->under_way--;
    place->asker = NULL;
    return question;
}

static void send_give_up(struct places *places, struct place *place)
{
    const struct names_request request = {.order = NAMES_GIVE_UP, .place = (uint16_t)(place - places->places)};

    place->unsent = names_link_send(&places->link, &request) < 0;
}

void place_give_up(struct places *places, struct place *place)
{
    place_release(place);
    place->leaving = true;
    places->leaving++;
    send_give_up(places, place);
}

void place_has_left(struct places *places, struct place *place)
{
    places->leaving -= place->leaving;
    place->leaving = place->unsent = false;
}

void places_resend(struct places *places)
{
    for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
        if (places->places[i].unsent)
            send_give_up(places, &places->places[i]);
}
