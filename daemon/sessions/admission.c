/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/admission.h"

#include "daemon/base/log.h"
#include "daemon/sessions/lifecycle.h"

#include <errno.h>
#include <string.h>

/* Refuses the client. Descriptors sent by the client are closed through the account, if any. */
static void admission_refuse(struct context *context, int fd, uid_t uid, bool may_linger, const struct fault *fault)
{
    context->turn.stats.errors[fault->name]++;
    log_write_ratelimited(LOG_REFUSED_SESSION, uid, "session of uid %u refused: %s", (unsigned)uid, fault->message);
    conn_refuse(&context->wire, accounts_begin_refusal(&context->accounts, uid), fd, may_linger, fault);
}

/* The overflow uid stands for many users: they would share loops and limits. */
static bool is_unmapped(const struct config *config, const struct ucred *peer)
{
    return config->overflow_uid != (uid_t)-1 && peer->uid == config->overflow_uid;
}

static int check_access(const struct context *context, const struct ucred *peer, int fd, struct fault *ret_fault)
{
    if (is_unmapped(context->config, peer) && !context->config->access.unmapped_users) {
        fault_set(ret_fault, FAULT_DENIED,
                  "this user is not mapped in the daemon's user namespace: see unmapped-users in minimiod.conf(5)");
        strcpy(ret_fault->rule, "unmapped-users");
        return -EACCES;
    }
    if (access_allows(&context->config->access, peer, fd))
        return 0;
    fault_set(ret_fault, FAULT_DENIED, "this daemon's operator has not listed this user or its groups in [access]");
    strcpy(ret_fault->rule, "access");
    return -EACCES;
}

void admission_turn_away(void *owner, int fd)
{
    struct context *context = owner;
    struct fault fault;

    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", context->config->descriptors,
                    "the daemon has no descriptor left; try again later");
    admission_refuse(context, fd, access_peer(fd).uid, false, &fault);
}

void admission_admit(void *owner, int fd)
{
    struct context *context = owner;
    struct ucred peer = access_peer(fd);
    struct account *account;
    struct fault fault;

    if (fd_room_has(fd)) {
        admission_turn_away(context, fd);
        return;
    }
    if (check_access(context, &peer, fd, &fault) < 0 ||
        accounts_add_session(&context->accounts, peer.uid, &account, &fault) < 0) {
        admission_refuse(context, fd, peer.uid, true, &fault);
    } else if (session_new(context, fd, account) < 0) {
        accounts_remove_session(&context->accounts, account);
        fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        admission_refuse(context, fd, peer.uid, false, &fault);
    }
}
