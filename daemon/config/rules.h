/* SPDX-License-Identifier: MIT */
/*
 * Which addresses clients may have the daemon connect to: rules in order, of which the first that matches decides.
 *
 *     10.0.0.0/8          192.0.2.7:443       192.0.2.0/24:8000-8999
 *     [2001:db8::]/32     [2001:db8::7]:443   *:25
 *
 * What is asked for is one address in several guises: ::ffff:10.0.0.1 is reached as 10.0.0.1, and Linux connects
 * 0.0.0.0 and :: to the loopback. A rule that denies matches in any guise; one that allows, only as what the kernel
 * really connects to. So no guise gets around a rule. An IPv6 scope is no part of an address.
 */
#ifndef MINIMIO_DAEMON_CONFIG_RULES_H
#define MINIMIO_DAEMON_CONFIG_RULES_H

#include "daemon/base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_TEXT_MAX 72 /* "deny [v6]/128:65535-65535", the v6 ending as an IPv4 address, and a NUL */

enum rule_family { RULE_ANY, RULE_V4, RULE_V6 };

struct rule {
    bool deny;
    uint8_t family; /* enum rule_family */
    uint8_t prefix; /* bits of `bytes` that count */
    uint8_t bytes[16];
    uint16_t first_port, last_port;
    char text[RULE_TEXT_MAX]; /* as it was written: "deny 10.0.0.0/8" */
};

/* All zero: no rules, and everything is allowed. */
struct rules {
    struct rule *list;
    size_t count;
    bool default_deny;
};

void rules_deinit(struct rules *rules);

/* Appends a rule. Errors: -EINVAL, and `*ret_advice` (a constant) says what is wrong or what to write; -ENOMEM. */
int rules_add(struct rules *rules, bool deny, const char *text, const char **ret_advice);

/* NULL: allowed. Else the text of the rule that denies it, valid until the rules change. */
const char *rules_denying(const struct rules *rules, const union address *address);

#endif
