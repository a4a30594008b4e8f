/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/accounts.h"

#include "daemon/base/invariant.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNTS_FEW 256 /* with fewer accounts, a search for empty accounts is not worthwhile */

static int account_compare(const struct account *left, const struct account *right)
{
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

TREE_GENERATE(account_tree, account, entry, account_compare)

void accounts_init(struct accounts *accounts, const struct limits *limits, struct schedule *schedule,
                   uint32_t descriptors)
{
    *accounts = (struct accounts){.limits = limits, .schedule = schedule, .descriptors = descriptors};
    accounts->sweep_at = ACCOUNTS_FEW;
    RB_INIT(&accounts->tree);
}

static struct account *accounts_find(struct accounts *accounts, uid_t uid)
{
    struct account key = {.uid = uid};

    return RB_FIND(account_tree, &accounts->tree, &key);
}

static void account_release(struct accounts *accounts, struct account *account);

/* Called when the manager has confirmed a message. */
static void deposit_done(struct depositor *depositor, int fd)
{
    struct account *account = container_of(depositor, struct account, depositor);

    if (fd >= 0) {
        close_shared(&account->closer, fd);
        account_remove_waiting(account, 1);
    } else {
        account_release(account->accounts, account);
    }
}

/* No event tells when the closer of an account has become empty, so such accounts are freed here. */
static void accounts_sweep(struct accounts *accounts)
{
    struct account *account, *next;

    RB_FOREACH_SAFE(account, account_tree, &accounts->tree, next)
        account_release(accounts, account);
    accounts->sweep_at = accounts->account_count > ACCOUNTS_FEW / 2 ? accounts->account_count * 2 : ACCOUNTS_FEW;
}

static struct account *accounts_add(struct accounts *accounts, uid_t uid)
{
    struct account *account;

    if (accounts->account_count >= accounts->sweep_at)
        accounts_sweep(accounts);
    account = calloc(1, sizeof *account);
    if (!account)
        return NULL;
    accounts->account_count++;
    account->accounts = accounts;
    account->uid = uid;
    account->is_daemons = uid == geteuid();
    async_closer_init(&account->closer, uid != 0 && !account->is_daemons);
    depositor_init(&account->depositor, deposit_done);
    share_init(&account->share, accounts->schedule, uid);
    asker_init(&account->asker, &account->share);
    RB_INSERT(account_tree, &accounts->tree, account);
    return account;
}

static void account_release(struct accounts *accounts, struct account *account)
{
    if (account->sessions || account->registrations || account->loops || account->closing || account->refused ||
        account->waiting || account->unread || account->depositor.pending || !async_closer_deinit(&account->closer))
        return;
    asker_deinit(&account->asker);
    INVARIANT(accounts->account_count > 0);
    share_deinit(&account->share);
    RB_REMOVE(account_tree, &accounts->tree, account);
    accounts->account_count--;
    free(account);
}

static int set_limit_fault(struct fault *ret_fault, const char *limit, uint32_t max, const char *what)
{
    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, limit, max, "%s: the limit of %u is reached; see limits in hello",
                    what, max);
    return -EDQUOT;
}

/* Logs the refusal, except of sessions, which admission.c logs. */
static int refuse_account(const struct account *account, struct fault *ret_fault, const char *limit, uint32_t max,
                          const char *what)
{
    int result = set_limit_fault(ret_fault, limit, max, what);

    log_write_ratelimited(LOG_LIMIT, account->uid, "uid %u: %s = %u is reached", (unsigned)account->uid, limit, max);
    return result;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

static uint32_t account_descriptors(struct account *account)
{
    return account->sessions + account->registrations + account->waiting + async_closer_count(&account->closer);
}

/* Counts the closers' open descriptors anew only if the last count has reached the limit. */
static bool accounts_are_full(const struct accounts *accounts, uint32_t spare)
{
    uint32_t held = accounts->sessions + accounts->registrations + accounts->waiting,
             max = accounts->descriptors + spare;

    return held + async_closers_total >= max && held + async_closers_count() >= max;
}

static bool is_privileged(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static int check_all(const struct accounts *accounts, uid_t uid, uint32_t spare, struct fault *ret_fault)
{
    if (is_privileged(uid) || !accounts_are_full(accounts, spare))
        return 0;
    return set_limit_fault(ret_fault, "descriptors", accounts->descriptors, "too many descriptors");
}

int accounts_check_descriptors(struct accounts *accounts, struct account *account, struct fault *ret_fault)
{
    uint32_t max = accounts->limits->descriptors_uid;

    if (account->uid != 0 && account_descriptors(account) >= max)
        return refuse_account(account, ret_fault, "descriptors_uid", max, "too many descriptors of this user");
    return check_all(accounts, account->uid, 0, ret_fault);
}

int accounts_check_unread(const struct accounts *accounts, const struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = accounts->limits;

    if (account->uid != 0 && account->unread >= limits->descriptors_unread_uid)
        return refuse_account(account, ret_fault, "descriptors_unread_uid", limits->descriptors_unread_uid,
                              "too many descriptors that this user has not read");
    if (accounts->unread >= limits->descriptors_unread)
        return refuse_account(account, ret_fault, "descriptors_unread", limits->descriptors_unread,
                              "too many descriptors that clients have not read");
    return 0;
}

void account_add_waiting(struct account *account, uint32_t count)
{
    account->waiting += count;
    account->accounts->waiting += count;
}

void account_remove_waiting(struct account *account, uint32_t count)
{
    INVARIANT(account->waiting >= count && account->accounts->waiting >= count);
    account->waiting -= count;
    account->accounts->waiting -= count;
    account_release(account->accounts, account);
}

void account_add_unread(struct account *account, uint32_t count)
{
    account->unread += count;
    account->accounts->unread += count;
}

void account_remove_unread(struct account *account, uint32_t count)
{
    INVARIANT(account->unread >= count && account->accounts->unread >= count);
    account->unread -= count;
    account->accounts->unread -= count;
    account_release(account->accounts, account);
}

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

/* The total number of sessions at which this user gets no further session. */
static uint32_t sessions_for(const struct limits *limits, uid_t uid)
{
    uint32_t reserved = limits->sessions / 16;

    if (is_privileged(uid))
        return limits->sessions;
    return limits->sessions - (reserved < ACCOUNTS_RESERVED_SESSIONS ? reserved : ACCOUNTS_RESERVED_SESSIONS);
}

static int check_session(const struct accounts *accounts, uid_t uid, const struct account *account,
                         struct fault *ret_fault)
{
    const struct limits *limits = accounts->limits;

    if (accounts->sessions >= sessions_for(limits, uid))
        return set_limit_fault(ret_fault, "sessions", sessions_for(limits, uid), "too many sessions");
    if (uid != 0 && account && account->sessions >= limits->sessions_uid)
        return set_limit_fault(ret_fault, "sessions_uid", limits->sessions_uid, "too many sessions of this user");
    return check_all(accounts, uid, ACCOUNTS_SPARE_SESSIONS, ret_fault);
}

int accounts_add_session(struct accounts *accounts, uid_t uid, struct account **ret_account, struct fault *ret_fault)
{
    struct account *account = accounts_find(accounts, uid);
    int result = check_session(accounts, uid, account, ret_fault);

    if (result < 0)
        return result;
    if (!account)
        account = accounts_add(accounts, uid);
    if (!account) {
        fault_set(ret_fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        return -ENOMEM;
    }
    accounts->sessions++;
    account->sessions++;
    *ret_account = account;
    return 0;
}

struct account *accounts_begin_refusal(struct accounts *accounts, uid_t uid)
{
    struct account *account = accounts_find(accounts, uid);

    if (!account)
        account = accounts_add(accounts, uid);
    if (account)
        account->refused++;
    return account;
}

void accounts_end_refusal(struct accounts *accounts, struct account *account)
{
    INVARIANT(account->refused > 0);
    account->refused--;
    account_release(accounts, account);
}

void accounts_remove_session(struct accounts *accounts, struct account *account)
{
    INVARIANT(account->sessions > 0 && accounts->sessions > 0);
    accounts->sessions--;
    account->sessions--;
    account_release(accounts, account);
}

/* ---- Registrations and loops ------------------------------------------------------------------------------------- */

int accounts_add_registration(struct accounts *accounts, struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = accounts->limits;

    if (accounts->registrations >= limits->registrations)
        return refuse_account(account, ret_fault, "registrations", limits->registrations, "too many registrations");
    if (account->uid != 0 && account->registrations >= limits->registrations_uid)
        return refuse_account(account, ret_fault, "registrations_uid", limits->registrations_uid,
                              "too many registrations of this user");
    if (accounts_check_descriptors(accounts, account, ret_fault) < 0)
        return -EDQUOT;
    accounts->registrations++;
    account->registrations++;
    return 0;
}

void accounts_remove_registration(struct accounts *accounts, struct account *account)
{
    INVARIANT(account->registrations > 0 && accounts->registrations > 0);
    accounts->registrations--;
    account->registrations--;
    account_release(accounts, account);
}

int accounts_add_loop(struct accounts *accounts, struct account *account, struct fault *ret_fault)
{
    uint32_t max = accounts->limits->loops_uid;

    if (account->uid != 0 && account->loops >= max)
        return refuse_account(account, ret_fault, "loops_uid", max, "too many named loops of this user");
    account->loops++;
    return 0;
}

void accounts_remove_loop(struct accounts *accounts, struct account *account)
{
    INVARIANT(account->loops > 0);
    account->loops--;
    account_release(accounts, account);
}

void accounts_add_closing(struct accounts *accounts, struct account *account)
{
    (void)accounts;
    account->closing++;
}

void accounts_remove_closing(struct accounts *accounts, struct account *account)
{
    INVARIANT(account->closing > 0);
    account->closing--;
    account_release(accounts, account);
}

bool accounts_wait_for_closing(const struct accounts *accounts, const struct account *account)
{
    const struct limits *limits = accounts->limits;

    return account->closing && (accounts->registrations >= limits->registrations ||
                                (account->uid != 0 && account->registrations >= limits->registrations_uid));
}

struct account *accounts_restore_loop(struct accounts *accounts, uid_t uid)
{
    struct account *account = accounts_find(accounts, uid);

    if (!account)
        account = accounts_add(accounts, uid);
    if (account)
        account->loops++;
    return account;
}

void accounts_restore_registration(struct accounts *accounts, struct account *account)
{
    accounts->registrations++;
    account->registrations++;
}
