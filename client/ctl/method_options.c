/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a method as options, their help and their checks, all from the protocol's table: `timeout_ms` is
 * --timeout-ms, a boolean that is true by default is --no-NAME.
 */
#include "client/ctl/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct param_info *params_of(const struct command *command, size_t *ret_count)
{
    *ret_count = command->method == METHODS ? 0 : method_table[command->method].param_count;
    return *ret_count > 0 ? method_table[command->method].params : NULL;
}

/* Is `name` one of the words? */
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

bool method_option(const struct command *command, size_t param, char ret_name[OPTION_NAME_SIZE], bool *ret_argument)
{
    size_t count;
    const struct param_info *info = params_of(command, &count);

    if (param >= count || is_word(command->positional, info[param].name))
        return false;
    info += param;
    *ret_argument = info->type != PARAM_BOOLEAN;
    snprintf(ret_name, OPTION_NAME_SIZE, "%s%s", info->type == PARAM_BOOLEAN && info->fallback ? "no-" : "",
             info->name);
    for (char *at = ret_name; *at; at++)
        if (*at == '_')
            *at = '-';
    return true;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* A value of an option under way: which command's, and the option as it is typed. */
struct value {
    const struct command *command;
    const struct param_info *info;
    const char *option, *text;
};

/* Each reader returns 0 and the value, NULL where memory ran out, or EXIT_WRONG_USAGE having said why. */
static int read_integer(const struct value *value, cJSON **ret_value)
{
    const struct param_info *info = value->info;
    const char *text = value->text;
    char *end;
    uint64_t number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < info->min || number > info->max)
        return wrong_usage(value->command, "invalid %s '%s': an integer from %" PRIu64 " to %" PRIu64, value->option,
                           text, info->min, info->max);
    *ret_value = json_new_integer(number);
    return 0;
}

static int read_choice(const struct value *value, cJSON **ret_value)
{
    const char *text = value->text;

    if (option_choice(value->command, value->option, text, strlen(text), value->info->choices, NULL) < 0)
        return EXIT_WRONG_USAGE;
    *ret_value = cJSON_CreateString(text);
    return 0;
}

#define INTERESTS_SUMMARY "readable, writable, both separated by a comma, or closed: the end alone"

/* Names with commas between; "closed", or "none" as it was once called, for no interest at all. */
static int read_interests(const struct value *value, cJSON **ret_value)
{
    const char *const *choices = value->info->choices, *names[8], *text = value->text;
    unsigned chosen = 0;
    int count = 0, choice;

    if (strcmp(text, "none") == 0)
        text = "closed";
    for (size_t length; strcmp(text, "closed") != 0; text += length + 1) {
        length = strcspn(text, ",");
        choice = option_choice(value->command, value->option, text, length, choices, "closed");
        if (choice < 0)
            return EXIT_WRONG_USAGE;
        if (!(chosen & 1u << choice))
            names[count++] = choices[choice];
        chosen |= 1u << choice;
        if (text[length] == '\0')
            break;
    }
    *ret_value = cJSON_CreateStringArray(names, count);
    return 0;
}

static int read_value(const struct value *value, cJSON **ret_value)
{
    switch (value->info->type) {
    case PARAM_INTEGER:
        return read_integer(value, ret_value);
    case PARAM_INTERESTS:
        return read_interests(value, ret_value);
    case PARAM_CHOICE:
        return read_choice(value, ret_value);
    case PARAM_BOOLEAN:
        *ret_value = cJSON_CreateBool(!value->info->fallback);
        return 0;
    case PARAM_TEXT:
    case PARAM_NAME:
        break;
    }
    *ret_value = cJSON_CreateString(value->text);
    return 0;
}

/* An option's value is not written as the parameter is. */
static const char *summary_of(const struct param_info *info)
{
    return info->type == PARAM_INTERESTS ? INTERESTS_SUMMARY : info->summary;
}

static int take_param(const struct command *command, size_t param, cJSON *params)
{
    const struct param_info *info = &method_table[command->method].params[param];
    char option[OPTION_NAME_SIZE + 2] = "--";
    cJSON *value = NULL;
    bool argument;
    int r;

    method_option(command, param, option + 2, &argument);
    r = read_value(&(struct value){command, info, option, optarg}, &value);
    if (r != 0)
        return r;
    cJSON_DeleteItemFromObjectCaseSensitive(params, info->name);
    return params_add(params, info->name, value) ? 0 : failed(command, "out of memory");
}

int method_options_read(const struct command *command, struct options *options, int argc, char **argv, cJSON *params)
{
    int letter, r;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        r = take_param(command, (size_t)(letter - OPTION_PARAM), params);
        if (r != 0) {
            options->exit_code = r;
            return OPTIONS_EXIT;
        }
    }
    return 0;
}

/* ---- Help ------------------------------------------------------------------------------------------------------- */

static const char *value_word(const struct param_info *info)
{
    static const char *const words[] = {
        [PARAM_INTEGER] = " N", [PARAM_BOOLEAN] = "",     [PARAM_TEXT] = " TEXT",
        [PARAM_NAME] = " NAME", [PARAM_CHOICE] = " WORD", [PARAM_INTERESTS] = " LIST",
    };

    return words[info->type];
}

/* What an option of the form --no-NAME does. */
static const char *help_to_disable(const char *name)
{
    static const struct {
        const char *name, *help;
    } helps[] = {{"nodelay", "disable TCP_NODELAY"}, {"keepalive", "disable SO_KEEPALIVE"}};

    for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++)
        if (strcmp(helps[i].name, name) == 0)
            return helps[i].help;
    return "disable this";
}

#define HELP_INDENT  21
#define HELP_COLUMNS 96

/* In lines that fit beside the options. */
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

void method_options_help(const struct command *command)
{
    char name[OPTION_NAME_SIZE], option[OPTION_NAME_SIZE + 8];
    bool argument;

    for (size_t i = 0; i < PARAMS_MAX; i++) {
        const struct param_info *info;

        if (!method_option(command, i, name, &argument))
            continue;
        info = &method_table[command->method].params[i];
        snprintf(option, sizeof(option), "--%s%s", name, value_word(info));
        printf("  %-18s ", option);
        print_wrapped(info->type == PARAM_BOOLEAN && info->fallback ? help_to_disable(info->name) : summary_of(info));
    }
}
