/* SPDX-License-Identifier: MIT */
/* Prints the summaries. Stateless. */
#include "bench/library/report.h"

#include <stdio.h>

#define SHARE_QUIET 0.9

static const char *const titles[WORKLOADS] = {
    [CHAIN] = "chain: a byte read and one written to the next pair, ns an event",
    [DISPATCH] = "dispatch: sources that stay ready, ns an event",
    [REGISTER] = "register: register and deregister, ns a pair",
    [REREGISTER] = "reregister: of what is registered, a oneshot's arming anew, ns a pair",
};

/* ---- Table ------------------------------------------------------------------------------------------------------ */

static void print_heading(enum workload workload)
{
    printf("\n%s\n%6s %6s %-8s %7s %7s %-10s", titles[workload], "pairs", "active", "mode", "/epoll", "/best",
           "(best)");
    for (int peer = 0; peer < PEERS; peer++)
        printf("%9s", peers[peer]->name);
    putchar('\n');
}

static void print_row(const struct summary *row)
{
    printf("%6d ", row->pairs);
    row->active ? printf("%6d ", row->active) : printf("%6s ", "");
    printf("%-8s %7.3f %7.3f %-10s", mode_names[row->mode], row->to_epoll, row->to_best, peers[row->best]->name);
    for (int peer = 0; peer < PEERS; peer++)
        row->ns[peer] > 0 ? printf("%9.1f", row->ns[peer]) : printf("%9s", "-");
    putchar('\n');
}

static void print_bar(const struct bar *bar)
{
    const struct summary *worst = bar->worst;

    printf("  at most %.2f %-38s %2d of %2d cells, worst %.3f (%s, %s, %d pairs, %d active)   %s\n", bar->limit,
           bar->text, bar->kept, bar->cells, bar->worst_ratio, workload_names[worst->workload], mode_names[worst->mode],
           worst->pairs, worst->active, bar->met ? "ok" : "MISSED");
}

void report_table(const struct results *results, const struct summary *summaries, size_t count,
                  const struct bar bars[BARS])
{
    printf("%d rounds, with %.0f %% of a processor%s\n", results->rounds, results->share * 100,
           results->share < SHARE_QUIET ? ": a busy machine, on which single cells stray" : "");
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || summaries[i].workload != summaries[i - 1].workload)
            print_heading(summaries[i].workload);
        print_row(&summaries[i]);
    }
    puts("\nan event under edge and level, against the bars:");
    for (int i = 0; i < BARS; i++)
        print_bar(&bars[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void print_cell(const struct summary *cell, const char *before)
{
    const char *separator = "";

    printf("%s{\"workload\":\"%s\",\"pairs\":%d,\"active\":%d,\"mode\":\"%s\",\"to_epoll\":%.4f,\"to_best\":%.4f,"
           "\"best\":\"%s\",\"ns\":{",
           before, workload_names[cell->workload], cell->pairs, cell->active, mode_names[cell->mode], cell->to_epoll,
           cell->to_best, peers[cell->best]->name);
    for (int peer = 0; peer < PEERS; peer++) {
        if (cell->ns[peer] <= 0)
            continue;
        printf("%s\"%s\":%.2f", separator, peers[peer]->name, cell->ns[peer]);
        separator = ",";
    }
    printf("}}");
}

void report_json(const struct results *results, const struct summary *summaries, size_t count,
                 const struct bar bars[BARS])
{
    printf("{\"rounds\":%d,\"share\":%.2f,\n\"cells\":[", results->rounds, results->share);
    for (size_t i = 0; i < count; i++)
        print_cell(&summaries[i], i == 0 ? "\n" : ",\n");
    printf("],\n\"bars\":[");
    for (int i = 0; i < BARS; i++)
        printf("%s{\"bar\":\"%s\",\"limit\":%.2f,\"cells\":%d,\"kept\":%d,\"worst\":%.4f,\"met\":%s}",
               i == 0 ? "\n" : ",\n", bars[i].text, bars[i].limit, bars[i].cells, bars[i].kept, bars[i].worst_ratio,
               bars[i].met ? "true" : "false");
    printf("]}\n");
}
