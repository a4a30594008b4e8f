/* SPDX-License-Identifier: MIT */
/*
 * `register`, `reregister`, `deregister`, `shutdown` and `close-loop`: change the streams of a named loop. The requests
 * for several tokens are pipelined; an error of a token does not affect the other tokens.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/method_options.h"
#include "client/ctl/output.h"
#include "client/ctl/target.h"
#include "client/lib/deadline.h"
#include "proto/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    uint64_t token;
    const char *address; /* NULL: no address */
    uint64_t id;
};

struct tokens {
    const struct command *command;
    const struct options *options;
    const char *method;
    cJSON *params; /* parameters of every request */
    struct request *requests;
    size_t count;
    int64_t deadline_ns;
    int fd; /* descriptor to hand over; negative: no descriptor */
    int exit_code;
};

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

/* The parameters of a request as JSON, to be freed by cJSON_free; NULL: out of memory. */
static char *params_text(const struct tokens *tokens, const struct request *request)
{
    cJSON *params = cJSON_Duplicate(tokens->params, true);
    char *text;
    bool whole = json_add_integer(params, "token", request->token) &&
                 (!request->address || cJSON_AddStringToObject(params, "address", request->address));

    text = whole ? cJSON_PrintUnformatted(params) : NULL;
    cJSON_Delete(params);
    return text;
}

static int send_request(struct tokens *tokens, struct minimio_client *client, struct request *request)
{
    char *text = params_text(tokens, request);
    int result = text && tokens->fd >= 0 ? minimio_client_attach(client, tokens->fd) : 0;

    if (!text)
        return failed(tokens->command, "out of memory");
    if (result == 0)
        result = minimio_client_send(client, tokens->method, text, &request->id);
    cJSON_free(text);
    return result < 0 ? connection_failed(tokens->command, client, result) : 0;
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *object, const char *member)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));

    return text ? text : "-";
}

/* `note`: "existing", "leased" or "". */
static void print_stream(uint64_t token, const char *local, const char *peer, const char *note)
{
    printf("%" PRIu64 "  ", token);
    output_text(stdout, local);
    fputs("  ", stdout);
    output_text(stdout, peer);
    printf("%s%s\n", *note ? "  " : "", note);
}

static void print_result(const struct tokens *tokens, const struct request *request, const cJSON *result)
{
    if (tokens->options->json)
        output_json_line(result);
    else if (tokens->command->method == METHOD_REGISTER)
        print_stream(request->token, text_of(result, "local"), text_of(result, "peer"),
                     cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "existing")) ? "existing" : "");
}

/* Whether register --ensure has found a token that a worker holds: the stream is there, and in use. */
static bool is_in_use(const struct tokens *tokens, const struct request *request, const char *fault)
{
    return request && strcmp(fault, "LEASED") == 0 &&
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tokens->params, "ensure"));
}

static void print_in_use(const struct tokens *tokens, const struct request *request)
{
    if (tokens->options->json)
        printf("{\"token\":%" PRIu64 ",\"leased\":true}\n", request->token);
    else
        print_stream(request->token, "-", request->address, "leased");
}

/* Whether the message contains the token. */
static bool names_token(const char *text, uint64_t token)
{
    char name[40];
    size_t length = (size_t)snprintf(name, sizeof name, "token %" PRIu64, token);
    const char *at = strstr(text, name);

    return at && !(at[length] >= '0' && at[length] <= '9');
}

/* Formats an INVALID_PARAMS fault of an option as wrong usage. False: another fault. */
static bool explain_option(const struct tokens *tokens, const cJSON *fault, char *ret_text, size_t size)
{
    const char *param = text_of(cJSON_GetObjectItemCaseSensitive(fault, "data"), "param");
    char option[OPTION_NAME_SIZE];
    bool argument;

    for (size_t i = 0; i < PARAMS_MAX; i++)
        if (param_option(tokens->command, i, option, &argument) &&
            strcmp(method_table[tokens->command->method].params[i].name, param) == 0) {
            snprintf(ret_text, size, "invalid --%s '%s': %s", option, text_of(tokens->params, param),
                     text_of(fault, "message"));
            return true;
        }
    return false;
}

static void tell_fault(struct tokens *tokens, const struct request *request, const cJSON *fault)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const char *address = request ? request->address : NULL;
    char text[512];

    if (is_in_use(tokens, request, text_of(data, "name"))) {
        print_in_use(tokens, request);
        return;
    }
    if (!explain_option(tokens, fault, text, sizeof text))
        explain_fault(fault, address, text, sizeof text);
    if (request && address)
        failed(tokens->command, "%" PRIu64 " %s: %s", request->token, address, text);
    else if (request && !names_token(text, request->token))
        failed(tokens->command, "%" PRIu64 ": %s", request->token, text);
    else
        failed(tokens->command, "%s", text);
    tokens->exit_code = strcmp(text_of(data, "name"), "TIMED_OUT") == 0 ? EXIT_TIMED_OUT : EXIT_FAILED;
}

static struct request *request_of(const struct tokens *tokens, uint64_t id)
{
    uint64_t first = tokens->requests[0].id;

    return id >= first && id - first < tokens->count ? &tokens->requests[id - first] : NULL;
}

/* Handles a message. Returns whether the message is a reply. */
static bool take_message(struct tokens *tokens, const struct minimio_client_message *message)
{
    bool is_result = message->kind == MINIMIO_CLIENT_RESULT;
    const struct request *request;
    cJSON *body;

    if (!is_result && message->kind != MINIMIO_CLIENT_FAULT)
        return false;
    request = request_of(tokens, message->id);
    body = json_parse(message->body);
    if (!body)
        tokens->exit_code = failed(tokens->command, "out of memory");
    else if (!is_result)
        tell_fault(tokens, request, body);
    else if (request)
        print_result(tokens, request, body);
    cJSON_Delete(body);
    return true;
}

static int await_replies(struct tokens *tokens, struct minimio_client *client)
{
    for (size_t left = tokens->count; left > 0;) {
        struct minimio_client_message message;
        int result = minimio_client_next(client, &message, deadline_left_ns(tokens->deadline_ns));

        if (result == 0) {
            failed(tokens->command, "the daemon did not answer in time");
            return EXIT_TIMED_OUT;
        }
        if (result < 0)
            return connection_failed(tokens->command, client, result);
        left -= take_message(tokens, &message);
    }
    return output_flush() != 0 ? EXIT_FAILED : tokens->exit_code;
}

static int carry_out(struct tokens *tokens)
{
    struct minimio_client *client = NULL;
    int result = connection_open(tokens->command, tokens->options, tokens->deadline_ns, &client);

    for (size_t i = 0; result == 0 && i < tokens->count; i++)
        result = send_request(tokens, client, &tokens->requests[i]);
    if (result == 0)
        result = await_replies(tokens, client);
    minimio_client_free(client);
    return result;
}

/* ---- The command line ------------------------------------------------------------------------------------------- */

static int begin(struct tokens *tokens, const struct command *command, struct options *options, int argc, char **argv)
{
    *tokens = (struct tokens){.command = command, .options = options, .fd = -1};
    tokens->method = method_table[command->method].name;
    tokens->params = cJSON_CreateObject();
    tokens->requests = calloc((size_t)argc + 1, sizeof *tokens->requests);
    if (!tokens->params || !tokens->requests) {
        failed(command, "out of memory");
        return EXIT_FAILED;
    }
    if (method_options_read(command, options, argc, argv, tokens->params) == OPTIONS_EXIT) {
        tokens->exit_code = options->exit_code;
        return OPTIONS_EXIT;
    }
    tokens->deadline_ns = deadline_in(options->timeout_ns);
    return require_loop(command, options);
}

static int tokens_end(struct tokens *tokens, int result)
{
    free(tokens->requests);
    cJSON_Delete(tokens->params);
    return result == OPTIONS_EXIT ? tokens->exit_code : result;
}

static int take_token(struct tokens *tokens, const char *text)
{
    int result = argument_token(tokens->command, text, &tokens->requests[tokens->count].token);

    if (result == 0)
        tokens->count++;
    return result;
}

/* `reregister` and `deregister`: TOKEN... */
static int run_tokens(const struct command *command, struct options *options, int argc, char **argv)
{
    struct tokens tokens;
    int result = begin(&tokens, command, options, argc, argv);

    if (result == 0 && optind == argc)
        result = wrong_usage(command, "missing token");
    for (int i = optind; result == 0 && i < argc; i++)
        result = take_token(&tokens, argv[i]);
    return tokens_end(&tokens, result == 0 ? carry_out(&tokens) : result);
}

/* Parses "fd:5", descriptor 5 of this process. Errors: -ENOENT, an address; the result of wrong_usage. */
static int parse_fd(const struct command *command, const char *text, int *ret_fd)
{
    uint64_t fd;

    if (strncmp(text, "fd:", 3) != 0)
        return -ENOENT;
    if (number_parse(text + 3, 10, 1000000, &fd) < 0)
        return wrong_usage(command, "invalid descriptor '%s': fd:N, an integer from 0 to 1000000", text);
    *ret_fd = (int)fd;
    return 0;
}

static int take_address(struct tokens *tokens, const char *text, bool alone)
{
    int result = parse_fd(tokens->command, text, &tokens->fd);
    const char *fault;

    if (result == 0) {
        cJSON_AddTrueToObject(tokens->params, "fd");
        return alone ? 0
                     : wrong_usage(tokens->command,
                                   "invalid '%s': only one descriptor is handed over at a time, and no address with it",
                                   text);
    }
    if (result != -ENOENT)
        return result;
    fault = target_fault(text);
    if (fault)
        return wrong_usage(tokens->command, "invalid address '%s': %s", text, fault);
    tokens->requests[tokens->count - 1].address = text;
    return 0;
}

/* Sets the timeout of connecting to the timeout of the command. */
static void set_connect_timeout(struct tokens *tokens)
{
    int64_t timeout_ns = tokens->options->timeout_ns;

    if (timeout_ns >= 0)
        json_add_integer(tokens->params, "timeout_ms", (uint64_t)milliseconds_of(timeout_ns + 1));
}

static int run_register(const struct command *command, struct options *options, int argc, char **argv)
{
    struct tokens tokens;
    int result = begin(&tokens, command, options, argc, argv);

    if (result == 0 && (optind == argc || (argc - optind) % 2 != 0))
        result = wrong_usage(command, "missing streams: TOKEN HOST:PORT, in pairs");
    for (int i = optind; result == 0 && i < argc; i += 2) {
        result = take_token(&tokens, argv[i]);
        if (result == 0)
            result = take_address(&tokens, argv[i + 1], argc - optind == 2);
    }
    if (result == 0) {
        set_connect_timeout(&tokens);
        result = carry_out(&tokens);
    }
    return tokens_end(&tokens, result);
}

static int run_shutdown(const struct command *command, struct options *options, int argc, char **argv)
{
    static const char *const directions[] = {"read", "write", "both", NULL};
    struct tokens tokens;
    int result = begin(&tokens, command, options, argc, argv);

    if (result == 0 && argc - optind < 2)
        result = wrong_usage(command, optind == argc ? "missing token" : "missing direction; use read, write, both");
    if (result == 0 && argc - optind > 2)
        result = unexpected_argument(command, argv[optind + 2]);
    if (result == 0)
        result = take_token(&tokens, argv[optind]);
    if (result == 0 &&
        option_choice(command, "direction", argv[optind + 1], strlen(argv[optind + 1]), directions, NULL) < 0)
        result = EXIT_WRONG_USAGE;
    if (result == 0) {
        cJSON_AddStringToObject(tokens.params, "how", argv[optind + 1]);
        result = carry_out(&tokens);
    }
    return tokens_end(&tokens, result);
}

static int run_close_loop(const struct command *command, struct options *options, int argc, char **argv)
{
    cJSON *result;
    int r;

    if (options_next(command, options, argc, argv) != OPTIONS_END)
        return options->exit_code;
    r = require_loop(command, options);
    if (r == 0 && optind < argc)
        r = unexpected_argument(command, argv[optind]);
    if (r == 0)
        r = connection_call(command, options, "close_loop", NULL, &result);
    if (r != 0)
        return r;
    if (options->json)
        output_json_line(result);
    cJSON_Delete(result);
    return output_flush();
}

const struct command command_register = {
    .name = "register",
    .arguments = "--loop NAME TOKEN HOST:PORT|fd:N ...",
    .summary = "connect streams, or hand one over, and hold them in a loop",
    .help = "\nPrints a line per stream: the token, the local address, the address of the peer; and 'existing'\n"
            "if --ensure has found the registration.\n"
            "fd:N hands over descriptor N of this process, for example after: exec 5<>/dev/tcp/HOST/PORT\n"
            "--timeout also limits how long connecting may take (30s).\n",
    .takes_loop = true,
    .is_guest = true,
    .makes_loop = true,
    .method = METHOD_REGISTER,
    .positional = "token address fd timeout_ms",
    .run = run_register,
};

const struct command command_reregister = {
    .name = "reregister",
    .arguments = "--loop NAME TOKEN...",
    .summary = "rearm tokens, optionally with other interests or another mode",
    .help = "",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_REREGISTER,
    .positional = "token",
    .run = run_tokens,
};

const struct command command_deregister = {
    .name = "deregister",
    .arguments = "--loop NAME TOKEN...",
    .summary = "remove tokens and close their streams",
    .help = "",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_DEREGISTER,
    .positional = "token",
    .run = run_tokens,
};

const struct command command_shutdown = {
    .name = "shutdown",
    .arguments = "--loop NAME TOKEN read|write|both",
    .summary = "shut down one or both directions of a stream",
    .help = "",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_SHUTDOWN,
    .positional = "token how",
    .run = run_shutdown,
};

const struct command command_close_loop = {
    .name = "close-loop",
    .arguments = "--loop NAME",
    .summary = "close a loop and all of its streams",
    .help = "",
    .takes_loop = true,
    .is_guest = true,
    .method = METHOD_COUNT,
    .run = run_close_loop,
};
