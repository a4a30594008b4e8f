/* SPDX-License-Identifier: MIT */
#include "daemon/policy.h"

#include "daemon/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int compare(const struct account *left, const struct account *right)
{
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

TREE_GENERATE(account_tree, account, entry, compare)

void policy_init(struct policy *policy, const struct limits *limits, struct schedule *schedule)
{
    *policy = (struct policy){.limits = limits, .schedule = schedule};
    RB_INIT(&policy->accounts);
}

static struct account *find(struct policy *policy, uid_t uid)
{
    struct account key = {.uid = uid};

    return RB_FIND(account_tree, &policy->accounts, &key);
}

static struct account *add(struct policy *policy, uid_t uid)
{
    struct account *account = calloc(1, sizeof *account);

    if (!account)
        return NULL;
    account->uid = uid;
    account->is_daemons = uid == geteuid();
    closer_init(&account->closer, uid != 0 && !account->is_daemons);
    share_init(&account->share, policy->schedule, uid);
    RB_INSERT(account_tree, &policy->accounts, account);
    return account;
}

static void release(struct policy *policy, struct account *account)
{
    if (account->sessions || account->registrations || account->loops || account->closing ||
        !closer_deinit(&account->closer))
        return;
    share_deinit(&account->share);
    RB_REMOVE(account_tree, &policy->accounts, account);
    free(account);
}

static int refuse(struct fault *ret_fault, const char *limit, uint32_t max, const char *what)
{
    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, limit, max, "%s: the limit of %u is reached; see limits in hello",
                    what, max);
    return -EDQUOT;
}

int policy_add_session(struct policy *policy, uid_t uid, struct account **ret_account, struct fault *ret_fault)
{
    const struct limits *limits = policy->limits;
    struct account *account = find(policy, uid);

    if (policy->sessions >= limits->sessions)
        return refuse(ret_fault, "sessions", limits->sessions, "too many sessions");
    if (uid != 0 && account && account->sessions >= limits->sessions_uid)
        return refuse(ret_fault, "sessions_uid", limits->sessions_uid, "too many sessions of this user");
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

void policy_remove_session(struct policy *policy, struct account *account)
{
    policy->sessions--;
    account->sessions--;
    release(policy, account);
}

/* Sessions that are refused have a line of their own. */
static int refuse_account(const struct account *account, struct fault *ret_fault, const char *limit, uint32_t max,
                          const char *what)
{
    int result = refuse(ret_fault, limit, max, what);

    log_write_rationed(LOG_LIMIT, account->uid, "uid %u: %s = %u is reached", (unsigned)account->uid, limit, max);
    return result;
}

int policy_add_registration(struct policy *policy, struct account *account, struct fault *ret_fault)
{
    const struct limits *limits = policy->limits;

    if (policy->registrations >= limits->registrations)
        return refuse_account(account, ret_fault, "registrations", limits->registrations, "too many registrations");
    if (account->uid != 0 && account->registrations >= limits->registrations_uid)
        return refuse_account(account, ret_fault, "registrations_uid", limits->registrations_uid,
                              "too many registrations of this user");
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
