/* SPDX-License-Identifier: MIT */
/*
 * The counters as a monitoring system reads them, in the OpenMetrics format: base units in the names, the samples of
 * counters ending in _total.
 */
#include "client/ctl/metrics.h"

#include "client/ctl/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct metric {
    const char *name;
    const char *type;
    const char *unit; /* in which the name of the family ends; NULL: none */
    const char *help;
    const char *member; /* of `stats`: a number, or an object of numbers, which have its `name` as a label */
    bool milliseconds;  /* the member is in these, and the metric in seconds */
};

static const struct metric metrics[] = {
    {"minimio_uptime_seconds", "gauge", "seconds", "Time since the daemon started.", "uptime_ms", true},
    {"minimio_sessions", "gauge", NULL, "Sessions that are open.", "sessions", false},
    {"minimio_loops", "gauge", NULL, "Loops that there are, anonymous ones included.", "loops", false},
    {"minimio_registrations", "gauge", NULL, "Streams that are registered.", "registrations", false},
    {"minimio_requests_total", "counter", NULL, "Requests carried out.", "requests", false},
    {"minimio_replies_total", "counter", NULL, "Replies sent.", "replies", false},
    {"minimio_events_total", "counter", NULL, "Events delivered.", "events", false},
    {"minimio_received_bytes_total", "counter", "bytes", "Bytes read from clients.", "bytes_in", false},
    {"minimio_sent_bytes_total", "counter", "bytes", "Bytes written to clients.", "bytes_out", false},
    {"minimio_errors_total", "counter", NULL, "Errors replied, by their name.", "errors", false},
    {"minimio_slow_turns_total", "counter", NULL, "Turns of the daemon longer than 2 ms, by their cause.", "slow_turns",
     false},
    {"minimio_limit", "gauge", NULL, "Limits as they are set.", "limits", false},
};

/* All names that a daemon of ours has are such, and they need no escapes. */
static bool is_label(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    return name[strspn(name, allowed)] == '\0';
}

/* The family of a counter is named without the _total that its samples have. */
static int family_length(const struct metric *metric)
{
    size_t length = strlen(metric->name);

    return (int)(strcmp(metric->type, "counter") == 0 ? length - strlen("_total") : length);
}

/* `label` NULL: none. What is no whole number is not printed: no daemon of ours counts in any other. */
static void print_sample(const struct metric *metric, const char *label, const cJSON *value)
{
    uint64_t number;

    if (!json_integer(value, &number))
        return;
    printf("%s", metric->name);
    if (label)
        printf("{name=\"%s\"}", label);
    if (metric->milliseconds)
        printf(" %" PRIu64 ".%03u\n", number / 1000, (unsigned)(number % 1000));
    else
        printf(" %" PRIu64 "\n", number);
}

static void print_family(const struct metric *metric, const cJSON *value)
{
    int length = family_length(metric);
    const cJSON *member;

    printf("# HELP %.*s %s\n# TYPE %.*s %s\n", length, metric->name, metric->help, length, metric->name, metric->type);
    if (metric->unit)
        printf("# UNIT %.*s %s\n", length, metric->name, metric->unit);
    if (!cJSON_IsObject(value)) {
        print_sample(metric, NULL, value);
        return;
    }
    cJSON_ArrayForEach(member, value)
    {
        if (is_label(member->string))
            print_sample(metric, member->string, member);
    }
}

void metrics_print(const cJSON *stats)
{
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(stats, metrics[i].member);

        if (value) /* a daemon may count less */
            print_family(&metrics[i], value);
    }
    puts("# EOF");
}
