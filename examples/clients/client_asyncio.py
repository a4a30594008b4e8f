#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As client.py, with asyncio: a task for each server, and a task that reads from the daemon.

usage: client_asyncio.py HOST:PORT..."""
import asyncio
import json
import os
import sys


class Minimio:
    @classmethod
    async def open(cls, path=None):
        self = cls()
        path = path or os.environ.get("MINIMIO_SOCKET", "/run/minimio/minimio.sock")
        self.reader, self.writer = await asyncio.open_unix_connection(path)
        self.replies = {}  # futures by the id of the request
        self.events = {}  # queues by token
        self.task = asyncio.create_task(self._read())
        return self

    async def _read(self):
        async for line in self.reader:
            message = json.loads(line)
            if message.get("method") == "ready":
                for event in message["params"]["events"]:
                    self.events[event["token"]].put_nowait(event)
            elif message.get("id") in self.replies:
                self.replies.pop(message["id"]).set_result(message)
        for future in self.replies.values():
            future.set_exception(ConnectionError("the daemon closed the session"))

    async def call(self, method, **params):
        request_id = max(self.replies, default=0) + 1
        future = self.replies[request_id] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        self.writer.write(json.dumps(request).encode() + b"\n")
        await self.writer.drain()
        reply = await future
        if "error" in reply:
            raise RuntimeError(reply["error"]["message"])
        return reply["result"]


async def follow(minimio, token, address):
    events = minimio.events[token] = asyncio.Queue()
    await minimio.call("register", token=token, address=address)
    while True:
        await events.get()
        result = await minimio.call("read", token=token)
        if result["bytes"]:
            print(f"{token}: {result['data']}", end="", flush=True)
        if result["eof"]:
            return await minimio.call("deregister", token=token)
        await minimio.call("reregister", token=token)


async def main(addresses):
    minimio = await Minimio.open()
    await asyncio.gather(*(follow(minimio, token, address) for token, address in enumerate(addresses, 1)))


try:
    asyncio.run(main(sys.argv[1:]))
except (RuntimeError, OSError) as error:
    sys.exit(f"client_asyncio.py: {error}")
