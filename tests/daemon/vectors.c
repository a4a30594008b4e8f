/* SPDX-License-Identifier: MIT */
/* The vectors of what is JSON and what is not, through the socket: as a member that the envelope ignores. */
#include "tests/unit/vectors.h"
#include "tests/daemon/fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *daemon_vectors_suite(void);

#define BEGIN "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":"

static struct minimiod shared;

static void start(void)
{
    start_minimiod(&shared, NULL);
}

static void stop(void)
{
    stop_minimiod(&shared);
}

/* A client that says this and no more; its first line is read, if there is one. */
static bool answer_to(struct wire *client, const char *begin, const char *text, size_t length, const char *end)
{
    wire_open(client, shared.socket);
    wire_send(client, begin);
    wire_send_bytes(client, text, length);
    wire_send(client, end);
    wire_finish(client);
    return wire_read(client);
}

static bool is_space(const char *text, size_t length)
{
    size_t spaces = 0;

    while (spaces < length && strchr(" \t\r\n", text[spaces]) && text[spaces])
        spaces++;
    return spaces == length;
}

/* ---- Accepted --------------------------------------------------------------------------------------------------- */

/* At a limit there is no room for an envelope: it is a message that is no request. */
static void require_no_request(const cJSON *vector, const struct wire *client)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(client->message, "error");
    const cJSON *limit = error ? member(error, "data")->child : NULL;

    while (limit && strcmp(limit->string, "limit") != 0)
        limit = limit->next;
    ck_assert_msg(!limit || strncmp(limit->valuestring, "message_", 8) != 0, "%s: %s", vector_name(vector),
                  client->line);
    ck_assert_msg(!strstr(client->line, "PARSE_ERROR"), "%s: %s", vector_name(vector), client->line);
}

static void accept(const cJSON *vector)
{
    bool at_limit = cJSON_HasObjectItem(vector, "repeat");
    size_t length;
    char *text = vector_input(vector, &length);
    struct wire client;

    ck_assert_msg(answer_to(&client, at_limit ? "" : BEGIN, text, length, at_limit ? "\n" : "}\n"), "%s: no answer",
                  vector_name(vector));
    if (at_limit)
        require_no_request(vector, &client);
    else
        ck_assert_msg(strcmp(client.line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}") == 0, "%s: %s",
                      vector_name(vector), client.line);
    wire_close(&client);
    free(text);
}

START_TEST(what_is_json_is_accepted)
{
    each_vector("scan_accept.jsonl", accept);
}
END_TEST

/* ---- Rejected --------------------------------------------------------------------------------------------------- */

static void require_error(const cJSON *vector, const struct wire *client)
{
    ck_assert_msg(cJSON_IsNull(member(client->message, "id")), "%s: %s", vector_name(vector), client->line);
    ck_assert_msg(strcmp(member(client->message, "error.data.name")->valuestring, vector_text(vector, "error")) == 0,
                  "%s: %s", vector_name(vector), client->line);
}

static void require_offset(const struct wire *client, size_t offset)
{
    ck_assert_msg(member(client->message, "error.data.offset")->valuedouble == (double)offset, "%s, not %zu",
                  client->line, offset);
}

/* At a limit there is no room for an envelope. */
static void reject_alone(const cJSON *vector, const char *text, size_t length)
{
    const char *limit = vector_text(vector, "limit");
    struct wire client;

    ck_assert(answer_to(&client, "", text, length, "\n"));
    require_error(vector, &client);
    if (limit)
        ck_assert_str_eq(member(client.message, "error.data.limit")->valuestring, limit);
    else
        require_offset(&client, (size_t)vector_number(vector, "offset"));
    wire_close(&client);
}

/* In an array, where all that is whole alone is whole; but behind a comma another value could stand there. */
static void reject_text(const cJSON *vector, const char *text, size_t length)
{
    size_t offset = (size_t)vector_number(vector, "offset");
    bool comma = offset < length && text[offset] == ',';
    const char *begin = comma ? BEGIN : BEGIN "[";
    struct wire client;

    ck_assert_msg(answer_to(&client, begin, text, length, comma ? "}\n" : "]}\n"), "%s: no answer",
                  vector_name(vector));
    require_error(vector, &client);
    /* What is wrong only at the end, or ends the array here, is found later here. */
    if (offset < length && text[offset] != ',' && text[offset] != ']')
        require_offset(&client, strlen(begin) + offset);
    wire_close(&client);
}

/* Nothing at all is no message, and no fault. */
static void reject_nothing(const cJSON *vector, const char *text, size_t length)
{
    struct wire client;

    ck_assert_msg(!answer_to(&client, "", text, length, "\n"), "%s: %s", vector_name(vector), client.line);
    wire_close(&client);
}

static void reject(const cJSON *vector)
{
    size_t length;
    char *text = vector_input(vector, &length);

    if (cJSON_HasObjectItem(vector, "repeat"))
        reject_alone(vector, text, length);
    else if (is_space(text, length))
        reject_nothing(vector, text, length);
    else
        reject_text(vector, text, length);
    free(text);
}

START_TEST(what_is_none_is_rejected_where_it_is_none)
{
    each_vector("scan_reject.jsonl", reject);
}
END_TEST

Suite *daemon_vectors_suite(void)
{
    Suite *suite = suite_create("daemon_vectors");
    TCase *tests = tcase_create("vectors");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, what_is_json_is_accepted);
    tcase_add_test(tests, what_is_none_is_rejected_where_it_is_none);
    suite_add_tcase(suite, tests);
    return suite;
}
