/* SPDX-License-Identifier: MIT */
/*
 * The parser of "host:port": addresses, host names, zones and ports. The file has no state.
 */
#include "proto/endpoint.h"

#include <string.h>
#include <strings.h>

#define V6_GROUPS 8

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Returns the digit's value; negative: not a hexadecimal digit. */
static int hex_digit(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static struct span span_from(struct span text, size_t at)
{
    return (struct span){text.data + at, text.length - at};
}

/* ---- Numbers and addresses
 * ---------------------------------------------------------------------------------------------------- */

size_t decimal_parse(struct span text, uint32_t max, uint32_t *ret_number)
{
    uint64_t number = 0;
    size_t length = 0;

    for (; length < text.length && is_digit(text.data[length]) && number <= max; length++)
        number = number * 10 + (uint64_t)(text.data[length] - '0');
    if (!length || number > max || (length > 1 && text.data[0] == '0'))
        return 0;
    *ret_number = (uint32_t)number;
    return length;
}

bool v4_parse(struct span text, uint8_t ret_bytes[4])
{
    for (int i = 0; i < 4; i++) {
        uint32_t number;
        size_t length = decimal_parse(text, UINT8_MAX, &number);

        if (!length)
            return false;
        ret_bytes[i] = (uint8_t)number;
        text = span_from(text, length);
        if (i == 3)
            break;
        if (!text.length || text.data[0] != '.')
            return false;
        text = span_from(text, 1);
    }
    return !text.length;
}

/* Parses up to four hexadecimal digits. Returns the number of digits. */
static size_t parse_group(struct span text, uint8_t ret_bytes[2])
{
    unsigned group = 0;
    size_t length = 0;

    for (; length < text.length && length < 4 && hex_digit(text.data[length]) >= 0; length++)
        group = group * 16 + (unsigned)hex_digit(text.data[length]);
    ret_bytes[0] = (uint8_t)(group >> 8);
    ret_bytes[1] = (uint8_t)group;
    return length;
}

struct groups {
    uint8_t bytes[2 * V6_GROUPS];
    int count;
    int gap; /* index of the group that follows "::"; negative: no "::" */
};

/* Parses a group, or the dotted quad at the end of an address, and the following colons. */
static bool parse_groups(struct groups *groups, struct span *text)
{
    size_t length;

    if (groups->count <= V6_GROUPS - 2 && v4_parse(*text, groups->bytes + 2 * (size_t)groups->count)) {
        groups->count += 2;
        *text = span_from(*text, text->length);
        return true;
    }
    length = groups->count < V6_GROUPS ? parse_group(*text, groups->bytes + 2 * (size_t)groups->count) : 0;
    if (!length)
        return false;
    groups->count++;
    *text = span_from(*text, length);
    if (!text->length)
        return true;
    if (text->data[0] != ':' || text->length == 1)
        return false;
    *text = span_from(*text, 1);
    if (text->data[0] != ':')
        return true;
    if (groups->gap >= 0)
        return false;
    groups->gap = groups->count;
    *text = span_from(*text, 1);
    return true;
}

bool v6_parse(struct span text, uint8_t ret_bytes[16])
{
    struct groups groups = {.gap = -1};
    size_t before, after;

    if (text.length >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        groups.gap = 0;
        text = span_from(text, 2);
    }
    while (text.length)
        if (!parse_groups(&groups, &text))
            return false;
    if (groups.gap < 0 ? groups.count != V6_GROUPS : groups.count == V6_GROUPS)
        return false;
    before = groups.gap < 0 ? sizeof groups.bytes : 2 * (size_t)groups.gap;
    after = 2 * (size_t)groups.count - (groups.gap < 0 ? sizeof groups.bytes : before);
    memset(ret_bytes, 0, sizeof groups.bytes);
    memcpy(ret_bytes, groups.bytes, before);
    memcpy(ret_bytes + sizeof groups.bytes - after, groups.bytes + before, after);
    return true;
}

/* ---- Hosts ------------------------------------------------------------------------------------------------------ */

/* Printable ASCII, without the bytes that a URL forbids in a host. */
static bool is_host_byte(char byte)
{
    return byte > ' ' && byte < 127 && !strchr("\"#%/:<>?@[\\]^|", byte);
}

static bool is_host_text(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_host_byte(text.data[i]))
            return false;
    return true;
}

static struct span without_last_dot(struct span host)
{
    if (host.length && host.data[host.length - 1] == '.')
        host.length--;
    return host;
}

static struct span last_label(struct span host)
{
    const char *dot = host.length ? memrchr(host.data, '.', host.length) : NULL;

    return dot ? span_from(host, (size_t)(dot + 1 - host.data)) : host;
}

static bool has_empty_label(struct span host)
{
    char before = '.';

    for (size_t i = 0; i < host.length; before = host.data[i++])
        if (before == '.' && host.data[i] == '.')
            return true;
    return before == '.';
}

bool endpoint_host_is_numeric(struct span host)
{
    struct span label = last_label(without_last_dot(host));
    bool is_hex = label.length >= 2 && label.data[0] == '0' && (label.data[1] == 'x' || label.data[1] == 'X');

    for (size_t i = is_hex ? 2 : 0; i < label.length; i++)
        if (is_hex ? hex_digit(label.data[i]) < 0 : !is_digit(label.data[i]))
            return false;
    return label.length;
}

static bool is_localhost(struct span host)
{
    struct span label = last_label(without_last_dot(host));

    return label.length == strlen("localhost") && strncasecmp(label.data, "localhost", label.length) == 0;
}

static enum endpoint_fault parse_host(struct span host, struct endpoint *endpoint)
{
    struct span name = without_last_dot(host);

    if (!host.length)
        return ENDPOINT_NO_HOST;
    if (memchr(host.data, ':', host.length))
        return ENDPOINT_UNBRACKETED;
    if (!is_host_text(host) || has_empty_label(name) || name.length > ENDPOINT_HOST_MAX)
        return ENDPOINT_BAD_NAME;
    if (endpoint_host_is_numeric(host) && !v4_parse(host, endpoint->bytes))
        return ENDPOINT_BAD_V4;
    endpoint->kind = endpoint_host_is_numeric(host) ? ENDPOINT_V4
                     : is_localhost(host)           ? ENDPOINT_LOCALHOST
                                                    : ENDPOINT_NAME;
    endpoint->host = host;
    return ENDPOINT_OK;
}

/* A zone is a number or the name of a network interface. */
static bool is_zone(struct span zone)
{
    uint32_t number;
    size_t digits = 0;

    if (!zone.length || zone.length > ENDPOINT_ZONE_MAX || !is_host_text(zone))
        return false;
    while (digits < zone.length && is_digit(zone.data[digits]))
        digits++;
    return digits < zone.length || (decimal_parse(zone, UINT32_MAX, &number) == zone.length && number > 0);
}

/* fe80::/10. Addresses outside of this prefix need no zone. */
static bool is_link_local(const uint8_t bytes[16])
{
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

static enum endpoint_fault parse_bracketed(struct span host, struct endpoint *endpoint)
{
    const char *percent = memchr(host.data, '%', host.length);

    endpoint->kind = ENDPOINT_V6;
    endpoint->host = host;
    if (percent) {
        endpoint->host.length = (size_t)(percent - host.data);
        endpoint->zone = span_from(host, endpoint->host.length + 1);
    }
    if (!v6_parse(endpoint->host, endpoint->bytes))
        return ENDPOINT_BAD_V6;
    return percent && (!is_zone(endpoint->zone) || !is_link_local(endpoint->bytes)) ? ENDPOINT_BAD_ZONE : ENDPOINT_OK;
}

/* ---- Endpoints -------------------------------------------------------------------------------------------------- */

static bool parse_port(struct span text, uint16_t *ret_port)
{
    uint32_t port;

    if (decimal_parse(text, UINT16_MAX, &port) != text.length || !text.length || !port)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

enum endpoint_fault endpoint_parse(struct span text, struct endpoint *ret_endpoint)
{
    const char *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    const char *bracket = text.length ? memrchr(text.data, ']', text.length) : NULL;
    struct endpoint endpoint = {.kind = ENDPOINT_NAME};
    enum endpoint_fault fault;
    struct span host;

    if (!colon || (bracket && bracket > colon))
        return ENDPOINT_NO_PORT;
    host = (struct span){text.data, (size_t)(colon - text.data)};
    if (host.length && host.data[0] == '[')
        fault = host.length >= 2 && bracket == colon - 1
                    ? parse_bracketed((struct span){host.data + 1, host.length - 2}, &endpoint)
                    : ENDPOINT_BAD_V6;
    else
        fault = parse_host(host, &endpoint);
    if (fault == ENDPOINT_OK && !parse_port(span_from(text, host.length + 1), &endpoint.port))
        fault = ENDPOINT_BAD_PORT;
    if (fault == ENDPOINT_OK)
        *ret_endpoint = endpoint;
    return fault;
}

const char *endpoint_fault_text(enum endpoint_fault fault)
{
    static const char *const texts[ENDPOINT_FAULT_COUNT] = {
        [ENDPOINT_OK] = "",
        [ENDPOINT_NO_PORT] = "missing port; use HOST:PORT",
        [ENDPOINT_BAD_PORT] = "the port is an integer from 1 to 65535 without leading zeros",
        [ENDPOINT_NO_HOST] = "missing host; use HOST:PORT",
        [ENDPOINT_UNBRACKETED] = "use [ADDRESS]:PORT for an IPv6 address",
        [ENDPOINT_BAD_V6] = "the text between brackets must be an IPv6 address, as in [2001:db8::1]:80",
        [ENDPOINT_BAD_ZONE] = "a zone is the interface of a link-local address, as in [fe80::1%eth0]:80",
        [ENDPOINT_BAD_V4] = "an IPv4 address is four integers from 0 to 255 without leading zeros, and no name ends in "
                            "a number",
        [ENDPOINT_BAD_NAME] = "a host name has 1 to 253 printable ASCII characters, no empty label, and none of "
                              "\" # % / < > ? @ [ \\ ] ^ |",
    };

    return texts[fault];
}
