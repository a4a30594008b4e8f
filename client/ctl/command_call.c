/* SPDX-License-Identifier: MIT */
/*
 * `call`: calls a method with the given JSON parameters.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/output.h"
#include "proto/buffer.h"
#include "proto/limits.h"
#include "proto/methods.h"
#include "proto/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reads standard input, up to slightly more than the daemon's limit: the daemon refuses a longer text. */
static int read_input(const struct command *command, size_t size_max, struct buffer *text)
{
    size_t n;

    do {
        char *room = buffer_reserve(text, 4096);

        if (!room)
            return failed(command, "out of memory");
        n = fread(room, 1, 4096, stdin);
        buffer_commit(text, n);
    } while (n > 0 && text->length <= size_max);
    return ferror(stdin) ? failed(command, "cannot read standard input: %s", strerror(errno)) : 0;
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
            return false;
    return true;
}

/* The text is embedded in a request, so it must be exactly one JSON value: other text could change the request. */
static int check_json(const struct command *command, const char *text, size_t length)
{
    struct limits limits;
    struct scan scan;
    struct fault fault;
    enum scan_status status;
    size_t offset;

    limits_init(&limits);
    scan_init(&scan);
    status = scan_run(&scan, text, length, &limits, &fault);
    if (status == SCAN_MORE)
        status = scan_end(&scan, &fault);
    offset = scan_offset(&scan);
    scan_deinit(&scan);
    if (status == SCAN_FAULT)
        return wrong_usage(command, "the parameters are %s", fault.message);
    if (!is_blank(text + offset, length - offset))
        return wrong_usage(command, "the parameters are more than one JSON text: the first ends at byte %zu", offset);
    return 0;
}

static int take_params(const struct command *command, const char *argument, struct buffer *params)
{
    struct limits limits;
    size_t skipped;
    int result = 0;

    limits_init(&limits);
    if (strcmp(argument, "-") == 0)
        result = read_input(command, limits.message_bytes, params);
    else
        buffer_append_text(params, argument);
    if (result != 0)
        return result;
    buffer_append(params, "", 1);
    if (buffer_failed(params))
        return failed(command, "out of memory");
    skipped = strspn(buffer_bytes(params), " \t\r\n");
    buffer_consume(params, skipped);
    return check_json(command, buffer_bytes(params), params->length - 1);
}

static int call(const struct command *command, const struct options *options, const char *method, const char *params)
{
    cJSON *result = NULL;
    int r = connection_call(command, options, method, params, &result);

    if (r != 0)
        return r;
    output_json_line(result);
    cJSON_Delete(result);
    return output_flush();
}

static int run_call(const struct command *command, struct options *options, int argc, char **argv)
{
    struct buffer params;
    int result = 0;

    if (!options_read_role(command, options, argc, argv))
        return options->exit_code;
    if (optind == argc)
        return wrong_usage(command, "missing method");
    if (!*argv[optind])
        return wrong_usage(command, "invalid method ''; see 'minimioctl call --help'");
    if (argc - optind > 2)
        return wrong_usage(command, "unexpected argument '%s': quote the parameters, which are one JSON text",
                           argv[optind + 2]);
    if (!options->role_given && strcmp(argv[optind], method_table[METHOD_POLL].name) == 0)
        options->role = ROLE_OWNER;
    buffer_init(&params);
    if (argc - optind == 2)
        result = take_params(command, argv[optind + 1], &params);
    if (result == 0)
        result = call(command, options, argv[optind], params.length > 0 ? buffer_bytes(&params) : NULL);
    buffer_deinit(&params);
    return result;
}

static void print_method(const struct method_info *method)
{
    printf("  %s — %s\n", method->name, method->summary);
    for (size_t i = 0; i < method->param_count; i++)
        printf("      %-12s %s%s\n", method->params[i].name, method->params[i].summary,
               method->params[i].required ? " (required)" : "");
}

static void print_methods(void)
{
    puts("\nMethods and their parameters:");
    for (size_t i = 0; i < METHOD_COUNT; i++)
        print_method(&method_table[i]);
}

static const struct option own_options[] = {{"role", required_argument, NULL, 'r'}, {0}};

const struct command command_call = {
    .options = own_options,
    .name = "call",
    .arguments = "METHOD [PARAMETERS]",
    .summary = "call a method of the daemon, print the result",
    .help = ROLE_HELP "\nPARAMETERS is a JSON object, an array, or - to read it from standard input:\n"
                      "  minimioctl call register '{\"token\": 1, \"address\": \"127.0.0.1:80\"}'\n",
    .more_help = print_methods,
    .takes_loop = true,
    .is_guest = true,
    .makes_loop = true,
    .method = METHOD_COUNT,
    .run = run_call,
};
