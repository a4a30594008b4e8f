/* SPDX-License-Identifier: MIT */
#include "tests/daemon/conf.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char conf_path[128];

static size_t log_seen;

void conf_write_bytes(const void *data, size_t length)
{
    int fd;

    if (!*conf_path) {
        snprintf(conf_path, sizeof conf_path, "%s/minimio-conf-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        fd = mkostemp(conf_path, O_CLOEXEC);
    } else {
        fd = open(conf_path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
    }
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
    close(fd);
}

void conf_write(const char *format, ...)
{
    char text[8192];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(length, (int)sizeof text);
    conf_write_bytes(text, (size_t)length);
}

void conf_remove(void)
{
    unlink(conf_path);
    conf_path[0] = '\0';
}

void set_up_conf(const char *const *arguments)
{
    const char *all[32] = {"--config", conf_path};

    for (size_t i = 0; arguments && arguments[i]; i++)
        all[i + 2] = arguments[i];
    set_up_with(all);
    forget_log();
}

void tear_down_conf(void)
{
    tear_down();
    conf_remove();
}

void forget_log(void)
{
    log_seen = 0;
}

void await_log(const char *text)
{
    struct output *log = &minimiod.process.err;

    if (!process_await_next(&minimiod.process, log, &log_seen, text, PROCESS_TIMEOUT_MS))
        ck_abort_msg("the log has no '%s': %s", text, log->text + log_seen);
}

void reload_well(void)
{
    kill(minimiod.process.pid, SIGHUP);
    await_log("is in force");
}

void reload_in_vain(void)
{
    kill(minimiod.process.pid, SIGHUP);
    await_log("the previous configuration stays in force");
}

bool can_be_others(void)
{
    if (geteuid() == 0)
        return true;
    fputs("skipped: only root can play other users\n", stderr);
    return false;
}

/* The kernel takes a peer's ids at its connect(). The folder is entered as root, for others may not get to it. */
void wire_open_as(struct wire *ret_wire, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_eq(chmod(minimiod.folder, 0755), 0);
    ck_assert_int_eq(chdir(minimiod.folder), 0);
    ck_assert_int_eq(setgroups(count, groups), 0);
    ck_assert_int_eq(setegid(gid), 0);
    ck_assert_int_eq(seteuid(uid), 0);
    wire_open(ret_wire, "minimio.sock");
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(setegid(0), 0);
    ck_assert_int_eq(setgroups(0, NULL), 0);
    ck_assert_int_eq(fchdir(here), 0);
    close(here);
}
