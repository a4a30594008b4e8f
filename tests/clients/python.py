"""A client made of aiorpcX's JSON-RPC connection, which writes the requests, reads the replies and brings them together.
What carries its messages is asyncio's.
"""

import asyncio
import sys

from aiorpcx import JSONRPCConnection, JSONRPCv2, Notification, Request, RPCError


async def receive(connection, reader, notifications):
    while line := await reader.readline():
        for item in connection.receive_message(line):
            assert isinstance(item, Notification), item
            notifications.put_nowait(item)


async def main(socket, address):
    reader, writer = await asyncio.open_unix_connection(socket)
    connection = JSONRPCConnection(JSONRPCv2)
    notifications = asyncio.Queue()
    receiving = asyncio.ensure_future(receive(connection, reader, notifications))

    async def call(method, params):
        message, future = connection.send_request(Request(method, params))
        writer.write(message + b"\n")
        return await future

    hello = await call("hello", ())
    assert hello["server"] == "minimiod" and hello["protocol"] == 1, hello
    try:
        await call("no_such_method", ())
        raise AssertionError("there is such a method")
    except RPCError as error:
        assert error.code == -32601, error
    registered = await call("register", {"token": 7, "address": address})
    assert registered["token"] == 7 and registered["peer"] == address, registered
    listed = await call("list", (None, 10))
    assert [one["token"] for one in listed["registrations"]] == [7], listed
    ready = await notifications.get()
    assert ready.method == "ready" and ready.args["events"][0]["token"] == 7, ready
    writer.close()
    await receiving


asyncio.run(main(sys.argv[1], sys.argv[2]))
