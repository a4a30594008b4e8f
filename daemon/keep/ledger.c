/* SPDX-License-Identifier: MIT */
#include "daemon/keep/ledger.h"

#include "daemon/base/fd_kind.h"
#include "daemon/base/invariant.h"
#include "proto/methods.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC          "minimio ledger 1" /* the number is the version of the format */
#define FIRST_CAPACITY 64

enum { ENTRY_FREE, ENTRY_LOOP, ENTRY_STREAM };

/* One layout for loops and streams. Fields that may change in a valid entry are one word each, and not part of the
 * checksum. */
struct entry {
    _Atomic uint32_t state; /* cleared first, written last */
    uint32_t sum;           /* checksum of the fields from `loop` to the end of the text */
    uint32_t loop;          /* of a stream: the number of the loop's entry; of a free entry: the next free entry */
    uint32_t uid;           /* of a loop */
    uint64_t id, token;     /* a stream's */
    uint8_t kind, adopted;  /* a stream's */
    uint16_t text_length;   /* of a loop's name, or of a stream's address */
    char text[LEDGER_TEXT_MAX];
    _Atomic uint32_t settings; /* of a loop: delivery; of a stream: interests, mode and ADOPTED_SINCE */
    _Atomic int32_t fd;
    _Atomic uint64_t extra; /* of a loop: linger_ms; of a stream: LEASED or 0, which older daemons ignore */
};

/* Not a linger time, which an older daemon may have left behind in a reused entry. */
#define LEASED (UINT64_C(1) << 63)

struct heading {
    char magic[16];
    uint32_t entry_size;
    uint32_t capacity;
};

struct file {
    struct heading heading;
    struct entry entries[];
};

struct ledger {
    int fd;
    struct file *file;
    uint32_t first_free;
};

/* A lock-free word is written in one piece. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "a word of the ledger needs a lock");

static size_t file_size(uint32_t capacity)
{
    return sizeof(struct file) + (size_t)capacity * sizeof(struct entry);
}

static struct entry *entry_at(const struct ledger *ledger, uint32_t number)
{
    return &ledger->file->entries[number - 1];
}

/* FNV-1a */
static uint32_t sum_of(const struct entry *entry)
{
    const unsigned char *at = (const unsigned char *)&entry->loop;
    const unsigned char *end = (const unsigned char *)&entry->text[entry->text_length];
    uint32_t sum = 2166136261u;

    for (; at < end; at++)
        sum = (sum ^ *at) * 16777619u;
    return sum;
}

/* ---- The file --------------------------------------------------------------------------------------------------- */

static int ledger_map(struct ledger *ledger, size_t size)
{
    void *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ledger->fd, 0);

    if (file == MAP_FAILED || !file)
        return -ENOMEM;
    ledger->file = file;
    return 0;
}

static void add_free(struct ledger *ledger, uint32_t number)
{
    entry_at(ledger, number)->loop = ledger->first_free;
    ledger->first_free = number;
}

/* Puts the lowest numbers first, so that few pages are used. */
static void add_all_free(struct ledger *ledger, uint32_t from)
{
    for (uint32_t number = ledger->file->heading.capacity; number > from; number--)
        if (atomic_load(&entry_at(ledger, number)->state) == ENTRY_FREE)
            add_free(ledger, number);
}

static int ledger_grow(struct ledger *ledger)
{
    uint32_t before = ledger->file->heading.capacity, capacity = before * 2;
    void *file;

    if (ftruncate(ledger->fd, (off_t)file_size(capacity)) < 0)
        return -ENOMEM;
    file = mremap(ledger->file, file_size(before), file_size(capacity), MREMAP_MAYMOVE);
    if (file == MAP_FAILED)
        return -ENOMEM;
    ledger->file = file;
    ledger->file->heading.capacity = capacity;
    add_all_free(ledger, before);
    return 0;
}

int ledger_new(struct ledger **ret_ledger)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    int result = 0;

    if (!ledger)
        return -ENOMEM;
    ledger->fd = memfd_create("minimio-ledger", MFD_CLOEXEC);
    if (ledger->fd < 0)
        result = -errno;
    else if (ftruncate(ledger->fd, (off_t)file_size(FIRST_CAPACITY)) < 0)
        result = -ENOMEM;
    else
        result = ledger_map(ledger, file_size(FIRST_CAPACITY));
    if (result < 0) {
        ledger_free(ledger);
        return result;
    }
    assert(ledger->file);
    ledger->file->heading = (struct heading){.entry_size = sizeof(struct entry), .capacity = FIRST_CAPACITY};
    memcpy(ledger->file->heading.magic, MAGIC, sizeof ledger->file->heading.magic);
    add_all_free(ledger, 0);
    *ret_ledger = ledger;
    return 0;
}

static bool is_sound(const struct heading *heading, off_t size)
{
    return !memcmp(heading->magic, MAGIC, sizeof heading->magic) && heading->entry_size == sizeof(struct entry) &&
           heading->capacity >= 1 && heading->capacity <= UINT32_MAX / 2 &&
           file_size(heading->capacity) <= (size_t)size;
}

int ledger_open(int fd, struct ledger **ret_ledger)
{
    struct ledger *ledger;
    struct heading heading;
    struct stat found;
    int result;

    if (fstat(fd, &found) < 0 || pread(fd, &heading, sizeof heading, 0) != sizeof heading ||
        !is_sound(&heading, found.st_size))
        return -EBADMSG;
    ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return -ENOMEM;
    ledger->fd = fd;
    result = ledger_map(ledger, file_size(heading.capacity));
    if (result < 0) {
        free(ledger);
        return result;
    }
    add_all_free(ledger, 0);
    *ret_ledger = ledger;
    return 0;
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    if (ledger->file)
        munmap(ledger->file, file_size(ledger->file->heading.capacity));
    if (ledger->fd >= 0)
        close(ledger->fd);
    free(ledger);
    return NULL;
}

int ledger_fd(const struct ledger *ledger)
{
    return ledger->fd;
}

uint32_t ledger_count(const struct ledger *ledger)
{
    return ledger->file->heading.capacity;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* Takes a free entry. `*ret_entry` is zeroed and not valid yet. Error: -ENOMEM. */
static int take_free(struct ledger *ledger, struct entry **ret_entry, uint32_t *ret_number)
{
    if (ledger->first_free == LEDGER_NO_ENTRY && ledger_grow(ledger) < 0)
        return -ENOMEM;
    *ret_number = ledger->first_free;
    *ret_entry = entry_at(ledger, ledger->first_free);
    ledger->first_free = (*ret_entry)->loop;
    memset(*ret_entry, 0, sizeof **ret_entry);
    return 0;
}

static void entry_put_text(struct entry *entry, struct span text)
{
    entry->text_length = (uint16_t)(text.length < LEDGER_TEXT_MAX ? text.length : LEDGER_TEXT_MAX);
    if (text.length)
        memcpy(entry->text, text.data, entry->text_length);
}

static void entry_make_valid(struct entry *entry, uint32_t state)
{
    entry->sum = sum_of(entry);
    atomic_store(&entry->state, state);
}

/* In a stream's settings: the daemon connected the stream, and a client has taken the descriptor since. */
#define ADOPTED_SINCE (UINT32_C(1) << 16)

static uint32_t stream_settings(uint8_t interests, uint8_t mode)
{
    return (uint32_t)interests << 8 | mode;
}

int ledger_add_loop(struct ledger *ledger, const struct ledger_loop *loop, uint32_t *ret_entry)
{
    struct entry *entry;
    int result = take_free(ledger, &entry, ret_entry);

    if (result < 0)
        return result;
    entry->uid = loop->uid;
    entry_put_text(entry, loop->name);
    ledger_set_loop(ledger, *ret_entry, loop->delivery, loop->linger_ms);
    entry_make_valid(entry, ENTRY_LOOP);
    return 0;
}

int ledger_add_stream(struct ledger *ledger, const struct ledger_stream *stream, uint32_t *ret_entry)
{
    struct entry *entry;
    int result = take_free(ledger, &entry, ret_entry);

    if (result < 0)
        return result;
    entry->loop = stream->loop;
    entry->id = stream->id;
    entry->token = stream->token;
    entry->kind = stream->kind;
    entry->adopted = stream->adopted;
    entry_put_text(entry, stream->address);
    atomic_store(&entry->settings, stream_settings(stream->interests, stream->mode));
    atomic_store(&entry->extra, stream->leased ? LEASED : 0);
    ledger_set_fd(ledger, *ret_entry, stream->fd);
    entry_make_valid(entry, ENTRY_STREAM);
    return 0;
}

void ledger_set_loop(struct ledger *ledger, uint32_t entry, uint8_t delivery, uint64_t linger_ms)
{
    atomic_store(&entry_at(ledger, entry)->settings, delivery);
    atomic_store(&entry_at(ledger, entry)->extra, linger_ms);
}

void ledger_set_stream(struct ledger *ledger, uint32_t number, uint8_t interests, uint8_t mode, bool leased)
{
    struct entry *entry = entry_at(ledger, number);
    uint32_t settings = atomic_load(&entry->settings);

    atomic_store(&entry->settings, (settings & ADOPTED_SINCE) | stream_settings(interests, mode));
    atomic_store_explicit(&entry->extra, leased ? LEASED : 0, memory_order_relaxed);
}

void ledger_set_adopted(struct ledger *ledger, uint32_t entry)
{
    atomic_fetch_or(&entry_at(ledger, entry)->settings, ADOPTED_SINCE);
}

void ledger_set_fd(struct ledger *ledger, uint32_t entry, int fd)
{
    atomic_store(&entry_at(ledger, entry)->fd, fd);
}

void ledger_remove(struct ledger *ledger, uint32_t entry)
{
    INVARIANT(entry != LEDGER_NO_ENTRY && atomic_load(&entry_at(ledger, entry)->state) != ENTRY_FREE);
    atomic_store(&entry_at(ledger, entry)->state, ENTRY_FREE);
    add_free(ledger, entry);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* A valid entry of this kind with a correct checksum. Errors: as ledger_get_loop. */
static int entry_get(const struct ledger *ledger, uint32_t number, uint32_t state, const struct entry **ret_entry)
{
    const struct entry *entry = entry_at(ledger, number);
    uint32_t found = atomic_load(&entry->state);

    if (found > ENTRY_STREAM)
        return -EBADMSG;
    if (found != state)
        return -ENOENT;
    if (entry->text_length > LEDGER_TEXT_MAX || entry->sum != sum_of(entry))
        return -EBADMSG;
    *ret_entry = entry;
    return 0;
}

int ledger_get_loop(const struct ledger *ledger, uint32_t number, struct ledger_loop *ret_loop)
{
    const struct entry *entry;
    int result = entry_get(ledger, number, ENTRY_LOOP, &entry);
    uint32_t delivery;

    if (result < 0)
        return result;
    delivery = atomic_load(&entry->settings);
    if (delivery > DELIVERY_POLL || entry->text_length < 1 || entry->text_length > NAME_MAX_BYTES)
        return -EBADMSG;
    *ret_loop = (struct ledger_loop){
        .name = {entry->text, entry->text_length},
        .uid = entry->uid,
        .linger_ms = atomic_load(&entry->extra),
        .delivery = (uint8_t)delivery,
    };
    return 0;
}

int ledger_get_stream(const struct ledger *ledger, uint32_t number, struct ledger_stream *ret_stream)
{
    const struct entry *entry;
    int result = entry_get(ledger, number, ENTRY_STREAM, &entry);
    uint32_t settings, interests, mode;

    if (result < 0)
        return result;
    settings = atomic_load(&entry->settings);
    interests = (settings & ~ADOPTED_SINCE) >> 8;
    mode = settings & 0xff;
    if ((interests & ~(uint32_t)(READY_READABLE | READY_WRITABLE)) || mode > MODE_LEVEL ||
        entry->kind > FD_KIND_OTHER || entry->id == 0 || entry->token > INTEGER_MAX || entry->loop < 1 ||
        entry->loop > ledger_count(ledger))
        return -EBADMSG;
    *ret_stream = (struct ledger_stream){
        .loop = entry->loop,
        .id = entry->id,
        .token = entry->token,
        .address = {entry->text, entry->text_length},
        .interests = (uint8_t)interests,
        .mode = (uint8_t)mode,
        .kind = entry->kind,
        .adopted = entry->adopted || settings & ADOPTED_SINCE,
        .leased = atomic_load(&entry->extra) == LEASED,
        .fd = atomic_load(&entry->fd),
    };
    return 0;
}
