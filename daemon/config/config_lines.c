/* SPDX-License-Identifier: MIT */
/*
 * Adapter to libinih, the parser of INI files. The state is in struct reading.
 *
 * libinih reports no line numbers and no ignored lines, so the adapter passes single lines to libinih. Build options of
 * libinih may join indented lines, and split lines that exceed the buffer (200 bytes by default), so the adapter
 * removes indentation and rejects long lines. libinih does not support quotes, so the adapter parses the value and
 * passes only the key.
 */
#include "daemon/config/config_lines.h"

#include <ini.h>
#include <string.h>

/* libinih reports a section only with a key, so the adapter inserts this key, which no line of a file can contain. */
#define SECTION_MARK "\001"

#define LINE_ROOM 200 /* for a line, LF and NUL; libinih's buffer may be smaller */

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reading {
    struct span rest; /* unread lines */
    const struct config_lines *lines;
    struct config_errors *config_errors;
    unsigned line;         /* number of the current line */
    char value[LINE_ROOM]; /* value of the key in the current line */
    bool skipping;         /* in an unknown section: ignore the keys */
    bool marking;          /* after a section line: pass SECTION_MARK next */
    bool open;             /* libinih has not yet reported the key of the line */
};

/* ---- Callback of libinih ----------------------------------------------------------------------------------------- */

static int report_entry(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;

    (void)value;
    reading->open = false;
    if (!strcmp(name, SECTION_MARK))
        reading->skipping = !reading->lines->section(reading->lines->owner, section, reading->line);
    else
        reading->lines->key(reading->lines->owner, name, reading->value, reading->line);
    return 1;
}

/* ---- Lines for libinih ------------------------------------------------------------------------------------------- */

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_';
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (((unsigned char)text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7f)
            return true;
    return false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span skip_blanks(struct span text)
{
    while (text.length && is_blank(*text.data))
        text = (struct span){text.data + 1, text.length - 1};
    return text;
}

/* The text before a comment, which begins with a space and # or ;. */
static struct span cut_comment(struct span text)
{
    for (size_t i = 1; i < text.length; i++)
        if ((text.data[i] == '#' || text.data[i] == ';') && is_blank(text.data[i - 1]))
            return (struct span){text.data, i - 1};
    return text;
}

/* Parses a quoted value. There are no escapes within the quotes. */
static bool read_quoted(struct reading *reading, struct span text, struct span *ret_value)
{
    const char *end = memchr(text.data + 1, *text.data, text.length - 1);
    struct span rest;

    if (!end) {
        config_error(reading->config_errors, reading->line, "the value begins with %c: end it with %c", *text.data,
                     *text.data);
        return false;
    }
    *ret_value = (struct span){text.data + 1, (size_t)(end - text.data) - 1};
    rest = skip_blanks((struct span){end + 1, text.length - ret_value->length - 2});
    if (!rest.length || ((*rest.data == '#' || *rest.data == ';') && rest.data > end + 1))
        return true;
    config_error(reading->config_errors, reading->line,
                 "only a comment may follow a value in quotes: put the quotes around the whole value");
    return false;
}

/* Parses the value after =. */
static bool read_value(struct reading *reading, struct span text)
{
    struct span value = skip_blanks(text);

    if (value.length && (*value.data == '"' || *value.data == '\'')) {
        if (!read_quoted(reading, value, &value))
            return false;
    } else {
        value = skip_blanks(cut_comment(text));
        while (value.length && is_blank(value.data[value.length - 1]))
            value.length--;
    }
    if (value.length)
        memcpy(reading->value, value.data, value.length);
    reading->value[value.length] = '\0';
    return true;
}

/* The length of the key with the separator; 0: no separator. */
static size_t key_length(struct span text)
{
    struct span pair = cut_comment(text);

    for (size_t i = 0; i < pair.length; i++)
        if (pair.data[i] == '=' || pair.data[i] == ':')
            return i + 1;
    return 0;
}

/* Whether the line is "[name]", with an optional comment. */
static bool is_section(struct span text)
{
    size_t at = 1;

    while (at < text.length && is_name_byte(text.data[at]))
        at++;
    if (at == 1 || at == text.length || text.data[at++] != ']')
        return false;
    while (at < text.length && is_blank(text.data[at]))
        at++;
    return at == text.length || text.data[at] == ';' || text.data[at] == '#';
}

/* Consumes the next line. */
static struct span next_text_line(struct reading *reading)
{
    const char *end = memchr(reading->rest.data, '\n', reading->rest.length);
    size_t length = end ? (size_t)(end - reading->rest.data) + 1 : reading->rest.length;
    struct span text = {reading->rest.data, length};

    reading->rest = (struct span){text.data + length, reading->rest.length - length};
    reading->line++;
    return text;
}

/* Removes the line end, indentation and byte order mark. */
static struct span trim_line(const struct reading *reading, struct span text)
{
    size_t mark = sizeof BYTE_ORDER_MARK - 1;

    while (text.length && (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r'))
        text.length--;
    if (reading->line == 1 && text.length >= mark && !memcmp(text.data, BYTE_ORDER_MARK, mark))
        text = (struct span){text.data + mark, text.length - mark};
    return skip_blanks(text);
}

/* Whether to pass a line to libinih. `room` is the size of libinih's buffer, with LF and NUL. */
static bool examine(struct reading *reading, struct span text, size_t room)
{
    bool section;

    if (!text.length || *text.data == ';' || *text.data == '#')
        return false;
    section = *text.data == '[';
    if (section)
        reading->skipping = true; /* until the section is known to be valid */
    else if (reading->skipping)
        return false;
    if (has_control(text))
        config_error(reading->config_errors, reading->line, "there is a control character in this line: take it out");
    else if (text.length + 2 > room)
        config_error(reading->config_errors, reading->line, "the line is too long: write at most %zu bytes", room - 2);
    else if (section && !is_section(text))
        config_error(reading->config_errors, reading->line, "a section is written as [name]");
    else
        return true;
    return false;
}

/* Reports the last line if libinih found no key. */
static void check_last(struct reading *reading)
{
    if (reading->open)
        config_error(reading->config_errors, reading->line, "write KEY = VALUE, or begin a comment with #");
    reading->open = false;
}

/* The reader for libinih, with the interface of fgets. Hidden lines become empty lines. */
static char *next_line(char *line, int size, void *stream)
{
    struct reading *reading = stream;
    size_t room = size < LINE_ROOM ? (size_t)size : LINE_ROOM, key;
    struct span text;

    if (reading->marking) {
        reading->marking = false;
        return strcpy(line, SECTION_MARK "=\n");
    }
    check_last(reading);
    if (!reading->rest.length)
        return NULL;
    text = trim_line(reading, next_text_line(reading));
    if (!examine(reading, text, room))
        return strcpy(line, "\n");
    reading->marking = *text.data == '[';
    if (!reading->marking) {
        key = key_length(text);
        if (key && !read_value(reading, (struct span){text.data + key, text.length - key}))
            return strcpy(line, "\n");
        reading->open = true;
        text.length = key;
    }
    memcpy(line, text.data, text.length);
    strcpy(line + text.length, "\n");
    return line;
}

void config_lines_read(struct span text, const struct config_lines *lines, struct config_errors *config_errors)
{
    struct reading reading = {.rest = text, .lines = lines, .config_errors = config_errors};

    ini_parse_stream(next_line, &reading, report_entry, &reading);
}
