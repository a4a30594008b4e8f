/* SPDX-License-Identifier: MIT */
/*
 * Rules for the addresses that the daemon connects to. The first matching rule decides.
 *
 *     10.0.0.0/8          192.0.2.7:443       192.0.2.0/24:8000-8999
 *     [2001:db8::]/32     [2001:db8::7]:443   *:25
 *
 * An address can be written in several ways: ::ffff:10.0.0.1 connects to 10.0.0.1, and Linux connects 0.0.0.0 and :: to
 * the loopback. A deny rule matches every alias of an address. An allow rule matches only the address that the kernel
 * connects to. No alias therefore bypasses a rule. Rules ignore IPv6 scopes.
 */
#ifndef MINIMIO_DAEMON_CONFIG_RULES_H
#define MINIMIO_DAEMON_CONFIG_RULES_H

#include "daemon/base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_TEXT_MAX 72 /* "deny [v6]/128:65535-65535", with an IPv6 address that ends in a dotted quad, and NUL */

enum rule_family { RULE_ANY, RULE_V4, RULE_V6 };

struct rule {
    bool deny;
    uint8_t family; /* enum rule_family */
    uint8_t prefix; /* number of significant bits in `bytes` */
    uint8_t bytes[16];
    uint16_t first_port, last_port;
    char text[RULE_TEXT_MAX]; /* as written: "deny 10.0.0.0/8" */
};

/* Zero-initialized: no rules, all addresses are allowed. */
struct rules {
    struct rule *list;
    size_t count;
    bool default_deny;
};

void rules_deinit(struct rules *rules);

/* Appends a rule. Errors: -EINVAL, with the error or the correct form in `*ret_advice`, a constant; -ENOMEM. */
int rules_add(struct rules *rules, bool deny, const char *text, const char **ret_advice);

/* The text of the rule that denies the address, valid until the rules change. NULL: allowed. */
const char *rules_denying(const struct rules *rules, const union address *address);

#endif
