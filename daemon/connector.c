/* SPDX-License-Identifier: MIT */
#include "daemon/connector.h"

#include "daemon/descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One address being tried. */
struct attempt {
    struct source source;
    LIST_ENTRY(attempt) entry;
    struct connector *connector;
    struct minimio_tcp_stream *stream;
    union address address;
    bool counted; /* as a descriptor that waits */
};

/* The addresses of one family, in the resolver's order. */
struct family {
    struct connector *connector;
    struct lookup *lookup; /* NULL: none is under way */
    union address *addresses;
    size_t count, tried;
};

enum { V6, V4 }; /* in the order of preference */

struct connector {
    struct reactor *reactor;
    struct resolver *resolver;
    const struct rules *rules;
    struct account *account; /* NULL: nobody's */
    connector_done *done;    /* NULL: it was called */
    void *owner;
    struct target target;
    struct family families[2];
    int next_family; /* whose turn it is */
    bool started;    /* the first attempt was made */
    bool asking;     /* not both families were asked for yet */
    LIST_HEAD(, attempt) attempts;
    struct timer deadline;
    struct timer pace; /* until the first attempt, then until the next */
    struct connector_result result;
};

#define OUT_OF_MEMORY "out of memory"

static void try_next(struct connector *connector);

static void set_reason(struct connector *connector, const char *reason)
{
    snprintf(connector->result.reason, sizeof connector->result.reason, "%s", reason);
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
    reactor_bury(reactor, &attempt->source);
}

static void quiesce(struct connector *connector)
{
    struct attempt *attempt, *next;

    timer_stop(&connector->reactor->timers, &connector->deadline);
    timer_stop(&connector->reactor->timers, &connector->pace);
    for (int i = 0; i < 2; i++) {
        if (connector->families[i].lookup)
            lookup_cancel(connector->families[i].lookup);
        connector->families[i].lookup = NULL;
    }
    LIST_FOREACH_SAFE(attempt, &connector->attempts, entry, next)
    attempt_drop(attempt);
}

static void finish(struct connector *connector, enum connector_outcome outcome)
{
    connector_done *done = connector->done;

    quiesce(connector);
    connector->done = NULL;
    connector->result.outcome = outcome;
    done(connector->owner, &connector->result);
}

static void deadline_expired(struct timer *timer)
{
    finish(container_of(timer, struct connector, deadline), CONNECTOR_TIMED_OUT);
}

/* ---- Attempts --------------------------------------------------------------------------------------------------- */

static void remember_failure(struct connector *connector, const union address *address, int error)
{
    connector->result.error = -error;
    address_format(&address->any, connector->result.address);
}

/* A denied address is told only where no attempt was made, whose failure says more. */
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
    finish(connector, CONNECTOR_CONNECTED);
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

/* 0 under way, or why it could not even begin. */
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
    if (result == 0 && descriptor_is_in_room(minimio_tcp_stream_fd(attempt->stream)))
        result = -EMFILE;
    if (result == 0)
        result = reactor_watch(connector->reactor, minimio_tcp_stream_fd(attempt->stream), &attempt->source,
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

/* The families take turns for as long as both have addresses left. */
static const union address *next_address(struct connector *connector)
{
    for (int i = 0; i < 2; i++) {
        struct family *family = &connector->families[connector->next_family];
        connector->next_family = !connector->next_family;
        if (family->tried < family->count)
            return &family->addresses[family->tried++];
    }
    return NULL;
}

static bool resolving(const struct connector *connector)
{
    return connector->families[V6].lookup || connector->families[V4].lookup;
}

static void pace_expired(struct timer *timer)
{
    try_next(container_of(timer, struct connector, pace));
}

static enum connector_outcome failure(const struct connector *connector)
{
    if (connector->result.error)
        return CONNECTOR_CONNECT_FAILED;
    return connector->result.rule[0] ? CONNECTOR_DENIED : CONNECTOR_RESOLVE_FAILED;
}

/* The first attempt's descriptor is that of the registration. */
static bool may_try_more(const struct connector *connector)
{
    struct account *account = connector->account;
    struct fault fault;

    return !account || LIST_EMPTY(&connector->attempts) ||
           policy_check_descriptors(account->policy, account, &fault) == 0;
}

/* Starts the next attempt, and ends the whole when there is nothing left to try or to wait for. */
static void try_next(struct connector *connector)
{
    const union address *address;

    connector->started = true;
    if (!may_try_more(connector)) {
        timer_start(&connector->reactor->timers, &connector->pace, CONNECTOR_STAGGER_MS, pace_expired);
        return;
    }
    while ((address = next_address(connector))) {
        int result;

        if (is_denied(connector, address))
            continue;
        result = attempt_start(connector, address);
        if (result == 0) {
            timer_start(&connector->reactor->timers, &connector->pace, CONNECTOR_STAGGER_MS, pace_expired);
            return;
        }
        remember_failure(connector, address, result);
    }
    timer_stop(&connector->reactor->timers, &connector->pace);
    if (LIST_EMPTY(&connector->attempts) && !resolving(connector))
        finish(connector, failure(connector));
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* A family has one answer. What there is no memory for is left untried. */
static void family_add(struct family *family, const union address *addresses, size_t count)
{
    size_t most = count < CONNECTOR_ADDRESSES_MAX / 2 ? count : CONNECTOR_ADDRESSES_MAX / 2;

    if (most)
        family->addresses = calloc(most, sizeof *addresses);
    if (!family->addresses)
        return;
    for (size_t i = 0; i < most; i++) {
        family->addresses[i] = addresses[i];
        address_set_port(&family->addresses[i], family->connector->target.port);
    }
    family->count = most;
}

/* Decides what an answer means for the pace. IPv4 alone waits a moment for IPv6; once begun, a newcomer is tried when
 * its turn comes, or at once if nothing else is under way. */
static void answers_changed(struct connector *connector)
{
    bool waits_for_v6 = connector->families[V6].lookup && connector->families[V4].count;

    if (connector->started ? LIST_EMPTY(&connector->attempts) : !waits_for_v6)
        try_next(connector);
    else if (!connector->pace.running)
        timer_start(&connector->reactor->timers, &connector->pace,
                    connector->started ? CONNECTOR_STAGGER_MS : CONNECTOR_RESOLUTION_DELAY_MS, pace_expired);
}

static void lookup_answered(void *owner, const union address *addresses, size_t count, const char *reason)
{
    struct family *family = owner;
    struct connector *connector = family->connector;

    family->lookup = NULL;
    family_add(family, addresses, count);
    if (!family->count)
        set_reason(connector, count ? OUT_OF_MEMORY : reason);
    if (!connector->asking && (count || !resolving(connector)))
        answers_changed(connector);
}

static void ask(struct connector *connector, int index, int family)
{
    struct family *asked = &connector->families[index];
    int result =
        lookup_start(connector->resolver, connector->target.host, family, lookup_answered, asked, &asked->lookup);

    if (result < 0)
        set_reason(connector, result == -EBUSY    ? "too many lookups at once"
                              : result == -EINVAL ? "the hosts file is not a regular file"
                                                  : OUT_OF_MEMORY);
}

static void add_known(struct connector *connector, const union address *address)
{
    struct family *family = &connector->families[address->any.sa_family == AF_INET6 ? V6 : V4];

    family_add(family, address, 1);
    if (!family->count)
        set_reason(connector, OUT_OF_MEMORY);
}

/* RFC 6761: localhost and what is below it is the loopback, whatever a name server says. */
static void add_loopback(struct connector *connector)
{
    union address v6 = {.v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    union address v4 = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};

    add_known(connector, &v6);
    add_known(connector, &v4);
}

/* Adds what is known without a question. */
static void add_literal(struct connector *connector)
{
    union address literal;

    if (connector->target.kind == ENDPOINT_LOCALHOST)
        add_loopback(connector);
    else if (target_literal(&connector->target, &literal) == 0)
        add_known(connector, &literal);
    else
        set_reason(connector, "there is no such network interface");
}

/* Runs with the turn's timers, so that what is known at once is not told from within connector_new. */
static void begin(struct timer *timer)
{
    struct connector *connector = container_of(timer, struct connector, pace);

    if (connector->target.kind != ENDPOINT_NAME) {
        add_literal(connector);
        try_next(connector);
        return;
    }
    /* /etc/hosts answers within the call: that must not look like the last answer before both were asked. */
    connector->asking = true;
    ask(connector, V6, AF_INET6);
    ask(connector, V4, AF_INET);
    connector->asking = false;
    if (connector->families[V6].count || connector->families[V4].count || !resolving(connector))
        answers_changed(connector);
}

int connector_new(struct reactor *reactor, struct resolver *resolver, const struct rules *rules,
                  const struct target *target, uint64_t timeout_ms, connector_done *done, void *owner,
                  struct connector **ret_connector)
{
    struct connector *connector = calloc(1, sizeof *connector);

    if (!connector)
        return -ENOMEM;
    connector->reactor = reactor;
    connector->resolver = resolver;
    connector->rules = rules;
    connector->done = done;
    connector->owner = owner;
    connector->target = *target;
    connector->families[V6].connector = connector->families[V4].connector = connector;
    LIST_INIT(&connector->attempts);
    if (timeout_ms)
        timer_start(&reactor->timers, &connector->deadline, timeout_ms, deadline_expired);
    timer_start(&reactor->timers, &connector->pace, 0, begin);
    *ret_connector = connector;
    return 0;
}

void connector_count_for(struct connector *connector, struct account *account)
{
    connector->account = account;
}

struct connector *connector_free(struct connector *connector)
{
    if (!connector)
        return NULL;
    quiesce(connector);
    free(connector->families[V6].addresses);
    free(connector->families[V4].addresses);
    free(connector);
    return NULL;
}
