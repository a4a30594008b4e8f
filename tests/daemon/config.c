/* SPDX-License-Identifier: MIT */
/* minimiod.conf: every way to be wrong has its line, and all of them are told at once. */
#include "tests/daemon/conf.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *daemon_config_suite(void);

/* The exit status of --check-config; what it said is in `*ret_process`. */
static int check(struct process *ret_process)
{
    return process_run(ret_process, ARGUMENTS(built_program("minimiod"), "--check-config", "--config", conf_path));
}

static const struct {
    const char *text;
    unsigned line;
    const char *message;
} errors[] = {
    {"sessions = 5\n", 1, "'sessions' stands in no section: write [daemon], [limits], [access] or [targets] above"},
    {"\n[limts]\nx = 1\n", 2, "there is no section [limts], only [daemon], [limits], [access] and [targets]"},
    {"[limits\nsessions = 5\n", 1, "a section is written as [name]"},
    {"[]\n", 1, "a section is written as [name]"},
    {"[limits] sessions = 5\n", 1, "a section is written as [name]"},
    {"[ limits ]\n", 1, "a section is written as [name]"},
    {"[daemon]\nsokcet = /x\n", 2, "there is no key 'sokcet' in [daemon], only socket, socket-mode, log-level"},
    {"[daemon]\nsocket /x\n", 2, "write KEY = VALUE, or begin a comment with #"},
    {"[daemon]\nsocket", 2, "write KEY = VALUE, or begin a comment with #"},
    {"[daemon]\nsocket =\n", 2, "socket '': the path is empty"},
    {"[daemon]\nsocket-mode = 0668\n", 2, "socket-mode '0668': write it in octal, 0 to 0777"},
    {"[daemon]\nsocket-mode = 1777\n", 2, "socket-mode '1777': write it in octal, 0 to 0777"},
    {"[daemon]\nlog-level = loud\n", 2, "log-level 'loud': write error, warning, info or debug"},
    {"[daemon]\nlog-level = info\n\nlog-level = info\n", 4, "log-level is given in line 2 already"},
    {"[daemon]\nlog-level = info\n[limits]\n[daemon]\nlog-level = info\n", 5, "log-level is given in line 2 already"},
    {"[limits]\nsession = 5\n", 2, "session: there is no such limit; minimiod --help lists them"},
    {"[limits]\nsessions = 0\n", 2, "sessions = '0': out of its range, 1 to 16777216"},
    {"[limits]\nsessions = 99999999\n", 2, "sessions = '99999999': out of its range, 1 to 16777216"},
    {"[limits]\nsessions = many\n", 2, "sessions = 'many': write a number, 1 to 16777216"},
    {"[limits]\nsessions = 5# five\n", 2, "sessions = '5# five': write a number"},
    {"[limits]\nsessions = # five\n", 2, "sessions = '': write a number"},
    {"[limits]\nsessions # = 5\n", 2, "write KEY = VALUE, or begin a comment with #"},
    {"[limits]\nsessions = \"5\n", 2, "the value begins with \": end it with \""},
    {"[limits]\nsessions = '5\"\n", 2, "the value begins with ': end it with '"},
    {"[limits]\nsessions = \"\n", 2, "the value begins with \": end it with \""},
    {"[limits]\nsessions = \"\"\n", 2, "sessions = '': write a number"},
    {"[limits]\nsessions = \"5\" 6\n", 2, "only a comment may follow a value in quotes"},
    {"[limits]\nsessions = \"5\"# five\n", 2, "only a comment may follow a value in quotes"},
    {"[access]\nusers = \"root\", \"0\"\n", 2, "put the quotes around the whole value"},
    {"[access]\nunmapped-users = yes\n", 2, "unmapped-users = 'yes': write allow or deny"},
    {"[limits]\nsessions = -1\n", 2, "sessions = '-1': write a number"},
    {"[limits]\nsessions = 99999999999999999999\n", 2, "write a number"},
    {"[limits]\nsessions = 5\nsessions = 5\n", 3, "sessions is given in line 2 already: take one of them out"},
    {"[limits]\nbatch = 2\nsessions = 5\n  batch = 3\n", 4, "batch is given in line 2 already"},
    {"[limits]\nline_bytes = 8192\nsessions = 5\n", 2, "batch * (id_bytes + 256) must be at most line_bytes"},
    {"[limits]\nline_bytes = 8192\nbatch = 100\n", 3, "100 * (256 + 256) is more than 8192"},
    {"[access]\nuser = root\n", 2, "there is no key 'user' in [access], only users, groups, unmapped-users"},
    {"[access]\nusers = root, no-such-user\n", 2, "there is no user 'no-such-user': write a name or a number"},
    {"[access]\nusers = 4294967295\n", 2, "there is no user '4294967295'"},
    {"[access]\nusers = root,\n", 2, "a user is missing"},
    {"[access]\nusers =\n", 2, "a user is missing: write names or numbers with commas between them"},
    {"[access]\ngroups = no-such-group\n", 2, "there is no group 'no-such-group': write a name or a number"},
    {"[access]\ngroups = root users\n", 2, "there is no group 'root users'"},
    {"[targets]\ndenny = 10.0.0.0/8\n", 2, "there is no key 'denny' in [targets], only allow, deny, default"},
    {"[targets]\ndeny = 10.0.0.0/33\n", 2, "deny = '10.0.0.0/33': behind the / stands a number of bits"},
    {"[targets]\ndeny = 127.1\n", 2, "deny = '127.1': an IPv4 address is four integers from 0 to 255"},
    {"[targets]\ndeny = 10.0.0.1/8\n", 2, "deny = '10.0.0.1/8': the address has bits beyond its prefix"},
    {"[targets]\ndeny = ::1\n", 2, "IPv6 stands in brackets"},
    {"[targets]\ndeny = example.com\n", 2, "names are not rules"},
    {"[targets]\ndeny = *:0\n", 2, "deny = '*:0': behind the : stands one port"},
    {"[targets]\ndeny = *:1, *:2\n", 2, "write one rule a line"},
    {"[targets]\ndeny =\n", 2, "deny = '': write an address"},
    {"[targets]\ndefault = maybe\n", 2, "default = 'maybe': write allow or deny"},
    {"[targets]\ndefault = deny\ndefault = deny\n", 3, "default is given in line 2 already"},
    {"[targets]\ndeny = *:1\nallow = *:2\nallow = *:3\n", 3, "say what holds for all else: default = deny"},
    {"[daemon]\nsocket = /a\tb\001\n", 2, "there is a control character in this line: take it out"},
    {"[daemon]\n\x7f\n", 2, "there is a control character"},
};

START_TEST(each_error_has_its_line)
{
    struct process process;
    char place[256];

    conf_write("%s", errors[_i].text);
    ck_assert_int_eq(check(&process), 2);
    snprintf(place, sizeof place, "%s:%u: ", conf_path, errors[_i].line);
    ck_assert_msg(!strncmp(process.err.text, place, strlen(place)), "it said: %s", process.err.text);
    ck_assert_msg(strstr(process.err.text, errors[_i].message), "it said: %s", process.err.text);
    ck_assert_ptr_eq(strchr(process.err.text, '\n'), process.err.text + process.err.length - 1);
    ck_assert_str_eq(process.out.text, "");
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(all_errors_are_told_at_once)
{
    static const unsigned lines[] = {1, 3, 4, 6, 8, 10, 11};
    struct process process;
    const char *at;

    conf_write("a = b\n[limits]\nsessions = x\nbatch\nid_bytes = 100\n[nothing]\nsessions = y\n[dae\n[targets]\n"
               "deny = x\nallow = *\n");
    ck_assert_int_eq(check(&process), 2);
    at = process.err.text;
    for (int i = 0; i < LENGTH(lines); i++) {
        char place[256];

        snprintf(place, sizeof place, "%s:%u: ", conf_path, lines[i]);
        ck_assert_msg(!strncmp(at, place, strlen(place)), "not %s: %s", place, at);
        at = strchr(at, '\n') + 1;
    }
    ck_assert_str_eq(at, "");
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(a_line_too_long_for_a_setting_is_told)
{
    struct process process;
    char line[1000], place[256];

    /* In a comment it does not matter. */
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    conf_write("# %s\n[limits]\nsessions = 5\n", line);
    ck_assert_int_eq(check(&process), 0);
    process_free(&process);
    conf_write("[daemon]\nsocket = /%s\n[limits]\nsessions = x\n", line);
    ck_assert_int_eq(check(&process), 2);
    snprintf(place, sizeof place, "%s:2: the line is too long: write at most ", conf_path);
    ck_assert_ptr_nonnull(strstr(process.err.text, place));
    snprintf(place, sizeof place, "%s:4: sessions = 'x'", conf_path);
    ck_assert_ptr_nonnull(strstr(process.err.text, place));
    process_free(&process);
    line[150] = '\0';
    conf_write("[daemon]\nsocket = /%s\n", line);
    ck_assert_int_eq(check(&process), 2);
    ck_assert_ptr_nonnull(strstr(process.err.text, "the path is too long for a socket"));
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(a_nul_is_told)
{
    static const char text[] = "[limits]\nsessions = 5\0 6\n";
    struct process process;

    conf_write_bytes(text, sizeof text - 1);
    ck_assert_int_eq(check(&process), 2);
    ck_assert_ptr_nonnull(strstr(process.err.text, ":2: there is a control character"));
    process_free(&process);
    conf_remove();
}
END_TEST

static const char *const right[] = {
    "",
    "\n\n; nothing\n# either\n",
    "\xef\xbb\xbf[limits]\r\nsessions = 5\r\n",
    "[limits] ; a comment\n\tsessions=5\n\tbatch: 10 ; ten\n[limits] # again\nid_bytes = 100",
    "[daemon]\nsocket = /tmp/a b.sock\nsocket-mode = 0\nlog-level = debug\n",
    "[access]\nusers = root, 0 ,1000\ngroups=root\n",
    "[targets]\nallow = *:80\ndeny = [::]/0\nallow = 10.0.0.0/8\nallow = 10.0.0.0/8\ndefault = deny\n",
    "[targets]\ndeny = 10.0.0.0/8\n",
    "[limits]\nsessions = 5 # five\nbatch = \"7\"\nid_bytes = '100' ; a hundred = many\nloops_uid: \"3\"\t# three\n",
    "[access]\nusers = \"root, 0\" # both\nunmapped-users = allow\n[targets]\ndeny = [::1] # the loopback: no\n",
};

START_TEST(what_is_right_is_ok)
{
    struct process process;
    char said[256];

    conf_write("%s", right[_i]);
    ck_assert_msg(check(&process) == 0, "it said: %s", process.err.text);
    snprintf(said, sizeof said, "configuration file: %s\nOK\n", conf_path);
    ck_assert_str_eq(process.out.text, said);
    ck_assert_str_eq(process.err.text, "");
    process_free(&process);
    conf_remove();
}
END_TEST

/* Writes the example with every setting uncommented, for users that every machine has, without the lines that match. */
static void write_example_without(const char *lines)
{
    struct process process;
    char delete[64];

    snprintf(delete, sizeof delete, "/%s/d", lines);
    conf_write("# none\n");
    ck_assert_int_eq(process_run(&process, ARGUMENTS("sed", "-e", "s/^#\\([a-z]\\)/\\1/", "-e", "/^[a-z-]*groups = /d",
                                                     "-e", "s/^\\(descriptors-\\)\\{0,1\\}users = .*/\\1users = root/",
                                                     "-e", delete, "daemon/minimiod.conf.example")),
                     0);
    conf_write("%s", process.out.text);
    ck_assert_ptr_nonnull(strstr(process.out.text, "\nsessions = 1024\n"));
    process_free(&process);
}

/* As it is shipped, and with every default that it shows uncommented. */
START_TEST(the_example_is_right)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--check-config", "--config",
                                                     "daemon/minimiod.conf.example")),
                     0);
    process_free(&process);
    write_example_without("^$");
    ck_assert_msg(check(&process) == 0, "it said: %s", process.err.text);
    process_free(&process);
    conf_remove();
}
END_TEST

/* The key `default` is required beside `allow`, whichever other keys are given. */
START_TEST(no_other_key_stands_in_for_default)
{
    struct process process;

    write_example_without("^default = ");
    ck_assert_int_eq(check(&process), 2);
    ck_assert_ptr_nonnull(strstr(process.err.text, "there is a rule that allows, so say what holds for all else"));
    process_free(&process);
    conf_remove();
}
END_TEST

/* The lines of a file between the section's heading and the next heading. */
static void read_section(struct process *ret_process, const char *path, const char *heading, const char *section)
{
    char program[160];

    snprintf(program, sizeof program,
             "index($0, \"%s\") == 1 {inside = $0 == \"%s[%s]\"; next} inside {print \"\\n\" $0}", heading,
             *heading == '[' ? "" : heading, section);
    ck_assert_int_eq(process_run(ret_process, ARGUMENTS("awk", program, path)), 0);
}

/* Has the manual page a paragraph for the key, and the example a line, in the key's section? */
static void require_documented(const char *section, const char *key)
{
    struct process manual, example;
    char text[64];

    read_section(&manual, "man/minimiod.conf.5", ".Ss ", section);
    snprintf(text, sizeof text, "\n.It Cm %s\n", key);
    if (!strstr(manual.out.text, text))
        snprintf(text, sizeof text, "\n.It Cm %s , ", key);
    if (!strstr(manual.out.text, text))
        snprintf(text, sizeof text, " , %s\n", key);
    ck_assert_msg(strstr(manual.out.text, text), "man/minimiod.conf.5 has no %s in [%s]", key, section);
    process_free(&manual);
    read_section(&example, "daemon/minimiod.conf.example", "[", section);
    snprintf(text, sizeof text, "\n#%s = ", key);
    ck_assert_msg(strstr(example.out.text, text), "daemon/minimiod.conf.example has no %s in [%s]", key, section);
    process_free(&example);
}

/* The daemon names a section's keys where it refuses another. */
START_TEST(each_key_is_in_the_manual_and_the_example)
{
    static const char *const sections[] = {"daemon", "access", "targets"};
    struct process process;
    char *rest, *key;

    conf_write("[%s]\nx = 1\n", sections[_i]);
    ck_assert_int_eq(check(&process), 2);
    rest = strstr(process.err.text, ", only ");
    ck_assert_ptr_nonnull(rest);
    rest += strlen(", only ");
    rest[strcspn(rest, "\n")] = '\0';
    while ((key = strsep(&rest, ",")))
        require_documented(sections[_i], key + strspn(key, " "));
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(the_manuals_example_is_right)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS("awk",
                                                     "/^\\.Sh EXAMPLES/ {below = 1} inside && /^\\.Ed/ {exit} "
                                                     "inside {print} below && /^\\.Bd/ {inside = 1}",
                                                     "man/minimiod.conf.5")),
                     0);
    ck_assert_ptr_nonnull(strstr(process.out.text, "users = www-data, 1000\ngroups = minimio\n"));
    memcpy(strstr(process.out.text, "www-data"), "root    ", 8);
    memcpy(strstr(process.out.text, "groups"), "#     ", 6);
    conf_write("%s", process.out.text);
    process_free(&process);
    ck_assert_msg(check(&process) == 0, "it said: %s", process.err.text);
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(a_daemon_with_a_wrong_file_does_not_start)
{
    struct process process;
    char place[256];

    conf_write("[limits]\nsessions = x\n");
    ck_assert_int_eq(
        process_run(&process, ARGUMENTS(built_program("minimiod"), "--socket", "/nowhere/x", "--config", conf_path)),
        2);
    snprintf(place, sizeof place, "minimiod: %s:2: sessions", conf_path);
    ck_assert_ptr_nonnull(strstr(process.err.text, place));
    process_free(&process);
    conf_remove();
    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--config", "/nowhere/x.conf")), 2);
    ck_assert_ptr_nonnull(strstr(process.err.text, "/nowhere/x.conf: no such file"));
    process_free(&process);
    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--config", "/")), 2);
    ck_assert_ptr_nonnull(strstr(process.err.text, "/: is a directory: the configuration must be a regular file"));
    process_free(&process);
}
END_TEST

/* A socket's path may hold what begins a comment, quotes, and spaces at its ends. */
START_TEST(what_is_in_quotes_is_taken_as_it_is)
{
    static const struct {
        const char *written, *path;
    } values[] = {
        {"\"/tmp/a #b.sock\"", "/tmp/a #b.sock"},
        {"'/tmp/a ;\"b\".sock' # c", "/tmp/a ;\"b\".sock"},
        {"/tmp/a#b;c'd'.sock  ; e", "/tmp/a#b;c'd'.sock"},
        {"\"/tmp/a=b \"", "/tmp/a=b "},
    };

    unsetenv("MINIMIO_SOCKET");
    for (int i = 0; i < LENGTH(values); i++) {
        struct process process;
        char said[128];

        conf_write("[daemon]\nsocket = %s\n", values[i].written);
        process_start(&process, false, ARGUMENTS(built_program("minimiod"), "--config", conf_path));
        snprintf(said, sizeof said, "listening on %s; version", values[i].path);
        ck_assert_msg(process_await_text(&process, &process.err, said, PROCESS_TIMEOUT_MS), "it said: %s",
                      process.err.text);
        kill(process.pid, SIGTERM);
        ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
        process_free(&process);
    }
    conf_remove();
}
END_TEST

START_TEST(the_file_is_obeyed)
{
    struct process process;
    char socket[200];
    struct stat found;

    conf_write("# none\n");
    snprintf(socket, sizeof socket, "%s.sock", conf_path);
    conf_write("[daemon]\nsocket = %s\nsocket-mode = 0640\n[limits]\nsessions = 77\n", socket);
    unsetenv("MINIMIO_SOCKET");
    process_start(&process, false, ARGUMENTS(built_program("minimiod"), "--config", conf_path));
    ck_assert(process_await_text(&process, &process.err, conf_path, PROCESS_TIMEOUT_MS));
    ck_assert_ptr_nonnull(strstr(process.err.text, "sessions 77, 256 a user"));
    ck_assert_int_eq(stat(socket, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0640);
    wire_open(&wire, socket);
    ck_assert_int_eq(member(call(&wire, "hello", NULL), "limits.sessions")->valueint, 77);
    wire_close(&wire);
    kill(process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    process_free(&process);
    conf_remove();
}
END_TEST

/* ---- Files of other kinds --------------------------------------------------------------------------------------- */

/* Puts something in the place of the configuration file with ln, mkfifo or truncate. */
static void replace_with(const char *const *command)
{
    struct process process;

    conf_write("# none\n");
    unlink(conf_path);
    ck_assert_msg(process_run(&process, command) == 0, "%s: %s", command[0], process.err.text);
    process_free(&process);
}

static void expect_refusal(const char *reason)
{
    struct process process;
    char said[256];

    ck_assert_int_eq(check(&process), 2);
    snprintf(said, sizeof said, "%s: %s\n", conf_path, reason);
    ck_assert_str_eq(process.err.text, said);
    process_free(&process);
    conf_remove();
}

START_TEST(a_pipe_is_refused_and_not_waited_for)
{
    conf_write("# none\n"); /* gives the file its name */
    replace_with(ARGUMENTS("mkfifo", conf_path));
    expect_refusal("is a pipe: the configuration must be a regular file");
}
END_TEST

/* A shell's <(...) */
START_TEST(a_pipe_that_was_passed_is_refused)
{
    struct process process;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    process_start_passing(&process, ends, 1,
                          ARGUMENTS(built_program("minimiod"), "--check-config", "--config", "/dev/fd/3"));
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 2);
    ck_assert_str_eq(process.err.text, "/dev/fd/3: is a pipe: the configuration must be a regular file\n");
    process_free(&process);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_device_is_refused_and_the_null_device_is_empty)
{
    struct process process;

    conf_write("# none\n");
    replace_with(ARGUMENTS("ln", "-s", "/dev/zero", conf_path));
    expect_refusal("is a device: the configuration must be a regular file");
    conf_write("# none\n");
    replace_with(ARGUMENTS("ln", "-s", "/dev/null", conf_path));
    ck_assert_int_eq(check(&process), 0);
    process_free(&process);
    conf_remove();
}
END_TEST

START_TEST(a_socket_is_refused)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    conf_write("# none\n");
    unlink(conf_path);
    ck_assert_uint_lt(strlen(conf_path), sizeof address.sun_path);
    strcpy(address.sun_path, conf_path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    expect_refusal("is a socket: the configuration must be a regular file");
    close(fd);
}
END_TEST

START_TEST(links_that_go_round_are_refused)
{
    char reason[128];

    conf_write("# none\n");
    replace_with(ARGUMENTS("ln", "-s", conf_path, conf_path));
    snprintf(reason, sizeof reason, "cannot be read: %s", strerror(ELOOP));
    expect_refusal(reason);
}
END_TEST

/* It has no data, so nothing of it takes room. */
START_TEST(a_huge_file_is_refused)
{
    struct process process;

    conf_write("# none\n");
    replace_with(ARGUMENTS("truncate", "--size=8T", conf_path));
    expect_refusal("is too large: the configuration may have at most 4 MiB");
    conf_write("# none\n");
    replace_with(ARGUMENTS("sh", "-c", "yes '# a comment' | head -c 4194304 >\"$0\"", conf_path));
    ck_assert_msg(check(&process) == 0, "it said: %s", process.err.text);
    process_free(&process);
    conf_remove();
}
END_TEST

/* /proc/kmsg is a regular file whose reader waits for the kernel's next message. */
START_TEST(a_file_that_waits_is_not_waited_for)
{
    struct process process;
    int status;

    status = process_run(&process, ARGUMENTS(built_program("minimiod"), "--check-config", "--config", "/proc/kmsg"));
    ck_assert_int_eq(status, 2);
    ck_assert_msg(!strncmp(process.err.text, "/proc/kmsg: ", 12), "it said: %s", process.err.text);
    process_free(&process);
}
END_TEST

/* ---- Chance ----------------------------------------------------------------------------------------------------- */

#define ROUNDS 300

static uint64_t state;

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static const char seed_text[] = "[daemon]\nsocket = /run/x\n[limits]\nsessions = 5\nbatch = 7\n"
                                "[access]\nusers = root, 1000\n[targets]\nallow = 10.0.0.0/8:80-90\n"
                                "deny = [2001:db8::]/32\ndefault = deny\n";

static size_t make_chance_file(char *ret_file, size_t size)
{
    size_t length = sizeof seed_text - 1;

    if (chance(4) == 0) {
        length = chance(size);
        for (size_t i = 0; i < length; i++)
            ret_file[i] = (char)chance(256);
        return length;
    }
    memcpy(ret_file, seed_text, length);
    for (uint64_t changes = 1 + chance(6); changes; changes--) {
        static const char telling[] = "[]=:;#\"'\n\r\t /,*-0123456789\0\xef";
        ret_file[chance(length)] = chance(2) ? telling[chance(sizeof telling)] : (char)chance(256);
    }
    return length;
}

START_TEST(no_file_is_too_strange)
{
    const char *wanted = getenv("MINIMIO_SEED");
    uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)test_now_ns();
    int rounds = getenv("MINIMIO_VALGRIND") ? ROUNDS / 10 : ROUNDS;

    state = seed | 1;
    while (rounds--) {
        struct process process;
        char file[2000];
        int status;

        conf_write_bytes(file, make_chance_file(file, sizeof file));
        status = check(&process);
        ck_assert_msg(status == 0 || status == 2, "MINIMIO_SEED=%llu: it ended with %d: %s", (unsigned long long)seed,
                      status, process.err.text);
        ck_assert_msg((status == 2) == (process.err.length > 0), "MINIMIO_SEED=%llu: %d, and it said: %s",
                      (unsigned long long)seed, status, process.err.text);
        process_free(&process);
    }
    conf_remove();
}
END_TEST

/* Which file is read where none is named: {$XDG_RUNTIME_DIR, $XDG_CONFIG_HOME, $HOME}, and what is said of it. */
static const struct {
    bool root;
    const char *runtime, *configuration, *home, *file;
} places[] = {
    {false, "/run/user/1", "CONF", "/nowhere", "CONF/minimio/minimiod.conf"},
    {false, "/run/user/1", "", "CONF", "CONF/.config/minimio/minimiod.conf"},
    {false, "/run/user/1", "/nowhere", "CONF", "none"},
    {false, "/run/user/1", "", "", "none"},
    {false, "", "CONF", "CONF", "none"}, /* a service of the system's, whatever user it runs as */
    {true, "/run/user/1", "CONF", "CONF", "none"},
};

/* "CONF", at the beginning of a place, is the test's folder. */
static void put_place(const char *variable, const char *place, const char *folder)
{
    char value[256];
    bool ours = strncmp(place, "CONF", 4) == 0;

    snprintf(value, sizeof value, "%s%s", ours ? folder : "", ours ? place + 4 : place);
    setenv(variable, value, 1);
}

/* A user's own daemon is no root's; root is another user in a namespace of its own. */
static int run_as(bool root, struct process *ret_process)
{
    const char *program = built_program("minimiod");

    if (root || geteuid() != 0)
        return process_run(ret_process, ARGUMENTS(program, "--check-config"));
    return process_run(ret_process, ARGUMENTS("unshare", "--user", program, "--check-config"));
}

static bool can_be_another(void)
{
    struct process process;
    bool can = geteuid() != 0 || process_run(&process, ARGUMENTS("unshare", "--user", "true")) == 0;

    if (geteuid() == 0)
        process_free(&process);
    return can;
}

START_TEST(a_user_s_own_daemon_has_its_file)
{
    char folder[128], expected[256], file[256];
    struct process process;
    struct stat found;

    if ((places[_i].root && (geteuid() != 0 || stat("/etc/minimio/minimiod.conf", &found) == 0)) || !can_be_another()) {
        fprintf(stderr, "skipped: who reads which file, case %d\n", _i);
        return;
    }
    snprintf(folder, sizeof folder, "%s/minimio-conf-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s%s", folder, i ? "/.config/minimio/minimiod.conf" : "/minimio/minimiod.conf");
        ck_assert_int_eq(process_run(&process, ARGUMENTS("install", "-D", "-m", "644", "/dev/null", file)), 0);
        process_free(&process);
    }
    put_place("XDG_RUNTIME_DIR", places[_i].runtime, folder);
    put_place("XDG_CONFIG_HOME", places[_i].configuration, folder);
    put_place("HOME", places[_i].home, folder);
    ck_assert_int_eq(run_as(places[_i].root, &process), 0);
    snprintf(expected, sizeof expected, "configuration file: %s%s\n",
             strncmp(places[_i].file, "CONF", 4) == 0 ? folder : "", places[_i].file + 4 * (places[_i].file[0] == 'C'));
    ck_assert_msg(strstr(process.out.text, expected), "'%s', not '%s'", process.out.text, expected);
    process_free(&process);
    ck_assert_int_eq(process_run(&process, ARGUMENTS("rm", "-r", folder)), 0);
    process_free(&process);
}
END_TEST

Suite *daemon_config_suite(void)
{
    Suite *suite = suite_create("daemon_config");
    TCase *tests = tcase_create("files");

    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, each_error_has_its_line, 0, LENGTH(errors));
    tcase_add_test(tests, all_errors_are_told_at_once);
    tcase_add_test(tests, a_line_too_long_for_a_setting_is_told);
    tcase_add_test(tests, a_nul_is_told);
    tcase_add_loop_test(tests, what_is_right_is_ok, 0, LENGTH(right));
    tcase_add_test(tests, the_example_is_right);
    tcase_add_test(tests, no_other_key_stands_in_for_default);
    tcase_add_loop_test(tests, each_key_is_in_the_manual_and_the_example, 0, 3);
    tcase_add_test(tests, the_manuals_example_is_right);
    tcase_add_test(tests, a_daemon_with_a_wrong_file_does_not_start);
    tcase_add_test(tests, what_is_in_quotes_is_taken_as_it_is);
    tcase_add_test(tests, the_file_is_obeyed);
    tcase_add_test(tests, a_pipe_is_refused_and_not_waited_for);
    tcase_add_test(tests, a_pipe_that_was_passed_is_refused);
    tcase_add_test(tests, a_device_is_refused_and_the_null_device_is_empty);
    tcase_add_test(tests, a_socket_is_refused);
    tcase_add_test(tests, links_that_go_round_are_refused);
    tcase_add_test(tests, a_huge_file_is_refused);
    tcase_add_test(tests, a_file_that_waits_is_not_waited_for);
    tcase_add_test(tests, no_file_is_too_strange);
    tcase_add_loop_test(tests, a_user_s_own_daemon_has_its_file, 0, LENGTH(places));
    suite_add_tcase(suite, tests);
    return suite;
}
