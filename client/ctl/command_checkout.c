/* SPDX-License-Identifier: MIT */
/*
 * `checkout`: runs a command with a connection out of a pool. A pool is a loop whose tokens wait for `writable`: an
 * idle connection is ready at once. The lease of a worker makes the connection the command's alone; the end of the
 * lease tells whether the connection can be used again.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/ctl/program.h"
#include "client/ctl/registrations.h"
#include "client/ctl/worker.h"
#include "client/lib/deadline.h"
#include "proto/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX 1023
#define CHECK_NS   NS_PER_S /* between two looks whether the pool still has a connection */

#define UNUSABLE                                                                                                       \
    (MINIMIO_CLIENT_REDELIVERED | MINIMIO_CLIENT_READ_CLOSED | MINIMIO_CLIENT_WRITE_CLOSED | MINIMIO_CLIENT_ERROR)

struct checkout {
    struct worker worker;
    struct options *options;
    char **program;
    int number; /* as of struct program_stream */
};

/* ---- The pool --------------------------------------------------------------------------------------------------- */

static bool waits_for_writable(const cJSON *registration)
{
    const cJSON *interest;

    cJSON_ArrayForEach(interest, cJSON_GetObjectItemCaseSensitive(registration, "interests")) {
        if (cJSON_IsString(interest) && strcmp(interest->valuestring, "writable") == 0)
            return true;
    }
    return false;
}

/* Leased connections have no interests, and come back. */
static int check_pool(struct checkout *checkout)
{
    struct worker *worker = &checkout->worker;
    cJSON *all = cJSON_CreateArray();
    const cJSON *registration;
    bool found = false;
    int result = all ? fetch_registrations(worker->command, worker->client, worker->deadline_ns, all)
                     : failed(worker->command, "out of memory");

    cJSON_ArrayForEach(registration, all) {
        found = found || waits_for_writable(registration) ||
                cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(registration, "leased"));
    }
    cJSON_Delete(all);
    if (result != 0 || found)
        return result;
    failed(worker->command, "loop '%s' has no connection: no token waits for writable", checkout->options->loop);
    fprintf(stderr, "'minimioctl register --loop %s --ensure --interests writable TOKEN HOST:PORT' adds one.\n",
            checkout->options->loop);
    return EXIT_FAILED;
}

/* A stream that waits for something else is no connection of a pool: the next worker gets the event. */
static int refuse_stream(struct checkout *checkout, uint64_t token, const cJSON *registration)
{
    struct worker *worker = &checkout->worker;
    int result = worker_leave(worker, token, registration);

    if (result != 0)
        return result;
    failed(worker->command, "token %" PRIu64 " does not wait for writable: loop '%s' is no pool", token,
           checkout->options->loop);
    fprintf(stderr, "Register the connections of a pool with --interests writable, in a loop of their own.\n");
    return EXIT_FAILED;
}

/* ---- Renewal ---------------------------------------------------------------------------------------------------- */

/* The parameters of register; NULL: out of memory. */
static char *renewal_params(const cJSON *registration, uint64_t token)
{
    cJSON *params = cJSON_CreateObject();
    char *text;
    bool whole =
        json_add_integer(params, "token", token) && cJSON_AddTrueToObject(params, "ensure") &&
        cJSON_AddStringToObject(params, "address", registration_address(registration)) &&
        json_add(params, "interests",
                 cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(registration, "interests"), true)) &&
        json_add(params, "mode", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(registration, "mode"), true));

    text = whole ? cJSON_PrintUnformatted(params) : NULL;
    cJSON_Delete(params);
    return text;
}

/* Closes the stream for all who have it: the program of a worker that died may still have a duplicate. */
static int close_stream(struct checkout *checkout, uint64_t token)
{
    struct minimio_client *client = checkout->worker.client;
    char params[48];
    int result;

    snprintf(params, sizeof params, "[%" PRIu64 ",\"both\"]", token);
    result = minimio_client_send(client, "shutdown", params, NULL);
    snprintf(params, sizeof params, "[%" PRIu64 "]", token);
    if (result >= 0)
        result = minimio_client_send(client, "deregister", params, NULL);
    return result < 0 ? connection_failed(checkout->worker.command, client, result) : 0;
}

/* Connects the token anew, and ends the lease. The new connection goes to the worker that has waited longest. */
static int renew(struct checkout *checkout, const cJSON *registration, uint64_t token)
{
    struct worker *worker = &checkout->worker;
    char *params;
    int result = close_stream(checkout, token);

    if (result != 0)
        return result;
    if (!cJSON_HasObjectItem(registration, "address")) {
        failed(worker->command, "token %" PRIu64 " has no address to connect to again: the connection is closed",
               token);
        return check_pool(checkout);
    }
    params = renewal_params(registration, token);
    if (!params)
        return failed(worker->command, "out of memory");
    result = minimio_client_call(worker->client, "register", params, deadline_left_ns(worker->deadline_ns), NULL);
    cJSON_free(params);
    if (result == -EREMOTEIO) { /* another connection of the pool may be usable */
        connection_failed(worker->command, worker->client, result);
        return check_pool(checkout);
    }
    return result < 0 ? connection_failed(worker->command, worker->client, result) : 0;
}

/* ---- The command ------------------------------------------------------------------------------------------------ */

/* Returns the status of the command: an error of the daemon is printed, and does not hide the status. */
static int run_program(struct checkout *checkout, int stream, uint64_t token, const cJSON *registration)
{
    struct worker *worker = &checkout->worker;
    struct program_stream place = {.fd = stream, .number = checkout->number};
    int flags = program_make_blocking(stream), code;
    pid_t child = 0;
    bool usable = true;

    code = program_start_with(worker->command, checkout->program, place, &child);
    if (code == 0) {
        code = program_await(worker->command, checkout->program[0], child);
        usable = code == 0;
    }
    program_restore_flags(stream, flags);
    (void)worker_leave(worker, token, usable ? registration : NULL);
    return code;
}

static void tell_program(struct checkout *checkout, const cJSON *registration, const struct minimio_client_event *event)
{
    char number[16];

    program_tell(checkout->worker.client, checkout->options->loop, event->token, registration_address(registration),
                 event->readiness);
    snprintf(number, sizeof number, "%d", checkout->number < 0 ? STDIN_FILENO : checkout->number);
    setenv("MINIMIO_FD", number, 1);
}

/* `*ret_served`: the command has run, or cannot run. Otherwise, wait for another event. */
static int serve(struct checkout *checkout, const struct minimio_client_event *event, const cJSON *registration,
                 bool *ret_served)
{
    int stream, result;

    if (!registration)
        return 0;
    if (!waits_for_writable(registration))
        return refuse_stream(checkout, event->token, registration);
    if (event->readiness & UNUSABLE)
        return renew(checkout, registration, event->token);
    stream = worker_take(&checkout->worker, event->token);
    if (stream < 0)
        return stream == -ENOENT ? 0 : EXIT_FAILED;
    *ret_served = true;
    tell_program(checkout, registration, event);
    result = run_program(checkout, stream, event->token, registration);
    close(stream);
    return result;
}

/* Waits for an event. Returns as worker_next; 0: the deadline has passed. */
static int await_connection(struct checkout *checkout, struct minimio_client_event *ret_event)
{
    struct worker *worker = &checkout->worker;

    for (;;) {
        int64_t until_ns = deadline_sooner(deadline_in(CHECK_NS), worker->deadline_ns);
        int result = worker_await(worker, ret_event, until_ns);

        if (result != 0)
            return result;
        if (deadline_left_ns(worker->deadline_ns) == 0)
            return 0;
        result = check_pool(checkout);
        if (result != 0)
            return -result;
    }
}

static int checkout_one(struct checkout *checkout)
{
    bool served = false;
    int result = check_pool(checkout);

    while (result == 0 && !served) {
        struct minimio_client_event event;
        cJSON *registration = NULL;

        result = await_connection(checkout, &event);
        if (result == 0) {
            failed(checkout->worker.command, "no connection was free in time");
            return EXIT_TIMED_OUT;
        }
        if (result < 0)
            return -result;
        result = worker_find(&checkout->worker, event.token, &registration);
        if (result == 0)
            result = serve(checkout, &event, registration, &served);
        cJSON_Delete(registration);
    }
    return result;
}

/* ---- The command line ------------------------------------------------------------------------------------------- */

static int parse_number(const struct command *command, const char *text, int *ret_number)
{
    uint64_t number;

    if (number_parse(text, 10, NUMBER_MAX, &number) < 0)
        return wrong_usage(command, "invalid --fd '%s': an integer from 0 to %d", text, NUMBER_MAX);
    *ret_number = (int)number;
    return 0;
}

static int run_checkout(const struct command *command, struct options *options, int argc, char **argv)
{
    struct checkout checkout = {.options = options, .number = -1};
    int letter, result = 0;

    checkout.program = program_cut(&argc, argv);
    options->role = ROLE_WORKER;
    while (result == 0 && (letter = options_next(command, options, argc, argv)) != OPTIONS_END)
        result = letter == OPTIONS_EXIT ? OPTIONS_EXIT : parse_number(command, optarg, &checkout.number);
    if (result != 0)
        return result == OPTIONS_EXIT ? options->exit_code : result;
    result = require_loop(command, options);
    if (result == 0 && optind < argc)
        result = wrong_usage(command, "unexpected argument '%s': the command follows --", argv[optind]);
    if (result == 0)
        result = program_require(command, checkout.program);
    if (result == 0)
        result = program_find(command, checkout.program[0]);
    if (result != 0)
        return result;
    result = worker_begin(&checkout.worker, command, options, deadline_in(options->timeout_ns));
    if (result == 0)
        result = checkout_one(&checkout);
    worker_end(&checkout.worker);
    return result;
}

static const struct option own_options[] = {{"fd", required_argument, NULL, 'f'}, {0}};

const struct command command_checkout = {
    .options = own_options,
    .name = "checkout",
    .arguments = "--loop NAME -- COMMAND...",
    .summary = "run a command with a connection out of a pool",
    .help = "  --fd N             the connection is descriptor N of the command (standard input and output)\n"
            "\n"
            "A pool is a loop whose tokens wait for writable. Waits until a connection is free, for --timeout\n"
            "at most, and runs the command, which then has the connection alone. If the command exits with\n"
            "status 0, the connection is free again; otherwise the connection is closed. Exit status is that\n"
            "of the command.\n",
    .takes_loop = true,
    .method = METHOD_COUNT,
    .run = run_checkout,
};
