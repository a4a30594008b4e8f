/* SPDX-License-Identifier: MIT */
/*
 * Sends poll requests to AFD, through system calls of ntdll. Stateless: a request and its handle belong to the caller.
 * Every process has ntdll loaded, and ntdll has exported the four functions since before Windows 10, so the functions
 * are linked by name.
 */
#include "libminimio/afd_windows.h"

#include <errno.h>
#include <stddef.h>

#define IOCTL_AFD_POLL 0x00012024
#define CANCELLED      0xC0000120 /* STATUS_CANCELLED */

/* The status codes with an errno of their own. ntstatus.h, which defines the names, conflicts with windows.h. */
static const struct {
    uint32_t status;
    int error;
} errors[] = {
    {0xC0000008, EBADF},  /* INVALID_HANDLE */
    {0xC0000024, EPERM},  /* OBJECT_TYPE_MISMATCH */
    {0xC000011F, EMFILE}, /* TOO_MANY_OPENED_FILES */
    {0xC0000007, ENOMEM}, /* PAGEFILE_QUOTA */
    {0xC0000017, ENOMEM}, /* NO_MEMORY */
    {0xC0000044, ENOMEM}, /* QUOTA_EXCEEDED */
    {0xC000009A, ENOMEM}, /* INSUFFICIENT_RESOURCES */
    {0xC00000A1, ENOMEM}, /* WORKING_SET_QUOTA */
    {0xC000012D, ENOMEM}, /* COMMITMENT_LIMIT */
};

/* Declared in no public header. */
NTSTATUS NTAPI NtCancelIoFileEx(HANDLE file, IO_STATUS_BLOCK *request, IO_STATUS_BLOCK *ret_status);

static int status_error(NTSTATUS status)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].status == (uint32_t)status)
            return -errors[i].error;
    return -EIO;
}

int afd_open(HANDLE port, HANDLE *ret_afd)
{
    /* The suffix after the device's name is arbitrary; without a suffix the driver expects to create a socket. */
    static WCHAR path[] = L"\\Device\\Afd\\minimio";
    UNICODE_STRING name = {.Length = sizeof path - sizeof(WCHAR), .MaximumLength = sizeof path, .Buffer = path};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    IO_STATUS_BLOCK result;
    HANDLE afd;

    NTSTATUS status = NtCreateFile(&afd, SYNCHRONIZE, &attributes, &result, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                   FILE_OPEN, 0, NULL, 0);
    if (!NT_SUCCESS(status))
        return status_error(status);
    /* No thread waits for the handle itself, so completions need not signal the handle. */
    if (!CreateIoCompletionPort(afd, port, 0, 0) ||
        !SetFileCompletionNotificationModes(afd, FILE_SKIP_SET_EVENT_ON_HANDLE)) {
        CloseHandle(afd);
        return -ENOMEM;
    }
    *ret_afd = afd;
    return 0;
}

int afd_poll(HANDLE afd, SOCKET base_socket, uint32_t events, struct afd_request *request)
{
    request->info = (struct afd_poll_info){
        .timeout.QuadPart = INT64_MAX,
        .count = 1,
        .sockets[0] = {.socket = (HANDLE)base_socket, .events = events},
    };
    request->events = events;
    /* Without an event object the request outlives the thread that sent the request. */
    NTSTATUS status = NtDeviceIoControlFile(afd, NULL, NULL, request, &request->result, IOCTL_AFD_POLL, &request->info,
                                            sizeof request->info, &request->info, sizeof request->info);
    /* An immediate success is also completed through the port; an immediate failure is not. */
    if (!NT_SUCCESS(status))
        return status_error(status);
    request->pending = true;
    request->cancelled = false;
    return 0;
}

void afd_cancel(HANDLE afd, struct afd_request *request)
{
    IO_STATUS_BLOCK result;

    /* STATUS_NOT_FOUND: the request has completed, and the completion is in the port or about to be posted.
     * Equivalent to success. */
    (void)NtCancelIoFileEx(afd, &request->result, &result);
    request->cancelled = true;
}

uint32_t afd_complete(struct afd_request *request)
{
    request->pending = false;
    request->cancelled = false;
    /* The system also cancels a request when the request ends with its thread. */
    if ((uint32_t)request->result.Status == CANCELLED)
        return 0;
    /* The request was accepted, so the handle was a socket then; the socket is closed now. */
    if (!NT_SUCCESS(request->result.Status))
        return AFD_POLL_LOCAL_CLOSE;
    return request->info.count > 0 ? request->info.sockets[0].events : 0;
}
