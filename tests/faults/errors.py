"""Which system calls are made to fail, and how: the errors that the kernel has for them."""

# These come to an end by themselves: a kernel does not give them for ever.
PASSING = {"EAGAIN", "ECONNABORTED", "EINTR", "ENOTCONN"}

# Of these, the C library says nothing to whoever called it.
NEVER_FAIL = {
    "arch_prctl", "exit", "exit_group", "futex", "geteuid", "getgid", "getpid", "gettid", "getuid", "kill", "rseq",
    "restart_syscall", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "set_robust_list", "set_thread_area",
    "set_tid_address", "sched_yield", "sigreturn", "umask", "uname",
}  # fmt: skip

# strace has a call fail by not having it made at all, and says so by an error: a close that fails closes all the same,
# and brk tells its failure by what it returns: what wants memory fails by fail_at.so.
NOT_TO_SKIP = {"brk", "close"}

# When a binary becomes the next one, the loader makes most of these, and what it says of its own failures is its own.
OF_THE_LOADER = {"access", "mmap", "mprotect", "pread64", "prctl"}

ERRORS = {
    "accept4": ["EMFILE", "ENFILE", "ENOMEM", "ECONNABORTED", "EPERM", "EINTR"],
    "access": ["EACCES"],
    "bind": ["EADDRINUSE", "EACCES", "ENOSPC"],
    "chown": ["EPERM"],
    "clone3": ["EAGAIN", "ENOMEM"],
    "connect": ["ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL", "ENOMEM", "EAGAIN", "EINTR"],
    "epoll_create1": ["EMFILE", "ENFILE", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_pwait2": ["ENOSYS", "EINTR"],
    "epoll_wait": ["EINTR"],
    "eventfd2": ["EMFILE", "ENFILE", "ENOMEM"],
    "execve": ["ENOENT", "ENOMEM", "EACCES", "ETXTBSY"],
    "fcntl": ["EINVAL", "ENOMEM", "EPERM"],
    "flock": ["EAGAIN", "ENOLCK", "EINTR"],
    "ftruncate": ["ENOMEM", "ENOSPC", "EINTR"],
    "getpeername": ["ENOTCONN", "ENOBUFS"],
    "getrandom": ["ENOSYS", "EAGAIN"],
    "getsockname": ["ENOBUFS"],
    "getsockopt": ["ENOBUFS", "ENOPROTOOPT"],
    "ioctl": ["ENOTTY", "ENOMEM"],
    "listen": ["EADDRINUSE", "EOPNOTSUPP"],
    "lseek": ["ESPIPE", "EIO"],
    "madvise": ["ENOMEM", "EAGAIN"],
    "memfd_create": ["EMFILE", "ENOMEM", "ENOSYS"],
    "mmap": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
    "munmap": ["ENOMEM"],
    "newfstatat": ["EACCES", "ENOMEM", "ENOENT"],
    "openat": ["EMFILE", "ENFILE", "ENOMEM", "EACCES", "ENOENT", "EINTR"],
    "pipe2": ["EMFILE", "ENFILE"],
    "poll": ["ENOMEM", "EINTR"],
    "prctl": ["EINVAL"],
    "pread64": ["EIO"],
    "prlimit64": ["EPERM"],
    "read": ["EIO", "ENOMEM", "EINTR"],
    "readlink": ["EACCES", "ENOENT"],
    "recvfrom": ["ECONNRESET", "ENOMEM", "EINTR"],
    "recvmsg": ["ECONNRESET", "ENOMEM", "EINTR"],
    "sendmsg": ["EPIPE", "ECONNREFUSED", "ENOBUFS", "ENOMEM", "ETOOMANYREFS", "EAGAIN", "EINTR"],
    "sendto": ["EPIPE", "ECONNRESET", "ENOBUFS", "ENOMEM", "EAGAIN", "EINTR"],
    "setsockopt": ["ENOMEM", "ENOPROTOOPT"],
    "shutdown": ["ENOTCONN", "ENOBUFS"],
    "socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EAFNOSUPPORT", "EACCES"],
    "statx": ["EACCES", "ENOSYS"],
    "unlink": ["EACCES", "EBUSY", "ENOENT"],
    "write": ["EIO", "ENOSPC", "EPIPE", "EAGAIN", "EINTR"],
}

# What 32-bit x86 has by other names.
ALIASES = {
    "_llseek": "lseek",
    "fcntl64": "fcntl",
    "fstatat64": "newfstatat",
    "ftruncate64": "ftruncate",
    "geteuid32": "geteuid",
    "getuid32": "getuid",
    "mmap2": "mmap",
    "ugetrlimit": "prlimit64",
}

# What a kernel or C library other than those at hand may call: told apart by no error of its own.
OTHERS = ["ENOMEM", "EPERM"]


def of(call):
    call = ALIASES.get(call, call)
    if call in NEVER_FAIL or call in NOT_TO_SKIP:
        return []
    return ERRORS.get(call, OTHERS)


def is_of_the_loader(call):
    return ALIASES.get(call, call) in OF_THE_LOADER
