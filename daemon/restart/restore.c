/* SPDX-License-Identifier: MIT */
/*
 * What the manager has kept, or the binary before has left, becomes loops and streams again. Each descriptor is matched
 * with the ledger's entry of its id; what has no counterpart is said and let go, and nothing is guessed.
 */
#include "daemon/restart/restore.h"

#include "daemon/base/inherited.h"
#include "daemon/base/log.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/manager/store_names.h"
#include "daemon/sessions/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct found {
    uint64_t id;
    int fd; /* -1: claimed */
};

struct restore {
    struct context *context;
    struct manager *service;
    struct ledger *ledger;
    struct found *found; /* by id, once all are there */
    size_t found_count;
    struct loop **loops; /* by entry */
    uint32_t restored_loops, restored_streams;
    uint32_t lost; /* entries that are wrong, or whose descriptor is not there */
};

/* ---- What was kept ---------------------------------------------------------------------------------------------- */

static int add_found(struct restore *restoring, uint64_t id, int fd)
{
    struct found *found = realloc(restoring->found, (restoring->found_count + 1) * sizeof *found);

    if (!found)
        return -ENOMEM;
    found[restoring->found_count++] = (struct found){.id = id, .fd = fd};
    restoring->found = found;
    return 0;
}

/* Without a store, or where the manager has it not, nothing is to be waited for. */
static void let_go(struct restore *restoring, const char *name, int fd)
{
    struct recorder *recorder = &restoring->context->loops.recorder;

    if (manager_forget(restoring->service, &recorder->depositor, name, fd) < 0)
        close_untrusted(recorder->closer, fd);
}

/* A ledger that cannot be read is said; its streams are then nobody's. */
static int open_ledger(struct restore *restoring, int fd)
{
    int result = restoring->ledger ? -EEXIST : ledger_open(fd, &restoring->ledger);

    if (result == -ENOMEM)
        return result;
    if (result < 0) {
        log_write(LOG_LEVEL_ERROR, "the ledger of the named loops cannot be read%s; what it describes is lost",
                  result == -EEXIST ? ": there are two" : "");
        let_go(restoring, STORE_LEDGER, fd);
    }
    return 0;
}

static int take_stored(struct restore *restoring)
{
    char name[MANAGER_NAME_SIZE];
    int fd, result = 0;

    while (result == 0 && (fd = manager_take_stored(restoring->service, name)) >= 0) {
        uint64_t id = store_name_id(name);

        if (!strcmp(name, STORE_LEDGER)) {
            result = open_ledger(restoring, fd);
        } else if (id) {
            result = add_found(restoring, id, fd);
        } else {
            log_write(LOG_LEVEL_WARNING, "the manager has kept a descriptor of an unknown name; it is let go");
            let_go(restoring, name, fd);
        }
    }
    return result;
}

static int add_handed_over(struct restore *restoring, const struct ledger_stream *stream)
{
    char name[STORE_NAME_SIZE];
    int result;

    if (!inherited_claim(stream->fd))
        return 0; /* the entry has no descriptor, which is logged when its turn comes */
    store_name(stream->id, name);
    result = manager_adopt_entry(restoring->service, name);
    return result == 0 ? add_found(restoring, stream->id, stream->fd) : result;
}

/* The binary before has written the numbers of its descriptors into the ledger. */
static int take_handed_over(struct restore *restoring, int ledger_number)
{
    int result = open_ledger(restoring, ledger_number);
    struct ledger_stream stream;

    if (result < 0 || !restoring->ledger)
        return result;
    result = manager_adopt_entry(restoring->service, STORE_LEDGER);
    for (uint32_t entry = 1; result == 0 && entry <= ledger_count(restoring->ledger); entry++)
        if (ledger_get_stream(restoring->ledger, entry, &stream) == 0)
            result = add_handed_over(restoring, &stream);
    return result;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = ((const struct found *)left)->id, b = ((const struct found *)right)->id;

    return a < b ? -1 : a > b;
}

/* The descriptor of this id, now the caller's; -1: it was not kept. */
static int claim(struct restore *restoring, uint64_t id)
{
    struct found key = {.id = id}, *found = NULL;
    int fd;

    if (restoring->found_count)
        found = bsearch(&key, restoring->found, restoring->found_count, sizeof key, compare);
    if (!found)
        return -1;
    fd = found->fd;
    found->fd = -1;
    return fd;
}

/* ---- Loops and streams ------------------------------------------------------------------------------------------ */

static void drop_entry(struct restore *restoring, uint32_t entry)
{
    ledger_remove(restoring->ledger, entry);
    restoring->lost++;
}

static int restore_loop(struct restore *restoring, uint32_t entry, const struct ledger_loop *found)
{
    struct context *context = restoring->context;
    char name[NAME_MAX_BYTES + 1];
    struct account *account;
    struct loop *loop;

    memcpy(name, found->name.data, found->name.length);
    name[found->name.length] = '\0';
    if (loops_find(&context->loops, name, (uid_t)found->uid)) {
        drop_entry(restoring, entry);
        return 0;
    }
    account = accounts_restore_loop(&context->accounts, (uid_t)found->uid);
    if (!account)
        return -ENOMEM;
    loop = loop_new(&context->loops, account, name);
    if (!loop) {
        accounts_remove_loop(&context->accounts, account);
        return -ENOMEM;
    }
    loop->delivery = found->delivery;
    loop->linger_ms = found->linger_ms;
    loop->entry = entry;
    restoring->loops[entry] = loop;
    restoring->restored_loops++;
    return 0;
}

static int restore_loops(struct restore *restoring)
{
    struct ledger_loop loop;

    for (uint32_t entry = 1; entry <= ledger_count(restoring->ledger); entry++) {
        int result = ledger_get_loop(restoring->ledger, entry, &loop);

        if (result == 0)
            result = restore_loop(restoring, entry, &loop);
        else if (result == -EBADMSG)
            drop_entry(restoring, entry);
        if (result == -ENOMEM)
            return result;
    }
    return 0;
}

/* Limits are for what is asked for; what was there is there. */
static int open_stream(struct restore *restoring, struct loop *loop, uint32_t entry, const struct ledger_stream *found,
                       int fd)
{
    struct context *context = restoring->context;
    struct stream *stream = stream_new(loop, found->token, found->address, found->interests, found->mode);
    int result;

    if (!stream)
        return -ENOMEM;
    stream->entry = entry;
    stream->adopted = found->adopted;
    stream->credentials = found->adopted && fd_carries_credentials(fd);
    accounts_restore_registration(&context->accounts, loop->account);
    result = stream_restore(&context->turn.reactor, stream, fd, (enum fd_kind)found->kind);
    if (result < 0) {
        stream->entry = LEDGER_NO_ENTRY;
        stream_deregister(&context->turn.reactor, stream);
    }
    return result;
}

static int restore_stream(struct restore *restoring, uint32_t entry, const struct ledger_stream *found)
{
    struct loop *loop = restoring->loops[found->loop];
    int fd = loop && !loop_find(loop, found->token) ? claim(restoring, found->id) : -1;
    int result;

    if (found->id > restoring->context->loops.recorder.last_id)
        restoring->context->loops.recorder.last_id = found->id;
    if (fd < 0) {
        drop_entry(restoring, entry);
        return 0;
    }
    result = open_stream(restoring, loop, entry, found, fd);
    if (result == 0) {
        restoring->restored_streams++;
        return 0;
    }
    close_untrusted(&restoring->context->wire.closer, fd);
    if (result != -ENOMEM)
        drop_entry(restoring, entry);
    return result == -ENOMEM ? result : 0;
}

static int restore_streams(struct restore *restoring)
{
    struct ledger_stream stream;

    for (uint32_t entry = 1; entry <= ledger_count(restoring->ledger); entry++) {
        int result = ledger_get_stream(restoring->ledger, entry, &stream);

        if (result == 0)
            result = restore_stream(restoring, entry, &stream);
        else if (result == -EBADMSG && !restoring->loops[entry])
            drop_entry(restoring, entry);
        if (result == -ENOMEM)
            return result;
    }
    return 0;
}

static int restore_all(struct restore *restoring)
{
    int result;

    restoring->loops = calloc((size_t)ledger_count(restoring->ledger) + 1, sizeof *restoring->loops);
    if (!restoring->loops)
        return -ENOMEM;
    if (restoring->found_count)
        qsort(restoring->found, restoring->found_count, sizeof *restoring->found, compare);
    result = restore_loops(restoring);
    return result == 0 ? restore_streams(restoring) : result;
}

/* ---- Afterwards ------------------------------------------------------------------------------------------------- */

/* Streams that were closed while the manager did not know it yet, or that nothing describes. */
static uint32_t let_rest_go(struct restore *restoring)
{
    uint32_t count = 0;

    for (size_t i = 0; i < restoring->found_count; i++) {
        char name[STORE_NAME_SIZE];

        if (restoring->found[i].fd < 0)
            continue;
        store_name(restoring->found[i].id, name);
        let_go(restoring, name, restoring->found[i].fd);
        count++;
    }
    return count;
}

static void say(const struct restore *restoring, uint32_t let_go_count)
{
    if (restoring->restored_loops)
        log_write(LOG_LEVEL_INFO, "%u named loops with %u streams go on", restoring->restored_loops,
                  restoring->restored_streams);
    if (restoring->lost)
        log_write(LOG_LEVEL_ERROR, "%u loops or streams of the ledger are lost: not kept, or not readable",
                  restoring->lost);
    if (let_go_count)
        log_write(LOG_LEVEL_INFO, "%u kept descriptors are closed: nothing describes them any more", let_go_count);
}

/* Nobody is in them yet, and each waits for as long as its linger says. */
static void linger_all(struct context *context)
{
    struct loop *loop, *next;

    for (loop = loops_after(&context->loops, NULL); loop; loop = next) {
        next = loops_next(loop);
        attach_linger(context, loop);
    }
}

/* From here on: into the ledger that was found, or a new one; or, without anybody to keep it, into none. */
static int begin_to_keep(struct restore *restoring)
{
    struct recorder *recorder = &restoring->context->loops.recorder;
    struct ledger *ledger = restoring->ledger;
    int result = 0;

    if (!manager_has_store(restoring->service)) {
        persist_forget_entries(&restoring->context->loops);
        restoring->ledger = ledger_free(ledger);
        return 0;
    }
    if (!ledger)
        result = ledger_new(&ledger);
    if (result == 0 && !restoring->ledger) {
        result = manager_store(restoring->service, &restoring->context->loops.recorder.depositor, ledger_fd(ledger),
                               STORE_LEDGER);
        if (result < 0)
            ledger_free(ledger);
    }
    if (result < 0)
        return result;
    restoring->ledger = NULL;
    recorder->ledger = ledger;
    return 0;
}

int restore(struct context *context, struct manager *service, int handed_over)
{
    struct restore restoring = {.context = context, .service = service};
    int result;

    context->loops.recorder.manager = service;
    result = handed_over >= 0 ? take_handed_over(&restoring, handed_over) : take_stored(&restoring);
    if (result == 0 && restoring.ledger)
        result = restore_all(&restoring);
    if (result == 0) {
        say(&restoring, let_rest_go(&restoring));
        result = begin_to_keep(&restoring);
    }
    if (result == 0)
        linger_all(context);
    free(restoring.found);
    free(restoring.loops);
    ledger_free(restoring.ledger);
    return result;
}
