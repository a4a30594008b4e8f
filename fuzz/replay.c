/* SPDX-License-Identifier: MIT */
/*
 * Runs a target over files, without any fuzzer: `replay FILE-OR-FOLDER…`. A folder stands for all the files in it. The
 * file is named before it is run, so the one that ended the process is the last. Each is run until the memory in use is
 * the same before and after.
 */
#include "fuzz/require.h"
#include "fuzz/target.h"

#include <dirent.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 33)
#define HAVE_MALLINFO2
#endif
#endif

static unsigned long runs;

static void run(const uint8_t *data, size_t size)
{
    LLVMFuzzerTestOneInput(data, size);
    runs++;
}

#define RUNS_MAX 30

/* What is lost is lost with every run; the C library's own hoards settle. Under a sanitizer, which has the allocator to
 * itself, nothing is seen here: that one tells at the end. */
static bool is_memory_back(const uint8_t *data, size_t size)
{
#ifdef HAVE_MALLINFO2
    size_t before, after = 0;
    int count = 0;

    do {
        before = after;
        run(data, size);
        after = mallinfo2().uordblks;
    } while (after != before && ++count < RUNS_MAX);
    return after == before;
#else
    run(data, size);
    return true;
#endif
}

static void run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "re");
    uint8_t *data = malloc(size ? size : 1);

    REQUIRE(file && data && fread(data, 1, size, file) == size, "%s cannot be read", path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    REQUIRE(is_memory_back(data, size), "memory is not given back");
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

        snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            run_path(inner);
        free(entries[i]);
    }
    free(entries);
}

static void run_path(const char *path)
{
    struct stat found;

    REQUIRE(stat(path, &found) == 0, "%s is not there", path);
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
