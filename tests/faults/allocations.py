"""The page that a program with tests/preload/fail_at.c in it shares with the test."""

import mmap
import os
import struct

FIRST, LAST, COUNT, FAILED, LIVE = range(5)
NEVER = 2**62


class Allocations:
    def __init__(self, path):
        self.path = path
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(fd, mmap.PAGESIZE)
        self.page = mmap.mmap(fd, mmap.PAGESIZE)
        os.close(fd)

    def _get(self, which):
        return struct.unpack_from("=q", self.page, 8 * which)[0]

    def _set(self, which, value):
        struct.pack_into("=q", self.page, 8 * which, value)

    def fail(self, first, all_later):
        """From now on, the `first` allocation fails, and all later ones too or none."""
        self.stop()
        self._set(COUNT, 0)
        self._set(FAILED, 0)
        self._set(LAST, NEVER if all_later else first)
        self._set(FIRST, first)

    def stop(self):
        self._set(FIRST, 0)

    @property
    def failed(self):
        return self._get(FAILED)

    @property
    def live(self):
        return self._get(LIVE)
