/* SPDX-License-Identifier: MIT */
/*
 * Tables, laid out by libsmartcols.
 */
#include "client/ctl/output.h"

#include "client/ctl/json.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>

#define CELL_SIZE 512

/* Joins the strings of an array, or the true members of an object, with commas. */
static void join_names(const cJSON *container, char ret_text[CELL_SIZE])
{
    size_t length = 0;
    const cJSON *item;

    cJSON_ArrayForEach(item, container) {
        const char *name = cJSON_IsArray(container) ? cJSON_GetStringValue(item) : item->string;

        if (name && !cJSON_IsFalse(item) && length + strlen(name) + 2 <= CELL_SIZE)
            length += (size_t)snprintf(ret_text + length, CELL_SIZE - length, "%s%s", length > 0 ? "," : "", name);
    }
}

static void number_text(const struct output_column *column, const cJSON *number, char ret_text[CELL_SIZE])
{
    if (column->kind == OUTPUT_DURATION)
        output_duration(number->valuedouble, ret_text, CELL_SIZE);
    else
        snprintf(ret_text, CELL_SIZE, "%s", json_number_text(number));
}

static void cell_text(const cJSON *record, const struct output_column *column, char ret_text[CELL_SIZE])
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(record, column->member);
    char text[CELL_SIZE] = "";

    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        join_names(value, text);
    else if (cJSON_IsNumber(value))
        number_text(column, value, text);
    else if (cJSON_IsBool(value))
        strcpy(text, cJSON_IsTrue(value) ? "yes" : "no");
    output_escape(cJSON_IsString(value) ? value->valuestring : text, ret_text, CELL_SIZE);
    if (ret_text[0] == '\0')
        strcpy(ret_text, "-");
}

static int add_columns(struct libscols_table *table, const struct output_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct libscols_column *column =
            scols_table_new_column(table, columns[i].title, 0, columns[i].kind == OUTPUT_TEXT ? 0 : SCOLS_FL_RIGHT);

        if (!column || scols_cell_set_color(scols_column_get_header(column), "bold") < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_rows(struct libscols_table *table, const cJSON *records, const struct output_column *columns,
                    size_t count)
{
    const cJSON *record;
    char text[CELL_SIZE];

    cJSON_ArrayForEach(record, records) {
        struct libscols_line *line = scols_table_new_line(table, NULL);

        if (!line)
            return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
            cell_text(record, &columns[i], text);
            if (scols_line_set_data(line, i, text) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* Prints the titles: libsmartcols prints nothing for a table without rows. */
static void print_titles(const struct output_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i > 0 ? "  " : "", columns[i].title);
    putchar('\n');
}

int output_table(const cJSON *records, const struct output_column *columns, size_t count)
{
    struct libscols_table *table;
    int result;

    if (cJSON_GetArraySize(records) == 0) {
        print_titles(columns, count);
        return 0;
    }
    table = scols_new_table();
    if (!table)
        return -ENOMEM;
    result = scols_table_set_column_separator(table, "  ");
    scols_table_set_stream(table, stdout);
    scols_table_enable_colors(table, output_is_coloured());
    scols_table_enable_noencoding(table, 1); /* output_escape has escaped the cells, as in all other output */
    if (result == 0)
        result = add_columns(table, columns, count);
    if (result == 0)
        result = add_rows(table, records, columns, count);
    if (result == 0)
        result = scols_print_table(table);
    scols_unref_table(table);
    return result;
}
