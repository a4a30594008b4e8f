/* SPDX-License-Identifier: MIT */
/*
 * Requests of samples, reconnection, and the subtraction of the feed's own traffic. The state is in struct top_feed.
 */
#include "client/ctl/top_feed.h"

#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_LEAST_NS (100 * NS_PER_MS)
#define BACKOFF_MOST_NS  (2 * NS_PER_S)
#define PATIENCE_NS      (2 * NS_PER_S) /* time before a missing reply is reported */
#define STEP_MESSAGES    256            /* bounds a step, so that keys are read between steps */

void top_feed_init(struct top_feed *feed, struct minimio_client *client, int64_t interval_ns)
{
    *feed = (struct top_feed){.client = client, .interval_ns = interval_ns, .backoff_ns = BACKOFF_LEAST_NS};
    feed->asked_ns = feed->due_ns = now_ns();
}

void top_feed_deinit(struct top_feed *feed)
{
    top_sample_free(&feed->before);
    top_sample_free(&feed->now);
    top_sample_free(&feed->next);
}

/* ---- A daemon that goes away ------------------------------------------------------------------------------------ */

/* Handles a lost daemon. Keeps the last loops for display, but not for rates. */
static int lose(struct top_feed *feed, int error, const char *reason)
{
    output_escape_columns(reason, feed->reason, sizeof feed->reason);
    top_sample_free(&feed->before);
    top_sample_free(&feed->next);
    feed->same_session = false;
    if (error == -ENOMEM || !feed->ever)
        return error;
    if (feed->gone_ns == 0)
        feed->gone_ns = now_ns();
    feed->state = FEED_GONE;
    feed->due_ns = deadline_in(feed->backoff_ns);
    feed->backoff_ns = deadline_sooner(2 * feed->backoff_ns, BACKOFF_MOST_NS);
    return 0;
}

static int lose_by_client(struct top_feed *feed, int error)
{
    return lose(feed, error, minimio_client_error(feed->client));
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

static int lose_by_fault(struct top_feed *feed, const char *json)
{
    cJSON *fault = json_parse(json);
    char text[sizeof feed->reason];
    int result;

    if (!fault)
        return lose(feed, -ENOMEM, "out of memory");
    snprintf(text, sizeof text, "%s (%s)", text_of(fault, "message"),
             text_of(cJSON_GetObjectItemCaseSensitive(fault, "data"), "name"));
    result = lose(feed, -EREMOTEIO, text);
    cJSON_Delete(fault);
    return result;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

/* Formats the request here, and not in the client library, to count the bytes. */
static int ask(struct top_feed *feed, enum top_feed_state state, const char *method, const char *params)
{
    char request[NAME_MAX_BYTES + 100];
    int length =
        snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s}\n", method, params);
    int result = minimio_client_send_bytes(feed->client, request, (size_t)length);

    /* A daemon that refuses a session sends an error before the close: read the error first. */
    if (result < 0 && result != -ECONNRESET)
        return lose_by_client(feed, result);
    feed->own.requests++;
    feed->own.bytes_in += length;
    feed->state = state;
    feed->asked_ns = now_ns();
    return 0;
}

static int ask_stats(struct top_feed *feed)
{
    feed->started_ns = now_ns();
    feed->after[0] = '\0';
    return ask(feed, FEED_ASKING_STATS, "stats", "");
}

static int ask_loops(struct top_feed *feed)
{
    char params[NAME_MAX_BYTES + 20] = "";

    if (*feed->after)
        snprintf(params, sizeof params, ",\"params\":[\"%s\"]", feed->after);
    return ask(feed, FEED_ASKING_LOOPS, "loops", params);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static double without(double count, double own)
{
    return count > own ? count - own : 0;
}

static void leave_out_own(const struct top_feed *feed, double counters[COUNTERS])
{
    counters[COUNTER_SESSIONS] = without(counters[COUNTER_SESSIONS], 1);
    counters[COUNTER_LOOPS] = without(counters[COUNTER_LOOPS], 1);
    counters[COUNTER_REQUESTS] = without(counters[COUNTER_REQUESTS], feed->own.requests);
    counters[COUNTER_BYTES_IN] = without(counters[COUNTER_BYTES_IN], feed->own.bytes_in);
    counters[COUNTER_BYTES_OUT] = without(counters[COUNTER_BYTES_OUT], feed->own.bytes_out);
}

static int take_answer(struct top_feed *feed, const char *json)
{
    static const struct top_sample none;
    int result;

    if (feed->state == FEED_ASKING_STATS) {
        top_sample_free(&feed->next);
        feed->next.at_ns = now_ns();
        result = top_sample_read_stats(&feed->next, json);
        leave_out_own(feed, feed->next.counters);
        return result == 0 ? 1 : result;
    }
    return top_sample_read_loops(&feed->next, json, feed->same_session ? &feed->now : &none, feed->after);
}

static void finish(struct top_feed *feed)
{
    if (!feed->same_session)
        top_sample_free(&feed->now);
    top_sample_free(&feed->before);
    feed->before = feed->now;
    feed->now = feed->next;
    feed->next = (struct top_sample){0};
    feed->ever = feed->same_session = true;
    feed->gone_ns = 0;
    feed->state = FEED_RESTING;
    feed->due_ns = feed->started_ns + feed->interval_ns;
    feed->backoff_ns = BACKOFF_LEAST_NS;
}

/* Returns 1 if the sample is complete. */
static int take_message(struct top_feed *feed, const struct minimio_client_message *message)
{
    int result;

    if (message->kind == MINIMIO_CLIENT_FAULT)
        return lose_by_fault(feed, message->body);
    if (message->kind != MINIMIO_CLIENT_RESULT || feed->state == FEED_RESTING)
        return 0;
    result = take_answer(feed, message->body);
    /* Add after the subtraction: the daemon counts a reply after sending, so `stats` excludes the own reply. */
    feed->own.bytes_out += (double)strlen(message->json) + 1;
    if (result < 0)
        return lose(feed, result,
                    result == -ENOMEM ? "out of memory" : "the daemon sent an answer that is not one of its protocol");
    if (result > 0)
        return ask_loops(feed);
    finish(feed);
    return 1;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static int reconnect(struct top_feed *feed)
{
    int result = minimio_client_rejoin(feed->client, 0, NULL);

    if (result < 0)
        return lose_by_client(feed, result);
    memset(&feed->own, 0, sizeof feed->own);
    return ask_stats(feed);
}

static bool is_due(const struct top_feed *feed, enum top_feed_state state)
{
    return feed->state == state && deadline_left_ns(feed->due_ns) == 0;
}

int top_feed_step(struct top_feed *feed)
{
    struct minimio_client_message message;
    int result = 0, n;

    feed->busy = false;
    if (is_due(feed, FEED_GONE))
        result = reconnect(feed);
    else if (is_due(feed, FEED_RESTING))
        result = ask_stats(feed);
    for (int i = 0; result == 0 && feed->state != FEED_GONE; i++) {
        feed->busy = i == STEP_MESSAGES;
        n = feed->busy ? 0 : minimio_client_next(feed->client, &message, 0);
        if (n == 0)
            return 0;
        result = n < 0 ? lose_by_client(feed, n) : take_message(feed, &message);
    }
    return result;
}

int top_feed_fd(const struct top_feed *feed, short *ret_events)
{
    *ret_events = minimio_client_wants(feed->client);
    return feed->state == FEED_GONE ? -1 : minimio_client_fd(feed->client);
}

int64_t top_feed_due_ns(const struct top_feed *feed)
{
    int64_t missed_ns = feed->asked_ns + PATIENCE_NS;

    if (feed->busy)
        return 0;
    if (feed->state == FEED_RESTING || feed->state == FEED_GONE)
        return feed->due_ns;
    return missed_ns > now_ns() ? missed_ns : deadline_in(NS_PER_S); /* to update the displayed duration */
}

bool top_feed_is_stuck(const struct top_feed *feed, char *ret_text, size_t size)
{
    bool asking = feed->state == FEED_ASKING_STATS || feed->state == FEED_ASKING_LOOPS;
    char duration[32];

    if (asking && now_ns() - feed->asked_ns >= PATIENCE_NS) {
        top_seconds((double)milliseconds_of(now_ns() - feed->asked_ns), duration, sizeof duration);
        snprintf(ret_text, size, "daemon does not answer, waiting %s", duration);
        return true;
    }
    if (feed->gone_ns == 0)
        return false;
    top_seconds((double)milliseconds_of(now_ns() - feed->gone_ns), duration, sizeof duration);
    snprintf(ret_text, size, "daemon gone, waiting %s: %s", duration, feed->reason);
    return true;
}
