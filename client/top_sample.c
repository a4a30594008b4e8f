/* SPDX-License-Identifier: MIT */
#include "client/top_sample.h"

#include "client/deadline.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const counter_names[COUNTERS] = {
    [COUNTER_SESSIONS] = "sessions",   [COUNTER_LOOPS] = "loops",   [COUNTER_REGISTRATIONS] = "registrations",
    [COUNTER_REQUESTS] = "requests",   [COUNTER_EVENTS] = "events", [COUNTER_BYTES_IN] = "bytes_in",
    [COUNTER_BYTES_OUT] = "bytes_out",
};

static int call(struct minimio_client *client, const char *method, const char *params, int64_t timeout_ns,
                cJSON **ret_result)
{
    const char *text = NULL;
    int r = minimio_client_call(client, method, params, timeout_ns, &text);

    if (r < 0)
        return r;
    *ret_result = cJSON_Parse(text);
    return *ret_result ? 0 : -ENOMEM;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static int take_counters(struct minimio_client *client, int64_t timeout_ns, struct top_sample *sample)
{
    cJSON *stats = NULL;
    int r = call(client, "stats", NULL, timeout_ns, &stats);

    for (size_t i = 0; r == 0 && i < COUNTERS; i++)
        sample->counters[i] = number(stats, counter_names[i]);
    cJSON_Delete(stats);
    return r;
}

static const struct top_loop *find(const struct top_sample *sample, const struct top_loop *loop)
{
    for (size_t i = 0; i < sample->count; i++)
        if (sample->loops[i].uid == loop->uid && strcmp(sample->loops[i].name, loop->name) == 0)
            return &sample->loops[i];
    return NULL;
}

static void read_loop(const cJSON *object, const struct top_sample *before, int64_t at_ns, struct top_loop *loop)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "name"));
    const struct top_loop *earlier;

    *loop = (struct top_loop){.uid = number(object, "uid"),
                              .streams = number(object, "registrations"),
                              .ready = number(object, "pending"),
                              .attached = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "attached"))};
    snprintf(loop->name, sizeof(loop->name), "%s", name ? name : "?");
    if (!loop->attached || loop->ready == 0)
        return;
    earlier = find(before, loop);
    loop->slow_since_ns = earlier && earlier->slow_since_ns > 0 ? earlier->slow_since_ns : at_ns;
}

/* Returns 1 where another page follows. */
static int take_page(const cJSON *page, const struct top_sample *before, struct top_sample *sample)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(page, "loops"), *object;
    size_t more = (size_t)cJSON_GetArraySize(array);
    struct top_loop *loops = realloc(sample->loops, (sample->count + more + 1) * sizeof(*loops));

    if (!loops)
        return -ENOMEM;
    sample->loops = loops;
    cJSON_ArrayForEach(object, array) read_loop(object, before, sample->at_ns, &loops[sample->count++]);
    return more > 0 && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(page, "next"));
}

static int take_loops(struct minimio_client *client, int64_t timeout_ns, const struct top_sample *before,
                      struct top_sample *sample)
{
    char params[NAME_MAX_BYTES + 16] = "{}";
    int r;

    do {
        cJSON *page = NULL;

        r = call(client, "loops", params, timeout_ns, &page);
        if (r == 0)
            r = take_page(page, before, sample);
        if (r > 0) /* names are of letters, digits and . _ - alone */
            snprintf(params, sizeof(params), "[\"%s\"]",
                     cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(page, "next")));
        cJSON_Delete(page);
    } while (r > 0);
    return r;
}

int top_sample_take(struct minimio_client *client, int64_t timeout_ns, const struct top_sample *before,
                    struct top_sample *ret_sample)
{
    struct top_sample sample = {.at_ns = now_ns()};
    int r = take_counters(client, timeout_ns, &sample);

    if (r == 0)
        r = take_loops(client, timeout_ns, before, &sample);
    if (r == 0)
        *ret_sample = sample;
    else
        top_sample_free(&sample);
    return r;
}

void top_sample_free(struct top_sample *sample)
{
    free(sample->loops);
    sample->loops = NULL;
    sample->count = 0;
}

double top_rate(const struct top_sample *before, const struct top_sample *now, enum counter counter)
{
    double seconds = (double)(now->at_ns - before->at_ns) / (double)NS_PER_S;

    if (before->at_ns == 0 || seconds <= 0 || now->counters[counter] < before->counters[counter])
        return 0;
    return (now->counters[counter] - before->counters[counter]) / seconds;
}
