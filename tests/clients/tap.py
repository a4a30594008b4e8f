"""Stands between a daemon and its clients, and checks each line that the daemon writes.

usage: tap.py SOCKET DAEMON_SOCKET
Writes a line when it listens; at SIGTERM exits with 0 if every line was strict JSON in UTF-8 and shorter than 64 KiB.
"""

import asyncio
import json
import signal
import sys

LINE_BYTES = 64 * 1024
wrong = []


def unique(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def no_constant(name):
    raise ValueError(name)


def check(line):
    try:
        if not line.endswith(b"\n") or len(line) >= LINE_BYTES:
            raise ValueError(f"{len(line)} bytes")
        json.loads(line.decode("utf-8", "strict"), object_pairs_hook=unique, parse_constant=no_constant)
    except ValueError as error:
        wrong.append(line)
        print(f"tap.py: {error}: {line!r}", file=sys.stderr)


async def forward_requests(client, daemon):
    while data := await client.read(65536):
        daemon.write(data)
        await daemon.drain()
    daemon.write_eof()


async def forward_lines(daemon, client):
    pending = b""
    while data := await daemon.read(65536):
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            check(line + b"\n")
        client.write(data)
        await client.drain()
    if pending:
        check(pending)
    client.close()


async def serve(client_reader, client_writer):
    daemon_reader, daemon_writer = await asyncio.open_unix_connection(sys.argv[2])
    requests = asyncio.ensure_future(forward_requests(client_reader, daemon_writer))
    try:
        await forward_lines(daemon_reader, client_writer)
    except ConnectionError:
        pass  # a client may leave when it likes
    finally:
        requests.cancel()
        daemon_writer.close()


async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_unix_server(serve, sys.argv[1])
    print("listening", flush=True)
    await ended.wait()
    server.close()


asyncio.run(main())
sys.exit(1 if wrong else 0)
