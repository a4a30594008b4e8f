/* SPDX-License-Identifier: MIT */
/*
 * Connects to a target as RFC 8305 (Happy Eyeballs) describes: looks up IPv6 and IPv4 addresses at once, interleaves
 * the families, staggers the attempts, and keeps the first connection. Skips denied addresses. Never blocks; the
 * deadline covers the lookup and all attempts.
 *
 * Owns the attempts and the lookup. Calls the resolver, the rules, the account and the reactor.
 */
#ifndef MINIMIO_DAEMON_CONNECT_CONNECTOR_H
#define MINIMIO_DAEMON_CONNECT_CONNECTOR_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/address.h"
#include "daemon/base/reactor.h"
#include "daemon/config/rules.h"
#include "daemon/connect/resolver.h"

#define CONNECTOR_STAGGER_MS 250 /* RFC 8305, Connection Attempt Delay */

enum connector_outcome {
    CONNECTOR_CONNECTED,
    CONNECTOR_RESOLVE_FAILED,
    CONNECTOR_TOO_MANY_LOOKUPS,
    CONNECTOR_CONNECT_FAILED,
    CONNECTOR_TIMED_OUT,
    CONNECTOR_DENIED /* the rules deny every address */
};

struct connector_result {
    enum connector_outcome outcome;
    struct minimio_tcp_stream *stream; /* connected: the receiver takes the stream, still registered as a disarmed
                                          ONESHOT of a freed source: reregister or unwatch */
    int error;                         /* connect failed: a positive errno of the last attempt */
    char address[ADDRESS_TEXT_MAX];    /* address of the last failed or denied attempt; "": no address */
    char rule[RULE_TEXT_MAX];          /* denied: the rule */
    char reason[64];                   /* resolve failed: the reason, for people */
};

struct connector;

/* Called once, never from within connector_new, and not after connector_free. */
typedef void connector_done(void *owner, struct connector_result *result);

/* `asker`: charged for lookups. `rules`: borrowed, read at each attempt. `timeout_ms` in ms; 0: no deadline. Error:
 * -ENOMEM. The caller must free the connector with connector_free, before or after `done`. */
int connector_new(struct reactor *reactor, struct resolver *resolver, struct asker *asker, const struct rules *rules,
                  const struct target *target, uint64_t timeout_ms, connector_done *done, void *owner,
                  struct connector **ret_connector);
struct connector *connector_free(struct connector *connector);

/* Charges attempts beside the first to the account as descriptors; at the limit, attempts wait. Call right after
 * connector_new. The account must outlive the connector. */
void connector_count_for(struct connector *connector, struct account *account);

/* Whose the connector's lines of the debug log are: the session of this number, which registers this token. */
void connector_trace_as(struct connector *connector, uint64_t session, uint64_t token);

#endif
