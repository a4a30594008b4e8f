/* SPDX-License-Identifier: MIT */
/*
 * Runs a target on files, without a fuzzer: `replay FILE-OR-FOLDER…`. A folder stands for all files in the folder. The
 * name is printed before the run, so the last name belongs to the file that ended the process. Each file is run until a
 * run leaves no more live blocks of memory than before.
 */
#include "fuzz/live_blocks.h"
#include "fuzz/require.h"
#include "fuzz/target.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static unsigned long runs;

static void run_input(const uint8_t *data, size_t size)
{
    LLVMFuzzerTestOneInput(data, size);
    runs++;
}

#define RUNS_MAX 30

/*
 * A leak grows the number of live blocks in every run. The C library allocates some blocks once and keeps the blocks,
 * so a single run without growth proves that no run leaks.
 */
static bool has_leak(const uint8_t *data, size_t size)
{
    for (int i = 0; i < RUNS_MAX; i++) {
        long before = live_blocks();

        run_input(data, size);
        if (live_blocks() <= before)
            return false;
    }
    return true;
}

static void run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "re");
    uint8_t *data = malloc(size ? size : 1);

    REQUIRE(file && data && fread(data, 1, size, file) == size, "%s cannot be read", path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    REQUIRE(!has_leak(data, size), "memory leaks: each of %d runs left more blocks allocated", RUNS_MAX);
    free(data);
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);

    REQUIRE(count >= 0, "%s cannot be read", path);
    for (int i = 0; i < count; i++) {
        char inner[1024];

        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_path(inner);
        free(entries[i]);
    }
    free(entries);
}

static void run_path(const char *path)
{
    struct stat found;

    REQUIRE(stat(path, &found) == 0, "%s does not exist", path);
    if (S_ISDIR(found.st_mode))
        run_folder(path);
    else
        run_file(path, (size_t)found.st_size);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("%lu runs\n", runs);
    return runs ? EXIT_SUCCESS : EXIT_FAILURE;
}
