/* SPDX-License-Identifier: MIT */
#include "tests/runner/skipped.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    char *suite, *test, *needs; /* of one allocation, `suite` */
};

static bool parse(char *line, struct record *ret_record)
{
    char *test = strchr(line, '\t'), *needs = test ? strchr(test + 1, '\t') : NULL;

    if (!needs)
        return false;
    line[strcspn(line, "\n")] = '\0';
    *test = *needs = '\0';
    *ret_record = (struct record){line, test + 1, needs + 1};
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct record *left = a, *right = b;
    int order = strcmp(left->needs, right->needs);

    if (order == 0)
        order = strcmp(left->suite, right->suite);
    return order != 0 ? order : strcmp(left->test, right->test);
}

/* Sorts, and removes what is there twice. Returns how many are left. */
static size_t arrange(struct record *records, size_t count)
{
    size_t kept = 0;

    if (count > 0)
        qsort(records, count, sizeof *records, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare(&records[kept - 1], &records[i]) == 0)
            free(records[i].suite);
        else
            records[kept++] = records[i];
    }
    return kept;
}

static void print(const struct record *records, size_t count)
{
    if (count > 0)
        printf("\nSkipped: %zu test%s\n", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(records[i - 1].needs, records[i].needs) != 0)
            printf("  needs %s\n", records[i].needs);
        printf("    %s: %s\n", records[i].suite, records[i].test);
    }
    if (count > 0)
        puts("");
}

void print_skipped(const char *path)
{
    FILE *file = fopen(path, "re");
    struct record *records = NULL;
    size_t count = 0, room = 0, size = 0;
    char *line = NULL;

    while (file && getline(&line, &size, file) > 0) {
        if (count == room) {
            room = room * 2 + 16;
            records = realloc(records, room * sizeof *records);
        }
        if (parse(line, &records[count])) {
            count++;
            line = NULL; /* the record's from here on */
            size = 0;
        }
    }
    free(line);
    if (file)
        fclose(file);
    count = arrange(records, count);
    print(records, count);
    for (size_t i = 0; i < count; i++)
        free(records[i].suite);
    free(records);
}
