/* SPDX-License-Identifier: MIT */
/* Owns the pending name lookups of the present input. */
#include "fuzz/names.h"

#include "daemon/connect/names_link.h"
#include "fuzz/require.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#define RESTART_MS 100

enum state { FREE, ASKED, ANSWERED };

static struct {
    struct names_link *link; /* NULL: none */
    struct asked {
        struct timer timer; /* running: an answer is due */
        enum state state;
        unsigned long since;
        struct names_answer answer;
    } places[NAMES_PLACES_MAX];
    unsigned long asked;
} names;

static void deliver_answer(struct timer *timer)
{
    struct asked *asked = container_of(timer, struct asked, timer);

    asked->state = FREE;
    names.link->answered(names.link, &asked->answer);
}

static void schedule_answer(struct asked *asked)
{
    asked->state = ANSWERED;
    timer_start(&names.link->reactor->timers, &asked->timer, 0, deliver_answer);
}

static void add_addresses(struct names_answer *answer, const char *v4, const char *v6)
{
    union address found = {.v6 = {.sin6_family = AF_INET6}};

    inet_pton(AF_INET6, v6, &found.v6.sin6_addr);
    names_answer_add(answer, &found.any);
    found = (union address){.v4 = {.sin_family = AF_INET}};
    inet_pton(AF_INET, v4, &found.v4.sin_addr);
    names_answer_add(answer, &found.any);
}

static void reset_places(void)
{
    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        timer_stop(&names.link->reactor->timers, &names.places[i].timer);
        names.places[i].state = FREE;
    }
}

static void finish_restart(struct timer *timer)
{
    (void)timer;
    names.link->fd = 0;
    names.link->writable(names.link);
}

static void end_process(struct timer *timer)
{
    reset_places();
    names.link->fd = -1;
    timer_start(&names.link->reactor->timers, timer, RESTART_MS, finish_restart);
    names.link->ended(names.link);
}

static struct asked *find_oldest(void)
{
    struct asked *oldest = NULL;

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        struct asked *asked = &names.places[i];

        if (asked->state == ASKED && (!oldest || asked->since < oldest->since))
            oldest = asked;
    }
    return oldest;
}

bool names_found(const char *kinds, size_t length)
{
    struct asked *oldest = names.link ? find_oldest() : NULL;

    if (!oldest)
        return false;
    if (length && kinds[0] == 'x') {
        timer_start(&names.link->reactor->timers, &names.link->restart, 0, end_process);
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (kinds[i] == '1')
            add_addresses(&oldest->answer, "127.0.0.1", "::1");
        else if (kinds[i] == '2')
            add_addresses(&oldest->answer, "127.0.0.2", "::ffff:127.0.0.2");
        else if (kinds[i] == 'd')
            add_addresses(&oldest->answer, "10.0.0.1", "fd00::1");
    }
    oldest->answer.outcome = oldest->answer.count ? NAMES_FOUND : NAMES_NOT_FOUND;
    oldest->answer.detail = oldest->answer.count ? 0 : EAI_NONAME;
    schedule_answer(oldest);
    return true;
}

/* ---- daemon/connect/names_link.h
 * ---------------------------------------------------------------------------------------- */

void names_link_init(struct names_link *link, struct reactor *reactor)
{
    names.link = link;
    memset(names.places, 0, sizeof names.places);
    link->reactor = reactor;
    link->fd = 0;
}

void names_link_deinit(struct names_link *link)
{
    names_link_leave(link);
    names.link = NULL;
}

void names_link_leave(struct names_link *link)
{
    for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
        REQUIRE(names.places[i].state != ASKED, "a lookup is pending after the end of the daemon");
    timer_stop(&link->reactor->timers, &link->restart);
    reset_places();
    link->fd = -1;
}

void names_link_return(struct names_link *link)
{
    link->fd = 0;
}

void names_link_look(struct names_link *link)
{
    (void)link;
}

/* A lookup that is given up is answered too. */
int names_link_send(struct names_link *link, const struct names_request *request)
{
    struct asked *asked = &names.places[request->place];

    if (link->fd < 0)
        return -1;
    if (request->order == NAMES_GIVE_UP && asked->state != ASKED)
        return 0;
    REQUIRE(request->order == NAMES_GIVE_UP || asked->state == FREE, "two lookups in one place");
    asked->answer = (struct names_answer){.place = request->place, .outcome = NAMES_GIVEN_UP};
    asked->state = ASKED;
    asked->since = names.asked++;
    if (request->order == NAMES_GIVE_UP)
        schedule_answer(asked);
    return 0;
}
