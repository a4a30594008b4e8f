/* SPDX-License-Identifier: MIT */
/*
 * Matches each received descriptor with the ledger's entry of the same id, and makes loops and streams of the pairs. A
 * descriptor or entry without counterpart is logged and closed or dropped.
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

struct received_fd {
    uint64_t id;
    int fd; /* -1: claimed by a stream */
};

struct restore {
    struct context *context;
    struct manager *manager;
    struct ledger *ledger;
    struct received_fd *received; /* sorted by id before claim_received is called */
    size_t received_count;
    struct loop **loops; /* by the number of the entry */
    uint32_t restored_loops, restored_streams;
    uint32_t lost; /* invalid entries, and entries without a descriptor */
};

/* ---- What was kept ---------------------------------------------------------------------------------------------- */

static int add_received(struct restore *restore, uint64_t id, int fd)
{
    struct received_fd *received = realloc(restore->received, (restore->received_count + 1) * sizeof *received);

    if (!received)
        return -ENOMEM;
    received[restore->received_count++] = (struct received_fd){.id = id, .fd = fd};
    restore->received = received;
    return 0;
}

/* If the manager does not have the descriptor, no copy has to be held until a confirmation. */
static void forget_and_close(struct restore *restore, const char *name, int fd)
{
    struct recorder *recorder = &restore->context->loops.recorder;

    if (manager_forget(restore->manager, &recorder->depositor, name, fd) < 0)
        close_untrusted(recorder->closer, fd);
}

/* An unreadable ledger is logged; its streams are then closed. */
static int open_ledger(struct restore *restore, int fd)
{
    int result = restore->ledger ? -EEXIST : ledger_open(fd, &restore->ledger);

    if (result == -ENOMEM)
        return result;
    if (result < 0) {
        log_write(LOG_LEVEL_ERROR, "the ledger of the named loops cannot be read%s; its loops and streams are lost",
                  result == -EEXIST ? ": there are two" : "");
        forget_and_close(restore, STORE_LEDGER, fd);
    }
    return 0;
}

static int take_stored(struct restore *restore)
{
    char name[MANAGER_NAME_SIZE];
    int fd, result = 0;

    while (result == 0 && (fd = manager_take_stored(restore->manager, name)) >= 0) {
        uint64_t id = store_name_id(name);

        if (!strcmp(name, STORE_LEDGER)) {
            result = open_ledger(restore, fd);
        } else if (id) {
            result = add_received(restore, id, fd);
        } else {
            log_write(LOG_LEVEL_WARNING, "closing a stored descriptor with an unknown name");
            forget_and_close(restore, name, fd);
        }
    }
    return result;
}

static int add_handed_over(struct restore *restore, const struct ledger_stream *stream)
{
    char name[STORE_NAME_SIZE];
    int result;

    if (!inherited_claim(stream->fd))
        return 0; /* restore_stream logs an entry without a descriptor */
    store_name(stream->id, name);
    result = manager_adopt_entry(restore->manager, name);
    return result == 0 ? add_received(restore, stream->id, stream->fd) : result;
}

/* The previous binary has written the numbers of its descriptors into the ledger. */
static int take_handed_over(struct restore *restore, int ledger_number)
{
    int result = open_ledger(restore, ledger_number);
    struct ledger_stream stream;

    if (result < 0 || !restore->ledger)
        return result;
    result = manager_adopt_entry(restore->manager, STORE_LEDGER);
    for (uint32_t entry = 1; result == 0 && entry <= ledger_count(restore->ledger); entry++)
        if (ledger_get_stream(restore->ledger, entry, &stream) == 0)
            result = add_handed_over(restore, &stream);
    return result;
}

static int received_fd_compare(const void *left, const void *right)
{
    uint64_t a = ((const struct received_fd *)left)->id, b = ((const struct received_fd *)right)->id;

    return a < b ? -1 : a > b;
}

/* Takes the descriptor of this id, and passes ownership to the caller; -1: not received. */
static int claim_received(struct restore *restore, uint64_t id)
{
    struct received_fd key = {.id = id}, *received = NULL;
    int fd;

    if (restore->received_count)
        received = bsearch(&key, restore->received, restore->received_count, sizeof key, received_fd_compare);
    if (!received)
        return -1;
    fd = received->fd;
    received->fd = -1;
    return fd;
}

/* ---- Loops and streams ------------------------------------------------------------------------------------------ */

static void restore_drop_entry(struct restore *restore, uint32_t entry)
{
    ledger_remove(restore->ledger, entry);
    restore->lost++;
}

static int restore_loop(struct restore *restore, uint32_t entry, const struct ledger_loop *recorded)
{
    struct context *context = restore->context;
    char name[NAME_MAX_BYTES + 1];
    struct account *account;
    struct loop *loop;

    memcpy(name, recorded->name.data, recorded->name.length);
    name[recorded->name.length] = '\0';
    if (loops_find(&context->loops, name, (uid_t)recorded->uid)) {
        restore_drop_entry(restore, entry);
        return 0;
    }
    account = accounts_restore_loop(&context->accounts, (uid_t)recorded->uid);
    if (!account)
        return -ENOMEM;
    loop = loop_new(&context->loops, account, name);
    if (!loop) {
        accounts_remove_loop(&context->accounts, account);
        return -ENOMEM;
    }
    loop->delivery = recorded->delivery;
    loop->linger_ms = recorded->linger_ms;
    loop->entry = entry;
    restore->loops[entry] = loop;
    restore->restored_loops++;
    log_debug("restored the loop \"%s\" of uid %u", name, (unsigned)recorded->uid);
    return 0;
}

static int restore_loops(struct restore *restore)
{
    struct ledger_loop loop;

    for (uint32_t entry = 1; entry <= ledger_count(restore->ledger); entry++) {
        int result = ledger_get_loop(restore->ledger, entry, &loop);

        if (result == 0)
            result = restore_loop(restore, entry, &loop);
        else if (result == -EBADMSG)
            restore_drop_entry(restore, entry);
        if (result == -ENOMEM)
            return result;
    }
    return 0;
}

/* Limits apply to requests only: restored streams are not subject to limits. */
static int restore_open_stream(struct restore *restore, struct loop *loop, uint32_t entry,
                               const struct ledger_stream *recorded, int fd)
{
    struct context *context = restore->context;
    struct stream *stream = stream_new(loop, recorded->token, recorded->address, recorded->interests, recorded->mode);
    int result;

    if (!stream)
        return -ENOMEM;
    stream->entry = entry;
    stream->adopted = recorded->adopted;
    stream->redelivered = recorded->leased ? READY_REDELIVERED : 0;
    stream->credentials = recorded->adopted && fd_carries_credentials(fd);
    accounts_restore_registration(&context->accounts, loop->account);
    result = stream_restore(&context->turn.reactor, stream, fd, (enum fd_kind)recorded->kind);
    if (result < 0) {
        stream->entry = LEDGER_NO_ENTRY;
        stream_deregister(&context->turn.reactor, stream);
    }
    return result;
}

static int restore_stream(struct restore *restore, uint32_t entry, const struct ledger_stream *recorded)
{
    struct loop *loop = restore->loops[recorded->loop];
    int fd = loop && !loop_find(loop, recorded->token) ? claim_received(restore, recorded->id) : -1;
    int result;

    if (recorded->id > restore->context->loops.recorder.last_id)
        restore->context->loops.recorder.last_id = recorded->id;
    if (fd < 0) {
        restore_drop_entry(restore, entry);
        return 0;
    }
    result = restore_open_stream(restore, loop, entry, recorded, fd);
    if (result == 0) {
        restore->restored_streams++;
        log_debug("restored token %llu of the loop \"%s\" of uid %u", (unsigned long long)recorded->token,
                  loop_name(loop), (unsigned)loop->account->uid);
        return 0;
    }
    close_untrusted(&restore->context->wire.closer, fd);
    if (result != -ENOMEM)
        restore_drop_entry(restore, entry);
    return result == -ENOMEM ? result : 0;
}

static int restore_streams(struct restore *restore)
{
    struct ledger_stream stream;

    for (uint32_t entry = 1; entry <= ledger_count(restore->ledger); entry++) {
        int result = ledger_get_stream(restore->ledger, entry, &stream);

        if (result == 0)
            result = restore_stream(restore, entry, &stream);
        else if (result == -EBADMSG && !restore->loops[entry])
            restore_drop_entry(restore, entry);
        if (result == -ENOMEM)
            return result;
    }
    return 0;
}

static int restore_all(struct restore *restore)
{
    int result;

    restore->loops = calloc((size_t)ledger_count(restore->ledger) + 1, sizeof *restore->loops);
    if (!restore->loops)
        return -ENOMEM;
    if (restore->received_count)
        qsort(restore->received, restore->received_count, sizeof *restore->received, received_fd_compare);
    result = restore_loops(restore);
    return result == 0 ? restore_streams(restore) : result;
}

/* ---- Afterwards ------------------------------------------------------------------------------------------------- */

/* Closes descriptors without an entry: of streams that were closed before the manager had processed the removal. */
static uint32_t forget_rest(struct restore *restore)
{
    uint32_t count = 0;

    for (size_t i = 0; i < restore->received_count; i++) {
        char name[STORE_NAME_SIZE];

        if (restore->received[i].fd < 0)
            continue;
        store_name(restore->received[i].id, name);
        forget_and_close(restore, name, restore->received[i].fd);
        count++;
    }
    return count;
}

static void log_outcome(const struct restore *restore, uint32_t forgotten_count)
{
    if (restore->restored_loops)
        log_write(LOG_LEVEL_INFO, "restored %u named loops with %u streams", restore->restored_loops,
                  restore->restored_streams);
    if (restore->lost)
        log_write(LOG_LEVEL_ERROR, "lost %u loops or streams of the ledger: no descriptor, or an invalid entry",
                  restore->lost);
    if (forgotten_count)
        log_write(LOG_LEVEL_INFO, "closed %u stored descriptors without an entry in the ledger", forgotten_count);
}

/* No session is attached to a restored loop: start the linger timers. */
static void linger_all(struct context *context)
{
    struct loop *loop, *next;

    for (loop = loops_after(&context->loops, NULL); loop; loop = next) {
        next = loops_next(loop);
        attach_linger(context, loop);
    }
}

/* Begins to record: into the restored ledger, or into a new one. Without a store nothing is recorded. */
static int begin_recording(struct restore *restore)
{
    struct recorder *recorder = &restore->context->loops.recorder;
    struct ledger *ledger = restore->ledger;
    int result = 0;

    if (!manager_has_store(restore->manager)) {
        persist_forget_entries(&restore->context->loops);
        restore->ledger = ledger_free(ledger);
        return 0;
    }
    if (!ledger)
        result = ledger_new(&ledger);
    if (result == 0 && !restore->ledger) {
        result = manager_store(restore->manager, &restore->context->loops.recorder.depositor, ledger_fd(ledger),
                               STORE_LEDGER);
        if (result < 0)
            ledger_free(ledger);
    }
    if (result < 0)
        return result;
    restore->ledger = NULL;
    recorder->ledger = ledger;
    return 0;
}

int restore_run(struct context *context, struct manager *manager, int handed_over)
{
    struct restore restore = {.context = context, .manager = manager};
    int result;

    context->loops.recorder.manager = manager;
    result = handed_over >= 0 ? take_handed_over(&restore, handed_over) : take_stored(&restore);
    if (result == 0 && restore.ledger)
        result = restore_all(&restore);
    if (result == 0) {
        log_outcome(&restore, forget_rest(&restore));
        result = begin_recording(&restore);
    }
    if (result == 0)
        linger_all(context);
    free(restore.received);
    free(restore.loops);
    ledger_free(restore.ledger);
    return result;
}
