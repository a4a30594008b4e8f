/* SPDX-License-Identifier: MIT */
/*
 * Connecting to a target in the order and at the pace of RFC 8305: names are asked for IPv6 and IPv4 at once, the
 * addresses of both families take turns, each gets a head start before the next is tried beside it, and the first that
 * answers wins. An address that the rules deny is passed over. Nothing blocks; one deadline covers it all.
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
    CONNECTOR_DENIED /* there was no address but those that the rules deny */
};

struct connector_result {
    enum connector_outcome outcome;
    struct minimio_tcp_stream *stream; /* connected: the receiver's from now on; registered with the reactor already,
                                          a disarmed ONESHOT of a source that is gone: to be reregistered */
    int error;                         /* connect failed: a positive errno of the last attempt */
    char address[ADDRESS_TEXT_MAX];    /* its address, or denied: the last one's; "": there was none */
    char rule[RULE_TEXT_MAX];          /* denied: by this one */
    char reason[64];                   /* resolve failed: why, for people */
};

struct connector;

/* Called once, never from within connector_new, and not after connector_free. */
typedef void connector_done(void *owner, struct connector_result *result);

/* `asker`: for whom names are looked up. `rules` are those of each attempt's moment. `timeout_ms` 0: no deadline.
 * Error: -ENOMEM. The connector goes with connector_free, also when it is done. */
int connector_new(struct reactor *reactor, struct resolver *resolver, struct asker *asker, const struct rules *rules,
                  const struct target *target, uint64_t timeout_ms, connector_done *done, void *owner,
                  struct connector **ret_connector);
struct connector *connector_free(struct connector *connector);

/* Has the attempts beside the first count as descriptors of this account, and wait where the account may have no more.
 * To be called before the connector begins; it must end before the account. */
void connector_count_for(struct connector *connector, struct account *account);

#endif
