/* SPDX-License-Identifier: MIT */
/*
 * The names of errno values, the same on every platform. strerrorname_np exists in glibc only.
 */
#include "proto/fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NAME(error)                                                                                                    \
    {                                                                                                                  \
        error, #error                                                                                                  \
    }

/* EWOULDBLOCK and EOPNOTSUPP may equal EAGAIN and ENOTSUP: the first entry wins. */
static const struct {
    int error;
    const char *name;
} names[] = {
    NAME(E2BIG),           NAME(EACCES),       NAME(EADDRINUSE),   NAME(EADDRNOTAVAIL), NAME(EAFNOSUPPORT),
    NAME(EAGAIN),          NAME(EALREADY),     NAME(EBADF),        NAME(EBADMSG),       NAME(EBUSY),
    NAME(ECANCELED),       NAME(ECHILD),       NAME(ECONNABORTED), NAME(ECONNREFUSED),  NAME(ECONNRESET),
    NAME(EDEADLK),         NAME(EDESTADDRREQ), NAME(EDOM),         NAME(EDQUOT),        NAME(EEXIST),
    NAME(EFAULT),          NAME(EFBIG),        NAME(EHOSTUNREACH), NAME(EIDRM),         NAME(EILSEQ),
    NAME(EINPROGRESS),     NAME(EINTR),        NAME(EINVAL),       NAME(EIO),           NAME(EISCONN),
    NAME(EISDIR),          NAME(ELOOP),        NAME(EMFILE),       NAME(EMLINK),        NAME(EMSGSIZE),
    NAME(EMULTIHOP),       NAME(ENAMETOOLONG), NAME(ENETDOWN),     NAME(ENETRESET),     NAME(ENETUNREACH),
    NAME(ENFILE),          NAME(ENOBUFS),      NAME(ENODEV),       NAME(ENOENT),        NAME(ENOEXEC),
    NAME(ENOLCK),          NAME(ENOLINK),      NAME(ENOMEM),       NAME(ENOMSG),        NAME(ENOPROTOOPT),
    NAME(ENOSPC),          NAME(ENOSYS),       NAME(ENOTCONN),     NAME(ENOTDIR),       NAME(ENOTEMPTY),
    NAME(ENOTSOCK),        NAME(EOPNOTSUPP),   NAME(ENOTSUP),      NAME(ENOTTY),        NAME(ENXIO),
    NAME(EOVERFLOW),       NAME(EPERM),        NAME(EPIPE),        NAME(EPROTO),        NAME(EPROTONOSUPPORT),
    NAME(EPROTOTYPE),      NAME(ERANGE),       NAME(EROFS),        NAME(ESPIPE),        NAME(ESRCH),
    NAME(ESTALE),          NAME(ETIMEDOUT),    NAME(ETXTBSY),      NAME(EWOULDBLOCK),   NAME(EXDEV),
#ifdef EHOSTDOWN
    NAME(EHOSTDOWN),
#endif
#ifdef EPFNOSUPPORT
    NAME(EPFNOSUPPORT),
#endif
#ifdef ESHUTDOWN
    NAME(ESHUTDOWN),
#endif
#ifdef ESOCKTNOSUPPORT
    NAME(ESOCKTNOSUPPORT),
#endif
#ifdef ETOOMANYREFS
    NAME(ETOOMANYREFS),
#endif
#ifdef EUSERS
    NAME(EUSERS),
#endif
#ifdef ENONET
    NAME(ENONET),
#endif
#ifdef ECOMM
    NAME(ECOMM),
#endif
#ifdef EREMOTEIO
    NAME(EREMOTEIO),
#endif
};

const char *errno_name(int error)
{
    static _Thread_local char unnamed[16];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].error == error)
            return names[i].name;
    }
    snprintf(unnamed, sizeof unnamed, "E%d", error);
    return unnamed;
}

int errno_of_name(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].error;
    }
    return 0;
}
