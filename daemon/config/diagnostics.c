/* SPDX-License-Identifier: MIT */
#include "daemon/config/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>

void complain(struct complaints *complaints, unsigned line, const char *format, ...)
{
    char place[512] = "", text[512], whole[sizeof place + sizeof text];
    va_list arguments;

    if (complaints->file && line)
        snprintf(place, sizeof place, "%s:%u: ", complaints->file, line);
    else if (complaints->file)
        snprintf(place, sizeof place, "%s: ", complaints->file);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s%s", place, text);
    complaints->tell(whole);
    complaints->count++;
}
