/* SPDX-License-Identifier: MIT */
/*
 * Formats and counts errors of the settings. The state is in struct config_errors.
 */
#include "daemon/config/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>

void config_error(struct config_errors *config_errors, unsigned line, const char *format, ...)
{
    char place[512] = "", text[512], whole[sizeof place + sizeof text];
    va_list arguments;

    if (config_errors->file && line)
        snprintf(place, sizeof place, "%s:%u: ", config_errors->file, line);
    else if (config_errors->file)
        snprintf(place, sizeof place, "%s: ", config_errors->file);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s%s", place, text);
    config_errors->tell(whole);
    config_errors->count++;
}
