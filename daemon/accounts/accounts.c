/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/accounts.h"

#include "daemon/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNTS_FEW 256 /* not worth looking for those that have nothing */

static int compare(const struct account *left, const struct account *right)
{
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

TREE_GENERATE(account_tree, account, entry, compare)

void policy_init(struct policy *policy, const struct limits *limits, struct schedule *schedule, uint32_t descriptors)
{
    *policy = (struct policy){.limits = limits, .schedule = schedule, .descriptors = descriptors};
    policy->sweep_at = ACCOUNTS_FEW;
    RB_INIT(&policy->accounts);
}

static struct account *find(struct policy *policy, uid_t uid)
{
    struct account key = {.uid = uid};

    return RB_FIND(account_tree, &policy->accounts, &key);
}

static void release(struct policy *policy, struct account *account);

/* The manager has confirmed a message. */
static void deposit_done(struct depositor *depositor, int fd)
{
    struct account *account = container_of(depositor, struct account, depositor);

    if (fd >= 0) {
        closer_let_go(&account->closer, fd);
        account_remove_waiting(account, 1);
    } else {
        release(account->policy, account);
    }
}

/* An account whose last descriptors were being closed stays until then, and nothing tells when that is. */
static void sweep(struct policy *policy)
{
    struct account *account, *next;

    RB_FOREACH_SAFE(account, account_tree, &policy->accounts, next)
    release(policy, account);
    policy->sweep_at = policy->account_count > ACCOUNTS_FEW / 2 ? policy->account_count * 2 : ACCOUNTS_FEW;
}

static struct account *add(struct policy *policy, uid_t uid)
{
    struct account *account;

    if (policy->account_count >= policy->sweep_at)
        sweep(policy);
    account = calloc(1, sizeof *account);
    if (!account)
        return NULL;
    policy->account_count++;
    account->policy = policy;
    account->uid = uid;
    account->is_daemons = uid == geteuid();
    closer_init(&account->closer, uid != 0 && !account->is_daemons);
    depositor_init(&account->depositor, deposit_done);
    share_init(&account->share, policy->schedule, uid);
    asker_init(&account->asker, &account->share);
    RB_INSERT(account_tree, &policy->accounts, account);
    return account;
}

static void release(struct policy *policy, struct account *account)
{
    if (account->sessions || account->registrations || account->loops || account->closing || account->refused ||
        account->waiting || account->unread || account->depositor.pending || !closer_deinit(&account->closer))
        return;
    asker_deinit(&account->asker);
    share_deinit(&account->share);
    RB_REMOVE(account_tree, &policy->accounts, account);
    policy->account_count--;
    free(account);
}

static int refuse(struct fault *ret_fault, const char *limit, uint32_t max, const char *what)
{
    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, limit, max, "%s: the limit of %u is reached; see limits in hello",
                    what, max);
    return -EDQUOT;
}

/* Sessions that are refused have a line of their own. */
static int refuse_account(const struct account *account, struct fault *ret_fault, const char *limit, uint32_t max,
                          const char *what)
{
    int result = refuse(ret_fault, limit, max, what);

    log_write_rationed(LOG_LIMIT, account->uid, "uid %u: %s = %u is reached", (unsigned)account->uid, limit, max);
    return result;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

static uint32_t held_by(struct account *account)
{
    return account->sessions + account->registrations + account->waiting + closer_count(&account->closer);
}

/* What the closers have closed meanwhile is looked at only where it matters. */
static bool is_full(const struct policy *policy, uint32_t spare)
{
    uint32_t held = policy->sessions + policy->registrations + policy->waiting, max = policy->descriptors + spare;

    return held + closers_total >= max && held + closers_count() >= max;
}

static bool is_privileged(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static int check_all(const struct policy *policy, uid_t uid, uint32_t spare, struct fault *ret_fault)
{
    if (is_privileged(uid) || !is_full(policy, spare))
        return 0;
    return refuse(ret_fault, "descriptors", policy->descriptors, "too many descriptors");
}

int policy_check_descriptors(struct policy *policy, struct account *account, struct fault *ret_fault)
{
    uint32_t max = policy->limits->descriptors_uid;

    if (account->uid != 0 && held_by(account) >= max)
        return refuse_account(account, ret_fault, "descriptors_uid", max, "too many descriptors of this user");
    return check_all(policy, account->uid, 0, ret_fault);
}

int policy_check_unread(const struct policy *policy, const struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = policy->limits;

    if (account->uid != 0 && account->unread >= limits->descriptors_unread_uid)
        return refuse_account(account, ret_fault, "descriptors_unread_uid", limits->descriptors_unread_uid,
                              "too many descriptors that this user has not read");
    if (policy->unread >= limits->descriptors_unread)
        return refuse_account(account, ret_fault, "descriptors_unread", limits->descriptors_unread,
                              "too many descriptors that clients have not read");
    return 0;
}

void account_add_waiting(struct account *account, uint32_t count)
{
    account->waiting += count;
    account->policy->waiting += count;
}

void account_remove_waiting(struct account *account, uint32_t count)
{
    account->waiting -= count;
    account->policy->waiting -= count;
    release(account->policy, account);
}

void account_add_unread(struct account *account, uint32_t count)
{
    account->unread += count;
    account->policy->unread += count;
}

void account_remove_unread(struct account *account, uint32_t count)
{
    account->unread -= count;
    account->policy->unread -= count;
    release(account->policy, account);
}

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

/* How many sessions there may be in all before this user has none any more. */
static uint32_t sessions_for(const struct limits *limits, uid_t uid)
{
    uint32_t reserved = limits->sessions / 16;

    if (is_privileged(uid))
        return limits->sessions;
    return limits->sessions - (reserved < POLICY_RESERVED_SESSIONS ? reserved : POLICY_RESERVED_SESSIONS);
}

static int check_session(const struct policy *policy, uid_t uid, const struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = policy->limits;

    if (policy->sessions >= sessions_for(limits, uid))
        return refuse(ret_fault, "sessions", sessions_for(limits, uid), "too many sessions");
    if (uid != 0 && account && account->sessions >= limits->sessions_uid)
        return refuse(ret_fault, "sessions_uid", limits->sessions_uid, "too many sessions of this user");
    return check_all(policy, uid, POLICY_SPARE_SESSIONS, ret_fault);
}

int policy_add_session(struct policy *policy, uid_t uid, struct account **ret_account, struct fault *ret_fault)
{
    struct account *account = find(policy, uid);
    int result = check_session(policy, uid, account, ret_fault);

    if (result < 0)
        return result;
    if (!account)
        account = add(policy, uid);
    if (!account) {
        fault_set(ret_fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        return -ENOMEM;
    }
    policy->sessions++;
    account->sessions++;
    *ret_account = account;
    return 0;
}

struct account *policy_begin_refusal(struct policy *policy, uid_t uid)
{
    struct account *account = find(policy, uid);

    if (!account)
        account = add(policy, uid);
    if (account)
        account->refused++;
    return account;
}

void policy_end_refusal(struct policy *policy, struct account *account)
{
    account->refused--;
    release(policy, account);
}

void policy_remove_session(struct policy *policy, struct account *account)
{
    policy->sessions--;
    account->sessions--;
    release(policy, account);
}

/* ---- Registrations and loops ------------------------------------------------------------------------------------- */

int policy_add_registration(struct policy *policy, struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = policy->limits;

    if (policy->registrations >= limits->registrations)
        return refuse_account(account, ret_fault, "registrations", limits->registrations, "too many registrations");
    if (account->uid != 0 && account->registrations >= limits->registrations_uid)
        return refuse_account(account, ret_fault, "registrations_uid", limits->registrations_uid,
                              "too many registrations of this user");
    if (policy_check_descriptors(policy, account, ret_fault) < 0)
        return -EDQUOT;
    policy->registrations++;
    account->registrations++;
    return 0;
}

void policy_remove_registration(struct policy *policy, struct account *account)
{
    policy->registrations--;
    account->registrations--;
    release(policy, account);
}

int policy_add_loop(struct policy *policy, struct account *account, struct fault *ret_fault)
{
    uint32_t max = policy->limits->loops_uid;

    if (account->uid != 0 && account->loops >= max)
        return refuse_account(account, ret_fault, "loops_uid", max, "too many named loops of this user");
    account->loops++;
    return 0;
}

void policy_remove_loop(struct policy *policy, struct account *account)
{
    account->loops--;
    release(policy, account);
}

void policy_add_closing(struct policy *policy, struct account *account)
{
    (void)policy;
    account->closing++;
}

void policy_remove_closing(struct policy *policy, struct account *account)
{
    account->closing--;
    release(policy, account);
}

bool policy_waits_for_closing(const struct policy *policy, const struct account *account)
{
    const struct limits *limits = policy->limits;

    return account->closing && (policy->registrations >= limits->registrations ||
                                (account->uid != 0 && account->registrations >= limits->registrations_uid));
}

struct account *policy_restore_loop(struct policy *policy, uid_t uid)
{
    struct account *account = find(policy, uid);

    if (!account)
        account = add(policy, uid);
    if (account)
        account->loops++;
    return account;
}

void policy_restore_registration(struct policy *policy, struct account *account)
{
    policy->registrations++;
    account->registrations++;
}
