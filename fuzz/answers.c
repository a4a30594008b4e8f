/* SPDX-License-Identifier: MIT */
#include "fuzz/answers.h"

#include "fuzz/expect.h"
#include "fuzz/require.h"

#include <inttypes.h>
#include <string.h>

/* A request, or a message that is none, that is to be answered. */
struct awaited {
    const char *id; /* as it was written */
    size_t id_length;
    size_t batch; /* which of them it is in; 0: none */
    bool accepted;
    enum fault_name fault; /* of one that was not */
    int method;
    uint64_t token;
    bool unique; /* no other has its id */
    bool keeps;  /* a `take` whose token stays */
    bool answered;
};

struct book {
    struct awaited *list;
    size_t count, batches;
    bool closes;    /* what was written ends the session before it is all read */
    bool is_blind;  /* notifications change what is registered, and nothing tells when */
    uint64_t *gone; /* tokens of which nothing is to be told */
    size_t gone_count;
    unsigned taken;  /* answers that say that a descriptor comes with them */
    bool unexpected; /* a fault that ends the session */
};

/* What the daemon writes is read with limits that only the length of a line comes near. */
static const struct limits lines = {
    .message_bytes = 1 << 20, .message_depth = 128, .message_values = 1 << 20, .line_bytes = 64 * 1024};

/* ---- What is awaited -------------------------------------------------------------------------------------------- */

static struct awaited *add(struct book *book)
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
    add(book)->fault = fault;
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
    awaited = add(book);
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

    expected_stream_init(&stream, buffer_bytes(&client->said), client->said.length, limits);
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

/* Where two requests have one id it cannot be told which of them is answered: then nothing is known of any token. A
 * batch is answered with its last, and what it did may be long past. */
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

static void require_events(const struct book *book, const char *text, const struct node *events)
{
    REQUIRE(events && events->kind == NODE_ARRAY, "no array of events");
    for (const struct node *event = events->first; event; event = event->next) {
        const struct node *token = event->kind == NODE_OBJECT ? node_member(event, "token") : NULL;

        REQUIRE(token && token->kind == NODE_NUMBER && event->count > 1, "an event that tells nothing");
        for (const struct node *flag = token->next; flag; flag = flag->next)
            REQUIRE(flag->kind == NODE_TRUE, "a flag that is not true");
        for (size_t i = 0; i < book->gone_count; i++)
            REQUIRE(book->gone[i] != number_in(text, token), "an event of token %" PRIu64 ", which is gone",
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

    REQUIRE(node_is_text(node_member(answer, "jsonrpc"), "2.0"), "another version");
    REQUIRE(!result != !error, "neither result nor error, or both");
    REQUIRE(!result || result->kind == NODE_OBJECT, "a result that is no object");
    REQUIRE(!error || error->kind == NODE_OBJECT, "an error that is no object");
    return error;
}

static void take_answer(struct book *book, struct awaited *awaited, const char *text, const struct node *answer)
{
    const struct node *result = node_member(answer, "result"), *events;

    awaited->answered = true;
    if (!result)
        return;
    events = node_member(result, "events");
    if (events && awaited->unique && awaited->method == METHOD_POLL)
        require_events(book, text, events);
    note_success(book, awaited);
    book->taken += node_member(result, "fd") != NULL;
}

/* What ends a session, or is told instead of one. */
static bool is_last_word(const struct node *id, const struct node *error)
{
    const struct node *data = error ? node_member(error, "data") : NULL;
    const struct node *limit = data ? node_member(data, "limit") : NULL;

    const struct node *rule = data ? node_member(data, "rule") : NULL;

    return id->kind == NODE_NULL && (node_is_text(limit, "descriptors") || node_is_text(limit, "descriptors_uid") ||
                                     node_is_text(limit, "sessions") || node_is_text(limit, "sessions_uid") ||
                                     node_is_text(rule, "descriptors"));
}

/* Which of those with this id is answered; of a fault, rather one that is known to be faulty. */
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
        take_answer(book, awaited, text, answer);
        return;
    }
    REQUIRE(is_last_word(id, error), "an answer that nobody waits for: %.*s", (int)answer->length, text + answer->at);
    book->unexpected = true;
}

/* How many of the answers in this array are those of the batch's faulty requests; negative: it is not the one. */
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

/* The first of the batch's requests, which stand behind each other; NULL: there is no such batch. */
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
    REQUIRE(awaited, "a batch that nobody waits for: %.*s", (int)array->length, text + array->at);
    for (const struct node *answer = array->first; answer; answer = answer->next)
        take_answer(book, awaited++, text, answer);
}

static void take_notification(struct book *book, const char *text, const struct node *told)
{
    const struct node *method = node_member(told, "method"), *params = node_member(told, "params");

    REQUIRE(node_is_text(node_member(told, "jsonrpc"), "2.0"), "another version");
    REQUIRE(params && params->kind == NODE_OBJECT, "a notification without parameters");
    if (node_is_text(method, "ready"))
        require_events(book, text, node_member(params, "events"));
    else if (node_is_text(method, "loop_detached"))
        book->gone_count = 0;
    else
        REQUIRE(node_is_text(method, "loop_closed"), "a notification of another name");
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void take_line(struct book *book, const char *line, size_t length, const struct limits *limits)
{
    struct reading reading;
    const struct node *id;

    REQUIRE(length + 1 < limits->line_bytes, "a line of %zu bytes", length);
    reading_init(&reading, line, length, &lines);
    REQUIRE(reading.status == READING_WHOLE && reading.used == length, "a line that is no JSON: %.*s", (int)length,
            line);
    if (reading.root->kind == NODE_ARRAY) {
        match_batch(book, line, reading.root);
    } else {
        REQUIRE(reading.root->kind == NODE_OBJECT, "a line that is no message");
        id = node_member(reading.root, "id");
        if (id)
            match_single(book, line, reading.root, id);
        else
            take_notification(book, line, reading.root);
    }
    reading_deinit(&reading);
}

/* Returns how many bytes behind the last line there are. */
static size_t take_lines(struct book *book, const struct client *client, const struct limits *limits)
{
    const char *at = buffer_bytes(&client->told), *end;
    size_t rest = client->told.length;

    while (rest && (end = memchr(at, '\n', rest))) {
        take_line(book, at, (size_t)(end - at), limits);
        rest -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    return rest;
}

/* One that stayed and was not turned out has all its answers. */
static void require_complete(const struct book *book, const struct client *client, size_t rest)
{
    REQUIRE(!rest, "a line without an end");
    REQUIRE(client->ended, "a session without an end");
    REQUIRE(book->taken == client->descriptors, "%u descriptors came, not %u", client->descriptors, book->taken);
    for (size_t i = 0; i < book->count; i++)
        REQUIRE(book->list[i].answered, "no answer for id %.*s", (int)book->list[i].id_length, book->list[i].id);
}

void require_answers(const struct client *client, const struct limits *limits)
{
    struct book book = {0};
    size_t rest;

    if (client->has_own)
        return;
    await_all(&book, client, limits);
    mark_unique(&book);
    rest = take_lines(&book, client, limits);
    if (!client->left && !client->handed_over && !book.closes && !book.unexpected)
        require_complete(&book, client, rest);
    free(book.list);
    free(book.gone);
}
