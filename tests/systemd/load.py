#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams in named loops with traffic, while somebody restarts the daemon.

Registers streams to a server of its own, which sends numbered words on all of them. Whenever the daemon is gone it
connects again and opens its loops again. Prints "loaded" when all streams are registered, and their loops durable if
the daemon's manager keeps them (`--durable`); on SIGTERM stops sending,
waits until everything has arrived, and says what it saw, as one line of JSON. Exits with 0 if no connection was
closed, no registration, readiness or byte was lost, and nothing came twice.

Besides these streams each loop has others that are registered and deregistered all the time (`--churn`). What becomes of
those when the daemon dies depends on the moment; that nothing becomes of the rest is what they are for.

A `read` whose reply dies with the daemon has consumed what nobody received, so no word is consumed before it was
received: `peek` first, then `read` of as much. After a restart the numbers say whether the last `read` took effect.
"""
import argparse
import asyncio
import base64
import json
import os
import random
import resource
import signal
import struct
import sys
import time

WORD = 4
READ_BYTES = 8192
CHURN_TOKEN = 1000000  # and up
CHURN_S = 0.01
UNREAD_WORDS = 4096  # a stream with more under way gets nothing new for a while
TICK_S = 0.01

STARTED = time.monotonic()
failures = []


def fail(text):
    if len(failures) < 20:
        failures.append(text)


class Upstream(asyncio.Protocol):
    """The server's side of one stream."""

    by_port = {}
    held = set()  # ports of the streams that are never to be closed

    def connection_made(self, transport):
        self.transport = transport
        self.sent = 0
        self.port = transport.get_extra_info("peername")[1]
        Upstream.by_port[self.port] = self

    def data_received(self, data):
        fail(f"port {self.port}: the server received {data!r}")

    def connection_lost(self, exc):
        if self.port in Upstream.held:
            fail(f"port {self.port}: closed: {exc}")
        Upstream.by_port.pop(self.port, None)

    def send(self, words):
        self.transport.write(struct.pack(f"!{words}I", *range(self.sent, self.sent + words)))
        self.sent += words


class Stream:
    """The client's side: ARMED, or a request about it is under way."""

    def __init__(self, token):
        self.token = token
        self.upstream = None
        self.received = 0  # words
        self.consuming = 0  # words of a `read` under way, which were received
        self.doubtful = 0  # the same, of a `read` that never was answered
        self.busy = False
        self.again = False  # ready once more while busy
        self.checked = False  # at the end: is there anything that was not told?


class Session:
    def __init__(self, options, number, streams):
        self.options = options
        self.name = f"load-{os.getpid()}-{number}"
        self.mode = ("oneshot", "edge")[number % 2]
        self.streams = streams
        self.by_token = {stream.token: stream for stream in streams}
        self.unregistered = len(streams)
        self.loaded = asyncio.Event()
        self.durable = asyncio.Event()
        self.first = True
        self.lost_at = None
        self.outages = []
        self.writer = None
        self.churning = False
        self.churned = 0
        self.life = 0  # counts the daemons that this session has had

    def say(self, method, what, **params):
        message = {"jsonrpc": "2.0", "id": what, "method": method, "params": params}
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def run(self):
        while True:
            try:
                await self.serve()
            except (ConnectionError, FileNotFoundError):
                pass
            if self.lost_at is None:
                self.lost_at = time.monotonic()
            await asyncio.sleep(0.005)

    async def serve(self):
        reader, self.writer = await asyncio.open_unix_connection(self.options.socket, limit=1 << 20)
        self.life += 1
        try:
            self.say("open_loop", "open", name=self.name, takeover=True, linger_ms=600000)
            while line := await reader.readline():
                if not line.endswith(b"\n"):
                    break  # the daemon died within it
                self.take(json.loads(line))
                await self.writer.drain()
        finally:
            self.writer.close()

    def take(self, message):
        if message.get("method") == "ready":
            for event in message["params"]["events"]:
                self.on_event(event)
        elif message.get("method") == "loop_closed":
            pass  # the daemon is being restarted in order
        elif str(message.get("id")).startswith("churn"):
            self.on_churn(message)
        elif "error" in message:
            fail(f"{self.name}: {message}")
        elif "result" in message:
            what, _, token = message["id"].partition(":")
            getattr(self, "on_" + what)(message["result"], self.by_token.get(int(token or 0)))
        else:
            fail(f"{self.name}: {message}")

    def on_open(self, result, _):
        if self.lost_at is not None:
            self.outages.append((time.monotonic() - self.lost_at, round(self.lost_at - STARTED, 1)))
            self.lost_at = None
        if self.first:
            self.first = False
            for stream in self.streams:
                self.say("register", f"register:{stream.token}", token=stream.token, address=self.options.address,
                         mode=self.mode)
            return
        if result["created"] or not 0 <= result["registrations"] - len(self.streams) <= self.options.churn:
            fail(f"{self.name}: found again as {result}")
        for stream in self.streams:
            stream.busy = stream.again = False
            stream.doubtful, stream.consuming = stream.consuming or stream.doubtful, 0
        if self.churning:
            self.churn()

    def churn(self):
        self.churning = True
        for token in range(CHURN_TOKEN, CHURN_TOKEN + self.options.churn):
            self.churn_one(token, self.life)

    def churn_one(self, token, life):
        if self.churning and life == self.life:
            self.say("register", f"churn-in:{token}", token=token, address=self.options.address, mode=self.mode)

    def on_churn(self, message):
        """Registered, it is deregistered, and the other way round; so too where it was so already."""
        what, _, token = message["id"].partition(":")
        error = message.get("error", {}).get("data", {}).get("name")
        if error == "LOOP_CLOSED":
            return  # the daemon is being restarted in order: the next session begins anew
        if error not in (None, {"churn-in": "TOKEN_EXISTS", "churn-out": "TOKEN_UNKNOWN"}[what]):
            fail(f"{self.name}: {message}")
        elif what == "churn-in":
            self.churned += 1
            self.say("deregister", f"churn-out:{token}", token=int(token))
        else:
            asyncio.get_running_loop().call_later(CHURN_S, self.churn_one, int(token), self.life)

    def on_loops(self, result, _):
        mine = [loop for loop in result["loops"] if loop["name"] == self.name]
        if mine and mine[0]["durable"]:
            self.durable.set()
        else:
            asyncio.get_running_loop().call_later(0.02, self.ask_durable)

    def ask_durable(self):
        self.say("loops", "loops", after=self.name[:-1])

    def on_register(self, result, stream):
        stream.upstream = int(result["local"].rpartition(":")[2])
        Upstream.held.add(stream.upstream)
        self.unregistered -= 1
        if not self.unregistered:
            self.loaded.set()

    def on_event(self, event):
        if event["token"] >= CHURN_TOKEN:
            return
        stream = self.by_token.get(event["token"])
        if not stream or set(event) != {"token", "readable"}:
            fail(f"{self.name}: {event}")
        elif stream.busy:
            stream.again = True
        else:
            self.peek(stream)

    def peek(self, stream):
        stream.busy = True
        stream.again = False
        self.say("read", f"peek:{stream.token}", token=stream.token, max=READ_BYTES, encoding="base64", peek=True)

    def on_peek(self, result, stream):
        words = result["bytes"] // WORD
        if words == 0:
            self.drained(stream)
            return
        if stream.checked:
            fail(f"token {stream.token}: {words} words are there, and nobody said so")
        numbers = struct.unpack(f"!{words}I", base64.b64decode(result["data"])[:words * WORD])
        new = numbers[-1] + 1 - stream.received
        # What was received and is there still: only where it is not known whether the last `read` took effect.
        again = stream.received - numbers[0]
        if numbers != tuple(range(numbers[0], numbers[0] + words)) or again not in (0, stream.doubtful) or new < 0:
            fail(f"token {stream.token}: {numbers[0]} to {numbers[-1]} after {stream.received}")
        stream.doubtful = 0
        stream.received = numbers[-1] + 1
        stream.consuming = words
        self.say("read", f"consumed:{stream.token}", token=stream.token, max=words * WORD, encoding="base64")

    def on_consumed(self, result, stream):
        if result["bytes"] != stream.consuming * WORD:
            fail(f"token {stream.token}: read gave {result['bytes']} of {stream.consuming * WORD}")
        stream.consuming = 0
        self.peek(stream)

    def drained(self, stream):
        if stream.doubtful:
            stream.doubtful = 0  # it did take effect: what it was about is not there any more
        if self.mode == "oneshot":
            self.say("reregister", f"armed:{stream.token}", token=stream.token)
        elif stream.again:
            self.peek(stream)
        else:
            stream.busy = False

    def on_armed(self, _, stream):
        stream.busy = False


class Traffic:
    def __init__(self, streams, rate):
        self.streams = streams
        self.words_a_tick = max(1, round(rate * TICK_S))
        self.stopped = asyncio.Event()

    async def run(self):
        while not self.stopped.is_set():
            for stream in random.choices(self.streams, k=self.words_a_tick):
                upstream = Upstream.by_port[stream.upstream]
                if upstream.sent - stream.received < UNREAD_WORDS and not upstream.transport.is_closing():
                    upstream.send(random.randint(1, 16))
            await asyncio.sleep(TICK_S)

    def left(self):
        return [s for s in self.streams if s.busy or s.received != Upstream.by_port[s.upstream].sent]


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def all_arrived(traffic, patience_s):
    until = time.monotonic() + patience_s
    while (left := traffic.left()) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    for stream in left:
        fail(f"token {stream.token}: {stream.received} words of {Upstream.by_port[stream.upstream].sent}")


async def nothing_is_left(sessions, traffic, patience_s):
    """A stream of which something is left to be consumed must have been told as ready."""
    for session in sessions:
        for stream in session.streams:
            if not stream.busy:
                stream.checked = True
                session.peek(stream)
    await all_arrived(traffic, patience_s)


def report(sessions, traffic):
    outages = [outage for session in sessions for outage in session.outages]
    return {
        "streams": len(traffic.streams),
        "words": sum(stream.received for stream in traffic.streams),
        "churned": sum(session.churned for session in sessions),
        "reconnects": len(outages),
        "longest_outage_ms": round(max(outages, default=(0, 0))[0] * 1000),
        "it_began_at_s": max(outages, default=(0, 0))[1],
        "failures": failures,
    }


async def main(options):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=4096)
    options.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    streams = [Stream(token) for token in range(1, options.streams + 1)]
    sessions = [Session(options, i, streams[i::options.loops]) for i in range(options.loops)]
    tasks = [asyncio.create_task(session.run()) for session in sessions]
    await asyncio.wait_for(asyncio.gather(*(session.loaded.wait() for session in sessions)), 60)
    started = time.monotonic()
    if options.durable:
        for session in sessions:
            session.ask_durable()
        await asyncio.wait_for(asyncio.gather(*(session.durable.wait() for session in sessions)), 400)
    settled_ms = round((time.monotonic() - started) * 1000)
    traffic = Traffic(streams, options.rate)
    for session in sessions:
        session.churn()
    print("loaded", flush=True)
    traffic_task = asyncio.create_task(traffic.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, traffic_task, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (traffic_task, *tasks):
        if task.done():
            task.result()  # what ended it
    traffic.stopped.set()
    await traffic_task
    for session in sessions:
        session.churning = False
    await all_arrived(traffic, options.patience)
    await nothing_is_left(sessions, traffic, options.patience)
    print(json.dumps({"settled_ms": settled_ms, **report(sessions, traffic)}), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", default="/run/minimio/minimio.sock")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--loops", type=int, default=8, help="named loops, each in a session of its own")
    parser.add_argument("--rate", type=int, default=1000, help="messages a second, of 1 to 16 words")
    parser.add_argument("--churn", type=int, default=2, help="streams a loop that come and go")
    parser.add_argument("--durable", action="store_true", help="wait until `loops` says that the loops are durable")
    parser.add_argument("--patience", type=float, default=20, help="seconds for the last words to arrive")
    raise_descriptor_limit()
    sys.exit(asyncio.run(main(parser.parse_args())))
