/* SPDX-License-Identifier: MIT */
/*
 * Who may have how much: sessions, registrations and named loops, in all and by the uid that the kernel vouches for.
 * Root is not limited by uid.
 */
#ifndef MINIMIO_DAEMON_POLICY_H
#define MINIMIO_DAEMON_POLICY_H

#include "daemon/closer.h"
#include "daemon/schedule.h"
#include "daemon/tree.h"
#include "proto/fault.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What one uid has; lives as long as it has any of it, so a named loop keeps its owner's account. */
struct account {
    RB_ENTRY(account) entry;
    uid_t uid;
    bool is_daemons; /* the daemon's own user */
    uint32_t sessions;
    uint32_t registrations;
    uint32_t loops;   /* named ones */
    uint32_t closing; /* loops that are being closed */
    struct closer closer;
    struct share share; /* of the daemon's time */
};

RB_HEAD(account_tree, account);

struct policy {
    const struct limits *limits;
    struct schedule *schedule;
    struct account_tree accounts;
    uint32_t sessions;
    uint32_t registrations;
};

void policy_init(struct policy *policy, const struct limits *limits, struct schedule *schedule);

/* Counts a session in, or fails with -EDQUOT or -ENOMEM and `*ret_fault`: LIMIT_EXCEEDED or INTERNAL. */
int policy_add_session(struct policy *policy, uid_t uid, struct account **ret_account, struct fault *ret_fault);

/* Each policy_remove_… may be what ends the account. */
void policy_remove_session(struct policy *policy, struct account *account);

/* Counts a registration in, or fails with -EDQUOT and `*ret_fault`. */
int policy_add_registration(struct policy *policy, struct account *account, struct fault *ret_fault);
void policy_remove_registration(struct policy *policy, struct account *account);

/* Counts a named loop in, or fails with -EDQUOT and `*ret_fault`. */
int policy_add_loop(struct policy *policy, struct account *account, struct fault *ret_fault);
void policy_remove_loop(struct policy *policy, struct account *account);

/* A loop is being closed: until then its registrations count, and a new one may have to wait for them. */
void policy_add_closing(struct policy *policy, struct account *account);
void policy_remove_closing(struct policy *policy, struct account *account);

/* Whether the user's next registration fits when its loops that are being closed are gone, and does not before. */
bool policy_waits_for_closing(const struct policy *policy, const struct account *account);

/* Likewise of what an earlier daemon had: whatever the limits are. NULL: out of memory. */
struct account *policy_restore_loop(struct policy *policy, uid_t uid);
void policy_restore_registration(struct policy *policy, struct account *account);

#endif
