/* SPDX-License-Identifier: MIT */
/* How the daemon begins and ends: options, the socket file, signals. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"
#include "tests/script.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_lifetime_suite(void);

#define README_MS 100000

static void expect_exit(int status, const char *message, const char *const *arguments)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, arguments), status);
    ck_assert_msg(strstr(process.err.text, message), "it said: %s", process.err.text);
    process_free(&process);
}

START_TEST(too_few_descriptors_are_refused)
{
    char command[512];

    snprintf(command, sizeof command, "ulimit -n 64 && exec '%s' --socket /tmp/never.sock", built_program("minimiod"));
    expect_exit(2, "too few", ARGUMENTS("sh", "-c", command));
}
END_TEST

/* As many streams as the hard limit allows, and no more, whatever is asked for. */
static const struct {
    const char *options, *message;
} descriptors[] = {
    {"", "registrations 136, 136 a user"},
    {"--limit registrations=137", "registrations: 137 is more than 472 descriptors allow, so it is 136"},
    {"--limit registrations=137", "registrations 136, 136 a user"},
    {"--limit registrations=136", "registrations 136, 136 a user"},
    {"--limit registrations=100,registrations_uid=101", "registrations 100, 100 a user"},
    {"--limit registrations=100,registrations_uid=99", "registrations 100, 99 a user"},
};

START_TEST(the_descriptor_limit_is_raised)
{
    const char *temporary = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    /* valgrind takes descriptors for itself. */
    const char *program = built_program(getenv("MINIMIO_VALGRIND") ? "../minimiod" : "minimiod");
    struct process process;
    char command[600];

    snprintf(command, sizeof command,
             "ulimit -S -n 100 && ulimit -H -n 472 && exec '%s' --config /dev/null --socket '%s/raised.%d' %s", program,
             temporary, (int)getpid(), descriptors[_i].options);
    process_start(&process, false, ARGUMENTS("sh", "-c", command));
    if (!process_await_text(&process, &process.err, descriptors[_i].message, PROCESS_TIMEOUT_MS))
        ck_abort_msg("it said: %s", process.err.text);
    kill(process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    process_free(&process);
}
END_TEST

START_TEST(a_path_from_the_environment_may_be_too_long)
{
    char path[200];

    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    setenv("MINIMIO_SOCKET", path, 1);
    expect_exit(2, "the socket's path from the environment is too long for a socket; see --socket",
                ARGUMENTS(built_program("minimiod"), "--config", "/dev/null"));
    unsetenv("MINIMIO_SOCKET");
}
END_TEST

static void end_by(int signal_number)
{
    struct wire deaf;

    set_up();
    wire_open(&deaf, minimiod.socket);
    call(&deaf, "close_loop", NULL);
    kill(minimiod.process.pid, signal_number);
    expect(&wire, "{'method':'loop_closed','params':{'loop':null,'reason':'shutdown'}}");
    expect_end(&wire);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    ck_assert_int_ne(access(minimiod.socket, F_OK), 0);
    process_free(&minimiod.process);
    ck_assert_int_eq(rmdir(minimiod.folder), 0);
    wire_close(&deaf);
    wire_close(&wire);
    port_close(&port);
}

START_TEST(sigterm_ends_it_in_order)
{
    end_by(SIGTERM);
}
END_TEST

START_TEST(sigint_ends_it_in_order)
{
    end_by(SIGINT);
}
END_TEST

START_TEST(the_end_waits_a_second_for_the_slow)
{
    struct wire slow;
    int64_t started_ns;
    int sent;

    set_up();
    wire_open(&slow, minimiod.socket);
    fill_until_blocked(&slow, &sent);
    started_ns = test_now_ns();
    wire_close(&wire);
    port_close(&port);
    stop_minimiod(&minimiod);
    ck_assert_int_ge(test_now_ns() - started_ns, 900000000);
    wire_close(&slow);
}
END_TEST

START_TEST(sighup_ends_no_session)
{
    kill(minimiod.process.pid, SIGHUP);
    call(&wire, "ping", NULL);
}
END_TEST

START_TEST(a_dead_socket_is_replaced)
{
    char socket[sizeof minimiod.socket];

    start_minimiod(&minimiod, NULL);
    strcpy(socket, minimiod.socket);
    kill(minimiod.process.pid, SIGKILL);
    process_wait(&minimiod.process, PROCESS_TIMEOUT_MS);
    process_free(&minimiod.process);
    ck_assert_int_eq(access(socket, F_OK), 0);
    process_start(&minimiod.process, false, ARGUMENTS(built_program("minimiod"), "--socket", socket));
    ck_assert(process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS));
    wire_open(&wire, socket);
    call(&wire, "ping", NULL);
    wire_close(&wire);
    stop_minimiod(&minimiod);
}
END_TEST

START_TEST(a_living_socket_is_refused)
{
    expect_exit(1, "another daemon answers", ARGUMENTS(built_program("minimiod"), "--socket", minimiod.socket));
    call(&wire, "ping", NULL);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/file", minimiod.folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("kept", file);
    fclose(file);
    expect_exit(1, "is not a socket", ARGUMENTS(built_program("minimiod"), "--socket", path));
    ck_assert_int_eq(unlink(path), 0);
    expect_exit(1, "/nowhere/minimio.sock", ARGUMENTS(built_program("minimiod"), "--socket", "/nowhere/minimio.sock"));
}
END_TEST

/* Any user who may read the folder can hold its lock. */
START_TEST(a_folder_that_somebody_has_locked_is_no_obstacle)
{
    struct process process;
    char folder[128], socket[160], lock[176];
    int fd;

    snprintf(folder, sizeof folder, "%s/minimio-lock-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(socket, sizeof socket, "%s/minimio.sock", folder);
    snprintf(lock, sizeof lock, "%s.lock", socket);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    process_start(&process, false, ARGUMENTS(built_program("minimiod"), "--socket", socket, "--config", "/dev/null"));
    ck_assert_msg(process_await_text(&process, &process.err, "listening on ", PROCESS_TIMEOUT_MS), "it said: %s",
                  process.err.text);
    ck_assert_int_eq(access(lock, F_OK), -1); /* no file stays behind */
    kill(process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    process_free(&process);
    close(fd);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* A lock file that a crash left behind is used; what is not the daemon's own file is refused and not waited for. */
START_TEST(a_lock_left_behind_is_used_and_a_pipe_is_refused)
{
    struct process process;
    char folder[128], socket[160], lock[176];

    snprintf(folder, sizeof folder, "%s/minimio-lock-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(socket, sizeof socket, "%s/minimio.sock", folder);
    snprintf(lock, sizeof lock, "%s.lock", socket);
    ck_assert_int_eq(mkfifo(lock, 0600), 0);
    expect_exit(1, "Permission denied", ARGUMENTS(built_program("minimiod"), "--socket", socket));
    ck_assert_int_eq(unlink(lock), 0);
    close(open(lock, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    process_start(&process, false, ARGUMENTS(built_program("minimiod"), "--socket", socket, "--config", "/dev/null"));
    ck_assert_msg(process_await_text(&process, &process.err, "listening on ", PROCESS_TIMEOUT_MS), "it said: %s",
                  process.err.text);
    kill(process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    process_free(&process);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(the_socket_has_its_mode)
{
    struct stat found;

    start_minimiod(&minimiod, NULL);
    ck_assert_int_eq(stat(minimiod.socket, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    stop_minimiod(&minimiod);
    start_minimiod(&minimiod, ARGUMENTS("--socket-mode", "0666"));
    ck_assert_int_eq(stat(minimiod.socket, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0666);
    stop_minimiod(&minimiod);
}
END_TEST

static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"};

/* How many of the machine's TCP and UDP sockets are the daemon's. */
static int network_sockets(void)
{
    char line[512];
    int count = 0;

    for (int i = 0; i < LENGTH(tables); i++) {
        FILE *table = fopen(tables[i], "r");
        unsigned long inode;

        while (table && fgets(line, sizeof line, table))
            if (sscanf(line, "%*d: %*s %*s %*s %*s %*s %*s %*s %*s %lu", &inode) == 1 && inode)
                count += find_descriptor(inode) >= 0;
        if (table)
            fclose(table);
    }
    return count;
}

START_TEST(it_is_on_no_network_of_itself)
{
    ck_assert_int_eq(network_sockets(), 0);
    close(open_stream(&wire, 1, ""));
    ck_assert_int_eq(network_sockets(), 1);
}
END_TEST

static const struct {
    const char *option, *value, *message;
} bad_options[] = {
    {"--limit", "sessions", "NAME=NUMBER"},
    {"--limit", "sessions=x", "write a number"},
    {"--limit", "nothing=1", "no such limit"},
    {"--limit", "batch=100000", "range"},
    {"--limit", "line_bytes=8192", "id_bytes"},
    {"--socket-mode", "999", "octal"},
    {"--log-level", "loud", "error, warning"},
    {"--socket", "", "empty"},
    {"--store", "many", "how many descriptors"},
    {"--store", "-1", "how many descriptors"},
    {"--store", "7x", "how many descriptors"},
    {"--store", "4294967296", "how many descriptors"},
    {"--unknown", "x", "--help"},
    {"extra", "x", "options only"},
};

START_TEST(a_bad_option_is_told)
{
    expect_exit(2, bad_options[_i].message,
                ARGUMENTS(built_program("minimiod"), bad_options[_i].option, bad_options[_i].value));
}
END_TEST

START_TEST(help_and_version_answer)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--help")), 0);
    ck_assert_ptr_nonnull(strstr(process.out.text, "--socket"));
    ck_assert_ptr_nonnull(strstr(process.out.text, "registrations_uid"));
    process_free(&process);
    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--version")), 0);
    ck_assert_str_eq(process.out.text, "minimiod " MINIMIO_VERSION "\n");
    process_free(&process);
}
END_TEST

START_TEST(the_readme_is_true)
{
    static const char *const languages[] = {"python", "sh"};

    run_script(ARGUMENTS("tests/clients/readme.sh", languages[_i]), README_MS);
}
END_TEST

/* ---- What is under way at the end -------------------------------------------------------------------------------- */

#define CONNECTS 1500

/* A port of the loopback that takes no connection any more: whoever connects waits. */
static int open_full_port(char ret_address[32], int *ret_waiting)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *ret_waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(*ret_waiting, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(ret_address, 32, "127.0.0.1:%u", ntohs(address.sin_port));
    return listener;
}

/* The client that closes its loop is dead, and not all of its connects are ended when the daemon is to end. */
START_TEST(a_close_loop_that_ends_many_connects_is_not_waited_for)
{
    int full, waiting;
    char address[32];
    struct wire dying;

    set_up();
    full = open_full_port(address, &waiting);
    wire_open(&dying, minimiod.socket);
    call(&dying, "open_loop", "{'name':'x'}");
    for (int i = 0; i < CONNECTS; i++)
        say(&dying, "{'jsonrpc':'2.0','method':'register','params':[%d,'%s']}", i, address);
    while (counter(&wire, "registrations") < CONNECTS)
        ;
    say(&dying, "{'jsonrpc':'2.0','id':1,'method':'close_loop'}");
    wire_close(&dying);
    while (counter(&wire, "registrations") == CONNECTS)
        ;
    tear_down(); /* waits for the end, which is by exit status 0 */
    close(waiting);
    close(full);
}
END_TEST

Suite *daemon_lifetime_suite(void)
{
    Suite *suite = suite_create("daemon_lifetime");
    TCase *tests = add_case(suite, "with a daemon");

    tcase_add_test(tests, sighup_ends_no_session);
    tcase_add_test(tests, a_living_socket_is_refused);
    tcase_add_test(tests, what_is_no_socket_is_left_alone);
    tcase_add_test(tests, it_is_on_no_network_of_itself);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, too_few_descriptors_are_refused);
    tcase_add_loop_test(tests, the_descriptor_limit_is_raised, 0, LENGTH(descriptors));
    tcase_add_test(tests, a_path_from_the_environment_may_be_too_long);
    tcase_add_test(tests, sigterm_ends_it_in_order);
    tcase_add_test(tests, sigint_ends_it_in_order);
    tcase_add_test(tests, the_end_waits_a_second_for_the_slow);
    tcase_add_test(tests, a_dead_socket_is_replaced);
    tcase_add_test(tests, a_folder_that_somebody_has_locked_is_no_obstacle);
    tcase_add_test(tests, a_lock_left_behind_is_used_and_a_pipe_is_refused);
    tcase_add_test(tests, the_socket_has_its_mode);
    tcase_add_test(tests, a_close_loop_that_ends_many_connects_is_not_waited_for);
    tcase_add_loop_test(tests, a_bad_option_is_told, 0, (int)(sizeof bad_options / sizeof bad_options[0]));
    tcase_add_test(tests, help_and_version_answer);
    tcase_add_loop_test(tests, the_readme_is_true, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
