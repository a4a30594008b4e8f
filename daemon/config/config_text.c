/* SPDX-License-Identifier: MIT */
/*
 * Reads the text of the configuration file. The file has no state.
 */
#include "daemon/config/config_text.h"

#include "daemon/config/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES ((size_t)CONFIG_TEXT_MAX_MIB * 1024 * 1024)
#define CHUNK     (64 * 1024)

static int explain(int error, char *ret_reason, size_t size)
{
    if (error == -ENOENT)
        snprintf(ret_reason, size, "there is no such file");
    else
        snprintf(ret_reason, size, "cannot be read: %s", strerror(-error));
    return error;
}

static int check_kind(const struct stat *found, char *ret_reason, size_t size)
{
    const char *kind = irregular_kind(found);

    if (!kind)
        return 0;
    snprintf(ret_reason, size, "is %s: the configuration must be a regular file", kind);
    return -EINVAL;
}

/* Check the type before open() too, because open() of a device can have side effects. O_NONBLOCK: if
 * the file becomes a FIFO in between, open() does not wait for a writer. */
static int open_regular(const char *path, char *ret_reason, size_t size)
{
    struct stat found;
    int fd, result;

    if (stat(path, &found) < 0)
        return explain(-errno, ret_reason, size);
    result = check_kind(&found, ret_reason, size);
    if (result < 0)
        return result;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return explain(-errno, ret_reason, size);
    result = fstat(fd, &found) < 0 ? explain(-errno, ret_reason, size) : check_kind(&found, ret_reason, size);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static int read_chunk(int fd, struct config_text *text)
{
    char *grown = realloc(text->bytes, text->length + CHUNK);
    ssize_t count;

    if (!grown)
        return -ENOMEM;
    text->bytes = grown;
    do
        count = read(fd, text->bytes + text->length, CHUNK);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    text->length += (size_t)count;
    return count > 0;
}

/* Reads to EOF: fstat reports size 0 in /proc, and the file may grow. */
static int read_all(int fd, struct config_text *text, char *ret_reason, size_t size)
{
    int result;

    do
        result = read_chunk(fd, text);
    while (result > 0 && text->length <= MAX_BYTES);
    if (result < 0)
        return explain(result, ret_reason, size);
    if (text->length <= MAX_BYTES)
        return 0;
    snprintf(ret_reason, size, "is too large: the configuration may have at most %d MiB", CONFIG_TEXT_MAX_MIB);
    return -EFBIG;
}

int config_text_read_fd(int fd, struct config_text *ret_text, char *ret_reason, size_t size)
{
    struct config_text text = {0};
    int result = lseek(fd, 0, SEEK_SET) < 0 ? explain(-errno, ret_reason, size) : 0;

    if (result == 0)
        result = read_all(fd, &text, ret_reason, size);
    if (result < 0)
        config_text_deinit(&text);
    else
        *ret_text = text;
    return result;
}

int config_text_read(const char *path, struct config_text *ret_text, char *ret_reason, size_t size)
{
    int fd = open_regular(path, ret_reason, size);
    int result;

    if (fd < 0)
        return fd;
    result = config_text_read_fd(fd, ret_text, ret_reason, size);
    close(fd);
    return result;
}

void config_text_deinit(struct config_text *text)
{
    free(text->bytes);
    *text = (struct config_text){0};
}
