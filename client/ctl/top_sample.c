/* SPDX-License-Identifier: MIT */
/*
 * Parses `stats` and `loops` into samples. The state is in struct top_sample.
 */
#include "client/ctl/top_sample.h"

#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const counter_names[COUNTERS] = {
    [COUNTER_SESSIONS] = "sessions",
    [COUNTER_LOOPS] = "loops",
    [COUNTER_REGISTRATIONS] = "registrations",
    [COUNTER_UPTIME_MS] = "uptime_ms",
    [COUNTER_REQUESTS] = "requests",
    [COUNTER_EVENTS] = "events",
    [COUNTER_BYTES_IN] = "bytes_in",
    [COUNTER_BYTES_OUT] = "bytes_out",
    [COUNTER_LEASES] = "leases",
    [COUNTER_WAITS] = "waits",
    [COUNTER_REDELIVERIES] = "redeliveries",
};

/* A counter; minimiod's counters stay below 2^53. */
static double number(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    double count = cJSON_IsNumber(value) && value->valuedouble > 0 ? value->valuedouble : 0;

    return count < (double)INTEGER_MAX ? count : (double)INTEGER_MAX;
}

/* Parses JSON that the client library has validated. */
static int parse(const char *json, cJSON **ret_object)
{
    cJSON *object = json_parse(json);

    if (!object)
        return -ENOMEM;
    if (!cJSON_IsObject(object)) {
        cJSON_Delete(object);
        return -EBADMSG;
    }
    *ret_object = object;
    return 0;
}

int top_sample_read_stats(struct top_sample *sample, const char *json)
{
    cJSON *stats = NULL;
    int result = parse(json, &stats);

    if (result < 0)
        return result;
    for (size_t i = 0; i < COUNTERS; i++)
        sample->counters[i] = number(stats, counter_names[i]);
    cJSON_Delete(stats);
    return 0;
}

int top_loop_compare(const struct top_loop *left, const struct top_loop *right)
{
    int result = strcmp(left->name, right->name);

    return result != 0 ? result : (left->uid > right->uid) - (left->uid < right->uid);
}

static int compare_names(const void *left, const void *right)
{
    return top_loop_compare(left, right);
}

static void read_loop(const cJSON *object, const struct top_sample *before, int64_t at_ns, struct top_loop *loop)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "name"));
    const struct top_loop *earlier = NULL;

    *loop = (struct top_loop){.uid = number(object, "uid"),
                              .streams = number(object, "registrations"),
                              .ready = number(object, "pending"),
                              .linger_ms = number(object, "linger_ms"),
                              .workers = number(object, "workers"),
                              .guests = number(object, "guests"),
                              .owner = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "owner")),
                              .attached = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "attached"))};
    output_escape_columns(name ? name : "?", loop->name, sizeof loop->name);
    if (!loop->attached || loop->ready == 0)
        return;
    if (before->count > 0)
        earlier = bsearch(loop, before->loops, before->count, sizeof *loop, compare_names);
    loop->slow_since_ns = earlier && earlier->slow_since_ns > 0 ? earlier->slow_since_ns : at_ns;
}

static int add_page(struct top_sample *sample, const cJSON *array, const struct top_sample *before)
{
    size_t more = (size_t)cJSON_GetArraySize(array);
    struct top_loop *loops = realloc(sample->loops, (sample->count + more + 1) * sizeof *loops);
    const cJSON *object;

    if (!loops)
        return -ENOMEM;
    sample->loops = loops;
    cJSON_ArrayForEach(object, array) {
        if (sample->count == TOP_LOOPS_MAX) {
            sample->cut = true;
            break;
        }
        read_loop(object, before, sample->at_ns, &loops[sample->count++]);
    }
    return 0;
}

/* Whether `next` is after `after`: otherwise paging might never end. */
static bool is_next(const char *next, const char *after)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(next);

    return length >= 1 && length <= NAME_MAX_BYTES && strspn(next, allowed) == length && strcmp(next, after) > 0;
}

int top_sample_read_loops(struct top_sample *sample, const char *json, const struct top_sample *before,
                          char after[NAME_MAX_BYTES + 1])
{
    const char *next;
    cJSON *page = NULL;
    int result = parse(json, &page);

    if (result < 0)
        return result;
    result = add_page(sample, cJSON_GetObjectItemCaseSensitive(page, "loops"), before);
    next = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(page, "next"));
    if (result == 0 && next && !sample->cut) {
        result = is_next(next, after) ? 1 : -EBADMSG;
        if (result > 0)
            memcpy(after, next, strlen(next) + 1);
    }
    cJSON_Delete(page);
    if (result == 0)
        qsort(sample->loops, sample->count, sizeof sample->loops[0], compare_names);
    return result;
}

void top_sample_free(struct top_sample *sample)
{
    free(sample->loops);
    *sample = (struct top_sample){0};
}

double top_rate(const struct top_sample *before, const struct top_sample *now, enum counter counter)
{
    double seconds = (double)(now->at_ns - before->at_ns) / (double)NS_PER_S;

    if (before->at_ns == 0 || seconds <= 0)
        return -1;
    if (now->counters[counter] < before->counters[counter])
        return 0;
    return (now->counters[counter] - before->counters[counter]) / seconds;
}

double top_slow_ms(const struct top_sample *now, const struct top_loop *loop)
{
    return loop->slow_since_ns > 0 ? (double)milliseconds_of(now->at_ns - loop->slow_since_ns) : 0;
}

void top_seconds(double milliseconds, char *ret_text, size_t size)
{
    double whole = milliseconds < 60000 ? (double)(int)(milliseconds / 1000) * 1000 : milliseconds;

    if (whole < 1000)
        snprintf(ret_text, size, "0s");
    else
        output_duration(whole, ret_text, size);
}
