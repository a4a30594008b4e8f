/* SPDX-License-Identifier: MIT */
/* Parses a JSON text into a tree. Owns the nodes and the decoded texts of a reading, until reading_deinit. */
#include "fuzz/reader.h"

#include "fuzz/require.h"

#include <string.h>

#define NODES_PER_BLOCK 64

struct node_block {
    struct node_block *next;
    size_t used;
    struct node nodes[NODES_PER_BLOCK];
};

struct reader {
    struct reading *reading;
    const struct limits *limits;
    const unsigned char *text;
    size_t at, length;
    bool is_cut;   /* the text is longer than message_bytes */
    char *text_at; /* the place of the next decoded byte */
    size_t values, depth;
};

static bool read_value(struct reader *reader, struct node **ret_node);

/* ---- What ends a reading ---------------------------------------------------------------------------------------- */

static bool stop_reading(struct reader *reader, enum reading_status status)
{
    reader->reading->status = status;
    reader->reading->used = reader->reading->offset = reader->at;
    return false;
}

static bool stop_at_limit(struct reader *reader, const char *limit)
{
    reader->reading->limit = limit;
    return stop_reading(reader, READING_LIMIT);
}

/* Is a byte left? Stops the reading otherwise. */
static bool has_byte(struct reader *reader)
{
    if (reader->at < reader->length)
        return true;
    return reader->is_cut ? stop_at_limit(reader, "message_bytes") : stop_reading(reader, READING_OPEN);
}

static bool stop_wrong(struct reader *reader)
{
    return stop_reading(reader, READING_WRONG);
}

/* Reads this byte, or stops the reading. */
static bool expect_byte(struct reader *reader, unsigned char byte)
{
    if (!has_byte(reader))
        return false;
    if (reader->text[reader->at] != byte)
        return stop_wrong(reader);
    reader->at++;
    return true;
}

static bool skip_space(struct reader *reader)
{
    while (reader->at < reader->length && strchr(" \t\r\n", reader->text[reader->at]) && reader->text[reader->at])
        reader->at++;
    return has_byte(reader);
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------ */

static struct node *node_new(struct reader *reader, enum node_kind kind)
{
    struct reading *reading = reader->reading;
    struct node_block *block = reading->blocks;
    struct node *node;

    if (!block || block->used == NODES_PER_BLOCK) {
        block = malloc(sizeof *block);
        REQUIRE(block, "out of memory");
        block->next = reading->blocks;
        block->used = 0;
        reading->blocks = block;
    }
    node = &block->nodes[block->used++];
    *node = (struct node){.kind = kind, .at = reader->at};
    return node;
}

/* ---- Strings ---------------------------------------------------------------------------------------------------- */

static void put_byte(struct reader *reader, unsigned byte)
{
    *reader->text_at++ = (char)byte;
}

static void put_character(struct reader *reader, unsigned long code)
{
    if (code < 0x80) {
        put_byte(reader, (unsigned)code);
    } else if (code < 0x800) {
        put_byte(reader, (unsigned)(0xc0 | code >> 6));
        put_byte(reader, (unsigned)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        put_byte(reader, (unsigned)(0xe0 | code >> 12));
        put_byte(reader, (unsigned)(0x80 | (code >> 6 & 0x3f)));
        put_byte(reader, (unsigned)(0x80 | (code & 0x3f)));
    } else {
        put_byte(reader, (unsigned)(0xf0 | code >> 18));
        put_byte(reader, (unsigned)(0x80 | (code >> 12 & 0x3f)));
        put_byte(reader, (unsigned)(0x80 | (code >> 6 & 0x3f)));
        put_byte(reader, (unsigned)(0x80 | (code & 0x3f)));
    }
}

/* Can a character begin with these `count` bytes of `total`? `code` is the value so far. */
static bool can_be_character(unsigned long code, int count, int total)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    int open = 6 * (total - count);
    unsigned long lowest = code << open, highest = lowest | ((1ul << open) - 1);

    if (highest < least[total] || lowest > 0x10ffff)
        return false;
    return !(lowest >= 0xd800 && highest <= 0xdfff);
}

/* Reads a character of several bytes; the first byte determines the number. */
static bool read_character(struct reader *reader)
{
    unsigned first = reader->text[reader->at];
    int total = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    unsigned long code = first & (0x7fu >> total);

    if (first < 0xc0 || first > 0xf7 || !can_be_character(code, 1, total))
        return stop_wrong(reader);
    reader->at++;
    for (int count = 2; count <= total; count++) {
        unsigned byte;

        if (!has_byte(reader))
            return false;
        byte = reader->text[reader->at];
        if ((byte & 0xc0) != 0x80 || !can_be_character(code << 6 | (byte & 0x3f), count, total))
            return stop_wrong(reader);
        code = code << 6 | (byte & 0x3f);
        reader->at++;
    }
    put_character(reader, code);
    return true;
}

static int hex_digit(unsigned char byte)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *digit = byte ? strchr(digits, byte) : NULL;

    return digit ? (int)((digit - digits) % 16) : -1;
}

/* Reads four hexadecimal digits. Stops at the first digit after which no number allowed by `allows` is possible. */
static bool read_unit(struct reader *reader, bool (*allows)(unsigned lowest, unsigned highest), unsigned *ret_unit)
{
    unsigned unit = 0;

    for (int open = 12; open >= 0; open -= 4) {
        int digit;

        if (!has_byte(reader))
            return false;
        digit = hex_digit(reader->text[reader->at]);
        if (digit < 0)
            return stop_wrong(reader);
        unit |= (unsigned)digit << open;
        if (!allows(unit, unit | ((1u << open) - 1)))
            return stop_wrong(reader);
        reader->at++;
    }
    *ret_unit = unit;
    return true;
}

static bool allows_first(unsigned lowest, unsigned highest)
{
    return highest && !(lowest >= 0xdc00 && highest <= 0xdfff);
}

static bool allows_second(unsigned lowest, unsigned highest)
{
    return highest >= 0xdc00 && lowest <= 0xdfff;
}

static bool read_unicode_escape(struct reader *reader)
{
    unsigned first, second;

    if (!read_unit(reader, allows_first, &first))
        return false;
    if (first < 0xd800 || first > 0xdbff) {
        put_character(reader, first);
        return true;
    }
    if (!expect_byte(reader, '\\') || !expect_byte(reader, 'u') || !read_unit(reader, allows_second, &second))
        return false;
    put_character(reader, 0x10000 + ((first - 0xd800ul) << 10) + (second - 0xdc00ul));
    return true;
}

static bool read_escape(struct reader *reader)
{
    static const char written[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *known;
    unsigned char byte;

    reader->at++;
    if (!has_byte(reader))
        return false;
    byte = reader->text[reader->at];
    if (byte == 'u') {
        reader->at++;
        return read_unicode_escape(reader);
    }
    known = byte ? strchr(written, byte) : NULL;
    if (!known)
        return stop_wrong(reader);
    put_byte(reader, (unsigned char)meant[known - written]);
    reader->at++;
    return true;
}

/* Reads from the opening to the closing quote, and terminates the decoded text with a NUL. */
static bool read_string(struct reader *reader, const char **ret_text, size_t *ret_length)
{
    char *begin = reader->text_at;

    for (reader->at++;;) {
        unsigned char byte;

        if (!has_byte(reader))
            return false;
        byte = reader->text[reader->at];
        if (byte == '"')
            break;
        if (byte < 0x20)
            return stop_wrong(reader);
        if (byte == '\\') {
            if (!read_escape(reader))
                return false;
        } else if (byte >= 0x80) {
            if (!read_character(reader))
                return false;
        } else {
            put_byte(reader, byte);
            reader->at++;
        }
    }
    *ret_text = begin;
    *ret_length = (size_t)(reader->text_at - begin);
    put_byte(reader, '\0');
    return true;
}

/* ---- Numbers and words ------------------------------------------------------------------------------------------ */

static bool is_digit_next(const struct reader *reader)
{
    return reader->at < reader->length && reader->text[reader->at] >= '0' && reader->text[reader->at] <= '9';
}

static bool is_next(const struct reader *reader, const char *bytes)
{
    return reader->at < reader->length && reader->text[reader->at] && strchr(bytes, reader->text[reader->at]);
}

static bool read_digits(struct reader *reader)
{
    if (!has_byte(reader))
        return false;
    if (!is_digit_next(reader))
        return stop_wrong(reader);
    while (is_digit_next(reader))
        reader->at++;
    return true;
}

/* Reads int, frac and exp of the grammar. A number at the top level ends only with the input. */
static bool read_number(struct reader *reader)
{
    if (is_next(reader, "-"))
        reader->at++;
    if (is_next(reader, "0"))
        reader->at++;
    else if (!read_digits(reader))
        return false;
    if (is_next(reader, ".")) {
        reader->at++;
        if (!read_digits(reader))
            return false;
    }
    if (is_next(reader, "eE")) {
        reader->at++;
        if (is_next(reader, "+-"))
            reader->at++;
        if (!read_digits(reader))
            return false;
    }
    if (reader->at < reader->length || !reader->depth)
        return true;
    return has_byte(reader);
}

static bool read_word(struct reader *reader, const char *word)
{
    for (; *word; word++)
        if (!expect_byte(reader, (unsigned char)*word))
            return false;
    return true;
}

/* ---- Arrays and objects ----------------------------------------------------------------------------------------- */

static void append_node(struct node *container, struct node **last, struct node *node)
{
    if (*last)
        (*last)->next = node;
    else
        container->first = node;
    *last = node;
    container->count++;
}

/* After an element: a comma, or the closing bracket. */
static bool read_separator(struct reader *reader, unsigned char closing, bool *ret_more)
{
    if (!skip_space(reader))
        return false;
    *ret_more = reader->text[reader->at] == ',';
    if (!*ret_more && reader->text[reader->at] != closing)
        return stop_wrong(reader);
    reader->at++;
    return true;
}

static bool enter_container(struct reader *reader)
{
    if (reader->depth == reader->limits->message_depth)
        return stop_at_limit(reader, "message_depth");
    reader->depth++;
    reader->at++;
    return skip_space(reader);
}

static bool read_array(struct reader *reader, struct node *array)
{
    struct node *last = NULL, *element;
    bool more = true;

    if (!enter_container(reader))
        return false;
    if (reader->text[reader->at] == ']') {
        reader->at++;
        more = false;
    }
    while (more) {
        if (!skip_space(reader) || !read_value(reader, &element))
            return false;
        append_node(array, &last, element);
        if (!read_separator(reader, ']', &more))
            return false;
    }
    reader->depth--;
    return true;
}

static bool has_member(const struct node *object, const char *name, size_t length)
{
    for (const struct node *member = object->first; member; member = member->next)
        if (member->name_length == length && memcmp(member->name, name, length) == 0)
            return true;
    return false;
}

/* A duplicate name is reported at the opening quote, after the closing quote was read. */
static bool read_name(struct reader *reader, const struct node *object, const char **ret_name, size_t *ret_length)
{
    size_t quote = reader->at;

    if (reader->text[reader->at] != '"')
        return stop_wrong(reader);
    if (!read_string(reader, ret_name, ret_length))
        return false;
    reader->at++;
    if (!has_member(object, *ret_name, *ret_length))
        return true;
    stop_wrong(reader);
    reader->reading->offset = quote;
    return false;
}

static bool read_member(struct reader *reader, struct node *object, struct node **last)
{
    struct node *value;
    const char *name;
    size_t length;

    if (!skip_space(reader) || !read_name(reader, object, &name, &length))
        return false;
    if (!skip_space(reader) || !expect_byte(reader, ':') || !skip_space(reader) || !read_value(reader, &value))
        return false;
    value->name = name;
    value->name_length = length;
    append_node(object, last, value);
    return true;
}

static bool read_object(struct reader *reader, struct node *object)
{
    struct node *last = NULL;
    bool more = true;

    if (!enter_container(reader))
        return false;
    if (reader->text[reader->at] == '}') {
        reader->at++;
        more = false;
    }
    while (more)
        if (!read_member(reader, object, &last) || !read_separator(reader, '}', &more))
            return false;
    reader->depth--;
    return true;
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static bool kind_of(unsigned char byte, enum node_kind *ret_kind)
{
    static const char firsts[] = "{[\"-0123456789tfn";
    static const enum node_kind kinds[] = {
        NODE_OBJECT, NODE_ARRAY,  NODE_STRING, NODE_NUMBER, NODE_NUMBER, NODE_NUMBER,
        NODE_NUMBER, NODE_NUMBER, NODE_NUMBER, NODE_NUMBER, NODE_NUMBER, NODE_NUMBER,
        NODE_NUMBER, NODE_NUMBER, NODE_TRUE,   NODE_FALSE,  NODE_NULL,
    };
    const char *known = byte ? strchr(firsts, byte) : NULL;

    if (known)
        *ret_kind = kinds[known - firsts];
    return known;
}

static bool read_content(struct reader *reader, struct node *node)
{
    switch (node->kind) {
    case NODE_OBJECT:
        return read_object(reader, node);
    case NODE_ARRAY:
        return read_array(reader, node);
    case NODE_STRING:
        return read_string(reader, &node->text, &node->text_length) && expect_byte(reader, '"');
    case NODE_NUMBER:
        return read_number(reader);
    case NODE_TRUE:
        return read_word(reader, "true");
    case NODE_FALSE:
        return read_word(reader, "false");
    case NODE_NULL:
        return read_word(reader, "null");
    }
    return false;
}

static bool read_value(struct reader *reader, struct node **ret_node)
{
    enum node_kind kind;

    if (!kind_of(reader->text[reader->at], &kind))
        return stop_wrong(reader);
    if (reader->values == reader->limits->message_values)
        return stop_at_limit(reader, "message_values");
    reader->values++;
    *ret_node = node_new(reader, kind);
    if (!read_content(reader, *ret_node))
        return false;
    (*ret_node)->length = reader->at - (*ret_node)->at;
    return true;
}

void reading_init(struct reading *ret_reading, const char *text, size_t length, const struct limits *limits)
{
    struct reader reader = {.reading = ret_reading, .limits = limits, .text = (const unsigned char *)text};

    *ret_reading = (struct reading){0};
    reader.is_cut = length > limits->message_bytes;
    reader.length = reader.is_cut ? limits->message_bytes : length;
    /* A decoded text is never longer than the written text, and each NUL takes the place of a quote. */
    ret_reading->texts = reader.text_at = malloc(reader.length + 1);
    REQUIRE(ret_reading->texts, "out of memory");
    if (!skip_space(&reader) || !read_value(&reader, &ret_reading->root))
        return;
    stop_reading(&reader, READING_WHOLE);
    if (ret_reading->root->kind == NODE_NUMBER && reader.at == reader.length) {
        stop_reading(&reader, READING_NUMBER);
        has_byte(&reader); /* after the limit no byte can follow */
        if (ret_reading->status == READING_OPEN)
            ret_reading->status = READING_NUMBER;
    }
}

void reading_deinit(struct reading *reading)
{
    struct node_block *block;

    while ((block = reading->blocks)) {
        reading->blocks = block->next;
        free(block);
    }
    free(reading->texts);
}

const struct node *node_member(const struct node *object, const char *name)
{
    size_t length = strlen(name);

    for (const struct node *member = object->first; member; member = member->next)
        if (member->name_length == length && memcmp(member->name, name, length) == 0)
            return member;
    return NULL;
}

bool node_is_text(const struct node *node, const char *text)
{
    return node && node->kind == NODE_STRING && node->text_length == strlen(text) &&
           memcmp(node->text, text, node->text_length) == 0;
}
