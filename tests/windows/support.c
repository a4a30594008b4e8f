/* SPDX-License-Identifier: MIT */
/* The platform's part of the tests' support on Windows, where everything that can be waited for is a socket. */
#include "tests/library/support.h"

#include <windows.h>

#include <errno.h>
#include <malloc.h>

const int64_t lateness_max_ns = 2000000;
const bool edge_awaits_the_end = true;

/* The first socket of a test may come before the first call of the library's. */
static void start_winsock(void)
{
    WSADATA data;

    ck_assert_int_eq(WSAStartup(MAKEWORD(2, 2), &data), 0);
}

bool is_wine(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

void close_fd(minimio_fd fd)
{
    closesocket(fd);
}

static void set_blocking(minimio_fd fd, bool is_blocking)
{
    u_long non_blocking = !is_blocking;

    ck_assert_int_eq(ioctlsocket(fd, FIONBIO, &non_blocking), 0);
}

minimio_fd open_socket(int family, bool is_blocking)
{
    start_winsock();
    SOCKET fd = socket(family, SOCK_STREAM, 0);
    ck_assert(fd != INVALID_SOCKET);
    set_blocking(fd, is_blocking);
    return fd;
}

minimio_fd accept_from(minimio_fd listener)
{
    SOCKET fd = accept(listener, NULL, NULL);

    ck_assert(fd != INVALID_SOCKET);
    set_blocking(fd, true);
    return fd;
}

/* Winsock tells nobody whether a socket blocks, but reading where there is nothing does; so it is asked in time. */
bool is_non_blocking(minimio_fd fd)
{
    DWORD timeout_ms = 1;
    char byte;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout_ms, sizeof(timeout_ms)), 0);
    int r = recv(fd, &byte, 1, MSG_PEEK);
    return r >= 0 || WSAGetLastError() != WSAETIMEDOUT;
}

bool is_inherited(minimio_fd fd)
{
    DWORD flags = 0;

    ck_assert(GetHandleInformation((HANDLE)fd, &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

void make_blocking_and_inherited(minimio_fd fd)
{
    set_blocking(fd, true);
    ck_assert(SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
}

void connected_pair(minimio_fd ret_fds[2])
{
    struct sockaddr_storage address;
    socklen_t length;
    /* Opened first, so that it gets the number that was closed last. */
    SOCKET first = open_socket(AF_INET, true);
    SOCKET listener = listen_on(AF_INET, &address, &length);
    BOOL at_once = TRUE;

    ck_assert_int_eq(connect(first, (struct sockaddr *)&address, length), 0);
    ret_fds[0] = first;
    ret_fds[1] = accept_from(listener);
    for (int i = 0; i < 2; i++) {
        set_blocking(ret_fds[i], false);
        setsockopt(ret_fds[i], IPPROTO_TCP, TCP_NODELAY, (const char *)&at_once, sizeof(at_once));
    }
    closesocket(listener);
}

void await_arrival(minimio_fd fd, size_t count)
{
    int64_t start = now_ns();
    u_long there = 0;

    do {
        ck_assert_int_eq(ioctlsocket(fd, FIONREAD, &there), 0);
        ck_assert_int_lt(now_ns() - start, PLENTY);
        SwitchToThread();
    } while (there < count);
}

/* ---- Triggers: connections, whose other ends are found by the number of the one -----------------------------------
 */

#define TRIGGERS_MAX 256

static struct {
    SOCKET trigger, other; /* 0: free */
} triggers[TRIGGERS_MAX];
static SRWLOCK triggers_lock = SRWLOCK_INIT;

/* The other end, which is thereby forgotten or replaced by `replacement`; 0: there is none. */
static SOCKET exchange_other(SOCKET trigger, SOCKET replacement)
{
    SOCKET other = 0;
    int place = -1;

    AcquireSRWLockExclusive(&triggers_lock);
    for (int i = TRIGGERS_MAX; i-- > 0;)
        if (triggers[i].trigger == trigger || (triggers[i].trigger == 0 && (place < 0 || triggers[place].trigger == 0)))
            place = i;
    ck_assert_int_ge(place, 0);
    if (triggers[place].trigger == trigger)
        other = triggers[place].other;
    triggers[place].trigger = replacement != 0 ? trigger : 0;
    triggers[place].other = replacement;
    ReleaseSRWLockExclusive(&triggers_lock);
    return other;
}

static SOCKET find_other(SOCKET trigger)
{
    SOCKET other = 0;

    AcquireSRWLockShared(&triggers_lock);
    for (int i = 0; i < TRIGGERS_MAX; i++)
        if (triggers[i].trigger == trigger)
            other = triggers[i].other;
    ReleaseSRWLockShared(&triggers_lock);
    ck_assert(other != 0);
    return other;
}

static void close_other(SOCKET other)
{
    if (other != 0)
        closesocket(other);
}

minimio_fd trigger_new(bool is_fired)
{
    SOCKET fds[2];

    connected_pair(fds);
    close_other(exchange_other(fds[0], fds[1]));
    if (is_fired)
        trigger_fire(fds[0]);
    return fds[0];
}

void trigger_fire(minimio_fd trigger)
{
    send_text(find_other(trigger), "x");
    await_arrival(trigger, 1);
}

/* Through a stream, so that the library meets the end. */
void trigger_drain(minimio_fd trigger)
{
    struct minimio_tcp_stream *stream;

    ck_assert_int_eq(minimio_tcp_stream_from_fd(trigger, &stream), 0);
    ck_assert_uint_gt(drain(stream), 0);
    minimio_tcp_stream_take_fd(stream);
}

void trigger_free(minimio_fd trigger)
{
    SOCKET other = exchange_other(trigger, 0);

    closesocket(trigger);
    close_other(other);
}

minimio_fd trigger_reuse(minimio_fd closed)
{
    SOCKET tried[64];
    int count = 0;

    do
        tried[count++] = trigger_new(false);
    while (tried[count - 1] != closed && count < 64);
    ck_assert(tried[count - 1] == closed);
    for (int i = 0; i < count - 1; i++)
        trigger_free(tried[i]);
    return closed;
}

minimio_fd open_file(void)
{
    char path[MAX_PATH];

    GetModuleFileNameA(NULL, path, sizeof(path));
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    return (SOCKET)file;
}

minimio_fd open_folder(void)
{
    HANDLE folder = CreateFileA(".", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);

    ck_assert(folder != INVALID_HANDLE_VALUE);
    return (SOCKET)folder;
}

void close_file(minimio_fd file)
{
    CloseHandle((HANDLE)file);
}

/* Winsock keeps some handles for itself from its first connection on. */
static void warm_up(void)
{
    struct minimio_tcp_stream *stream;
    struct sockaddr_storage address;
    socklen_t length;
    SOCKET fds[2];

    connected_pair(fds);
    close_all(fds, 2);
    SOCKET listener = listen_on(AF_INET6, &address, &length);
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream), 0);
    minimio_tcp_stream_free(stream);
    closesocket(listener);
}

/* Counted one by one, for wine knows no count of a process's handles. */
int open_descriptors(void)
{
    static bool is_warm;
    int count = 0;
    DWORD flags;

    if (!is_warm)
        warm_up();
    is_warm = true;
    for (uintptr_t handle = 4; handle < 0x4000; handle += 4)
        if (GetHandleInformation((HANDLE)handle, &flags))
            count++;
    return count;
}

size_t allocated_bytes(void)
{
    HANDLE heap = (HANDLE)_get_heap_handle();
    PROCESS_HEAP_ENTRY entry = {0};
    size_t total = 0;

    ck_assert(HeapLock(heap));
    while (HeapWalk(heap, &entry))
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY)
            total += entry.cbData;
    bool is_walked = GetLastError() == ERROR_NO_MORE_ITEMS;
    HeapUnlock(heap);
    ck_assert(is_walked && total > 0);
    return total;
}

struct minimio_event *reserve_events(size_t capacity)
{
    void *memory = VirtualAlloc(NULL, capacity * sizeof(struct minimio_event), MEM_RESERVE, PAGE_READWRITE);

    if (memory)
        ck_assert(VirtualAlloc(memory, 65536, MEM_COMMIT, PAGE_READWRITE));
    return memory;
}

void release_events(struct minimio_event *events, size_t capacity)
{
    (void)capacity;
    VirtualFree(events, 0, MEM_RELEASE);
}
