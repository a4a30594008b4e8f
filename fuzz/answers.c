/* SPDX-License-Identifier: MIT */
/*
 * Matches the lines that a client has received with the requests that the client has written. Owns the list of awaited
 * answers of one client.
 */
#include "fuzz/answers.h"

#include "fuzz/expect.h"
#include "fuzz/require.h"

#include <inttypes.h>
#include <string.h>

/* A request or an invalid message that must be answered. */
struct awaited {
    const char *id; /* as written */
    size_t id_length;
    size_t batch; /* the number of the batch; 0: none */
    bool accepted;
    enum fault_name fault; /* if not accepted */
    int method;
    uint64_t token;
    bool unique; /* no other request has the same id */
    bool keeps;  /* a `take` whose token stays registered */
    bool answered;
};

struct book {
    struct awaited *list;
    size_t count, batches;
    bool closes;    /* the input ends the session before the end of the bytes */
    bool is_blind;  /* notifications change registrations at an unknown time */
    bool is_shared; /* the loop has a name: other sessions may register any token */
    uint64_t *gone; /* tokens without further events */
    size_t gone_count;
    unsigned taken;  /* answers that announce a descriptor */
    bool unexpected; /* a fault that ended the session */
};

/* Limits for the daemon's output: only the length of a line matters. */
static const struct limits line_limits = {
    .message_bytes = 1 << 20, .message_depth = 128, .message_values = 1 << 20, .line_bytes = 64 * 1024};

/* ---- What is awaited -------------------------------------------------------------------------------------------- */

static struct awaited *add_awaited(struct book *book)
{
    if (book->count % 16 == 0) {
        book->list = reallocarray(book->list, book->count + 16, sizeof *book->list);
        REQUIRE(book->list, "out of memory");
    }
    book->list[book->count] = (struct awaited){.id = "null", .id_length = 4, .method = -1};
    return &book->list[book->count++];
}

static void await_fault(struct book *book, enum fault_name fault)
{
    add_awaited(book)->fault = fault;
}

static uint64_t token_of(const struct expected_request *request)
{
    const struct method_info *method = &method_table[request->method];

    return method->param_count && strcmp(method->params[0].name, "token") == 0 ? request->values[0].integer : 0;
}

static void await_request(struct book *book, const char *text, const struct node *node, size_t batch,
                          const struct limits *limits)
{
    struct expected_request request;
    struct awaited *awaited;

    expect_request(text, node, limits, &request);
    if (!request.has_answer) {
        book->is_blind |= request.method == METHOD_OPEN_LOOP || request.method == METHOD_REGISTER;
        return;
    }
    awaited = add_awaited(book);
    awaited->batch = batch;
    awaited->accepted = request.accepted;
    awaited->fault = request.fault;
    awaited->method = request.method;
    if (request.accepted)
        awaited->token = token_of(&request);
    awaited->keeps = request.accepted && request.method == METHOD_TAKE && request.values[1].integer;
    if (request.id_length) {
        awaited->id = text + request.id_at;
        awaited->id_length = request.id_length;
    }
}

static void await_message(struct book *book, const char *text, const struct node *root, const struct limits *limits)
{
    const char *limit;
    enum fault_name whole = expect_whole(root, limits, &limit);

    if (whole != FAULT_COUNT) {
        await_fault(book, whole);
    } else if (root->kind == NODE_ARRAY) {
        size_t batch = ++book->batches;

        for (const struct node *node = root->first; node; node = node->next)
            await_request(book, text, node, batch, limits);
    } else {
        await_request(book, text, root, 0, limits);
    }
}

static void await_all(struct book *book, const struct client *client, const struct limits *limits)
{
    struct expected_message message;
    struct expected_stream stream;
    enum fault_name fault;

    expected_stream_init(&stream, buffer_bytes(&client->sent), client->sent.length, limits);
    do {
        expected_stream_next(&stream, &message);
        if (message.kind == EXPECT_MESSAGE)
            await_message(book, stream.bytes + message.begin, message.reading.root, limits);
        else if (message.kind != EXPECT_MORE)
            await_fault(book, message.fault);
        reading_deinit(&message.reading);
        book->closes = message.kind == EXPECT_CLOSE;
    } while (message.kind == EXPECT_MESSAGE || message.kind == EXPECT_FAULT);
    if (client->half_closed && !book->closes && expected_stream_end(&stream, &fault))
        await_fault(book, fault);
}

static bool same_id(const struct awaited *left, const struct awaited *right)
{
    return left->id_length == right->id_length && memcmp(left->id, right->id, left->id_length) == 0;
}

static void mark_unique(struct book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        bool unique = true;

        for (size_t j = 0; j < book->count && unique; j++)
            unique = j == i || !same_id(&book->list[i], &book->list[j]);
        book->list[i].unique = unique;
    }
}

/* ---- Tokens ----------------------------------------------------------------------------------------------------- */

static void forget_gone(struct book *book, uint64_t token)
{
    for (size_t i = 0; i < book->gone_count; i++)
        if (book->gone[i] == token)
            book->gone[i--] = book->gone[--book->gone_count];
}

static void add_gone(struct book *book, uint64_t token)
{
    book->gone = reallocarray(book->gone, book->gone_count + 1, sizeof *book->gone);
    REQUIRE(book->gone, "out of memory");
    book->gone[book->gone_count++] = token;
}

/* If two requests share an id, the answered request is unknown, and so is the state of every token. The answer of a
 * batch comes with its last request, long after the effect of an earlier request. */
static void note_success(struct book *book, const struct awaited *awaited)
{
    if (book->is_blind)
        return;
    if (!awaited->unique || !awaited->accepted || awaited->method == METHOD_OPEN_LOOP ||
        awaited->method == METHOD_CLOSE_LOOP)
        book->gone_count = 0;
    else if (awaited->method == METHOD_REGISTER)
        forget_gone(book, awaited->token);
    else if (!awaited->batch && !awaited->keeps &&
             (awaited->method == METHOD_DEREGISTER || awaited->method == METHOD_TAKE))
        add_gone(book, awaited->token);
}

static uint64_t number_in(const char *text, const struct node *node)
{
    return strtoull(text + node->at, NULL, 10);
}

static bool is_gone(const struct book *book, size_t i, uint64_t token)
{
    return !book->is_shared && book->gone[i] == token;
}

static void require_events(const struct book *book, const char *text, const struct node *events)
{
    REQUIRE(events && events->kind == NODE_ARRAY, "no array of events");
    for (const struct node *event = events->first; event; event = event->next) {
        const struct node *token = event->kind == NODE_OBJECT ? node_member(event, "token") : NULL;

        REQUIRE(token && token->kind == NODE_NUMBER && event->count > 1, "an event without a flag");
        for (const struct node *flag = token->next; flag; flag = flag->next)
            REQUIRE(flag->kind == NODE_TRUE, "a flag that is not true");
        for (size_t i = 0; i < book->gone_count; i++)
            REQUIRE(!is_gone(book, i, number_in(text, token)), "an event of token %" PRIu64 ", which is gone",
                    book->gone[i]);
    }
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static bool has_id(const struct awaited *awaited, const char *text, const struct node *id)
{
    return id->length == awaited->id_length && memcmp(text + id->at, awaited->id, id->length) == 0;
}

static bool fault_fits(const struct awaited *awaited, const struct node *error)
{
    const struct node *data, *name;

    if (!error)
        return awaited->accepted;
    data = node_member(error, "data");
    name = data ? node_member(data, "name") : NULL;
    REQUIRE(name && name->kind == NODE_STRING, "an error without a name");
    return awaited->accepted || node_is_text(name, fault_text(awaited->fault)) ||
           (awaited->batch && node_is_text(name, "LIMIT_EXCEEDED"));
}

static const struct node *check_envelope(const struct node *answer)
{
    const struct node *result = node_member(answer, "result"), *error = node_member(answer, "error");

    REQUIRE(node_is_text(node_member(answer, "jsonrpc"), "2.0"), "wrong version");
    REQUIRE(!result != !error, "not exactly one of result and error");
    REQUIRE(!result || result->kind == NODE_OBJECT, "the result is not an object");
    REQUIRE(!error || error->kind == NODE_OBJECT, "the error is not an object");
    return error;
}

static void record_answer(struct book *book, struct awaited *awaited, const char *text, const struct node *answer)
{
    const struct node *result = node_member(answer, "result"), *events;

    awaited->answered = true;
    if (!result)
        return;
    if (node_member(result, "created"))
        book->is_shared = node_member(result, "loop")->kind != NODE_NULL;
    events = node_member(result, "events");
    if (events && awaited->unique && awaited->method == METHOD_POLL)
        require_events(book, text, events);
    note_success(book, awaited);
    book->taken += node_member(result, "fd") != NULL;
}

/* Is the error the last line of a session, or the only line of a refused session? */
static bool ends_session(const struct node *id, const struct node *error)
{
    const struct node *data = error ? node_member(error, "data") : NULL;
    const struct node *limit = data ? node_member(data, "limit") : NULL;

    const struct node *rule = data ? node_member(data, "rule") : NULL;

    return id->kind == NODE_NULL && (node_is_text(limit, "descriptors") || node_is_text(limit, "descriptors_uid") ||
                                     node_is_text(limit, "sessions") || node_is_text(limit, "sessions_uid") ||
                                     node_is_text(rule, "descriptors"));
}

/* The awaited request that this answer belongs to. For an error, requests with an expected fault come first. */
static struct awaited *find_single(struct book *book, const char *text, const struct node *id, const struct node *error)
{
    struct awaited *found = NULL;

    for (size_t i = 0; i < book->count; i++) {
        struct awaited *awaited = &book->list[i];

        if (!awaited->answered && !awaited->batch && has_id(awaited, text, id) && fault_fits(awaited, error) &&
            (!found || (found->accepted && !awaited->accepted)))
            found = awaited;
    }
    return found;
}

static void match_single(struct book *book, const char *text, const struct node *answer, const struct node *id)
{
    const struct node *error = check_envelope(answer);
    struct awaited *awaited = find_single(book, text, id, error);

    if (awaited) {
        record_answer(book, awaited, text, answer);
        return;
    }
    REQUIRE(ends_session(id, error), "unexpected answer: %.*s", (int)answer->length, text + answer->at);
    book->unexpected = true;
}

/* The number of answers in the array that belong to faulty requests of the batch; negative: the array does not
 * match. */
static int fits_batch(const struct awaited *first, const struct awaited *end, const char *text,
                      const struct node *array)
{
    const struct node *answer = array->first;
    int faulty = 0;

    for (; first < end; first++, answer = answer->next) {
        if (!answer || !has_id(first, text, node_member(answer, "id")) ||
            !fault_fits(first, node_member(answer, "error")))
            return -1;
        faulty += !first->accepted;
    }
    return answer ? -1 : faulty;
}

/* The first request of the batch, whose requests are adjacent; NULL: no batch matches. */
static struct awaited *find_batch(struct book *book, const char *text, const struct node *array)
{
    struct awaited *at = book->list, *end = at + book->count, *first, *found = NULL;
    int best = -1;

    while (at < end) {
        int faulty;

        for (first = at; at < end && at->batch == first->batch && (first->batch || at == first);)
            at++;
        if (!first->batch || first->answered)
            continue;
        faulty = fits_batch(first, at, text, array);
        if (faulty > best) {
            best = faulty;
            found = first;
        }
    }
    return found;
}

static void match_batch(struct book *book, const char *text, const struct node *array)
{
    struct awaited *awaited;

    for (const struct node *answer = array->first; answer; answer = answer->next) {
        REQUIRE(answer->kind == NODE_OBJECT && node_member(answer, "id"), "an answer without an id in a batch");
        check_envelope(answer);
    }
    awaited = find_batch(book, text, array);
    REQUIRE(awaited, "unexpected batch: %.*s", (int)array->length, text + array->at);
    for (const struct node *answer = array->first; answer; answer = answer->next)
        record_answer(book, awaited++, text, answer);
}

static void check_notification(struct book *book, const char *text, const struct node *notification)
{
    const struct node *method = node_member(notification, "method"), *params = node_member(notification, "params");

    REQUIRE(node_is_text(node_member(notification, "jsonrpc"), "2.0"), "wrong version");
    REQUIRE(params && params->kind == NODE_OBJECT, "a notification without parameters");
    if (node_is_text(method, "ready"))
        require_events(book, text, node_member(params, "events"));
    else if (node_is_text(method, "loop_detached"))
        book->gone_count = 0;
    else
        REQUIRE(node_is_text(method, "loop_closed"), "unknown notification");
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void check_line(struct book *book, const char *line, size_t length, const struct limits *limits)
{
    struct reading reading;
    const struct node *id;

    REQUIRE(length + 1 < limits->line_bytes, "a line of %zu bytes", length);
    reading_init(&reading, line, length, &line_limits);
    REQUIRE(reading.status == READING_WHOLE && reading.used == length, "the line is not JSON: %.*s", (int)length, line);
    if (reading.root->kind == NODE_ARRAY) {
        match_batch(book, line, reading.root);
    } else {
        REQUIRE(reading.root->kind == NODE_OBJECT, "the line is not a message");
        id = node_member(reading.root, "id");
        if (id)
            match_single(book, line, reading.root, id);
        else
            check_notification(book, line, reading.root);
    }
    reading_deinit(&reading);
}

/* Returns the number of bytes after the last line. */
static size_t check_lines(struct book *book, const struct client *client, const struct limits *limits)
{
    const char *at = buffer_bytes(&client->received), *end;
    size_t rest = client->received.length;

    while (rest && (end = memchr(at, '\n', rest))) {
        check_line(book, at, (size_t)(end - at), limits);
        rest -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    return rest;
}

/* A client that stayed, and was not expelled, has all answers. */
static void require_complete(const struct book *book, const struct client *client, size_t rest)
{
    REQUIRE(!rest, "a line without an end");
    REQUIRE(client->ended, "a session without an end");
    REQUIRE(book->taken == client->descriptors, "received %u descriptors, not %u", client->descriptors, book->taken);
    for (size_t i = 0; i < book->count; i++)
        REQUIRE(book->list[i].answered, "no answer for id %.*s", (int)book->list[i].id_length, book->list[i].id);
}

void require_answers(const struct client *client, const struct limits *limits)
{
    struct book book = {0};
    size_t rest;

    if (client->sent_own_socket)
        return;
    await_all(&book, client, limits);
    mark_unique(&book);
    rest = check_lines(&book, client, limits);
    if (!client->left && !client->handed_over && !book.closes && !book.unexpected)
        require_complete(&book, client, rest);
    free(book.list);
    free(book.gone);
}
