/* SPDX-License-Identifier: MIT */
/*
 * Prints the counters in the OpenMetrics format: base units in the names, and names of counter samples with the suffix
 * _total. The file has no state.
 */
#include "client/ctl/metrics.h"

#include "client/ctl/json.h"
#include "proto/reply.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct metric {
    const char *name;
    const char *type;
    const char *unit; /* suffix of the family; NULL: no unit */
    const char *help;
    const char *member; /* of `stats`: a number, or an object of numbers with `name` as label */
    bool milliseconds;  /* the member is in milliseconds; the metric is in seconds */
};

static const struct metric metrics[] = {
    {"minimio_uptime_seconds", "gauge", "seconds", "Time since the daemon started.", "uptime_ms", true},
    {"minimio_sessions", "gauge", NULL, "Sessions that are open.", "sessions", false},
    {"minimio_loops", "gauge", NULL, "Loops that there are, anonymous ones included.", "loops", false},
    {"minimio_registrations", "gauge", NULL, "Streams that are registered.", "registrations", false},
    {"minimio_leases", "gauge", NULL, "Tokens that workers hold.", "leases", false},
    {"minimio_waits", "gauge", NULL, "Sessions that wait for a busy loop.", "waits", false},
    {"minimio_requests_total", "counter", NULL, "Requests carried out.", "requests", false},
    {"minimio_replies_total", "counter", NULL, "Replies sent.", "replies", false},
    {"minimio_events_total", "counter", NULL, "Events delivered.", "events", false},
    {"minimio_redeliveries_total", "counter", NULL, "Events of tokens whose last worker did not end the lease.",
     "redeliveries", false},
    {"minimio_received_bytes_total", "counter", "bytes", "Bytes read from clients.", "bytes_in", false},
    {"minimio_sent_bytes_total", "counter", "bytes", "Bytes written to clients.", "bytes_out", false},
    {"minimio_errors_total", "counter", NULL, "Errors replied, by their name.", "errors", false},
    {"minimio_slow_turns_total", "counter", NULL, "Turns of the daemon longer than 2 ms, by their cause.", "slow_turns",
     false},
    {"minimio_limit", "gauge", NULL, "Limits as they are set.", "limits", false},
};

/* Whether the name needs no escapes, as all names of minimiod. */
static bool is_label(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    return name[strspn(name, allowed)] == '\0';
}

/* The length of the name without the suffix _total. */
static int family_length(const struct metric *metric)
{
    size_t length = strlen(metric->name);

    return (int)(strcmp(metric->type, "counter") == 0 ? length - strlen("_total") : length);
}

/* Prints a sample; `label` NULL: no label. Skips values that are not integers, which minimiod never sends. */
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
    cJSON_ArrayForEach(member, value) {
        if (is_label(member->string))
            print_sample(metric, member->string, member);
    }
}

/* ---- Turns --------------------------------------------------------------------------------------------------------
 */

/* Prints a bound in seconds, without trailing zeros. */
static void print_bound(uint32_t bound_us)
{
    char text[24];
    int length = snprintf(text, sizeof text, "0.%06" PRIu32, bound_us); /* every bound is below a second */

    while (text[length - 1] == '0')
        length--;
    printf("%.*s", length, text);
}

/* The integer member `name` of turn_us. False: not an integer, so that the peer is not minimiod. */
static bool read_turns(const cJSON *turns, const char *name, uint64_t *ret_number)
{
    return json_integer(cJSON_GetObjectItemCaseSensitive(turns, name), ret_number);
}

static bool read_counts(const cJSON *turns, uint64_t ret_counts[TURN_BOUNDS + 1])
{
    for (int i = 0; i < TURN_BOUNDS; i++) {
        char name[24];

        snprintf(name, sizeof name, "below_%" PRIu32, turn_bounds_us[i]);
        if (!read_turns(turns, name, &ret_counts[i]))
            return false;
    }
    return read_turns(turns, "above", &ret_counts[TURN_BOUNDS]);
}

static void print_seconds(const char *name, uint64_t us)
{
    printf("%s %" PRIu64 ".%06u\n", name, us / 1000000, (unsigned)(us % 1000000));
}

/* The buckets of a histogram are cumulative; the counts of `turn_us` are not. */
static void print_buckets(const uint64_t counts[TURN_BOUNDS + 1])
{
    uint64_t count = 0;

    for (int i = 0; i <= TURN_BOUNDS; i++) {
        count += counts[i];
        printf("minimio_turn_seconds_bucket{le=\"");
        if (i < TURN_BOUNDS)
            print_bound(turn_bounds_us[i]);
        else
            printf("+Inf");
        printf("\"} %" PRIu64 "\n", count);
    }
    printf("minimio_turn_seconds_count %" PRIu64 "\n", count);
}

static void print_turns(const cJSON *turns)
{
    uint64_t counts[TURN_BOUNDS + 1], sum_us, longest_us;

    if (!read_counts(turns, counts) || !read_turns(turns, "sum", &sum_us) || !read_turns(turns, "longest", &longest_us))
        return;
    puts("# HELP minimio_turn_seconds Time that turns of the daemon took.\n"
         "# TYPE minimio_turn_seconds histogram\n"
         "# UNIT minimio_turn_seconds seconds");
    print_buckets(counts);
    print_seconds("minimio_turn_seconds_sum", sum_us);
    puts("# HELP minimio_longest_turn_seconds Time that the longest turn of the daemon took.\n"
         "# TYPE minimio_longest_turn_seconds gauge\n"
         "# UNIT minimio_longest_turn_seconds seconds");
    print_seconds("minimio_longest_turn_seconds", longest_us);
}

void metrics_print(const cJSON *stats)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(stats, metrics[i].member);

        if (value) /* an older daemon has fewer counters */
            print_family(&metrics[i], value);
    }
    print_turns(cJSON_GetObjectItemCaseSensitive(stats, "turn_us"));
    puts("# EOF");
}
