/* SPDX-License-Identifier: MIT */
/*
 * Who may have how much: sessions, registrations, named loops and descriptors, in all and by the uid that the kernel
 * vouches for. Root is not limited by uid. A few sessions and descriptors are left to root and the daemon's own user,
 * whatever others have.
 *
 * A descriptor counts for its user wherever it is in the daemon: as a session, as a registration, or as one that waits:
 * for a `register`, for the client to take it, for a connect that tries another address, or to be closed.
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

/* What one uid has; lives as long as it has any of it, so a named loop keeps its owner's account. */
struct account {
    RB_ENTRY(account) entry;
    struct accounts *accounts;
    uid_t uid;
    bool is_daemons; /* the daemon's own user */
    uint32_t sessions;
    uint32_t registrations;
    uint32_t loops;   /* named ones */
    uint32_t closing; /* loops that are being closed */
    uint32_t refused; /* clients that are being refused */
    uint32_t waiting; /* descriptors that are neither sessions nor registrations; those in the closer not counted */
    uint32_t unread;  /* descriptors that were taken and that clients have not read yet */
    struct async_closer closer;
    struct depositor depositor; /* of what the service manager keeps */
    struct share share;         /* of the daemon's time */
    struct asker asker;         /* its part of the lookups of names */
};

RB_HEAD(account_tree, account);

struct accounts {
    const struct limits *limits;
    struct schedule *schedule;
    struct account_tree tree;
    uint32_t descriptors; /* that all users may have, but for root and the daemon's own */
    uint32_t sessions;
    uint32_t registrations;
    uint32_t waiting;
    uint32_t unread;
    uint32_t account_count;
    uint32_t sweep_at; /* accounts at which those that have nothing any more are looked for */
};

/* When all descriptors are in use, so many more sessions can begin, to give some up. */
#define ACCOUNTS_SPARE_SESSIONS 24

/* The sessions that are left to root and the daemon's own user: one of 16 of the limit, and at most so many. */
#define ACCOUNTS_RESERVED_SESSIONS 8

/* `descriptors`: how many all users may have, but for root and the daemon's own; may be lower later. */
void accounts_init(struct accounts *accounts, const struct limits *limits, struct schedule *schedule,
                   uint32_t descriptors);

/* Counts a session in, or fails with -EDQUOT or -ENOMEM and `*ret_fault`: LIMIT_EXCEEDED or INTERNAL. */
int accounts_add_session(struct accounts *accounts, uid_t uid, struct account **ret_account, struct fault *ret_fault);

/*
 * The account of a user who is refused, for closing what the user has sent; to be given back when its closer has it
 * all. NULL: out of memory.
 */
struct account *accounts_begin_refusal(struct accounts *accounts, uid_t uid);
void accounts_end_refusal(struct accounts *accounts, struct account *account);

/* Each policy_remove_… may be what ends the account. */
void accounts_remove_session(struct accounts *accounts, struct account *account);

/* Counts a registration in, or fails with -EDQUOT and `*ret_fault`. */
int accounts_add_registration(struct accounts *accounts, struct account *account, struct fault *ret_fault);
void accounts_remove_registration(struct accounts *accounts, struct account *account);

/* Whether the user may have another descriptor beside its sessions and registrations; or -EDQUOT and `*ret_fault`. */
int accounts_check_descriptors(struct accounts *accounts, struct account *account, struct fault *ret_fault);

/* Likewise, whether another one may be on its way to a client that may not read it. */
int accounts_check_unread(const struct accounts *accounts, const struct account *account, struct fault *ret_fault);

/* Counts descriptors that wait or are unread, whatever the limits are. The account may go with the last of them. */
void account_add_waiting(struct account *account, uint32_t count);
void account_remove_waiting(struct account *account, uint32_t count);
void account_add_unread(struct account *account, uint32_t count);
void account_remove_unread(struct account *account, uint32_t count);

/* Counts a named loop in, or fails with -EDQUOT and `*ret_fault`. */
int accounts_add_loop(struct accounts *accounts, struct account *account, struct fault *ret_fault);
void accounts_remove_loop(struct accounts *accounts, struct account *account);

/* A loop is being closed: until then its registrations count, and a new one may have to wait for them. */
void accounts_add_closing(struct accounts *accounts, struct account *account);
void accounts_remove_closing(struct accounts *accounts, struct account *account);

/* Whether the user's next registration fits when its loops that are being closed are gone, and does not before. */
bool accounts_wait_for_closing(const struct accounts *accounts, const struct account *account);

/* Likewise of what an earlier daemon had: whatever the limits are. NULL: out of memory. */
struct account *accounts_restore_loop(struct accounts *accounts, uid_t uid);
void accounts_restore_registration(struct accounts *accounts, struct account *account);

#endif
