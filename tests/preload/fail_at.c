/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program under test: counts its allocations, and has those fail that the test says. Test and program
 * share a page, the file $FAIL_AT, so that the test says when it begins and ends. With $FAIL_AT_ALONE, programs that it
 * starts have no part in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *old, size_t size);
EXPORT void free(void *memory);
EXPORT char *getenv(const char *name);

/* Five numbers of 64 bits; tests/faults/allocations.py knows them. */
struct page {
    _Atomic int64_t first;  /* the first of those that fail, counted from 1; 0: none does */
    _Atomic int64_t last;   /* the last of them */
    _Atomic int64_t count;  /* so many were asked for */
    _Atomic int64_t failed; /* so many were refused */
    _Atomic int64_t live;   /* blocks that were given and not given back */
};

static struct page own;
static struct page *_Atomic shared = &own;
static atomic_bool writes_coverage;

/* The process that looks up names is of the same program, and another one. */
__attribute__((constructor)) static void share(int argc, char **argv)
{
    const char *path = argc && strcmp(argv[0], "minimiod-names") != 0 ? getenv("FAIL_AT") : NULL;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct page *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    if (getenv("FAIL_AT_ALONE"))
        unsetenv("FAIL_AT");
    if (page == MAP_FAILED)
        return;
    page->live = own.live;
    shared = page;
}

/*
 * A coverage build writes its counters when it exits and before it calls exec. gcc's library for that does not check
 * its allocations, so none may fail from then on. The library begins by reading variables of this name.
 */
char *getenv(const char *name)
{
    size_t length = strlen(name);

    if (strncmp(name, "GCOV_PREFIX", strlen("GCOV_PREFIX")) == 0)
        writes_coverage = true;
    for (char **variable = environ; variable && *variable; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return NULL;
}

static int fails(void)
{
    struct page *page = shared;
    int64_t n;

    if (writes_coverage)
        return 0;
    n = ++page->count;
    if (!page->first || n < page->first || n > page->last)
        return 0;
    page->failed++;
    errno = ENOMEM;
    return 1;
}

static void *given(void *memory)
{
    shared->live += memory != NULL;
    return memory;
}

void *malloc(size_t size)
{
    return fails() ? NULL : given(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : given(__libc_calloc(number, size));
}

void *realloc(void *old, size_t size)
{
    void *memory;

    if (fails())
        return NULL;
    memory = __libc_realloc(old, size);
    if (!old)
        return given(memory);
    shared->live -= !memory && !size;
    return memory;
}

void free(void *memory)
{
    int kept = errno;

    shared->live -= memory != NULL;
    __libc_free(memory);
    errno = kept;
}
