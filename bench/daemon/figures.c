/* SPDX-License-Identifier: MIT */
/* Owns the samples of all figures; prints tables and JSON. */
#include "bench/daemon/figures.h"

#include "bench/daemon/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIGURES_MAX 48
#define SKIPPED_MAX 8

struct figure {
    const struct figure_info *info;
    int rounds;
    double ours[ROUNDS_MAX], beside[ROUNDS_MAX];
};

struct result {
    double ours, beside, ratio; /* ratio: the value that the limit applies to */
    bool met;
};

static struct figure figures[FIGURES_MAX];
static int figure_count;
static struct {
    const char *group, *reason;
} skipped[SKIPPED_MAX];
static int skipped_count;

/* ---- Samples ---------------------------------------------------------------------------------------------------- */

static struct figure *find(const struct figure_info *info)
{
    for (int i = 0; i < figure_count; i++)
        if (figures[i].info == info)
            return &figures[i];
    need(figure_count < FIGURES_MAX, "room for another figure");
    figures[figure_count].info = info;
    return &figures[figure_count++];
}

void figure_sample(const struct figure_info *info, double ours, double beside)
{
    struct figure *figure = find(info);

    need(figure->rounds < ROUNDS_MAX, "room for another round");
    figure->ours[figure->rounds] = ours;
    figure->beside[figure->rounds++] = beside;
}

void figure_skip(const char *group, const char *reason)
{
    for (int i = 0; i < skipped_count; i++)
        if (strcmp(skipped[i].group, group) == 0)
            return;
    need(skipped_count < SKIPPED_MAX, "room for another group");
    skipped[skipped_count].group = group;
    skipped[skipped_count++].reason = reason;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return sorted[count / 2];
}

static struct result result_of(const struct figure *figure)
{
    struct result result = {.ours = median(figure->ours, figure->rounds)};
    double ratios[ROUNDS_MAX];

    result.ratio = result.ours;
    if (figure->info->beside) {
        for (int i = 0; i < figure->rounds; i++)
            ratios[i] = figure->ours[i] / figure->beside[i];
        result.ratio = median(ratios, figure->rounds);
        result.beside = median(figure->beside, figure->rounds);
    }
    result.met = !figure->info->limit || result.ratio <= figure->info->limit;
    return result;
}

/* ---- Printing --------------------------------------------------------------------------------------------------- */

static const char *verdict(const struct figure_info *info, const struct result *result)
{
    return !info->limit ? "" : result->met ? "ok" : "MISSED";
}

static void print_row(const struct figure_info *info, const struct result *result)
{
    if (info->beside)
        printf("%8.2f x ", result->ratio);
    else
        printf("%10s ", "");
    if (info->limit)
        printf("<= %-7.4g %-6s ", info->limit, verdict(info, result));
    else
        printf("%17s ", "");
    printf("%-46s %9.1f %s", info->name, result->ours, info->unit);
    if (info->beside)
        printf(", %s %.1f", info->beside, result->beside);
    putchar('\n');
}

bool figures_print_table(void)
{
    const char *group = "";
    bool met = true;

    for (int i = 0; i < figure_count; i++) {
        const struct figure_info *info = figures[i].info;
        struct result result = result_of(&figures[i]);

        if (strcmp(group, info->group) != 0)
            printf("%s, %d rounds\n", group = info->group, figures[i].rounds);
        print_row(info, &result);
        met = met && result.met;
    }
    for (int i = 0; i < skipped_count; i++)
        printf("%s: skipped, %s\n", skipped[i].group, skipped[i].reason);
    return met;
}

bool figures_print_markdown(void)
{
    bool met = true;

    puts("| ratio | bar | | group | cost | ours | beside |\n|---|---|---|---|---|---|---|");
    for (int i = 0; i < figure_count; i++) {
        const struct figure_info *info = figures[i].info;
        struct result result = result_of(&figures[i]);

        printf("| ");
        if (info->beside)
            printf("%.2f", result.ratio);
        printf(" | ");
        if (info->limit)
            printf("%.4g", info->limit);
        printf(" | %s | %s | %s | %.1f %s | ", verdict(info, &result), info->group, info->name, result.ours,
               info->unit);
        if (info->beside)
            printf("%s %.1f", info->beside, result.beside);
        puts(" |");
        met = met && result.met;
    }
    for (int i = 0; i < skipped_count; i++)
        printf("\n%s: skipped, %s\n", skipped[i].group, skipped[i].reason);
    return met;
}

bool figures_print_json(void)
{
    bool met = true;

    printf("{\"figures\":[");
    for (int i = 0; i < figure_count; i++) {
        const struct figure_info *info = figures[i].info;
        struct result result = result_of(&figures[i]);

        printf("%s{\"group\":\"%s\",\"name\":\"%s\",\"unit\":\"%s\",\"rounds\":%d,\"ours\":%.4f", i ? ",\n" : "\n",
               info->group, info->name, info->unit, figures[i].rounds, result.ours);
        if (info->beside)
            printf(",\"beside\":\"%s\",\"theirs\":%.4f,\"ratio\":%.4f", info->beside, result.beside, result.ratio);
        if (info->limit)
            printf(",\"limit\":%.4f,\"met\":%s", info->limit, result.met ? "true" : "false");
        putchar('}');
        met = met && result.met;
    }
    printf("],\n\"skipped\":{");
    for (int i = 0; i < skipped_count; i++)
        printf("%s\"%s\":\"%s\"", i ? "," : "", skipped[i].group, skipped[i].reason);
    printf("},\n\"met\":%s}\n", met ? "true" : "false");
    return met;
}
