/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes whole sessions. The input is a script. The first byte selects the limits and the pace of the steps; then
 * follow steps, separated by a byte ff. A step is a letter, a digit and an argument. Between two steps the daemon does
 * all pending work, unless the digit is a capital letter (`A` for 0). The digit selects a client or a peer, which is
 * the remote end of a stream.
 *
 *     c  connect, as the user with the given number            s  write the argument
 *     f  send the text after the colon, with descriptors of the kinds before the colon (see peer_make)
 *     r  read the given number of bytes, or all                h  shut down writing      q  close
 *     w  the peer writes the argument                          W  the peer fills the socket      g  the peer reads all
 *     e  the peer shuts down writing                           z  the peer closes
 *     n  answer a name lookup (see names_found)                t  the given number of milliseconds passes
 *     k  close the queued descriptors    R  reload the settings    H  hand over to another binary
 */
#include "fuzz/answers.h"
#include "fuzz/clients.h"
#include "fuzz/names.h"
#include "fuzz/peers.h"
#include "fuzz/require.h"
#include "fuzz/target.h"
#include "fuzz/world.h"

#include <string.h>

/* The daemon continues after this time with a client that had too many descriptors to close. */
#define RETRY_NS INT64_C(100000000)

#define SLOTS       4
#define CLIENTS_MAX 12
#define STEP_END    0xff
#define MODES       4 /* the first byte: bit 0 small limits, bit 1 impatience */

static struct script {
    const char *at, *end;
    struct client clients[CLIENTS_MAX];
    unsigned count;              /* number of clients that were connected */
    struct client *slots[SLOTS]; /* NULL: never connected */

} script;

static struct world world;

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

struct step {
    char letter;
    unsigned number;
    bool alone; /* the daemon has its turn before the next step */
    const char *data;
    size_t length;
};

static bool next_step(struct step *ret_step)
{
    const char *end;

    if (script.at == script.end)
        return false;
    end = memchr(script.at, STEP_END, (size_t)(script.end - script.at));
    end = end ? end : script.end;
    *ret_step = (struct step){.alone = true};
    if (end - script.at >= 2) {
        unsigned char digit = (unsigned char)script.at[1];

        ret_step->letter = script.at[0];
        ret_step->alone = digit < 'A';
        ret_step->number = digit < 'A' ? digit : digit - (unsigned)'A';
        ret_step->data = script.at + 2;
        ret_step->length = (size_t)(end - ret_step->data);
    }
    script.at = end < script.end ? end + 1 : end;
    return true;
}

static uint64_t number_of(const struct step *step, uint64_t fallback)
{
    uint64_t number = 0;
    size_t i;

    for (i = 0; i < step->length && i < 9 && step->data[i] >= '0' && step->data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(step->data[i] - '0');
    return i ? number : fallback;
}

static void connect_client(const struct step *step)
{
    struct client **slot = &script.slots[step->number % SLOTS], *client = *slot;

    if ((client && !client->left && !client->ended) || script.count == CLIENTS_MAX)
        return;
    if (client)
        client_close(client);
    client = &script.clients[script.count++];
    client_init(client);
    *slot = client;
    if (client_connect(client, &world.address, world.address_length))
        world_expect_user((uid_t)(number_of(step, 0) % WORLD_USERS));
    else
        client->left = true;
}

static void send_descriptors(struct client *client, const struct step *step)
{
    const char *colon = memchr(step->data, ':', step->length);
    size_t kinds = colon ? (size_t)(colon - step->data) : step->length;

    if (colon)
        client_write(client, colon + 1, step->length - kinds - 1, step->data, kinds);
}

static void perform_client_step(const struct step *step)
{
    struct client *client = script.slots[step->number % SLOTS];

    if (!client)
        return;
    switch (step->letter) {
    case 's':
        client_write(client, step->data, step->length, NULL, 0);
        break;
    case 'f':
        send_descriptors(client, step);
        break;
    case 'r':
        client_read(client, number_of(step, SIZE_MAX));
        break;
    case 'h':
        client_shutdown(client);
        break;
    case 'q':
        client_close(client);
        break;
    }
}

static void perform_peer_step(const struct step *step)
{
    switch (step->letter) {
    case 'w':
        peer_write(step->number, step->data, step->length);
        break;
    case 'W':
        peer_fill(step->number);
        break;
    case 'g':
        peer_drain(step->number);
        break;
    case 'e':
        peer_shutdown(step->number);
        break;
    case 'z':
        peer_close(step->number);
        break;
    }
}

static void hand_over(void)
{
    for (unsigned i = 0; i < script.count; i++)
        script.clients[i].handed_over = true;
    world.signals.hand_over = 1;
}

static void perform_step(const struct step *step)
{
    switch (step->letter) {
    case 'c':
        connect_client(step);
        break;
    case 'n':
        world.woken |= names_found(step->data, step->length);
        break;
    case 't':
        world.now_ns += (int64_t)number_of(step, 1) * NS_PER_MS;
        break;
    case 'k':
        world_close();
        break;
    case 'R':
        world.signals.reload = 1;
        break;
    case 'H':
        hand_over();
        break;
    default:
        perform_client_step(step);
        perform_peer_step(step);
    }
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Ends the script: all clients read all bytes, and name lookups fail. When nothing happens any more, requests the
 * end. */
static bool finish_script(void)
{
    bool any = world_close();

    if (any)
        world.now_ns += RETRY_NS;
    while (names_found("", 0))
        any = world.woken = true;
    for (unsigned i = 0; i < script.count; i++)
        any |= client_read(&script.clients[i], SIZE_MAX);
    if (any)
        return true;
    if (world.signals.stop)
        return false;
    world.signals.stop = 1;
    return true;
}

static bool take_step(struct world *the_world, bool waits)
{
    struct step step = {0};
    bool any = false;

    (void)the_world;
    peers_accept();
    while (!step.alone && !(world.server.context.turn.stopping && world.signals.stop) && next_step(&step)) {
        perform_step(&step);
        any = true;
    }
    return any || (waits && finish_script());
}

/* ---- The target ------------------------------------------------------------------------------------------------- */

static void begin_script(const uint8_t *data, size_t size)
{
    memset(&script, 0, sizeof script);
    memset(&world, 0, sizeof world);
    script.at = (const char *)data + 1;
    script.end = (const char *)data + size;
    world.narrow = data[0] % MODES & 1;
    world.impatient = data[0] % MODES & 2;
}

static void check_clients(void)
{
    for (unsigned i = 0; i < script.count; i++) {
        client_read(&script.clients[i], SIZE_MAX);
        require_answers(&script.clients[i], &world.limits);
        client_deinit(&script.clients[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned descriptors;

    if (!size)
        return 0;
    world_prepare();
    descriptors = world_descriptors();
    begin_script(data, size);
    world_run(&world, take_step);
    check_clients();
    REQUIRE(world_descriptors() == descriptors, "%u descriptors, not %u", world_descriptors(), descriptors);
    return 0;
}
