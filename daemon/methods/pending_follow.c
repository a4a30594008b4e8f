/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_follow.h"

#include "daemon/base/address.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct pending_follow {
    struct pending base;
    TAILQ_ENTRY(pending_follow) link; /* in `list` */
    struct follow_list *list;         /* NULL: the outcome is known */
    struct context *context;
    struct call call;
    uint64_t token;
    bool failed; /* the outcome is `fault` */
    struct fault fault;
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];
};

/* Takes the call, and frees the rest. */
static struct call pending_follow_free(struct pending_follow *follow)
{
    struct call call = follow->call;
    struct session *session = call.session;

    TAILQ_REMOVE(&session->connects, &follow->base, link);
    if (follow->list)
        TAILQ_REMOVE(follow->list, follow, link);
    else
        TAILQ_REMOVE(&session->done, &follow->base, done_link);
    accounts_remove_registration(&follow->context->accounts, session->conn.account);
    free(follow);
    return call;
}

static void pending_follow_answer(struct pending *base)
{
    struct pending_follow *follow = container_of(base, struct pending_follow, base);
    struct call *call = &follow->call;
    struct fault fault = follow->fault;
    bool failed = follow->failed;
    struct call freed;

    if (!failed)
        reply_registered(call_begin(call), call->id, follow->token, follow->local[0] ? follow->local : NULL,
                         follow->peer[0] ? follow->peer : NULL, true);
    freed = pending_follow_free(follow);
    if (failed)
        call_fault(&freed, &fault);
    else
        call_end(&freed);
}

static void pending_follow_cancel(struct pending *base, const struct fault *fault)
{
    struct call call = pending_follow_free(container_of(base, struct pending_follow, base));

    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

/* ---- The outcome ------------------------------------------------------------------------------------------------ */

/* Takes the first follower off the list, into the calls with an outcome. NULL: the list is empty. */
static struct pending_follow *next_follower(struct follow_list *list)
{
    struct pending_follow *follow = TAILQ_FIRST(list);

    if (!follow)
        return NULL;
    TAILQ_REMOVE(list, follow, link);
    follow->list = NULL;
    TAILQ_INSERT_TAIL(&follow->call.session->done, &follow->base, done_link);
    return follow;
}

static void answer_if_client_reads(struct pending_follow *follow)
{
    if (conn_is_writable(&follow->call.session->conn))
        pending_follow_answer(&follow->base);
}

void pending_follow_connected(struct follow_list *list, const char *local, const char *peer)
{
    struct pending_follow *follow;

    while ((follow = next_follower(list))) {
        snprintf(follow->local, sizeof follow->local, "%s", local);
        snprintf(follow->peer, sizeof follow->peer, "%s", peer);
        answer_if_client_reads(follow);
    }
}

void pending_follow_failed(struct follow_list *list, const struct fault *fault)
{
    struct pending_follow *follow;

    while ((follow = next_follower(list))) {
        follow->failed = true;
        follow->fault = *fault;
        answer_if_client_reads(follow);
    }
}

bool pending_follow_take(struct follow_list *list, struct call *ret_call)
{
    struct pending_follow *follow = TAILQ_FIRST(list);

    if (!follow)
        return false;
    *ret_call = pending_follow_free(follow);
    return true;
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

int pending_follow_begin(struct context *context, const struct call *call, struct follow_list *list, uint64_t token,
                         struct fault *ret_fault)
{
    struct account *account = call->session->conn.account;
    struct pending_follow *follow;

    if (accounts_add_registration(&context->accounts, account, ret_fault) < 0)
        return -EDQUOT;
    follow = calloc(1, sizeof *follow);
    if (!follow || call_keep(call, &follow->call) < 0) {
        free(follow);
        accounts_remove_registration(&context->accounts, account);
        fault_set(ret_fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        return -ENOMEM;
    }
    follow->base =
        (struct pending){.call = &follow->call, .answer = pending_follow_answer, .cancel = pending_follow_cancel};
    follow->list = list;
    follow->context = context;
    follow->token = token;
    TAILQ_INSERT_TAIL(list, follow, link);
    TAILQ_INSERT_TAIL(&call->session->connects, &follow->base, link);
    return 0;
}
