/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a method as options, their help and their checks, all from the protocol's table: `timeout_ms` is
 * --timeout-ms, what is true unless told otherwise is --no-NAME.
 */
#include "client/command.h"

#include <errno.h>
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

static bool is_choice(const struct param_info *info, const char *text, size_t length)
{
    for (size_t i = 0; info->choices[i]; i++)
        if (strlen(info->choices[i]) == length && memcmp(info->choices[i], text, length) == 0)
            return true;
    return false;
}

static cJSON *read_integer(const struct param_info *info, const char *text)
{
    char *end;
    uint64_t number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < info->min || number > info->max)
        return NULL;
    return cJSON_CreateNumber((double)number);
}

/* Names with commas between; "none" for no interest at all. */
static cJSON *read_interests(const struct param_info *info, const char *text)
{
    cJSON *array = cJSON_CreateArray();

    if (strcmp(text, "none") == 0)
        return array;
    for (;; text++) {
        size_t length = strcspn(text, ",");
        char name[16];
        cJSON *item;

        if (!is_choice(info, text, length)) {
            cJSON_Delete(array);
            return NULL;
        }
        snprintf(name, sizeof(name), "%.*s", (int)length, text);
        item = cJSON_CreateString(name);
        if (!item || !cJSON_AddItemToArray(array, item)) {
            cJSON_Delete(array);
            return NULL;
        }
        text += length;
        if (*text == '\0')
            return array;
    }
}

static cJSON *read_value(const struct param_info *info, const char *text)
{
    switch (info->type) {
    case PARAM_INTEGER:
        return read_integer(info, text);
    case PARAM_BOOLEAN:
        return cJSON_CreateBool(!info->fallback);
    case PARAM_INTERESTS:
        return read_interests(info, text);
    case PARAM_CHOICE:
        return is_choice(info, text, strlen(text)) ? cJSON_CreateString(text) : NULL;
    case PARAM_TEXT:
    case PARAM_NAME:
        break;
    }
    return cJSON_CreateString(text);
}

static int take_param(const struct command *command, size_t param, cJSON *params)
{
    const struct param_info *info = &method_table[command->method].params[param];
    cJSON *value = read_value(info, optarg);
    char name[OPTION_NAME_SIZE];
    bool argument;

    if (!value) {
        method_option(command, param, name, &argument);
        return wrong_usage(command, "--%s: '%s' is wrong: %s", name, optarg, info->summary);
    }
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
        printf("  %-18s %s%s\n", option, info->type == PARAM_BOOLEAN && info->fallback ? "do not: " : "",
               info->summary);
    }
}
