/* SPDX-License-Identifier: MIT */
#include "daemon/connect/connector.h"

#include "daemon/base/fd_queue.h"
#include "daemon/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A connection attempt to an address. */
struct attempt {
    struct source source;
    LIST_ENTRY(attempt) entry;
    struct connector *connector;
    struct minimio_tcp_stream *stream;
    union address address;
    bool counted; /* charged to the account as a waiting descriptor */
};

struct connector {
    struct reactor *reactor;
    struct resolver *resolver;
    struct asker *asker;
    const struct rules *rules;
    struct account *account; /* NULL: further attempts are not charged */
    uint64_t session, token; /* for the debug log */
    connector_done *done;    /* NULL: already called */
    void *owner;
    struct target target;
    struct lookup *lookup;    /* NULL: none is under way */
    union address *addresses; /* in the order of the attempts */
    size_t count, tried;
    LIST_HEAD(, attempt) attempts;
    struct timer deadline;
    struct timer pace; /* until the first attempt, then until the next */
    struct connector_result result;
};

#define OUT_OF_MEMORY "out of memory"

#define WHO         "session %llu: connect, token %llu: "
#define NUMBERS(of) (unsigned long long)(of)->session, (unsigned long long)(of)->token

static void try_next(struct connector *connector);

static void set_reason(struct connector *connector, const char *reason)
{
    snprintf(connector->result.reason, sizeof connector->result.reason, "%s", reason);
}

/* `error`: a negative errno, or 0 for an attempt that begins. */
static void trace_attempt(const struct connector *connector, const union address *address, int error)
{
    char text[ADDRESS_TEXT_MAX];

    address_format(&address->any, text);
    if (error)
        log_debug(WHO "%s failed: %s", NUMBERS(connector), text, errno_name(-error));
    else
        log_debug(WHO "trying %s", NUMBERS(connector), text);
}

static void trace_outcome(const struct connector *connector, enum connector_outcome outcome)
{
    static const char *const outcomes[] = {
        [CONNECTOR_CONNECTED] = "connected",
        [CONNECTOR_RESOLVE_FAILED] = "not resolved",
        [CONNECTOR_TOO_MANY_LOOKUPS] = "too many lookups",
        [CONNECTOR_CONNECT_FAILED] = "not connected",
        [CONNECTOR_TIMED_OUT] = "timed out",
        [CONNECTOR_DENIED] = "denied",
    };

    log_debug(WHO "%s", NUMBERS(connector), outcomes[outcome]);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void attempt_drop(struct attempt *attempt)
{
    struct reactor *reactor = attempt->connector->reactor;

    LIST_REMOVE(attempt, entry);
    if (attempt->counted)
        account_remove_waiting(attempt->connector->account, 1);
    if (attempt->stream) {
        reactor_unwatch(reactor, minimio_tcp_stream_fd(attempt->stream));
        minimio_tcp_stream_free(attempt->stream);
    }
    reactor_end_source(reactor, &attempt->source);
}

static void connector_quiesce(struct connector *connector)
{
    struct attempt *attempt, *next;

    timer_stop(&connector->reactor->timers, &connector->deadline);
    timer_stop(&connector->reactor->timers, &connector->pace);
    if (connector->lookup)
        lookup_cancel(connector->lookup);
    connector->lookup = NULL;
    LIST_FOREACH_SAFE(attempt, &connector->attempts, entry, next)
        attempt_drop(attempt);
}

static void connector_finish(struct connector *connector, enum connector_outcome outcome)
{
    connector_done *done = connector->done;

    if (log_is_debug())
        trace_outcome(connector, outcome);
    connector_quiesce(connector);
    connector->done = NULL;
    connector->result.outcome = outcome;
    done(connector->owner, &connector->result);
}

static void deadline_expired(struct timer *timer)
{
    connector_finish(container_of(timer, struct connector, deadline), CONNECTOR_TIMED_OUT);
}

/* ---- Attempts --------------------------------------------------------------------------------------------------- */

static void remember_failure(struct connector *connector, const union address *address, int error)
{
    if (log_is_debug())
        trace_attempt(connector, address, error);
    connector->result.error = -error;
    address_format(&address->any, connector->result.address);
}

/* Records a denied address only if no attempt failed: the failure of an attempt is more specific. */
static bool is_denied(struct connector *connector, const union address *address)
{
    struct connector_result *result = &connector->result;
    const char *rule = rules_denying(connector->rules, address);

    if (!rule)
        return false;
    if (!result->error) {
        snprintf(result->rule, sizeof result->rule, "%s", rule);
        address_format(&address->any, result->address);
    }
    return true;
}

static void attempt_won(struct attempt *attempt)
{
    struct connector *connector = attempt->connector;

    connector->result.stream = attempt->stream;
    attempt->stream = NULL;
    connector_finish(connector, CONNECTOR_CONNECTED);
}

static void attempt_failed(struct attempt *attempt, int error)
{
    struct connector *connector = attempt->connector;

    remember_failure(connector, &attempt->address, error);
    attempt_drop(attempt);
    try_next(connector);
}

static void attempt_ready(struct source *source, const struct minimio_event *event)
{
    struct attempt *attempt = container_of(source, struct attempt, source);
    int result = minimio_tcp_stream_finish_connect(attempt->stream);

    (void)event;
    if (result == -EINPROGRESS)
        result = reactor_rewatch(attempt->connector->reactor, minimio_tcp_stream_fd(attempt->stream), source,
                                 MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    else if (result == 0) {
        attempt_won(attempt);
        return;
    }
    if (result < 0)
        attempt_failed(attempt, result);
}

/* Begins an attempt. Errors: negative errno; no attempt was made. */
static int attempt_start(struct connector *connector, const union address *address)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    int result;

    if (!attempt)
        return -ENOMEM;
    attempt->source.ready = attempt_ready;
    attempt->connector = connector;
    attempt->address = *address;
    result = minimio_tcp_stream_connect(&address->any, address_length(address), &attempt->stream);
    if (result == 0 && fd_room_has(minimio_tcp_stream_fd(attempt->stream)))
        result = -EMFILE;
    if (result == 0)
        result = reactor_watch_socket(connector->reactor, minimio_tcp_stream_fd(attempt->stream), &attempt->source,
                                      MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    if (result < 0) {
        minimio_tcp_stream_free(attempt->stream);
        free(attempt);
        return result;
    }
    attempt->counted = connector->account && !LIST_EMPTY(&connector->attempts);
    if (attempt->counted)
        account_add_waiting(connector->account, 1);
    LIST_INSERT_HEAD(&connector->attempts, attempt, entry);
    return 0;
}

static void pace_expired(struct timer *timer)
{
    try_next(container_of(timer, struct connector, pace));
}

static enum connector_outcome connector_failure(const struct connector *connector)
{
    if (connector->result.error)
        return CONNECTOR_CONNECT_FAILED;
    return connector->result.rule[0] ? CONNECTOR_DENIED : CONNECTOR_RESOLVE_FAILED;
}

/* Whether the account may have another descriptor. The first attempt is charged as the registration. */
static bool may_try_more(const struct connector *connector)
{
    struct account *account = connector->account;
    struct fault fault;

    return !account || LIST_EMPTY(&connector->attempts) ||
           accounts_check_descriptors(account->accounts, account, &fault) == 0;
}

/* Starts the next attempt. Without further addresses and without attempts under way, finishes with the failure. */
static void try_next(struct connector *connector)
{
    if (!may_try_more(connector)) {
        timer_start(&connector->reactor->timers, &connector->pace, CONNECTOR_STAGGER_MS, pace_expired);
        return;
    }
    while (connector->tried < connector->count) {
        const union address *address = &connector->addresses[connector->tried++];
        int result;

        if (is_denied(connector, address))
            continue;
        if (log_is_debug())
            trace_attempt(connector, address, 0);
        result = attempt_start(connector, address);
        if (result == 0) {
            timer_start(&connector->reactor->timers, &connector->pace, CONNECTOR_STAGGER_MS, pace_expired);
            return;
        }
        remember_failure(connector, address, result);
    }
    timer_stop(&connector->reactor->timers, &connector->pace);
    if (LIST_EMPTY(&connector->attempts))
        connector_finish(connector, connector_failure(connector));
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* The index of the first address from `from` on in the family of the first address; with `same` false, in the second
 * family. `count`: none. */
static size_t next_of(const union address *addresses, size_t count, size_t from, bool same)
{
    while (from < count && (addresses[from].any.sa_family == addresses[0].any.sa_family) != same)
        from++;
    return from;
}

static void add_next(struct connector *connector, const union address *addresses, size_t count, size_t *from, bool same)
{
    size_t next = next_of(addresses, count, *from, same);

    *from = next + 1;
    if (next >= count)
        return;
    connector->addresses[connector->count] = addresses[next];
    address_set_port(&connector->addresses[connector->count++], connector->target.port);
}

/* Interleaves the families while both have addresses left (RFC 8305, 4). The order within a family stays. */
static void take_addresses(struct connector *connector, const union address *addresses, size_t count)
{
    size_t preferred = 0, second = 0;

    connector->addresses = calloc(count, sizeof *addresses);
    if (!connector->addresses) {
        set_reason(connector, OUT_OF_MEMORY);
        return;
    }
    while (connector->count < count) {
        add_next(connector, addresses, count, &preferred, true);
        add_next(connector, addresses, count, &second, false);
    }
}

static void lookup_answered(void *owner, const union address *addresses, size_t count, const char *reason)
{
    struct connector *connector = owner;

    connector->lookup = NULL;
    if (count)
        take_addresses(connector, addresses, count);
    else
        set_reason(connector, reason);
    try_next(connector);
}

static void connector_look_up(struct connector *connector)
{
    int result;

    log_debug(WHO "looking up %s", NUMBERS(connector), connector->target.host);
    result = lookup_start(connector->resolver, connector->asker, connector->target.host, lookup_answered, connector,
                          &connector->lookup);

    if (result == -EDQUOT) {
        connector_finish(connector, CONNECTOR_TOO_MANY_LOOKUPS);
    } else if (result < 0) {
        set_reason(connector, OUT_OF_MEMORY);
        connector_finish(connector, CONNECTOR_RESOLVE_FAILED);
    }
}

/* RFC 6761: localhost and names below localhost are the loopback addresses, without asking a name server. */
static void take_loopback(struct connector *connector)
{
    const union address both[] = {{.v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}},
                                  {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}}};

    take_addresses(connector, both, 2);
}

/* Takes the addresses of a target that needs no lookup. */
static void take_literal(struct connector *connector)
{
    union address literal;

    if (connector->target.kind == ENDPOINT_LOCALHOST)
        take_loopback(connector);
    else if (target_literal(&connector->target, &literal) == 0)
        take_addresses(connector, &literal, 1);
    else
        set_reason(connector, "there is no such network interface");
}

/* A timer, so that connector_new never calls `done`. */
static void connector_begin(struct timer *timer)
{
    struct connector *connector = container_of(timer, struct connector, pace);

    if (connector->target.kind == ENDPOINT_NAME) {
        connector_look_up(connector);
        return;
    }
    take_literal(connector);
    try_next(connector);
}

int connector_new(struct reactor *reactor, struct resolver *resolver, struct asker *asker, const struct rules *rules,
                  const struct target *target, uint64_t timeout_ms, connector_done *done, void *owner,
                  struct connector **ret_connector)
{
    struct connector *connector = calloc(1, sizeof *connector);

    if (!connector)
        return -ENOMEM;
    connector->reactor = reactor;
    connector->resolver = resolver;
    connector->asker = asker;
    connector->rules = rules;
    connector->done = done;
    connector->owner = owner;
    connector->target = *target;
    LIST_INIT(&connector->attempts);
    if (timeout_ms)
        timer_start(&reactor->timers, &connector->deadline, timeout_ms, deadline_expired);
    timer_start(&reactor->timers, &connector->pace, 0, connector_begin);
    *ret_connector = connector;
    return 0;
}

void connector_count_for(struct connector *connector, struct account *account)
{
    connector->account = account;
}

void connector_trace_as(struct connector *connector, uint64_t session, uint64_t token)
{
    connector->session = session;
    connector->token = token;
}

struct connector *connector_free(struct connector *connector)
{
    if (!connector)
        return NULL;
    connector_quiesce(connector);
    free(connector->addresses);
    free(connector);
    return NULL;
}
