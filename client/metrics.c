/* SPDX-License-Identifier: MIT */
/*
 * The counters as a monitoring system reads them: base units in the names, counters ending in _total.
 */
#include "client/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct metric {
    const char *name;
    const char *type;
    const char *help;
    const char *member; /* of `stats`: a number, or an object of numbers, which have its `name` as a label */
    double unit;        /* what one of the member is in the metric's unit */
};

static const struct metric metrics[] = {
    {"minimio_uptime_seconds", "gauge", "Time since the daemon started.", "uptime_ms", 0.001},
    {"minimio_sessions", "gauge", "Sessions that are open.", "sessions", 1},
    {"minimio_loops", "gauge", "Loops that there are, anonymous ones included.", "loops", 1},
    {"minimio_registrations", "gauge", "Streams that are registered.", "registrations", 1},
    {"minimio_requests_total", "counter", "Requests carried out.", "requests", 1},
    {"minimio_replies_total", "counter", "Replies sent.", "replies", 1},
    {"minimio_events_total", "counter", "Events delivered.", "events", 1},
    {"minimio_received_bytes_total", "counter", "Bytes read from clients.", "bytes_in", 1},
    {"minimio_sent_bytes_total", "counter", "Bytes written to clients.", "bytes_out", 1},
    {"minimio_errors_total", "counter", "Errors replied, by their name.", "errors", 1},
    {"minimio_slow_turns_total", "counter", "Turns of the daemon longer than 2 ms, by their cause.", "slow_turns", 1},
    {"minimio_limit", "gauge", "Limits as they are set.", "limits", 1},
};

/* All names that a daemon of ours has are such, and they need no escapes. */
static bool is_label(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    return name[strspn(name, allowed)] == '\0';
}

void metrics_print(const cJSON *stats)
{
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        const struct metric *metric = &metrics[i];
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(stats, metric->member);
        const cJSON *member;

        if (!value) /* of a daemon that counts less */
            continue;
        printf("# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
        if (cJSON_IsNumber(value))
            printf("%s %.16g\n", metric->name, value->valuedouble * metric->unit);
        else
            cJSON_ArrayForEach(member, value) if (is_label(member->string))
                printf("%s{name=\"%s\"} %.16g\n", metric->name, member->string, member->valuedouble);
    }
    puts("# EOF");
}
