/* SPDX-License-Identifier: MIT */
/*
 * The keys of minimiod.conf and their parsers. The file has no state.
 */
#include "daemon/config/config_file.h"

#include "daemon/config/config_lines.h"
#include "daemon/config/config_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMITS "limits" /* the section of the limits */

struct file {
    struct settings *settings;
    struct config_errors *config_errors;
    char section[16];     /* the current section; "": before the first */
    unsigned first_allow; /* line of the first allow rule; 0: no allow rule */
    unsigned lines[];     /* line of each key, then of each limit; 0: not given */
};

/* ---- Values ----------------------------------------------------------------------------------------------------- */

struct key {
    const char *section, *name;
    void (*take)(struct file *file, const struct key *key, const char *value, unsigned line);
    size_t offset; /* of the member in struct settings, for parsers of several members */
    bool repeats;
};

static void *member(struct file *file, const struct key *key)
{
    return (char *)file->settings + key->offset;
}

static void take_socket(struct file *file, const struct key *key, const char *value, unsigned line)
{
    (void)key;
    settings_take_socket(file->settings, value, file->config_errors, line);
}

static void take_mode(struct file *file, const struct key *key, const char *value, unsigned line)
{
    (void)key;
    settings_take_mode(file->settings, value, file->config_errors, line);
}

static void take_level(struct file *file, const struct key *key, const char *value, unsigned line)
{
    (void)key;
    settings_take_level(file->settings, value, file->config_errors, line);
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    text[length] = '\0';
    return text;
}

/* Parses names, separated by commas. */
static void take_names(struct file *file, const char *value, unsigned line, const char *what,
                       int add(struct id_list *, const char *), struct id_list *ids)
{
    char *copy = strdup(value), *rest = copy, *name;

    if (!copy)
        config_error(file->config_errors, line, "out of memory");
    while (rest && (name = strsep(&rest, ","))) {
        int result;

        name = trim(name);
        result = *name ? add(ids, name) : -EINVAL;
        if (result == -EINVAL)
            config_error(file->config_errors, line, "a %s is missing: write names or numbers with commas between them",
                         what);
        else if (result == -ENOENT)
            config_error(file->config_errors, line, "there is no %s '%s': write a name or a number", what, name);
        else if (result < 0)
            config_error(file->config_errors, line, "out of memory");
    }
    free(copy);
}

static void take_users(struct file *file, const struct key *key, const char *value, unsigned line)
{
    take_names(file, value, line, "user", access_add_user, member(file, key));
}

static void take_groups(struct file *file, const struct key *key, const char *value, unsigned line)
{
    take_names(file, value, line, "group", access_add_group, member(file, key));
}

/* Parses allow or deny. Returns whether the value is `word`. */
static bool is_permission(struct file *file, const struct key *key, const char *value, unsigned line, const char *word)
{
    if (strcmp(value, "allow") != 0 && strcmp(value, "deny") != 0)
        config_error(file->config_errors, line, "%s = '%s': write allow or deny", key->name, value);
    return !strcmp(value, word);
}

static void take_if_allowed(struct file *file, const struct key *key, const char *value, unsigned line)
{
    *(bool *)member(file, key) = is_permission(file, key, value, line, "allow");
}

static void take_if_denied(struct file *file, const struct key *key, const char *value, unsigned line)
{
    *(bool *)member(file, key) = is_permission(file, key, value, line, "deny");
}

static void take_rule(struct file *file, bool deny, const char *value, unsigned line)
{
    const char *advice;
    int result = rules_add(&file->settings->rules, deny, value, &advice);

    if (result < 0)
        config_error(file->config_errors, line, "%s = '%s': %s", deny ? "deny" : "allow", value,
                     result == -EINVAL ? advice : "out of memory");
}

static void take_allow(struct file *file, const struct key *key, const char *value, unsigned line)
{
    (void)key;
    if (!file->first_allow)
        file->first_allow = line;
    take_rule(file, false, value, line);
}

static void take_deny(struct file *file, const struct key *key, const char *value, unsigned line)
{
    (void)key;
    take_rule(file, true, value, line);
}

/* ---- Keys ------------------------------------------------------------------------------------------------------- */

#define AT(name) offsetof(struct settings, name)

/* tests/daemon/config.c checks that the manual page and the example have each key. */
static const struct key keys[] = {
    {"daemon", "socket", take_socket, 0, false},
    {"daemon", "socket-mode", take_mode, 0, false},
    {"daemon", "log-level", take_level, 0, false},
    {"access", "users", take_users, AT(access.users), false},
    {"access", "groups", take_groups, AT(access.groups), false},
    {"access", "unmapped-users", take_if_allowed, AT(access.unmapped_users), false},
    {"access", "descriptors-users", take_users, AT(access.descriptor_users), false},
    {"access", "descriptors-groups", take_groups, AT(access.descriptor_groups), false},
    {"targets", "allow", take_allow, 0, true},
    {"targets", "deny", take_deny, 0, true},
    {"targets", "default", take_if_denied, AT(rules.default_deny), false},
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

/* The index of a key; KEY_COUNT: the section has no such key. */
static size_t find_key(const char *section, const char *name)
{
    size_t i = 0;

    while (i < KEY_COUNT && (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0))
        i++;
    return i;
}

/* Whether the key is new. Reports a repeated key. */
static bool is_first_use(struct file *file, unsigned *given, const char *name, unsigned line)
{
    if (*given)
        config_error(file->config_errors, line, "%s is given in line %u already: take one of them out", name, *given);
    else
        *given = line;
    return *given == line;
}

static void take_limit(struct file *file, const char *name, const char *value, unsigned line)
{
    const struct limit_info *limit = limits_find((struct span){name, strlen(name)});

    if (!limit || is_first_use(file, &file->lines[KEY_COUNT + (size_t)(limit - limit_table)], name, line))
        settings_take_limit(file->settings, name, value, file->config_errors, line);
}

static void report_unknown_key(struct file *file, const char *name, unsigned line)
{
    char known[256] = "";

    for (size_t i = 0; i < KEY_COUNT; i++)
        if (!strcmp(keys[i].section, file->section))
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "", keys[i].name);
    if (*file->section)
        config_error(file->config_errors, line, "there is no key '%s' in [%s], only %s", name, file->section, known);
    else
        config_error(file->config_errors, line,
                     "'%s' stands in no section: write [daemon], [limits], [access] or [targets] above", name);
}

static void on_key(void *owner, const char *name, const char *value, unsigned line)
{
    struct file *file = owner;
    size_t key = find_key(file->section, name);

    if (!strcmp(file->section, LIMITS))
        take_limit(file, name, value, line);
    else if (key == KEY_COUNT)
        report_unknown_key(file, name, line);
    else if (keys[key].repeats || is_first_use(file, &file->lines[key], name, line))
        keys[key].take(file, &keys[key], value, line);
}

static bool on_section(void *owner, const char *name, unsigned line)
{
    struct file *file = owner;
    bool known = !strcmp(name, LIMITS);

    for (size_t i = 0; i < KEY_COUNT; i++)
        known |= !strcmp(name, keys[i].section);
    if (known)
        snprintf(file->section, sizeof file->section, "%s", name);
    else
        config_error(file->config_errors, line,
                     "there is no section [%s], only [daemon], [limits], [access] and [targets]", name);
    return known;
}

/* ---- The file --------------------------------------------------------------------------------------------------- */

/* A file with an allow rule and no default is ambiguous, so it is refused. */
static void check_default(struct file *file)
{
    size_t key = find_key("targets", "default");

    if (file->first_allow && (key == KEY_COUNT || !file->lines[key]))
        config_error(file->config_errors, file->first_allow,
                     "there is a rule that allows, so say what holds for all else: default = deny, or default = allow");
}

static void parse(const struct config_text *text, struct settings *settings, struct config_errors *config_errors)
{
    struct file *file = calloc(1, sizeof *file + (KEY_COUNT + limit_count) * sizeof file->lines[0]);
    const struct config_lines lines = {.owner = file, .section = on_section, .key = on_key};

    if (!file) {
        config_error(config_errors, 0, "out of memory");
        return;
    }
    file->settings = settings;
    file->config_errors = config_errors;
    config_lines_read((struct span){text->bytes, text->length}, &lines, config_errors);
    check_default(file);
    free(file);
}

int config_file_read(const char *path, int fd, struct settings *settings, struct config_errors *config_errors,
                     struct config_text *ret_text)
{
    uint32_t before = config_errors->count;
    char reason[128];
    int result = fd < 0 ? config_text_read(path, ret_text, reason, sizeof reason)
                        : config_text_read_fd(fd, ret_text, reason, sizeof reason);

    config_errors->file = path;
    if (result == -ENOENT)
        return result;
    if (result < 0) {
        config_error(config_errors, 0, "%s", reason);
        return -EINVAL;
    }
    parse(ret_text, settings, config_errors);
    return config_errors->count > before ? -EINVAL : 0;
}
