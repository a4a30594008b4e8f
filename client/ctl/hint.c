/* SPDX-License-Identifier: MIT */
/*
 * Finds the command that starts a daemon for a socket: a service manager, or the program itself. The file has no
 * state.
 */
#include "client/ctl/hint.h"

#include "client/ctl/output.h"
#include "proto/socket_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool hint_is_socket(const char *path)
{
    struct stat found;

    return stat(path, &found) < 0 || S_ISSOCK(found.st_mode);
}

/* ---- Words of a shell ------------------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.:,@%+=-";

    return *word && word[strspn(word, plain)] == '\0';
}

static bool is_printable(const char *word)
{
    char shown[4 * PATH_MAX];

    output_escape(word, shown, sizeof shown);
    return strcmp(word, shown) == 0;
}

static void put_quoted(const char *word)
{
    fputc('\'', stderr);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stderr);
        else
            fputc(*word, stderr);
    fputc('\'', stderr);
}

/* Bytes that a terminal must not see, by way of printf. */
static void put_printf(const char *word)
{
    fputs("\"$(printf '", stderr);
    for (; *word; word++)
        if (*word > ' ' && *word < 0x7f && !strchr("'\\%", *word))
            fputc(*word, stderr);
        else
            fprintf(stderr, "\\%03o", (unsigned char)*word);
    fputs("')\"", stderr);
}

static void put_word(const char *word)
{
    if (is_plain(word))
        fputs(word, stderr);
    else if (is_printable(word))
        put_quoted(word);
    else
        put_printf(word);
}

/* ---- The service manager ---------------------------------------------------------------------------------------- */

static bool exists_in(const char *folder, const char *below, const char *unit)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s/%s", folder, below, unit);
    return access(path, F_OK) == 0;
}

/* `whose` is "system" or "user". */
static bool has_unit(const char *whose, const char *unit)
{
    static const char *const folders[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd",
                                          "/lib/systemd"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (exists_in(folders[i], whose, unit))
            return true;
    return false;
}

/* The instance minimiod@NAME listens at NAME.sock in the folder of the system's socket. Returns the length of a NAME
 * without characters to escape; 0: not the path of an instance. */
static size_t instance_length(const char *path, const char **ret_name)
{
    static const char folder[] = "/run/minimio/", end[] = ".sock";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length;

    if (strncmp(path, folder, sizeof folder - 1) != 0)
        return 0;
    *ret_name = path + sizeof folder - 1;
    length = strspn(*ret_name, plain);
    return strcmp(*ret_name + length, end) == 0 ? length : 0;
}

static bool is_own_socket(const char *path)
{
    char folder[SOCKET_PATH_SIZE], own[SOCKET_PATH_SIZE + sizeof("/minimio.sock")];

    if (!runtime_folder(folder, sizeof folder))
        return false;
    snprintf(own, sizeof own, "%s/minimio.sock", folder);
    return strcmp(path, own) == 0;
}

/* False for a user without a login session, for example after su. */
static bool has_user_manager(void)
{
    char folder[SOCKET_PATH_SIZE];

    return runtime_folder(folder, sizeof folder) && exists_in(folder, "systemd", "private");
}

/* systemctl --user requires this variable. */
static const char *runtime_variable(void)
{
    static char text[SOCKET_PATH_SIZE + 32];
    const char *set = getenv("XDG_RUNTIME_DIR");
    char folder[SOCKET_PATH_SIZE];

    if ((set && *set) || !runtime_folder(folder, sizeof folder))
        return "";
    snprintf(text, sizeof text, "XDG_RUNTIME_DIR=%s ", folder);
    return text;
}

/* The service manager's command that starts the daemon of the socket. `*ret_system`: the command requires root. False:
 * no unit for the socket. */
static bool service_command(const char *path, char *ret_command, size_t size, bool *ret_system)
{
    const char *home = getenv("HOME"), *name;
    size_t length = instance_length(path, &name);

    if (access("/run/systemd/system", F_OK) < 0)
        return false;
    *ret_system = !is_own_socket(path);
    if (strcmp(path, SYSTEM_SOCKET_PATH) == 0 && has_unit("system", "minimiod.service"))
        return snprintf(ret_command, size, "systemctl start minimiod") > 0;
    if (length > 0 && has_unit("system", "minimiod@.service"))
        return snprintf(ret_command, size, "systemctl start minimiod@%.*s", (int)length, name) > 0;
    if (is_own_socket(path) && has_user_manager() &&
        (has_unit("user", "minimiod.service") || (home && exists_in(home, ".config/systemd/user", "minimiod.service"))))
        return snprintf(ret_command, size, "%ssystemctl --user start minimiod", runtime_variable()) > 0;
    return false;
}

/* ---- The program ------------------------------------------------------------------------------------------------ */

static bool is_in_path(const char *name)
{
    const char *folders = getenv("PATH");
    char path[PATH_MAX];

    while (folders && *folders) {
        size_t length = strcspn(folders, ":");

        if (length > 0 && (size_t)snprintf(path, sizeof path, "%.*s/%s", (int)length, folders, name) < sizeof path &&
            access(path, X_OK) == 0)
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

/* The minimiod in the folder of this program, if PATH does not contain minimiod. */
static const char *daemon_program(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof("minimiod"));
    char *slash;

    if (is_in_path("minimiod") || length < 0)
        return "minimiod";
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return "minimiod";
    strcpy(slash + 1, "minimiod");
    return access(path, X_OK) == 0 ? path : "minimiod";
}

/* The folder of the path; "" if the path has no folder. */
static void folder_of(const char *path, char ret_folder[SOCKET_PATH_SIZE])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 0;

    memcpy(ret_folder, path, length);
    ret_folder[length] = '\0';
}

/* Whether the user may create files in the folder, or in the nearest existing parent folder. */
static bool may_write(const char *path)
{
    char folder[SOCKET_PATH_SIZE], below[SOCKET_PATH_SIZE];

    folder_of(path, folder);
    while (*folder && access(folder, F_OK) < 0 && strcmp(folder, "/") != 0) {
        strcpy(below, folder);
        folder_of(below, folder);
    }
    return access(*folder ? folder : ".", W_OK) == 0;
}

void hint_start(const char *path)
{
    char folder[SOCKET_PATH_SIZE], command[2 * SOCKET_PATH_SIZE + 64];
    bool system = false;

    if (service_command(path, command, sizeof command, &system)) {
        fprintf(stderr, "Is minimiod running? Start it%s with: %s\n", system && geteuid() != 0 ? ", as root," : "",
                command);
        return;
    }
    fprintf(stderr, "Is minimiod running? Start it%s with: ", may_write(path) ? "" : ", as root,");
    folder_of(path, folder);
    if (*folder && access(folder, F_OK) < 0) {
        fputs("mkdir -p ", stderr);
        if (*folder == '-')
            fputs("-- ", stderr);
        put_word(folder);
        fputs(" && ", stderr);
    }
    put_word(daemon_program());
    fputs(" --socket ", stderr);
    put_word(path);
    fputc('\n', stderr);
}
