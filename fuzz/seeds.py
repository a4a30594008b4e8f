#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes inputs to begin with out of proto/vectors: fuzz/seeds.py FOLDER, which gets scan/ and request/.

Of `repeat`ed vectors only those that stay small: limits are met by the targets with limits of their own.
"""
import base64
import hashlib
import json
import pathlib
import sys

LONGEST = 1024


def input_of(vector):
    if "text" in vector:
        return vector["text"].encode("utf-8", "surrogatepass")
    if "base64" in vector:
        return base64.b64decode(vector["base64"])
    return "".join(piece * count for piece, count in vector["repeat"]).encode()


def vectors(*names):
    for name in names:
        for line in open(f"proto/vectors/{name}.jsonl", encoding="utf-8"):
            data = input_of(json.loads(line))
            if len(data) <= LONGEST:
                yield data


def write(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def main():
    target = pathlib.Path(sys.argv[1])
    for data in vectors("scan_accept", "scan_reject", "framing"):
        write(target / "scan", data + b"\xff" + bytes([3, 1, 7]))
    for data in vectors("requests", "framing"):
        write(target / "request", data)


if __name__ == "__main__":
    main()
