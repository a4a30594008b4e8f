/* SPDX-License-Identifier: MIT */
/* A user's own daemon, not root's: which file it reads, and that its user needs no leave to use it. */
#include "tests/daemon/conf.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_own_suite(void);

#define SOMEBODY 4710 /* not 65534, who may be many users */

static char folder[64];

/* $TMPDIR is root's, so the folder is not in it. */
static bool set_up_folder(void)
{
    struct process process;
    bool reachable;

    if (!can_be_others())
        return false;
    reachable = process_run(&process, ARGUMENTS("setpriv", "--reuid=4710", "--clear-groups", "test", "-x",
                                                built_program("minimiod"))) == 0;
    process_free(&process);
    if (!reachable) {
        fputs("skipped: another user cannot reach the build\n", stderr);
        return false;
    }
    strcpy(folder, "/tmp/minimio-own-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chown(folder, SOMEBODY, (gid_t)-1), 0);
    setenv("TMPDIR", folder, 1); /* valgrind needs one */
    return true;
}

static void remove_folder(void)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS("rm", "-r", folder)), 0);
    process_free(&process);
}

static void write_file(const char *below, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, below);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Checks with these variables, which may name $folder, and expects this file to have been read; NULL: none. */
static void expect_file(const char *first, const char *second, const char *below)
{
    char command[1024], expected[256];
    struct process process;

    snprintf(command, sizeof command,
             "folder=%s; exec setpriv --reuid=4710 --clear-groups env -u XDG_RUNTIME_DIR -u XDG_CONFIG_HOME "
             "HOME=\"$folder\" %s %s '%s' --check-config",
             folder, first, second, built_program("minimiod"));
    ck_assert_msg(process_run(&process, ARGUMENTS("sh", "-c", command)) == 0, "it said: %s", process.err.text);
    if (below)
        snprintf(expected, sizeof expected, "configuration file: %s/%s\nOK\n", folder, below);
    else
        snprintf(expected, sizeof expected, "configuration file: none\nOK\n");
    ck_assert_str_eq(process.out.text, expected);
    process_free(&process);
}

START_TEST(it_reads_the_users_file)
{
    if (!set_up_folder())
        return;
    expect_file("XDG_RUNTIME_DIR=\"$folder\"", "", NULL);
    write_file(".config/minimio/minimiod.conf", "[limits]\nsessions = 5\n");
    expect_file("XDG_RUNTIME_DIR=\"$folder\"", "", ".config/minimio/minimiod.conf");
    write_file("set/minimio/minimiod.conf", "[limits]\nsessions = 5\n");
    expect_file("XDG_RUNTIME_DIR=\"$folder\"", "XDG_CONFIG_HOME=\"$folder\"/set", "set/minimio/minimiod.conf");
    expect_file("XDG_RUNTIME_DIR=\"$folder\"", "XDG_CONFIG_HOME=\"$folder\"/other", NULL);
    remove_folder();
}
END_TEST

START_TEST(an_unreadable_file_is_told)
{
    char command[512], expected[256];
    struct process process;

    if (!set_up_folder())
        return;
    write_file("conf", "[limits]\nsessions = 5\n");
    snprintf(command, sizeof command,
             "chmod 0 %s/conf; exec setpriv --reuid=4710 --clear-groups '%s' --check-config --config %s/conf", folder,
             built_program("minimiod"), folder);
    ck_assert_int_eq(process_run(&process, ARGUMENTS("sh", "-c", command)), 2);
    snprintf(expected, sizeof expected, "%s/conf: cannot be read: Permission denied\n", folder);
    ck_assert_str_eq(process.err.text, expected);
    process_free(&process);
    remove_folder();
}
END_TEST

START_TEST(its_user_is_not_listed_and_may_connect)
{
    char path[80];
    struct wire visitor;

    if (!set_up_folder())
        return;
    write_file("conf", "[daemon]\nsocket-mode = 0666\n[access]\nusers = 4711\n");
    snprintf(path, sizeof path, "%s/conf", folder);
    snprintf(minimiod.folder, sizeof minimiod.folder, "%s", folder);
    snprintf(minimiod.socket, sizeof minimiod.socket, "%s/minimio.sock", folder);
    process_start(&minimiod.process, false,
                  ARGUMENTS("setpriv", "--reuid=4710", "--clear-groups", built_program("minimiod"), "--socket",
                            minimiod.socket, "--config", path));
    ck_assert(process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS));
    wire_open_as(&visitor, SOMEBODY, SOMEBODY, NULL, 0);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    wire_open_as(&visitor, 0, 0, NULL, 0);
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    wire_open_as(&visitor, 4712, 4712, NULL, 0);
    expect(&visitor, "{'error':{'data':{'name':'DENIED','rule':'access'}}}");
    wire_close(&visitor);
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    process_free(&minimiod.process);
    remove_folder();
}
END_TEST

Suite *daemon_own_suite(void)
{
    Suite *suite = suite_create("daemon_own");
    TCase *tests = tcase_create("as another user");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, it_reads_the_users_file);
    tcase_add_test(tests, an_unreadable_file_is_told);
    tcase_add_test(tests, its_user_is_not_listed_and_may_connect);
    suite_add_tcase(suite, tests);
    return suite;
}
