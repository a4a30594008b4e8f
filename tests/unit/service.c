/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told, against a manager of the test's own: a datagram socket that is read when the test
 * says so.
 */
#include "daemon/manager/manager.h"
#include "daemon/manager/fd_store.h"
#include "tests/fail_alloc.h"
#include "tests/process.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *unit_service_suite(void);

#define PATIENCE_MS 5000

static struct reactor reactor;
static struct manager *service;
static struct sockaddr_un address;
static int manager = -1;  /* its socket */
static int received = -1; /* what came with the last message */
static char message[4096];
static struct depositor us;
static int closed_count; /* descriptors that were held, and are not any more */

static void done(struct depositor *depositor, int fd)
{
    (void)depositor;
    closed_count += fd >= 0;
    if (fd >= 0)
        close(fd);
}

/* ---- A manager ----------------------------------------------------------------------------------------------------
 */

static void open_manager(void)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};

    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify.%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (int)getpid());
    unlink(address.sun_path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
    setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void forget_received(void)
{
    if (received >= 0)
        close(received);
    received = -1;
}

/* The next message into `message`, its descriptor into `received`. False: none is there, with `flags` MSG_DONTWAIT. */
static bool take_message(int flags)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = {.iov_base = message, .iov_len = sizeof message - 1};
    struct msghdr header = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(manager, &header, flags | MSG_CMSG_CLOEXEC);

    forget_received();
    if (n < 0)
        return false;
    message[n] = '\0';
    if (header.msg_controllen)
        memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof received);
    return true;
}

static void expect_message(const char *begin)
{
    ck_assert_msg(take_message(0), "no message");
    ck_assert_msg(!strncmp(message, begin, strlen(begin)), "'%s', not '%s'", message, begin);
}

static void expect_none(void)
{
    ck_assert_msg(!take_message(MSG_DONTWAIT), "'%s'", message);
}

/* The manager closes the pipe's end that came with a barrier. */
static void expect_barrier(void)
{
    expect_message("BARRIER=1");
    ck_assert_int_ge(received, 0);
    forget_received();
}

/* ---- The log ------------------------------------------------------------------------------------------------------
 */

static FILE *log_file;
static int kept_stderr;

/* Standard error becomes a file. Check runs each test in a process of its own. */
static void capture_log(void)
{
    kept_stderr = dup(STDERR_FILENO);
    log_file = tmpfile();
    ck_assert_ptr_nonnull(log_file);
    ck_assert_int_ge(dup2(fileno(log_file), STDERR_FILENO), 0);
    unsetenv("JOURNAL_STREAM");
}

static void expect_logged(const char *lines)
{
    char written[256];

    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    rewind(log_file);
    written[fread(written, 1, sizeof written - 1, log_file)] = '\0';
    fclose(log_file);
    ck_assert_str_eq(written, lines);
}

/* ---- The daemon's side --------------------------------------------------------------------------------------------
 */

static void start(void)
{
    ck_assert_int_eq(reactor_init(&reactor), 0);
    ck_assert_int_eq(manager_new(&reactor, &service), 0);
    manager_set_store_max(service, 100);
    depositor_init(&us, done);
    closed_count = 0;
}

static void overdue(struct timer *timer)
{
    (void)timer;
    ck_abort_msg("the reactor had nothing to wait for");
}

static void turn(void)
{
    struct timer patience = {0};

    timer_start(&reactor.timers, &patience, PATIENCE_MS, overdue);
    ck_assert_int_eq(reactor_turn(&reactor, false), 0);
    timer_stop(&reactor.timers, &patience);
    manager_turn(service);
    reactor_free_deferred(&reactor);
}

static void set_up(void)
{
    open_manager();
    start();
}

static void tear_down(void)
{
    service = manager_free(service);
    reactor_deinit(&reactor);
    forget_received();
    if (manager >= 0)
        close(manager);
    unlink(address.sun_path);
}

/* ---- State --------------------------------------------------------------------------------------------------------
 */

START_TEST(the_environment_is_taken)
{
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    ck_assert_int_eq(manager_restore_environment(service), 0);
    ck_assert_str_eq(getenv("NOTIFY_SOCKET"), address.sun_path);
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
}
END_TEST

START_TEST(states_are_told_in_their_order)
{
    manager_ready(service, "%u sessions", 7u);
    expect_message("READY=1\n");
    ck_assert_ptr_nonnull(strstr(message, "\nSTATUS=7 sessions\n"));
    manager_reloading(service);
    expect_message("RELOADING=1\nMONOTONIC_USEC=");
    manager_ready(service, "again");
    expect_message("READY=1\n");
    manager_stopping(service);
    expect_message("STOPPING=1\n");
    ck_assert(!manager_wants_status(service));
    manager_turn(service);
    expect_none();
}
END_TEST

START_TEST(a_long_status_is_cut)
{
    manager_ready(service, "%0200d", 0);
    expect_message("READY=1\n");
    ck_assert_uint_eq(strspn(strstr(message, "STATUS=") + 7, "0"), 127);
}
END_TEST

START_TEST(the_status_is_refreshed_seldom)
{
    manager_ready(service, "old");
    expect_message("READY=1\n");
    reactor.timers.now_ns += MANAGER_STATUS_MS * NS_PER_MS;
    ck_assert(manager_wants_status(service));
    manager_status(service, "new");
    ck_assert(!manager_wants_status(service));
    expect_none();
    manager_turn(service);
    expect_message("STATUS=new\n");
}
END_TEST

/* ---- The watchdog -------------------------------------------------------------------------------------------------
 */

static void set_up_watchdog(void)
{
    setenv("WATCHDOG_USEC", "100000", 1);
    set_up();
}

#ifdef HAVE_SYSTEMD
START_TEST(the_watchdog_is_fed_by_turns_alone)
{
    ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
    manager_turn(service);
    expect_none();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(reactor_turn(&reactor, false), 0);
        expect_none();
        manager_turn(service);
        expect_message("WATCHDOG=1\n");
    }
    ck_assert_int_eq(manager_restore_environment(service), 0);
    ck_assert_str_eq(getenv("WATCHDOG_USEC"), "100000");
}
END_TEST
#endif

/* ---- The store ----------------------------------------------------------------------------------------------------
 */

static void store(const char *name)
{
    ck_assert_int_eq(manager_store(service, &us, manager, name), 0);
}

START_TEST(what_is_stored_arrives_as_it_is)
{
    struct stat ours, theirs;

    store("a");
    ck_assert(!manager_is_synced(service));
    expect_none();
    manager_turn(service);
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a");
    ck_assert_int_eq(fstat(manager, &ours), 0);
    ck_assert_int_eq(fstat(received, &theirs), 0);
    ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
    ck_assert(!manager_is_synced(service));
    expect_barrier();
    turn();
    ck_assert(manager_is_synced(service));
}
END_TEST

START_TEST(forgotten_is_what_was_sent)
{
    store("sent");
    manager_turn(service);
    store("not sent");
    ck_assert_int_eq(manager_forget(service, &us, "not sent", -1), 0);
    ck_assert_int_eq(manager_forget(service, &us, "not sent", -1), -ENOENT);
    ck_assert_int_eq(manager_forget(service, &us, "sent", -1), 0);
    ck_assert_int_eq(manager_forget(service, &us, "sent", -1), -ENOENT);
    store("sent");
    manager_turn(service);
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=sent");
    expect_barrier();
    expect_message("FDSTOREREMOVE=1\nFDNAME=sent");
    ck_assert_int_eq(received, -1);
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=sent");
    expect_none();
    turn();
    expect_barrier();
    turn();
    ck_assert(manager_is_synced(service));
}
END_TEST

/* It comes after the manager's rest, if the manager took long. */
static void await_message(const char *begin)
{
    while (!take_message(MSG_DONTWAIT))
        turn();
    ck_assert_msg(!strncmp(message, begin, strlen(begin)), "'%s', not '%s'", message, begin);
}

static void forget_with_copy(const char *name)
{
    ck_assert_int_eq(manager_forget(service, &us, name, dup(STDERR_FILENO)), 0);
}

START_TEST(a_copy_is_held_until_the_manager_has_closed_its_own)
{
    store("a");
    manager_turn(service);
    expect_message("FDSTORE=1");
    expect_barrier();
    turn();
    ck_assert(manager_keeps(service, "a"));
    forget_with_copy("a");
    ck_assert(!manager_keeps(service, "a"));
    manager_turn(service);
    await_message("FDSTOREREMOVE=1");
    expect_message("BARRIER=1");
    ck_assert_int_eq(closed_count, 0);
    forget_received();
    turn();
    ck_assert_int_eq(closed_count, 1);
    ck_assert_uint_eq(us.pending, 0);
}
END_TEST

/* Also where the store itself is not confirmed yet. */
START_TEST(a_copy_is_held_for_what_is_on_its_way)
{
    store("a");
    manager_turn(service);
    forget_with_copy("a");
    expect_message("FDSTORE=1");
    expect_barrier();
    turn();
    ck_assert_int_eq(closed_count, 0);
    await_message("FDSTOREREMOVE=1");
    expect_barrier();
    turn();
    ck_assert_int_eq(closed_count, 1);
}
END_TEST

START_TEST(of_what_was_never_sent_no_copy_is_held)
{
    store("a");
    ck_assert(!manager_keeps(service, "a"));
    forget_with_copy("a");
    ck_assert_int_eq(closed_count, 1);
    manager_turn(service);
    expect_none();
}
END_TEST

START_TEST(copies_are_let_go_before_another_binary_starts)
{
    store("sent");
    store("queued");
    manager_turn(service);
    forget_with_copy("sent");
    manager_turn(service);
    forget_with_copy("queued");
    manager_release_held(service);
    ck_assert_int_eq(closed_count, 2);
    ck_assert_uint_ne(us.pending, 0);
    service = manager_free(service);
    ck_assert_int_eq(closed_count, 2);
    ck_assert_uint_eq(us.pending, 0);
}
END_TEST

START_TEST(depositors_take_turns)
{
    static struct depositor other;
    char name[8];
    int stores = 0;

    depositor_init(&other, done);
    for (int i = 0; i < 3 * FD_STORE_IN_FLIGHT_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        store(name);
    }
    manager_turn(service);
    while (take_message(MSG_DONTWAIT))
        ;
    ck_assert_int_eq(manager_store(service, &other, manager, "other"), 0);
    while (strcmp(message, "FDSTORE=1\nFDPOLL=0\nFDNAME=other") != 0) {
        if (take_message(MSG_DONTWAIT))
            stores += !strncmp(message, "FDSTORE=1", 9);
        else
            turn();
    }
    ck_assert_int_le(stores, 2);
}
END_TEST

static int drain(void)
{
    int stores = 0;

    while (take_message(MSG_DONTWAIT)) {
        stores += !strncmp(message, "FDSTORE=1", 9);
        if (!strcmp(message, "BARRIER=1"))
            break; /* its end stays open in `received` */
    }
    return stores;
}

START_TEST(the_manager_has_its_own_pace)
{
    char name[8];
    int stores = 0, most = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        store(name);
    }
    manager_turn(service);
    while (!manager_is_synced(service)) {
        int now = drain();
        stores += now;
        most = now > most ? now : most;
        forget_received();
        turn();
    }
    ck_assert_int_eq(stores, 100);
    ck_assert_int_le(most, FD_STORE_IN_FLIGHT_MAX);
}
END_TEST

static void is_over(struct timer *timer)
{
    (void)timer;
}

static void be_slow(void)
{
    struct timer slow = {0};

    store("a");
    manager_turn(service);
    expect_message("FDSTORE=1");
    expect_message("BARRIER=1");
    timer_start(&reactor.timers, &slow, 50, is_over);
    turn();
    ck_assert(!slow.running);
    forget_received();
    turn();
}

/* A manager that needs long has as long for others, before there is more for it to do. */
START_TEST(a_slow_manager_has_a_rest)
{
    be_slow();
    store("b");
    manager_turn(service);
    expect_none();
    turn();
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=b");
}
END_TEST

/* The end of the daemon waits for it, and its clients for the next one. */
START_TEST(at_the_end_a_slow_manager_has_none)
{
    be_slow();
    store("b");
    manager_stopping(service);
    expect_message("STOPPING=1\n");
    manager_turn(service);
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=b");
}
END_TEST

START_TEST(a_manager_that_is_full_is_waited_for)
{
    int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int filled = 0;

    while (sendto(other, "X=1", 3, 0, (struct sockaddr *)&address, sizeof address) == 3)
        filled++;
    ck_assert_int_eq(errno, EAGAIN);
    store("a");
    manager_ready(service, "late");
    manager_turn(service);
    for (int i = 0; i < filled; i++)
        expect_message("X=1");
    expect_none();
    turn();
    expect_message("READY=1\n");
    expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a");
    expect_barrier();
    turn();
    ck_assert(manager_is_synced(service));
    close(other);
}
END_TEST

START_TEST(names_are_checked)
{
    char longest[257];

    memset(longest, 'n', sizeof longest);
    longest[256] = '\0';
    ck_assert_int_eq(manager_store(service, &us, manager, ""), -EINVAL);
    ck_assert_int_eq(manager_store(service, &us, manager, "a:b"), -EINVAL);
    ck_assert_int_eq(manager_store(service, &us, manager, "a\nb"), -EINVAL);
    ck_assert_int_eq(manager_store(service, &us, manager, "\xc3\xa4"), -EINVAL);
    ck_assert_int_eq(manager_store(service, &us, manager, "minimio.socket"), -EINVAL);
    ck_assert_int_eq(manager_store(service, &us, manager, longest), -EINVAL);
    longest[255] = '\0';
    ck_assert_int_eq(manager_store(service, &us, manager, longest), 0);
    ck_assert_int_eq(manager_store(service, &us, manager, longest), -EEXIST);
    ck_assert_int_eq(manager_store(service, &us, manager, "b"), 0);
}
END_TEST

START_TEST(a_full_store_says_so)
{
    manager_set_store_max(service, 2);
    store("a");
    store("b");
    ck_assert_int_eq(manager_store(service, &us, manager, "c"), -ENOSPC);
    ck_assert_int_eq(manager_forget(service, &us, "a", -1), 0);
    store("c");
    manager_set_store_max(service, 0);
    ck_assert(!manager_has_store(service));
    ck_assert_int_eq(manager_store(service, &us, manager, "d"), -ENOTCONN);
}
END_TEST

/* With more the kernel would refuse to start the daemon again. */
START_TEST(names_fit_in_an_environment_variable)
{
    char name[256];
    int result = 0, count = 0;

    manager_set_store_max(service, 100000);
    for (; result == 0; count += result == 0) {
        snprintf(name, sizeof name, "%0255d", count);
        result = manager_store(service, &us, manager, name);
    }
    ck_assert_int_eq(result, -ENOSPC);
    ck_assert_int_eq(count, FD_STORE_NAMES_BYTES / 256);
}
END_TEST

START_TEST(a_manager_with_another_socket_is_told_there)
{
    manager_ready(service, "at the first");
    expect_message("READY=1");
    close(manager);
    open_manager();
    manager_ready(service, "at the second");
    expect_message("READY=1");
    ck_assert(manager_has_store(service));
}
END_TEST

START_TEST(a_manager_that_is_gone_is_none)
{
    capture_log();
    ck_assert_int_eq(manager_store(service, &us, STDERR_FILENO, "a"), 0);
    manager_turn(service);
    forget_with_copy("a");
    close(manager);
    manager = -1;
    ck_assert_int_eq(manager_store(service, &us, STDERR_FILENO, "b"), 0);
    manager_turn(service);
    ck_assert_int_eq(closed_count, 1);
    ck_assert(manager_is_synced(service));
    ck_assert(!manager_has_store(service));
    ck_assert_int_eq(manager_store(service, &us, STDERR_FILENO, "c"), -ENOTCONN);
    manager_ready(service, "nobody hears it");
    manager_turn(service);
    expect_logged("minimiod: lost the connection to the service manager: Connection refused\n");
}
END_TEST

START_TEST(memory_may_run_out)
{
    struct manager *other = NULL;
    int stored, result = -ENOMEM;

    if (!fail_alloc_works())
        return;
    fail_alloc_after(1);
    stored = manager_store(service, &us, manager, "a");
    fail_alloc_after(-1);
    ck_assert_int_eq(stored, -ENOMEM);
    fail_alloc_after(1);
    stored = manager_adopt_entry(service, "a");
    fail_alloc_after(-1);
    ck_assert_int_eq(stored, -ENOMEM);
    ck_assert_int_eq(manager_forget(service, &us, "a", -1), -ENOENT);
    ck_assert_int_eq(manager_adopt_entry(service, "a"), 0);
    ck_assert_int_eq(manager_adopt_entry(service, "a"), 0);
    ck_assert_int_eq(manager_forget(service, &us, "a", -1), 0);
    for (int n = 1; result == -ENOMEM; n++) {
        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        fail_alloc_after(n);
        result = manager_new(&reactor, &other);
        fail_alloc_after(-1);
    }
    ck_assert_int_eq(result, 0);
    manager_free(other);
}
END_TEST

/* ---- Nobody -------------------------------------------------------------------------------------------------------
 */

START_TEST(without_a_manager_nothing_happens)
{
    char name[MANAGER_NAME_SIZE];

    unsetenv("NOTIFY_SOCKET");
    start();
    manager_ready(service, "ready");
    manager_reloading(service);
    manager_stopping(service);
    manager_turn(service);
    ck_assert(!manager_wants_status(service));
    ck_assert(!manager_has_store(service));
    ck_assert(manager_is_synced(service));
    ck_assert_int_eq(manager_take_listener(service), -ENOENT);
    ck_assert_int_eq(manager_take_stored(service, name), -ENOENT);
    ck_assert_int_eq(manager_store(service, &us, STDERR_FILENO, "a"), -ENOTCONN);
    ck_assert_int_eq(manager_forget(service, &us, "a", -1), -ENOENT);
    ck_assert_ptr_null(manager_free(NULL));
}
END_TEST

START_TEST(a_manager_that_cannot_be_reached_is_none)
{
    static const struct {
        const char *address;
        const char *log;
    } cases[] = {
        {"", ""},
        {"/", "minimiod: running without a service manager: NOTIFY_SOCKET=/ cannot be used: Invalid argument\n"},
        {"relative",
         "minimiod: running without a service manager: NOTIFY_SOCKET=relative cannot be used: Invalid argument\n"},
        {"vsock:2:1",
         "minimiod: running without a service manager: NOTIFY_SOCKET=vsock:2:1 cannot be used: Invalid argument\n"},
        {"/nowhere/at/all",
         "minimiod: running without a service manager: NOTIFY_SOCKET=/nowhere/at/all cannot be used: "
         "No such file or directory\n"},
        {"@", "minimiod: running without a service manager: NOTIFY_SOCKET=@ cannot be used: Invalid argument\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        capture_log();
        setenv("NOTIFY_SOCKET", cases[i].address, 1);
        start();
        manager_ready(service, "ready");
        ck_assert(!manager_has_store(service));
        service = manager_free(service);
        reactor_deinit(&reactor);
        expect_logged(cases[i].log);
    }
}
END_TEST

Suite *unit_service_suite(void)
{
    Suite *suite = suite_create("unit_service");
    TCase *told = tcase_create("told"), *watchdog = tcase_create("watchdog"), *nobody = tcase_create("nobody");

    tcase_add_checked_fixture(told, set_up, tear_down);
    tcase_add_test(told, the_environment_is_taken);
    tcase_add_test(told, states_are_told_in_their_order);
    tcase_add_test(told, a_long_status_is_cut);
    tcase_add_test(told, the_status_is_refreshed_seldom);
    tcase_add_test(told, what_is_stored_arrives_as_it_is);
    tcase_add_test(told, forgotten_is_what_was_sent);
    tcase_add_test(told, a_copy_is_held_until_the_manager_has_closed_its_own);
    tcase_add_test(told, a_copy_is_held_for_what_is_on_its_way);
    tcase_add_test(told, of_what_was_never_sent_no_copy_is_held);
    tcase_add_test(told, copies_are_let_go_before_another_binary_starts);
    tcase_add_test(told, depositors_take_turns);
    tcase_add_test(told, the_manager_has_its_own_pace);
    tcase_add_test(told, a_slow_manager_has_a_rest);
    tcase_add_test(told, at_the_end_a_slow_manager_has_none);
    tcase_add_test(told, a_manager_that_is_full_is_waited_for);
    tcase_add_test(told, names_are_checked);
    tcase_add_test(told, a_full_store_says_so);
    tcase_add_test(told, names_fit_in_an_environment_variable);
    tcase_add_test(told, a_manager_that_is_gone_is_none);
    tcase_add_test(told, a_manager_with_another_socket_is_told_there);
    tcase_add_test(told, memory_may_run_out);
    suite_add_tcase(suite, told);

    tcase_add_checked_fixture(watchdog, set_up_watchdog, tear_down);
#ifdef HAVE_SYSTEMD
    tcase_add_test(watchdog, the_watchdog_is_fed_by_turns_alone);
#endif
    suite_add_tcase(suite, watchdog);

    tcase_add_test(nobody, without_a_manager_nothing_happens);
    tcase_add_test(nobody, a_manager_that_cannot_be_reached_is_none);
    suite_add_tcase(suite, nobody);
    return suite;
}
