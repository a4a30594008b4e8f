/* SPDX-License-Identifier: MIT */
#include "daemon/keep/recorder.h"

#include "daemon/base/async_close.h"
#include "daemon/manager/store_names.h"

static void release_unowned(struct depositor *depositor, int fd)
{
    close_untrusted(container_of(depositor, struct recorder, depositor)->closer, fd);
}

void recorder_init(struct recorder *recorder, struct async_closer *closer)
{
    *recorder = (struct recorder){.closer = closer};
    depositor_init(&recorder->depositor, release_unowned);
}

static uint64_t next_id(struct recorder *recorder)
{
    recorder->last_id = recorder->last_id % STORE_ID_MAX + 1;
    return recorder->last_id;
}

int recorder_add_loop(struct recorder *recorder, const struct ledger_loop *loop, uint32_t *ret_entry)
{
    return ledger_add_loop(recorder->ledger, loop, ret_entry);
}

static int deposit(struct recorder *recorder, struct account *account, const struct ledger_stream *stream)
{
    char name[STORE_NAME_SIZE];

    if (!manager_has_store(recorder->manager))
        return 0;
    store_name(stream->id, name);
    return manager_store(recorder->manager, &account->depositor, stream->fd, name);
}

int recorder_add_stream(struct recorder *recorder, struct account *account, struct ledger_stream *stream,
                        uint32_t *ret_entry)
{
    uint32_t entry;
    int result;

    stream->id = next_id(recorder);
    result = ledger_add_stream(recorder->ledger, stream, &entry);
    if (result < 0)
        return result;
    result = deposit(recorder, account, stream);
    if (result < 0)
        ledger_remove(recorder->ledger, entry);
    else
        *ret_entry = entry;
    return result;
}

/* The name of the descriptor in the manager's store. False: the entry is not an entry of a stream. */
static bool find_name(const struct recorder *recorder, uint32_t entry, char ret_name[STORE_NAME_SIZE])
{
    struct ledger_stream stream;

    if (ledger_get_stream(recorder->ledger, entry, &stream) < 0)
        return false;
    store_name(stream.id, ret_name);
    return true;
}

bool recorder_has_deposit(const struct recorder *recorder, uint32_t entry)
{
    char name[STORE_NAME_SIZE];

    return find_name(recorder, entry, name) && manager_keeps(recorder->manager, name);
}

bool recorder_remove_stream(struct recorder *recorder, struct account *account, uint32_t entry, int fd)
{
    char name[STORE_NAME_SIZE];
    bool has_deposit;

    if (!find_name(recorder, entry, name))
        return false;
    ledger_remove(recorder->ledger, entry);
    has_deposit = manager_keeps(recorder->manager, name);
    if (has_deposit && fd >= 0)
        account_add_waiting(account, 1);
    manager_forget(recorder->manager, &account->depositor, name, has_deposit ? fd : -1);
    return has_deposit;
}

bool recorder_is_synced(const struct recorder *recorder, const struct account *account)
{
    return !manager_has_store(recorder->manager) || (!recorder->depositor.pending && !account->depositor.pending);
}
