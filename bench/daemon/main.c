/* SPDX-License-Identifier: MIT */
/*
 * Measures the costs of minimiod, compared with floors that do the same with bare system calls, and with Redis.
 *
 * usage: daemon [--json | --markdown] [--json-file FILE] [--rounds N] [--only GROUP]
 *
 * Exits with 0 after the measurement, whether or not the bars are met.
 */
#include "bench/daemon/figures.h"
#include "bench/daemon/groups.h"
#include "bench/daemon/process.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_UNLESS 9
#define STUCK_S       300 /* limit for a server that loses an event, which would hang the bench */

static const struct group {
    const char *name;
    void (*measure)(const struct plan *plan);
} groups[] = {
    {"events", measure_events},     {"latency", measure_latency},     {"growth", measure_growth},
    {"requests", measure_requests}, {"registers", measure_registers}, {"memory", measure_memory},
    {"lookups", measure_lookups},
};

#define GROUPS (sizeof groups / sizeof *groups)

struct choice {
    bool (*print)(void);
    const char *json_file; /* also receives the figures, as JSON */
    const char *only;
    int rounds;
};

static bool take_arguments(int argc, char **argv, struct choice *choice)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            choice->print = figures_print_json;
        else if (strcmp(argv[i], "--markdown") == 0)
            choice->print = figures_print_markdown;
        else if (strcmp(argv[i], "--json-file") == 0 && i + 1 < argc)
            choice->json_file = argv[++i];
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            choice->rounds = atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            choice->only = argv[++i];
        else
            return false;
    }
    return choice->rounds >= 1 && choice->rounds <= ROUNDS_MAX;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--json | --markdown] [--json-file FILE] [--rounds 1-%d] [--only GROUP]\ngroups:", program,
            ROUNDS_MAX);
    for (size_t i = 0; i < GROUPS; i++)
        fprintf(stderr, " %s", groups[i].name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct choice choice = {.print = figures_print_table, .rounds = ROUNDS_UNLESS};
    char build[512];
    size_t measured = 0;

    if (!take_arguments(argc, argv, &choice))
        return usage(argv[0]);
    snprintf(build, sizeof build, "%s", argv[0]);
    strcpy(build, dirname(dirname(build)));
    const struct plan plan = {.build = build, .rounds = choice.rounds};
    signal(SIGPIPE, SIG_IGN);
    alarm(STUCK_S);
    process_descriptors(6000 + 64);
    if (!process_pin())
        fputs("no fixed priority here: a busy machine disturbs\n", stderr);
    for (size_t i = 0; i < GROUPS; i++)
        if (!choice.only || strcmp(choice.only, groups[i].name) == 0) {
            groups[i].measure(&plan);
            measured++;
        }
    if (!measured)
        return usage(argv[0]);
    choice.print();
    if (choice.json_file) {
        need(freopen(choice.json_file, "w", stdout) != NULL, choice.json_file);
        figures_print_json();
    }
    return EXIT_SUCCESS;
}
