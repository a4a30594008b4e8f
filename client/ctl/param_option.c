/* SPDX-License-Identifier: MIT */
/*
 * Names and help of options that are generated from parameters. The file has no state.
 */
#include "client/ctl/param_option.h"

#include <stdio.h>
#include <string.h>

static const struct param_info *params_of(const struct command *command, size_t *ret_count)
{
    *ret_count = command->method == METHOD_COUNT ? 0 : method_table[command->method].param_count;
    return *ret_count > 0 ? method_table[command->method].params : NULL;
}

/* Whether `name` is in the list of words. */
static bool is_word(const char *words, const char *name)
{
    size_t length = strlen(name);
    const char *at = words;

    while (at && (at = strstr(at, name))) {
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
        at += length;
    }
    return false;
}

bool param_option(const struct command *command, size_t param, char ret_name[OPTION_NAME_SIZE], bool *ret_argument)
{
    size_t count;
    const struct param_info *info = params_of(command, &count);

    if (param >= count || is_word(command->positional, info[param].name))
        return false;
    info += param;
    *ret_argument = info->type != PARAM_BOOLEAN;
    snprintf(ret_name, OPTION_NAME_SIZE, "%s%s", info->type == PARAM_BOOLEAN && info->default_value ? "no-" : "",
             info->name);
    for (char *at = ret_name; *at; at++)
        if (*at == '_')
            *at = '-';
    return true;
}

/* ---- Help ------------------------------------------------------------------------------------------------------- */

#define INTERESTS_SUMMARY "readable, writable, both separated by a comma, or closed: the end alone"

/* The summary of an option whose syntax differs from the parameter's. */
static const char *summary_of(const struct param_info *info)
{
    return info->type == PARAM_INTERESTS ? INTERESTS_SUMMARY : info->summary;
}

static const char *value_word(const struct param_info *info)
{
    static const char *const words[] = {
        [PARAM_INTEGER] = " N",   [PARAM_BOOLEAN] = "",        [PARAM_TEXT] = " TEXT", [PARAM_NAME] = " NAME",
        [PARAM_CHOICE] = " WORD", [PARAM_INTERESTS] = " LIST", [PARAM_ID] = " ID",
    };

    return words[info->type];
}

/* The summary of --no-NAME. */
static const char *help_to_disable(const char *name)
{
    static const struct {
        const char *name, *help;
    } helps[] = {{"nodelay", "disable TCP_NODELAY"}, {"keepalive", "disable SO_KEEPALIVE"}};

    for (size_t i = 0; i < sizeof helps / sizeof helps[0]; i++)
        if (strcmp(helps[i].name, name) == 0)
            return helps[i].help;
    return "disable this";
}

#define HELP_INDENT  21
#define HELP_COLUMNS 96

/* Wraps the text into the column beside the options. */
static void print_wrapped(const char *text)
{
    const size_t room = HELP_COLUMNS - HELP_INDENT;

    while (strlen(text) > room) {
        size_t length = room;

        while (length > 0 && text[length] != ' ')
            length--;
        if (length == 0)
            break;
        printf("%.*s\n%*s", (int)length, text, HELP_INDENT, "");
        text += length + 1;
    }
    puts(text);
}

void param_option_help(const struct command *command)
{
    char name[OPTION_NAME_SIZE], option[OPTION_NAME_SIZE + 8];
    bool argument;

    for (size_t i = 0; i < PARAMS_MAX; i++) {
        const struct param_info *info;

        if (!param_option(command, i, name, &argument))
            continue;
        info = &method_table[command->method].params[i];
        snprintf(option, sizeof option, "--%s%s", name, value_word(info));
        printf("  %-18s ", option);
        print_wrapped(info->type == PARAM_BOOLEAN && info->default_value ? help_to_disable(info->name)
                                                                         : summary_of(info));
    }
}
