/* SPDX-License-Identifier: MIT */
/*
 * Writes fuzz/minimio.dict, the words that fuzzers insert into inputs: the words of the table of methods, fragments of
 * JSON, and the steps of session scripts.
 */
#include "proto/methods.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 256

/* Steps of a session script between texts. */
static const char *const steps[] = {
    "\377c00",    "\377c11",    "\377s0",     "\377s1",      "\377sA",    "\377f0s:", "\377f0tp:",
    "\377f1wqd:", "\377f0fmn:", "\377f0gcu:", "\377r0",      "\377r0100", "\377h0",   "\377q0",
    "\377w0abc",  "\377W0",     "\377g0",     "\377e0",      "\377z0",    "\377z1",   "\377n01",
    "\377n0d2",   "\377n0",     "\377t0100",  "\377t070000", "\377k0",    "\377R0",   "\377H0",
};

static const char *const json[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"",
    "{\"jsonrpc\":\"2.0\",\"method\":\"",
    "\",\"params\":{",
    "\"params\":[",
    ",\"id\":\"a\"",
    "\"id\":null",
    "}}",
    "},{",
    "[[",
    "]]",
    ":[]",
    ":{}",
    ":true",
    ":false",
    ":null",
    ":-1",
    ":1.0",
    ":10e-1",
    ":0e99",
    ":9007199254740991",
    ":9007199254740992",
    "\\u0061",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\udc00",
    "\\\"",
    "\\n",
    "\xc3\xa4",
    "\xe2\x82\xac",
    "\xf0\x9f\x98\x80",
    "\xed\xa0\x80",
    "\xef\xbb\xbf",
    "GET / HTTP/1.1\r\n",
    "Content-Length: ",
    "127.0.0.1:0",
    "127.0.0.1:1",
    "127.0.0.1:2",
    "[::1]:0",
    "10.0.0.1:1",
    "localhost:0",
    "YWJj",
};

static void write_entry(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < ' ' || byte > '~')
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
    puts("\"");
}

static void write_quoted(const char *word, const char *behind)
{
    char text[80];

    snprintf(text, sizeof text, "\"%s\"%s", word, behind);
    write_entry(text);
}

/* Was the word already written? Methods share words. */
static bool is_known(const char *word)
{
    static const char *known[WORDS_MAX];
    static size_t count;

    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], word) == 0)
            return true;
    assert(count < WORDS_MAX);
    known[count++] = word;
    return false;
}

static void write_param(const struct param_info *param)
{
    if (!is_known(param->name))
        write_quoted(param->name, ":");
    for (const char *const *choice = param->choices; choice && *choice; choice++)
        if (!is_known(*choice))
            write_quoted(*choice, "");
}

static void write_method(const struct method_info *method)
{
    write_quoted(method->name, "");
    for (size_t i = 0; i < method->param_count; i++)
        write_param(&method->params[i]);
}

int main(void)
{
    puts("# Made by fuzz/dictionary.c: make fuzz-dictionary writes it anew.");
    for (int i = 0; i < METHOD_COUNT; i++)
        write_method(&method_table[i]);
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        write_entry(json[i]);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        write_entry(steps[i]);
    return 0;
}
