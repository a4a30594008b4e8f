#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the seeds of the fuzzers: fuzz/seeds.py FOLDER writes scan/, request/ and session/ in FOLDER.

The seeds of scan and request are the texts of proto/vectors, without long texts made by `repeat`, because the targets
have small limits. The seeds of session are scripts in this file, written once for each mode.
"""
import base64
import hashlib
import json
import pathlib
import shutil
import sys

LONGEST = 1024
CUTS = b"\xff\x03\x01\x07"
MODES = "0123"


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


def plain_requests():
    """As most clients write them, with a value that is right, wrong, or just too much."""
    for value in ["0", "1", "01", "-1", "-0", "1.0", "1e0", "9007199254740991", "9007199254740992", '"1"', "null"]:
        yield f'{{"jsonrpc":"2.0","id":1,"method":"take","params":{{"token":{value}}}}}'
        yield f'{{"jsonrpc":"2.0","id":{value},"method":"ping"}}'
    for value in ["[]", '["readable"]', '["writable","readable"]', '["error"]', '["readable",]', '"readable"']:
        yield f'{{"jsonrpc":"2.0","id":1,"method":"reregister","params":{{"token":1,"interests":{value}}}}}'
    for value in ["true", "false", "tru", "1", "null", "truefalse"]:
        yield f'{{"jsonrpc":"2.0","id":1,"method":"register","params":{{"token":1,"fd":{value}}}}}'


def request(id_, method, params=None):
    end = "}\n" if params is None else f',"params":{params}}}\n'
    return f'{{"jsonrpc":"2.0","id":{id_},"method":"{method}"{end}'


def adopt(id_, token, more=""):
    return request(id_, "register", f'{{"token":{token},"fd":true{more}}}')


def connect(id_, token, address, more=""):
    return request(id_, "register", f'{{"token":{token},"address":"{address}"{more}}}')


def of_token(id_, method, token, more=""):
    return request(id_, method, f'{{"token":{token}{more}}}')


def open_loop(id_, name, more=""):
    return request(id_, "open_loop", f'{{"name":"{name}"{more}}}')


def batch(*requests):
    return "[" + ",".join(one.strip() for one in requests) + "]"


def enter(id_, role, more=""):
    return open_loop(id_, "w", f',"role":"{role}"{more}')


BOTH = ',"interests":["readable","writable"]'
POLLED = ',"delivery":"poll"'
TAKEN_OVER = ',"takeover":true'
WAITING = ',"wait_ms":500'
ENSURED = ',"ensure":true'
WRITABLE = ',"interests":["writable"]'
DESCRIPTORS = "sqdcpwtgulmfnoeiy"

SCRIPTS = [
    ["c00", "s0" + request(1, "hello") + request(2, "ping") + request(3, "stats"), "h0"],
    ["c01", "s0" + connect(1, 1, "127.0.0.1:80"), "w0hello", "s0" + of_token(2, "read", 1),
     "s0" + of_token(3, "write", 1, ',"data":"abc"') + request(4, "list")
     + of_token(5, "shutdown", 1, ',"how":"write"'), "z0", "s0" + of_token(6, "deregister", 1)],
    ["c01", "s0" + connect(1, 1, "127.0.0.1:81") + connect(2, 2, "127.0.0.1:82", ',"timeout_ms":500')
     + connect(3, 3, "10.0.0.1:80") + connect(4, 4, "127.0.0.3:80"), "t0600"],
    ["c01", "s0" + connect(1, 1, "[::1]:82") + request(2, "list") + of_token(3, "read", 1)
     + of_token(4, "deregister", 1)],
    ["c01", "s0" + connect(1, 1, "localhost:80") + connect(2, 2, "x.example:80") + connect(3, 3, "y:81"), "n01d",
     "n012", "n0", "n0d", "t0300", "s0" + of_token(4, "deregister", 3)],
    ["c01", "f0spt:" + "".join(adopt(i, i, BOTH + ',"mode":"edge"') for i in range(4)), "w0abc", "w1abc",
     "s0" + of_token(9, "take", 1), "e0", "r0"],
    ["c01", "f0st:" + adopt(1, 1, BOTH) + adopt(2, 2, ',"interests":[]'), "w0abc", "s0"
     + of_token(3, "take", 1, ',"keep":true') + of_token(4, "take", 2, ',"keep":true') + request(5, "list"), "w0abc",
     "e0", "s0" + of_token(6, "reregister", 1, ',"interests":["readable"]') + of_token(7, "read", 1)
     + of_token(8, "deregister", 1), "z1", "r0", "s0" + of_token(9, "read", 2) + of_token(10, "take", 2)],
    ["c01", "s0" + open_loop(1, "a", POLLED), "f0s:" + adopt(2, 1, ',"interests":[],"mode":"level"'),
     "s0" + of_token(3, "take", 1, ',"keep":true') + request(4, "poll"), "e0", "q0", "c01", "s0" + open_loop(1, "a")
     + request(2, "poll", '{"timeout_ms":10}'), "t0100"],
    ["c00"] + [f"f0{kind}:" + adopt(i, i, BOTH) for i, kind in enumerate(DESCRIPTORS)] + ["k0"],
    ["c01", "f0fff:" + request(1, "ping"), "k0", "f0sss:" + adopt(2, 1), "h0"],
    ["c01", "f0ss:{", "f0s: ", "f0s:", "f0s:}", "s0" + adopt(1, 1)],
    ["c01", "f0s:" + adopt(1, 1), "s0" + of_token(2, "reregister", 1, ',"interests":["writable"]'), "w0abc",
     "s0" + of_token(3, "reregister", 1, ',"interests":["readable"],"mode":"edge"') + of_token(4, "deregister", 1)
     + of_token(5, "read", 1), "w0x"],
    ["c01", "s0" + open_loop(1, "a", POLLED) + request(2, "poll", "{}") + request(3, "poll"),
     "f0s:" + adopt(4, 7, ',"mode":"level"'), "w0x", "s0" + request(5, "poll", '{"timeout_ms":100}'),
     "s0" + of_token(6, "read", 7) + request(7, "poll", '{"timeout_ms":100}'), "t0100", "q0", "c11",
     "s1" + open_loop(1, "a", TAKEN_OVER) + request(2, "list") + request(3, "loops") + request(4, "stats")],
    ["c01", "s0" + open_loop(1, "a"), "f0s:" + adopt(2, 1), "w0x", "c11", "s1" + open_loop(1, "a")
     + open_loop(2, "a", TAKEN_OVER), "w0y", "q1", "c11", "s1" + open_loop(1, "a", ',"linger_ms":0'), "q1", "t0100"],
    ["c01", "s0" + open_loop(1, "a"), "f0s:" + adopt(2, 1), "q0", "c02", "s0" + open_loop(1, "a"), "t070000",
     "c11", "s1" + open_loop(1, "a")],
    ["c01", "f0st:" + batch(adopt(1, 1), adopt(2, 2), of_token(3, "take", 1), of_token(4, "take", 2))],
    ["c01", "s0" + request(0, "open_loop", '{"delivery":"poll"}'),
     "f0s:" + batch(adopt(1, 1), of_token(2, "take", 1), request(3, "poll")), "q0"],
    ["c01", "s0" + request(0, "open_loop", '{"delivery":"poll"}'),
     "f0s:" + batch(adopt(1, 1, ',"mode":"level"'), request(3, "poll")), "w0abc", "s0" + request(4, "close_loop")],
    ["c01", "s0" + batch(request(1, "ping"), connect(2, 1, "127.0.0.1:80"), '{"jsonrpc":"2.0","method":"ping"}', "3"),
     "s0" + batch(of_token(5, "take", 1), request(6, "close_loop")) + "[]" + batch(*["1"] * 5)],
    ["c01", "f0s:" + adopt(0, 1), "W0", "s0" + batch(*[of_token(i, "read", 1, ',"max":32768') for i in range(4)])
     + batch(request(1, "rpc.discover"), request(2, "list"))],
    ["c01", "s0" + "".join(request(i, "hello") for i in range(40)), "r0100", "s0" + request(2, "rpc.discover"), "r0"],
    ["c01", "f0s:" + adopt(2, 1, ',"mode":"edge"'), "W0",
     "s0" + "".join(of_token(i, "read", 1, ',"max":32768') for i in range(6)), "r0", "g0",
     "s0" + of_token(9, "write", 1, ',"data":"AAAA","encoding":"base64"')
     + of_token(10, "write", 1, ',"data":"A","encoding":"base64"')],
    ["c01", "f0s:" + adopt(1, 1), "w0\xc3\xa4", "s0" + of_token(2, "read", 1, ',"max":1,"peek":true')
     + of_token(3, "read", 1, ',"encoding":"base64"'), "w0\x01\xfe", "s0" + of_token(4, "read", 1), "e0",
     "s0" + of_token(5, "read", 1) + of_token(6, "shutdown", 1, ',"how":"both"')],
    ["c01", "s0" + "".join(connect(i, i, "127.0.0.1:82") for i in range(7)), "q0"],
    ["c01", "c12", "c21", "c31", "s3" + request(1, "ping"), "s0" + open_loop(1, "a") + open_loop(2, "b")
     + open_loop(3, "c") + request(4, "loops", '{"limit":1}')],
    ["c01", "s0GET / HTTP/1.1\r\n", "c12", 's1{"x":', 's1 1}{"jsonrpc":1}', "s1 tru", "s1e\n[]", "h1"],
    ["c01", "s0" + open_loop(1, "b"), "f0st:" + adopt(2, 1) + adopt(3, 2, BOTH), "R0", "H0", "w0x", "c01",
     "s0" + open_loop(1, "b") + request(2, "close_loop") + request(3, "ping")],
    ["c01", "fAs:" + adopt(1, 1), "fAt:" + adopt(2, 2), "sA" + request(3, "ping"), "s0" + request(4, "ping")],
    ["c01"] + ["s0" + batch(of_token(1, method, 9, more)) for method, more in [
        ("reregister", ""), ("deregister", ""), ("take", ""), ("read", ""), ("write", ',"data":""'),
        ("shutdown", ',"how":"both"'), ("list", ""), ("poll", "")]],
    ["c01", "f0x:" + adopt(1, 1, BOTH), "w0x", "s0" + of_token(2, "read", 1), "q0"],
    ["c01", "s0" + connect(1, 1, "127.0.0.1:80") + request(2, "close_loop") + request(3, "list"), "z0", "h0"],
]


# Sessions that share the loop "w": the first two are of one user, as the small limits allow no third.
SHARED = [
    # A worker dies with a lease, and another session gets the token again.
    ["c01", "c11", "s0" + enter(1, "worker"), "s1" + enter(1, "worker"), "f0s:" + adopt(2, 1, WRITABLE), "s1"
     + of_token(2, "read", 1) + of_token(3, "reregister", 1) + request(4, "list"), "q0", "s1" + of_token(5, "take", 1)],
    ["c01", "c11", "s0" + enter(1, "worker", ',"prefetch":2'), "s1" + enter(1, "guest"),
     "f1st:" + adopt(2, 1) + adopt(3, 2), "w0abc", "w1abc", "s1" + of_token(4, "read", 1) + of_token(5, "reregister", 1),
     "s0" + of_token(2, "read", 1) + of_token(3, "reregister", 1) + of_token(4, "take", 2, ',"keep":true'), "w0x", "e0",
     "s1" + of_token(6, "deregister", 2) + request(7, "loops") + request(8, "stats"), "h0", "w0y"],
    ["c01", "c11", "s0" + enter(1, "worker", POLLED), "s1" + enter(1, "worker", POLLED),
     "f0sss:" + adopt(2, 1, WRITABLE) + adopt(3, 2, WRITABLE) + adopt(4, 3, WRITABLE), "s0" + request(5, "poll"), "s1"
     + request(2, "poll") + request(3, "poll"), "s1" + request(4, "poll", '{"timeout_ms":50}'), "t0100", "s0"
     + of_token(6, "reregister", 1) + request(7, "poll"), "h1", "s0" + request(8, "cancel", '{"id":7}')],
    # Entering, waiting, cancelling, being put out.
    ["c01", "c11", "s0" + open_loop(1, "w"), "s1" + enter(1, "worker", WAITING) + request(2, "ping")
     + open_loop(3, "v"), "q0", "c01", "s0" + open_loop(1, "w", WAITING) + request(2, "cancel", '{"id":1}')
     + open_loop(3, "w", TAKEN_OVER), "s1" + enter(4, "worker", TAKEN_OVER), "s0" + enter(5, "worker", WAITING)],
    ["c01", "c11", "s0" + open_loop(1, "w"), "s1" + open_loop(1, "w", WAITING), "t0600", "s1"
     + open_loop(2, "w", WAITING), "s0" + request(2, "close_loop"), "s0" + open_loop(3, "w", WAITING), "h1", "R0"],
    ["c01", "c11", "s0" + enter(1, "guest", ',"create":false'), "s0" + open_loop(2, "w", ',"linger_ms":0'), "q0", "s1"
     + enter(1, "guest", ',"create":false') + enter(2, "guest") + enter(3, "guest", POLLED) + request(4, "poll")
     + open_loop(5, "w") + enter(6, "guest", TAKEN_OVER) + open_loop(7, "w", ',"prefetch":2')],
    ["c01", "c11", "s0" + enter(1, "guest"), "f0s:" + adopt(2, 1, ',"mode":"edge"'), "s1" + enter(1, "worker"), "s0"
     + of_token(3, "reregister", 1, ',"mode":"oneshot"'), "s1" + enter(2, "worker"), "w0x", "s0"
     + of_token(4, "reregister", 1, ',"mode":"edge"') + request(5, "close_loop"), "s1" + request(3, "close_loop")],
    # Another daemon, and what was leased in it.
    ["c01", "s0" + enter(1, "worker"), "f0s:" + adopt(2, 1, WRITABLE), "H0", "c01", "s0" + enter(1, "worker"), "H0",
     "c01", "s0" + open_loop(1, "w")],
    # Sessions that follow the connect of another.
    ["c01", "c11", "s0" + enter(1, "guest"), "s1" + enter(1, "guest"), "s0" + connect(2, 1, "127.0.0.1:82", ENSURED),
     "s1" + connect(2, 1, "127.0.0.1:82", ENSURED) + connect(3, 1, "127.0.0.1:80", ENSURED), "s0"
     + request(3, "cancel", '{"id":2}'), "s1" + of_token(4, "deregister", 1)],
    ["c01", "s0" + connect(1, 1, "127.0.0.1:80", ENSURED), "s0" + connect(2, 1, "127.0.0.1:80", ENSURED), "z0",
     "s0" + connect(3, 1, "127.0.0.1:80", ENSURED) + connect(4, 1, "127.0.0.1:80")],
    ["c01", "c11", "s0" + enter(1, "guest"), "s1" + enter(1, "guest"), "s0" + connect(2, 1, "localhost:80", ENSURED),
     "s1" + connect(2, 1, "localhost:80", ENSURED), "q0", "n01", "s1" + of_token(3, "read", 1)],
]


def scripts():
    for script in SCRIPTS + SHARED:
        steps = [step.encode("latin-1") for step in script]
        for mode in MODES:
            yield mode.encode() + b"\xff".join(steps)


def write(folder, inputs):
    folder.mkdir(parents=True)
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()[:16]).write_bytes(data)


def main():
    target = pathlib.Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    texts = list(vectors("scan_accept", "scan_reject", "framing"))
    plain = [text.encode() for text in plain_requests()]
    write(target / "scan", [text + CUTS for text in texts])
    write(target / "request", [*texts, *vectors("requests"), *plain])
    write(target / "session", scripts())


if __name__ == "__main__":
    main()
