/* SPDX-License-Identifier: MIT */
/*
 * Parses and matches rules of addresses. The file has no state.
 */
#include "daemon/config/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

void rules_deinit(struct rules *rules)
{
    free(rules->list);
    *rules = (struct rules){0};
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* Consumes a decimal number. */
static int take_number(const char **text, uint32_t max, uint32_t *ret_number)
{
    size_t length = decimal_parse((struct span){*text, strlen(*text)}, max, ret_number);

    *text += length;
    return length ? 0 : -EINVAL;
}

static int take_ports(const char **text, struct rule *rule)
{
    uint32_t first, last;

    (*text)++;
    if (take_number(text, UINT16_MAX, &first) < 0)
        return -EINVAL;
    last = first;
    if (**text == '-') {
        (*text)++;
        if (take_number(text, UINT16_MAX, &last) < 0)
            return -EINVAL;
    }
    if (first < 1 || first > last)
        return -EINVAL;
    rule->first_port = (uint16_t)first;
    rule->last_port = (uint16_t)last;
    return 0;
}

static int take_address(const char **text, struct rule *rule, const char **ret_advice)
{
    bool bracketed = **text == '[';
    size_t length = strcspn(*text, bracketed ? "]" : "/:");
    struct span host = {*text + bracketed, length - bracketed};

    if (bracketed && (*text)[length] != ']')
        return -EINVAL;
    if (!bracketed && endpoint_host_is_numeric(host) &&
        strchr(*text, ':') == strrchr(*text, ':')) /* several colons: IPv6 */
        *ret_advice = "an IPv4 address is four integers from 0 to 255 without leading zeros, as in 192.0.2.7";
    rule->family = bracketed ? RULE_V6 : RULE_V4;
    if (bracketed ? !v6_parse(host, rule->bytes) : !v4_parse(host, rule->bytes))
        return -EINVAL;
    *text += length + bracketed;
    return 0;
}

static bool bits_beyond_prefix(const struct rule *rule, uint32_t bits)
{
    for (uint32_t bit = rule->prefix; bit < bits; bit++)
        if (rule->bytes[bit / 8] & (0x80 >> bit % 8))
            return true;
    return false;
}

/* Converts a rule of IPv4-mapped addresses to IPv4, because the kernel connects to mapped addresses over IPv4. */
static void unmap(struct rule *rule)
{
    if (rule->family != RULE_V6 || rule->prefix < 96 || memcmp(rule->bytes, v4_mapped, sizeof v4_mapped) != 0)
        return;
    rule->family = RULE_V4;
    rule->prefix = (uint8_t)(rule->prefix - 96);
    memmove(rule->bytes, rule->bytes + 12, 4);
}

static int take_net(const char **text, struct rule *rule, const char **ret_advice)
{
    uint32_t bits, prefix;

    if (**text == '*') {
        (*text)++;
        return 0;
    }
    *ret_advice = "write an address as 192.0.2.7, 10.0.0.0/8, [2001:db8::]/32 or *, then :PORT or :FIRST-LAST; "
                  "IPv6 stands in brackets, and names are not rules";
    if (take_address(text, rule, ret_advice) < 0)
        return -EINVAL;
    bits = rule->family == RULE_V4 ? 32 : 128;
    prefix = bits;
    *ret_advice = "behind the / stands a number of bits without leading zeros: 0 to 32 for IPv4, 0 to 128 for IPv6";
    if (**text == '/' && ((*text)++, take_number(text, bits, &prefix) < 0))
        return -EINVAL;
    rule->prefix = (uint8_t)prefix;
    *ret_advice = "the address has bits beyond its prefix: write the network's first address, or a longer prefix";
    if (bits_beyond_prefix(rule, bits))
        return -EINVAL;
    unmap(rule);
    return 0;
}

static int read_rule(const char *text, struct rule *rule, const char **ret_advice)
{
    const char *at = text;
    int result = take_net(&at, rule, ret_advice);

    if (result < 0)
        return result;
    *ret_advice = "behind the : stands one port or FIRST-LAST, 1 to 65535 without leading zeros";
    if (*at == ':' && take_ports(&at, rule) < 0)
        return -EINVAL;
    *ret_advice = "there is more than one rule's text here: write one rule a line";
    if (*at)
        return -EINVAL;
    snprintf(rule->text, sizeof rule->text, "%s %s", rule->deny ? "deny" : "allow", text);
    return 0;
}

int rules_add(struct rules *rules, bool deny, const char *text, const char **ret_advice)
{
    struct rule rule = {.deny = deny, .first_port = 0, .last_port = UINT16_MAX};
    struct rule *grown;
    int result = read_rule(text, &rule, ret_advice);

    if (result < 0)
        return result;
    grown = reallocarray(rules->list, rules->count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    grown[rules->count++] = rule;
    rules->list = grown;
    return 0;
}

/* ---- Matching --------------------------------------------------------------------------------------------------- */

struct alias {
    enum rule_family family;
    uint8_t bytes[16];
    bool real; /* the address that the kernel connects to */
};

struct aliases {
    struct alias list[4];
    size_t count;
    uint16_t port;
};

static void add_alias(struct aliases *aliases, enum rule_family family, const void *bytes, bool real)
{
    struct alias *alias = &aliases->list[aliases->count++];

    alias->family = family;
    alias->real = real;
    memcpy(alias->bytes, bytes, family == RULE_V4 ? 4 : 16);
}

static void add_v4(struct aliases *aliases, const void *bytes)
{
    static const uint8_t any[4], loopback[4] = {127, 0, 0, 1};
    bool is_any = memcmp(bytes, any, sizeof any) == 0;

    add_alias(aliases, RULE_V4, bytes, !is_any);
    if (is_any)
        add_alias(aliases, RULE_V4, loopback, true);
}

static void add_v6(struct aliases *aliases, const struct in6_addr *address)
{
    bool is_any = IN6_IS_ADDR_UNSPECIFIED(address), is_mapped = IN6_IS_ADDR_V4MAPPED(address);

    add_alias(aliases, RULE_V6, address, !is_any && !is_mapped);
    if (is_any)
        add_alias(aliases, RULE_V6, &in6addr_loopback, true);
    if (is_mapped)
        add_v4(aliases, address->s6_addr + 12);
}

static bool same_prefix(const uint8_t *left, const uint8_t *right, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(left, right, bits / 8) != 0)
        return false;
    return !rest || !((left[bits / 8] ^ right[bits / 8]) >> (8 - rest));
}

static bool matches(const struct rule *rule, const struct aliases *aliases)
{
    if (aliases->port < rule->first_port || aliases->port > rule->last_port)
        return false;
    if (rule->family == RULE_ANY)
        return true;
    for (size_t i = 0; i < aliases->count; i++) {
        const struct alias *alias = &aliases->list[i];
        if (alias->family == rule->family && (rule->deny || alias->real) &&
            same_prefix(alias->bytes, rule->bytes, rule->prefix))
            return true;
    }
    return false;
}

const char *rules_denying(const struct rules *rules, const union address *address)
{
    struct aliases aliases = {.count = 0};

    if (address->any.sa_family == AF_INET6) {
        aliases.port = ntohs(address->v6.sin6_port);
        add_v6(&aliases, &address->v6.sin6_addr);
    } else {
        aliases.port = ntohs(address->v4.sin_port);
        add_v4(&aliases, &address->v4.sin_addr);
    }
    for (size_t i = 0; i < rules->count; i++)
        if (matches(&rules->list[i], &aliases))
            return rules->list[i].deny ? rules->list[i].text : NULL;
    return rules->default_deny ? "default deny" : NULL;
}
