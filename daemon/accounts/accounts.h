/* SPDX-License-Identifier: MIT */
/*
 * Accounts and limits of users: sessions, registrations, named loops and descriptors, in total and for each uid that
 * the kernel reports. The limits of a single user do not apply to root. A few sessions and descriptors are reserved for
 * root and the daemon's own user.
 *
 * A descriptor counts for its user wherever the daemon holds the descriptor: as a session, as a registration, or
 * waiting: for a `register`, for the client to take the descriptor, for the next attempt of a connect, or for the
 * close.
 *
 * Owns the accounts. Calls the closers, the schedule, the depositors and the log.
 */
#ifndef MINIMIO_DAEMON_ACCOUNTS_ACCOUNTS_H
#define MINIMIO_DAEMON_ACCOUNTS_ACCOUNTS_H

#include "daemon/accounts/asker.h"
#include "daemon/base/async_close.h"
#include "daemon/base/schedule.h"
#include "daemon/base/tree.h"
#include "daemon/manager/fd_store.h"
#include "proto/fault.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The resources of one uid. An account lives as long as any resource counts for the account, so a named loop keeps
 * its owner's account. */
struct account {
    RB_ENTRY(account) entry;
    struct accounts *accounts;
    uid_t uid;
    bool is_daemons; /* the account of the daemon's own user */
    uint32_t sessions;
    uint32_t registrations;
    uint32_t loops;   /* named loops */
    uint32_t closing; /* loops whose close is in progress */
    uint32_t refused; /* clients whose refusal is in progress */
    uint32_t waiting; /* descriptors that are neither sessions nor registrations, without those in the closer */
    uint32_t unread;  /* descriptors sent to clients that have not read them yet */
    struct async_closer closer;
    struct depositor depositor; /* sends messages to the manager's store */
    struct share share;         /* the user's share of the daemon's time */
    struct asker asker;         /* the user's lookups of names */
};

RB_HEAD(account_tree, account);

struct accounts {
    const struct limits *limits;
    struct schedule *schedule;
    struct account_tree tree;
    uint32_t descriptors; /* limit of all users together, except root and the daemon's own user */
    uint32_t sessions;
    uint32_t registrations;
    uint32_t waiting;
    uint32_t unread;
    uint32_t account_count;
    uint32_t sweep_at; /* number of accounts at which empty accounts are freed */
};

/* Sessions that may begin although all descriptors are in use, so that clients can release descriptors. */
#define ACCOUNTS_SPARE_SESSIONS 24

/* Sessions reserved for root and the daemon's own user: one in 16 of the limit, at most this many. */
#define ACCOUNTS_RESERVED_SESSIONS 8

/* `descriptors`: limit of all users together, except root and the daemon's own user. `limits` is borrowed, and may
 * change later. */
void accounts_init(struct accounts *accounts, const struct limits *limits, struct schedule *schedule,
                   uint32_t descriptors);

/* Counts a new session. Errors: -EDQUOT or -ENOMEM, and `*ret_fault`: LIMIT_EXCEEDED or INTERNAL. */
int accounts_add_session(struct accounts *accounts, uid_t uid, struct account **ret_account, struct fault *ret_fault);

/*
 * The account of a refused user, for closing the descriptors that the user has sent. Call accounts_end_refusal when the
 * closer has all of them. NULL: out of memory.
 */
struct account *accounts_begin_refusal(struct accounts *accounts, uid_t uid);
void accounts_end_refusal(struct accounts *accounts, struct account *account);

/* Every accounts_remove_… function may free the account. */
void accounts_remove_session(struct accounts *accounts, struct account *account);

/* Counts a new registration. Error: -EDQUOT and `*ret_fault`. */
int accounts_add_registration(struct accounts *accounts, struct account *account, struct fault *ret_fault);
void accounts_remove_registration(struct accounts *accounts, struct account *account);

/* Checks whether the user may have another descriptor beside sessions and registrations. Error: -EDQUOT and
 * `*ret_fault`. */
int accounts_check_descriptors(struct accounts *accounts, struct account *account, struct fault *ret_fault);

/* Checks whether another descriptor may be sent to a client that may not read the descriptor. Error: -EDQUOT and
 * `*ret_fault`. */
int accounts_check_unread(const struct accounts *accounts, const struct account *account, struct fault *ret_fault);

/* Counts waiting or unread descriptors, without a check of limits. Removing the last may free the account. */
void account_add_waiting(struct account *account, uint32_t count);
void account_remove_waiting(struct account *account, uint32_t count);
void account_add_unread(struct account *account, uint32_t count);
void account_remove_unread(struct account *account, uint32_t count);

/* Counts a new named loop. Error: -EDQUOT and `*ret_fault`. */
int accounts_add_loop(struct accounts *accounts, struct account *account, struct fault *ret_fault);
void accounts_remove_loop(struct accounts *accounts, struct account *account);

/* Counts a loop whose close is in progress. The loop's registrations count until the close is complete, and a new
 * registration may have to wait for the close. */
void accounts_add_closing(struct accounts *accounts, struct account *account);
void accounts_remove_closing(struct accounts *accounts, struct account *account);

/* Whether the user's next registration must wait for the close of loops: the registration fits afterwards only. */
bool accounts_wait_for_closing(const struct accounts *accounts, const struct account *account);

/* Counts restored loops and registrations, without a check of limits. NULL: out of memory. */
struct account *accounts_restore_loop(struct accounts *accounts, uid_t uid);
void accounts_restore_registration(struct accounts *accounts, struct account *account);

#endif
