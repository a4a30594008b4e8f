/* SPDX-License-Identifier: MIT */
#include "tests/daemon/manager.h"

#include "tests/daemon/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEPT_MAX  32
#define NAME_SIZE 64

struct kept {
    char name[NAME_SIZE];
    int fd;
};

static int notified; /* the socket that the daemon tells its news */
static struct kept kept[KEPT_MAX];
static int kept_count;
static bool confirmed; /* the last that was stored or forgotten */
static char folder[96];

/* ---- What is kept ------------------------------------------------------------------------------------------------ */

static struct kept *find(const char *name)
{
    for (int i = 0; i < kept_count; i++)
        if (!strcmp(kept[i].name, name))
            return &kept[i];
    return NULL;
}

void manager_keep(const char *name, int fd)
{
    ck_assert_int_lt(kept_count, KEPT_MAX);
    ck_assert_int_ge(fd, 0);
    snprintf(kept[kept_count].name, NAME_SIZE, "%s", name);
    kept[kept_count++].fd = fd;
}

int manager_drop(const char *name)
{
    struct kept *found = find(name);

    if (!found)
        return 0;
    close(found->fd);
    *found = kept[--kept_count];
    return 1;
}

int manager_kept(const char *name)
{
    const struct kept *found = find(name);

    return found ? found->fd : -1;
}

/* ---- What is said ------------------------------------------------------------------------------------------------ */

static void carry_out(char *message, int fd)
{
    char *name = strstr(message, "FDNAME=");

    if (!strncmp(message, "FDSTORE=1\n", 10)) {
        ck_assert_ptr_nonnull(name);
        manager_keep(name + 7, fd);
        confirmed = false;
    } else if (!strncmp(message, "FDSTOREREMOVE=1\n", 16)) {
        ck_assert_ptr_nonnull(name);
        ck_assert_msg(manager_drop(name + 7), "nothing is kept as %s", name + 7);
        confirmed = false;
    } else if (fd >= 0) {
        ck_assert_str_eq(message, "BARRIER=1");
        close(fd);
        confirmed = true;
    }
}

static void take_message(void)
{
    char message[1024], control[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = {.iov_base = message, .iov_len = sizeof message - 1};
    struct msghdr header = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int fd = -1;
    ssize_t n;

    n = recvmsg(notified, &header, MSG_CMSG_CLOEXEC);
    ck_assert_int_gt(n, 0);
    message[n] = '\0';
    if (header.msg_controllen)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
    carry_out(message, fd);
}

void manager_await(int count)
{
    struct pollfd readable = {.fd = notified, .events = POLLIN};

    while (kept_count != count || !confirmed) {
        if (poll(&readable, 1, PROCESS_TIMEOUT_MS) != 1)
            ck_abort_msg("the daemon tells nothing, and %d are kept", kept_count);
        take_message();
    }
}

/* It waits a moment for the manager to take what was said. */
static void await_end(void)
{
    struct pollfd either[] = {{.fd = notified, .events = POLLIN}, {.fd = minimiod.process.pid_fd, .events = POLLIN}};

    while (poll(either, 2, PROCESS_TIMEOUT_MS) > 0 && !either[1].revents)
        take_message();
}

/* ---- The daemon -------------------------------------------------------------------------------------------------- */

static void set_environment(void)
{
    char names[KEPT_MAX * (NAME_SIZE + 1)] = "", count[16], path[128];

    for (int i = 0; i < kept_count; i++)
        strcat(strcat(names, i ? ":" : ""), kept[i].name);
    snprintf(count, sizeof count, "%d", kept_count);
    snprintf(path, sizeof path, "%s/notify", folder);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", names, 1);
}

static void run(const char *const *arguments)
{
    const char *all[32] = {"sh",       "-c",       "LISTEN_PID=$$ exec \"$0\" \"$@\"", "", "--socket", minimiod.socket,
                           "--config", "/dev/null"};

    int fds[KEPT_MAX];

    for (int i = 0; i < kept_count; i++)
        fds[i] = kept[i].fd;
    all[3] = built_program("minimiod");
    for (int i = 0; arguments[i]; i++)
        all[8 + i] = arguments[i];
    process_start_passing(&minimiod.process, fds, kept_count, all);
}

void manager_start(const char *const *arguments)
{
    set_environment();
    run(arguments);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    confirmed = true;
    if (!process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS))
        ck_abort_msg("minimiod did not start: %s", minimiod.process.err.text);
}

void manager_end(int signal_number)
{
    kill(minimiod.process.pid, signal_number);
    await_end();
    process_wait(&minimiod.process, PROCESS_TIMEOUT_MS);
    process_free(&minimiod.process);
}

/* ------------------------------------------------------------------------------------------------------------------ */

void manager_open(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(folder, sizeof folder, "%s/minimio-manager-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_lt(snprintf(address.sun_path, sizeof address.sun_path, "%.90s/notify", folder), 100);
    notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(notified, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(minimiod.folder, sizeof minimiod.folder, "%s", folder);
    snprintf(minimiod.socket, sizeof minimiod.socket, "%s/minimio.sock", folder);
    kept_count = 0;
}

void manager_close(void)
{
    char path[128];

    kill(minimiod.process.pid, SIGTERM);
    await_end();
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    process_free(&minimiod.process);
    while (kept_count)
        manager_drop(kept[0].name);
    close(notified);
    snprintf(path, sizeof path, "%s/notify", folder);
    unlink(path);
    unlink(minimiod.socket);
    ck_assert_int_eq(rmdir(folder), 0);
}
