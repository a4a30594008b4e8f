/* SPDX-License-Identifier: MIT */
/*
 * Parses the parameters of a method from options. The file has no state.
 */
#include "client/ctl/method_options.h"

#include "client/ctl/json.h"
#include "proto/number.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The value of an option, with the command and the name of the option for messages. */
struct value {
    const struct command *command;
    const struct param_info *info;
    const char *option, *text;
};

/* The read functions return 0 and the value (NULL: out of memory), or EXIT_WRONG_USAGE after printing the error. */
static int read_integer(const struct value *value, cJSON **ret_value)
{
    const struct param_info *info = value->info;
    const char *text = value->text;
    uint64_t number;

    if (number_parse(text, 10, info->max, &number) < 0 || number < info->min)
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

/* Names separated by commas. "closed", formerly "none", means no interests. */
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
        *ret_value = cJSON_CreateBool(!value->info->default_value);
        return 0;
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_ID: /* no command has one */
        break;
    }
    *ret_value = cJSON_CreateString(value->text);
    return 0;
}

static int take_param(const struct command *command, size_t param, cJSON *params)
{
    const struct param_info *info = &method_table[command->method].params[param];
    char option[OPTION_NAME_SIZE + 2] = "--";
    cJSON *value = NULL;
    bool argument;
    int result;

    param_option(command, param, option + 2, &argument);
    result = read_value(&(struct value){command, info, option, optarg}, &value);
    if (result != 0)
        return result;
    cJSON_DeleteItemFromObjectCaseSensitive(params, info->name);
    return json_add(params, info->name, value) ? 0 : failed(command, "out of memory");
}

int method_options_read(const struct command *command, struct options *options, int argc, char **argv, cJSON *params)
{
    int letter, result;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        result = take_param(command, (size_t)(letter - OPTION_PARAM), params);
        if (result != 0) {
            options->exit_code = result;
            return OPTIONS_EXIT;
        }
    }
    return 0;
}
