/* SPDX-License-Identifier: MIT */
/*
 * `watch`: registers the targets as tokens 1, 2, … and prints the events until all streams have ended. The command
 * shows readiness and reads no data from the streams.
 */
#include "client/ctl/commands.h"
#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/ctl/program.h"
#include "client/ctl/target.h"
#include "client/lib/deadline.h"
#include "proto/methods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum target_state { TARGET_OPEN, TARGET_ENDED };

struct watch {
    const struct command *command;
    struct minimio_client *client;
    int64_t deadline_ns;
    char **addresses;          /* of tokens 1, 2, … */
    enum target_state *states; /* of tokens 1, 2, … */
    size_t count;
    size_t open;
    bool any_failed;
    uint64_t first_id; /* of the `register` requests, which have consecutive ids */
    uint64_t events_left;
    const char *line;  /* shell command for each event; NULL: print */
    uint8_t interests; /* READY_ bits */
    uint8_t mode;
    struct output_event_layout layout;
};

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static int parse_interests(struct watch *watch, const char *text)
{
    watch->interests = 0;
    if (strcmp(text, "closed") == 0)
        return 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        int interest = option_choice(watch->command, "--interests", text, length, interest_names, "closed");

        if (interest < 0)
            return EXIT_WRONG_USAGE;
        watch->interests |= (uint8_t)(1u << interest);
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

/* Returns the enum mode. level requires poll delivery, which `watch` does not use. */
static int parse_mode(struct watch *watch, const char *text)
{
    static const char *const modes[] = {[MODE_ONESHOT] = "oneshot", [MODE_EDGE] = "edge", NULL};
    int mode = option_choice(watch->command, "--mode", text, strlen(text), modes, NULL);

    if (mode < 0)
        return EXIT_WRONG_USAGE;
    watch->mode = (uint8_t)mode;
    return 0;
}

static int parse_options(struct watch *watch, struct options *options, int argc, char **argv)
{
    int letter;
    int result = 0;

    while (result == 0 && (letter = options_next(watch->command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return OPTIONS_EXIT;
        if (letter == 'i')
            result = parse_interests(watch, optarg);
        else if (letter == 'm')
            result = parse_mode(watch, optarg);
        else if (letter == 'e')
            result = option_line(watch->command, optarg, &watch->line);
        else
            result = option_count(watch->command, optarg, &watch->events_left);
    }
    options->exit_code = result;
    return result == 0 ? 0 : OPTIONS_EXIT;
}

static int take_targets(struct watch *watch, int argc, char **argv)
{
    if (optind == argc)
        return wrong_usage(watch->command, "missing addresses: HOST:PORT...");
    for (int i = optind; i < argc; i++) {
        const char *fault = target_fault(argv[i]);
        int width = output_address_width(argv[i]);

        if (fault)
            return wrong_usage(watch->command, "invalid address '%s': %s", argv[i], fault);
        if (width > watch->layout.address_width)
            watch->layout.address_width = width;
    }
    watch->addresses = argv + optind;
    watch->count = (size_t)(argc - optind);
    watch->layout.token_width = snprintf(NULL, 0, "%zu", watch->count);
    watch->states = calloc(watch->count, sizeof *watch->states);
    return watch->states ? 0 : failed(watch->command, "out of memory");
}

/* ---- What is sent ----------------------------------------------------------------------------------------------- */

static cJSON *registration_params(const struct watch *watch, size_t index)
{
    cJSON *params = cJSON_CreateObject();
    const char *interests[8 * sizeof watch->interests]; /* one per bit */
    int count = 0;

    for (int i = 0; interest_names[i]; i++)
        if (watch->interests & (1u << i))
            interests[count++] = interest_names[i];
    if (json_add_integer(params, "token", index + 1) &&
        cJSON_AddStringToObject(params, "address", watch->addresses[index]) &&
        cJSON_AddStringToObject(params, "mode", mode_names[watch->mode]) &&
        json_add(params, "interests", cJSON_CreateStringArray(interests, count)))
        return params;
    cJSON_Delete(params);
    return NULL;
}

static int send_registration(struct watch *watch, size_t index, uint64_t *ret_id)
{
    cJSON *params = registration_params(watch, index);
    char *text = params ? cJSON_PrintUnformatted(params) : NULL;
    int result = -ENOMEM;

    if (text)
        result = minimio_client_send(watch->client, "register", text, ret_id);
    cJSON_free(text);
    cJSON_Delete(params);
    return result;
}

static int send_about(struct watch *watch, const char *method, size_t index)
{
    char params[48];

    snprintf(params, sizeof params, "{\"token\":%zu}", index + 1);
    return minimio_client_send(watch->client, method, params, NULL);
}

/* ---- What comes ------------------------------------------------------------------------------------------------- */

static void end_target(struct watch *watch, size_t index)
{
    watch->states[index] = TARGET_ENDED;
    watch->open--;
}

static int after_event(struct watch *watch, size_t index, uint32_t readiness)
{
    if (readiness & (READY_READ_CLOSED | READY_ERROR)) {
        end_target(watch, index);
        return send_about(watch, "deregister", index);
    }
    return watch->mode == MODE_ONESHOT ? send_about(watch, "reregister", index) : 0;
}

/* The index of the target of a token or request id; `count`: no target. */
static size_t target_of(const struct watch *watch, uint64_t number, uint64_t first)
{
    return number >= first && number - first < watch->count ? (size_t)(number - first) : watch->count;
}

/* Prints an event, or runs the command for the event. */
static int tell_event(struct watch *watch, size_t index, uint32_t readiness)
{
    const char *address = watch->addresses[index];

    if (!watch->line) {
        output_event(&watch->layout, index + 1, address, readiness);
        return output_flush() != 0 ? -EIO : 0;
    }
    program_tell(watch->client, NULL, index + 1, address, readiness);
    if (program_run_shell(watch->command, watch->line) != 0)
        watch->any_failed = true;
    return 0;
}

static int take_event(struct watch *watch, const struct minimio_client_event *event)
{
    size_t index = target_of(watch, event->token, 1);
    int result;

    /* Events in flight during deregister may still arrive. */
    if (index == watch->count || watch->states[index] == TARGET_ENDED || watch->events_left == 0)
        return 0;
    result = tell_event(watch, index, event->readiness);
    if (result < 0)
        return result;
    watch->events_left--;
    return after_event(watch, index, event->readiness);
}

static int take_fault(struct watch *watch, const struct minimio_client_message *message)
{
    size_t index = target_of(watch, message->id, watch->first_id);
    cJSON *fault = json_parse(message->body);
    char text[512];

    explain_fault(fault, index < watch->count ? watch->addresses[index] : NULL, text, sizeof text);
    cJSON_Delete(fault);
    watch->any_failed = true;
    if (index == watch->count) {
        failed(watch->command, "%s", text);
        return -ECANCELED;
    }
    failed(watch->command, "%s: %s", watch->addresses[index], text);
    if (watch->states[index] == TARGET_OPEN)
        end_target(watch, index);
    return 0;
}

/* Upper bound of events in a line: an event has more than eleven bytes. */
#define EVENTS_OF_A_LINE 6000

static int take_events(struct watch *watch, const char *body)
{
    static struct minimio_client_event events[EVENTS_OF_A_LINE];
    int count = minimio_client_read_events(body, events, EVENTS_OF_A_LINE);
    int result = 0;

    for (int i = 0; i < count && result == 0; i++)
        result = take_event(watch, &events[i]);
    return result;
}

static int take_message(struct watch *watch, const struct minimio_client_message *message)
{
    if (message->kind == MINIMIO_CLIENT_READY)
        return take_events(watch, message->body);
    if (message->kind == MINIMIO_CLIENT_FAULT)
        return take_fault(watch, message);
    if (message->kind == MINIMIO_CLIENT_NOTIFICATION && strcmp(message->method, "loop_closed") == 0) {
        failed(watch->command, "the daemon is shutting down");
        return -ECANCELED;
    }
    return 0;
}

/* Returns 1 after handling a message; 0 at the timeout. */
static int take_next(struct watch *watch, int64_t timeout_ns)
{
    struct minimio_client_message message;
    int result = minimio_client_next(watch->client, &message, timeout_ns);

    if (result > 0)
        result = take_message(watch, &message);
    else
        return result;
    return result < 0 ? result : 1;
}

/* Handles events while sending: the first targets can be ready before the last request is sent. */
static int register_all(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        uint64_t id = 0;
        int result = send_registration(watch, i, &id);

        if (i == 0)
            watch->first_id = id;
        watch->open++;
        while (result >= 0 && (result = take_next(watch, 0)) > 0)
            ;
        if (result < 0)
            return result;
    }
    return 0;
}

/* Returns 0 after all streams have ended. -ECANCELED and -EIO: the error has been printed. */
static int watch_all(struct watch *watch)
{
    int result = register_all(watch);

    while (result >= 0 && watch->open > 0 && watch->events_left > 0) {
        result = take_next(watch, deadline_left_ns(watch->deadline_ns));
        if (result == 0)
            return -ETIMEDOUT;
    }
    return result < 0 ? result : 0;
}

static int exit_code(const struct watch *watch, int result)
{
    if (result == -ETIMEDOUT)
        return EXIT_TIMED_OUT; /* the requested end */
    if (result == -ECANCELED || result == -EIO)
        return EXIT_FAILED;
    if (result < 0)
        return connection_failed(watch->command, watch->client, result);
    return watch->any_failed ? EXIT_FAILED : EXIT_DONE;
}

static int run_watch(const struct command *command, struct options *options, int argc, char **argv)
{
    struct watch watch = {
        .command = command, .events_left = UINT64_MAX, .interests = READY_READABLE, .mode = MODE_EDGE};
    int result;

    if (parse_options(&watch, options, argc, argv) == OPTIONS_EXIT)
        return options->exit_code;
    watch.layout.json = options->json;
    watch.deadline_ns = deadline_in(options->timeout_ns);
    result = take_targets(&watch, argc, argv);
    if (result == 0)
        result = connection_open(command, options, watch.deadline_ns, &watch.client);
    if (result == 0)
        result = exit_code(&watch, watch_all(&watch));
    minimio_client_free(watch.client);
    free(watch.states);
    return result;
}

static const struct option own_options[] = {
    {"interests", required_argument, NULL, 'i'},
    {"mode", required_argument, NULL, 'm'},
    {"count", required_argument, NULL, 'c'},
    {"exec", required_argument, NULL, 'e'},
    {0},
};

const struct command command_watch = {
    .options = own_options,
    .name = "watch",
    .arguments = "HOST:PORT...",
    .summary = "connect to addresses and print their events",
    .help = "  --interests LIST   readable, writable, both separated by a comma, or closed: the end of\n"
            "                     a stream alone (readable)\n"
            "  --mode MODE        edge: an event when new data arrives; oneshot: rearm after each\n"
            "                     event, so a stream that stays ready is reported again (edge)\n"
            "  --count N          exit after N events\n"
            "  --exec COMMAND     run a shell command per event, sequentially, instead of printing\n"
            "                     the event; MINIMIO_TOKEN, MINIMIO_READINESS and MINIMIO_ADDRESS are set\n"
            "\n"
            "Prints a line per event: the token (1 is the first HOST:PORT), the address, the readiness.\n"
            "Exits when all streams have ended; with status 1 if a stream could not be registered\n"
            "or a command failed.\n",
    .method = METHOD_COUNT,
    .run = run_watch,
};
