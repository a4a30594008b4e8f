# SPDX-License-Identifier: MIT
"""Requests: what each must be answered, and what its answer changes. A reply is judged by the state that the replies
before it have left, which is the state in which the daemon carried the request out."""
import base64
import os

from model import Loop, check


class Request:
    """One that needs no waiting: its reply comes in its turn."""

    method = None
    needs_loop = True
    waits = False
    is_certain = True  # what it does is known without its reply

    def __init__(self, client, **params):
        self.client = client
        self.params = {name: value for name, value in params.items() if value is not None}
        self.descriptors = []
        self.answered = False

    @property
    def loop(self):
        return self.client.loop

    def message(self, number):
        self.id = number
        # Without parameters, {}, null and nothing are the same.
        params = {"params": self.params or [{}, None][number % 2]} if self.params or number % 3 else {}
        return {"jsonrpc": "2.0", "id": number, "method": self.method, **params}

    def error(self):
        """The name of the error that it must meet; None: none."""
        return None

    def expected(self):
        return "LOOP_CLOSED" if self.needs_loop and not self.loop else self.error()

    def may_fail(self, data):
        """Whether it may meet an error that depends on when something arrives."""
        return False

    def done(self, result):
        """`result` None: nobody has read it."""

    def refused(self):
        pass

    def begins(self):
        """It is about to be asked, where several sessions share a loop."""

    def told(self):
        """It was asked: other sessions of the loop read what it makes the daemon tell them."""

    def carried_out(self):
        """Its client died before it read the reply."""
        if self.expected():
            self.refused()
        else:
            self.done(None)

    def answer(self, reply):
        self.answered = True
        expected = self.expected()
        if "error" in reply:
            data = reply["error"]["data"]
            check(expected == data["name"] or (not expected and self.may_fail(data)), self, "met", data, "not", expected)
            self.refused()
        else:
            check(not expected, self, "did not meet", expected, "but", reply)
            self.done(reply["result"])

    def __str__(self):
        return f"{self.method} {self.params}"


class Stats(Request):
    method = "stats"
    needs_loop = False

    def done(self, result):
        turns = dict(result["turn_us"])
        longest, total = turns.pop("longest"), turns.pop("sum")
        check(sum(turns.values()) == result["turns"], self, turns, "are not", result["turns"])
        check(longest <= total and turns["above"] <= total // 30000, self, turns, longest, total)
        self.result = result


class Ping(Request):
    method = "ping"
    needs_loop = False

    def done(self, result):
        check(result in ({}, None), result)


class Hello(Request):
    method = "hello"
    needs_loop = False


class Adopt(Request):
    method = "register"

    def __init__(self, client, token, near, peer, interests, mode):
        super().__init__(client, token=token, fd=True, interests=interests, mode=mode)
        self.token, self.peer, self.interests, self.mode = token, peer, interests, mode
        self.descriptors = [near]

    def error(self):
        if self.mode == "level" and self.loop.delivery != "poll":
            return "INVALID_PARAMS"
        return "TOKEN_EXISTS" if self.loop.has(self.token) else None

    def refused(self):
        self.peer.stream.near_closed()  # also where it fails

    def done(self, result):
        self.loop.add(self.token, self.peer.stream, self.interests, self.mode)


class Connect(Request):
    """By address, at which somebody accepts. Nothing else is asked before it is answered."""

    method = "register"
    is_certain = False

    def __init__(self, client, token, port, interests, mode):
        super().__init__(client, token=token, address=port.address, interests=interests, mode=mode)
        self.token, self.port, self.interests, self.mode = token, port, interests, mode
        self.peer = None

    error = Adopt.error

    def done(self, result):
        while result["local"] not in self.port.accepted:
            self.port.accept()
        self.peer = self.port.find(result["local"])
        self.loop.add(self.token, self.peer.stream, self.interests, self.mode)
        self.loop.registrations[self.token].address = self.port.address


class Waiting(Request):
    """Its reply comes when it comes; unless it fails at once."""

    waits = True
    failed = None  # the error that it met at once

    def reached(self):
        """The daemon has carried out all before it. Returns whether it waits."""
        self.failed = super().expected()
        if not self.failed:
            self.begun()
        return not self.failed

    def begun(self):
        raise NotImplementedError

    def expected(self):
        return self.failed

    def carried_out(self):
        if self.failed is None:
            self.reached()


class ConnectNowhere(Waiting):
    """By an address at which nobody answers, and nobody refuses."""

    method = "register"

    def __init__(self, client, token, hole, interests, mode):
        super().__init__(client, token=token, address=hole.address, timeout_ms=0, interests=interests, mode=mode)
        self.token, self.mode = token, mode

    error = Adopt.error

    def begun(self):
        self.loop.connecting.add(self.token)

    def may_fail(self, data):
        client = self.client
        if data["name"] == "CANCELLED":
            check(client.has_queued("deregister", self.token), "cancelled without a deregister")
            self.loop.connecting.remove(self.token)
            self.loop.cancelled.add(self.token)
            return True
        return data["name"] == "LOOP_CLOSED" and client.is_leaving()

    def done(self, result):
        check(False, "connected to nowhere:", result)


class Poll(Waiting):
    method = "poll"

    def __init__(self, client, timeout_ms, most):
        super().__init__(client, timeout_ms=timeout_ms, max=most)
        self.timeout_ms, self.most = timeout_ms, most or 256
        self.known = set()

    def error(self):
        return "WRONG_DELIVERY" if self.loop.delivery != "poll" else None

    def begun(self):
        for token, one in self.loop.registrations.items():
            if one.is_level:
                one.ask()
            if one.armed and one.certain:
                self.known.add(token)

    def may_fail(self, data):
        return data["name"] == "LOOP_CLOSED" and self.client.is_leaving()

    def done(self, result):
        events = result["events"]
        check(len(events) <= self.most, "more than", self.most, "events:", events)
        check(events or self.timeout_ms is not None, "no event, without a timeout")
        if self.timeout_ms == 0 and len(events) < self.most:
            registrations = self.loop.registrations
            missing = {token for token in self.known if token in registrations and registrations[token].certain}
            check(missing <= {event["token"] for event in events}, "a poll does not tell of", missing, ":", events)
        self.loop.tell(events, self.client)


class OfToken(Request):
    def __init__(self, client, token, **params):
        super().__init__(client, token=token, **params)
        self.token = token

    def error(self):
        if self.token in self.loop.connecting:
            return "NOT_CONNECTED"
        return None if self.token in self.loop.registrations else "TOKEN_UNKNOWN"

    @property
    def registration(self):
        return self.loop.registrations[self.token]

    @property
    def stream(self):
        return self.registration.stream


class Reregister(OfToken):
    method = "reregister"

    def __init__(self, client, token, interests, mode):
        super().__init__(client, token, interests=interests, mode=mode)
        self.interests, self.mode = interests, mode

    def error(self):
        wrong = self.mode == "level" and self.loop.delivery != "poll"
        return super().error() or ("INVALID_PARAMS" if wrong else None)

    def done(self, result):
        one = self.registration
        one.interests = one.interests if self.interests is None else frozenset(self.interests)
        one.mode = self.mode or one.mode
        self.loop.end_lease(self.token)
        self.loop.arm(self.token)


class Deregister(OfToken):
    method = "deregister"

    def error(self):
        # While it was connecting, its register was answered first.
        return None if self.token in self.loop.cancelled else super().error()

    def carried_out(self):
        if self.loop:
            self.loop.connecting.discard(self.token)
        super().carried_out()

    def done(self, result):
        if self.token in self.loop.cancelled:
            self.loop.cancelled.remove(self.token)
        else:
            self.loop.remove(self.token).near_closed()


class Take(OfToken):
    method = "take"

    def __init__(self, client, token, keep=None):
        super().__init__(client, token, keep=keep)
        self.keep = keep

    def done(self, result):
        stream = self.keep_token() if self.keep else self.loop.remove(self.token)
        if result is None:
            if not self.keep:
                stream.near_closed()
            return
        check(result == {"token": self.token, "fd": True}, result)
        check(self.client.wire.descriptors, "a descriptor did not come with its line")
        descriptor = self.client.wire.descriptors.pop(0)
        if self.keep:
            os.close(descriptor)
        else:
            self.client.taken.append((descriptor, stream.owner))

    def keep_token(self):
        self.registration.interests = frozenset()
        self.loop.arm(self.token)
        return self.stream


class Read(OfToken):
    method = "read"
    is_certain = False

    def __init__(self, client, token, most, encoding, peek):
        super().__init__(client, token, max=most, encoding=encoding, peek=peek)
        self.most, self.peek = most, peek

    def done(self, result):
        data = result["data"]
        data = data.encode() if result["encoding"] == "utf8" else base64.b64decode(data)
        self.stream.was_read((data, result["bytes"], result["eof"], result.get("errno")), self.most, self.peek)


class Write(OfToken):
    method = "write"
    is_certain = False

    def __init__(self, client, token, data):
        super().__init__(client, token, data=data.decode())
        self.data = data

    def may_fail(self, data):
        return data["name"] == "IO_FAILED" and self.stream.may_fail("write", data["errno"])

    def done(self, result):
        self.written = result["bytes"]
        self.stream.was_written(self.data, self.written)


class Shutdown(OfToken):
    method = "shutdown"
    is_certain = False

    def __init__(self, client, token, how):
        super().__init__(client, token, how=how)
        self.how = how

    def may_fail(self, data):
        return data["name"] == "IO_FAILED" and self.stream.may_fail("shutdown", data["errno"])

    def done(self, result):
        self.stream.was_shut(self.how)


class List(Request):
    """Of all that is registered. Only where all has been told is it known what is armed still."""

    method = "list"

    def __init__(self, client, settled=False):
        super().__init__(client)
        self.settled = settled

    def done(self, result):
        if result is None:
            return
        check(result["loop"] == self.loop.name, result)
        listed = {one["token"]: one for one in result["registrations"]}
        check(list(listed) == sorted([*self.loop.registrations, *self.loop.connecting]), listed.keys())
        for token, one in self.loop.registrations.items():
            self.compare(one, listed[token])
        for token in self.loop.connecting:
            check(listed[token]["state"] == "connecting", listed[token])

    def compare(self, one, listed):
        check(set(listed["interests"]) == one.interests and listed["mode"] == one.mode, listed)
        check(set(listed["pending"]) <= one.possible, listed, "though only", one.possible, "can be true")
        if self.settled and not one.stream.full:
            check(listed["state"] == ("armed" if one.armed else "disarmed"), listed, "and armed is", one.armed)


class CloseLoop(Request):
    method = "close_loop"

    def done(self, result):
        client, loop = self.client, self.loop
        check(not client.waiting or result is None, "closed before what waits was answered")
        loop.close()
        client.loops.pop(loop.name, None)
        client.loop = loop.holder = None


class OpenLoop(Request):
    """Asked when all before it is answered, in the loop's other session too: what it meets is known beforehand."""

    method = "open_loop"
    needs_loop = False
    is_certain = False

    def __init__(self, client, name, delivery=None, takeover=None, linger_ms=None):
        super().__init__(client, name=name, delivery=delivery, takeover=takeover, linger_ms=linger_ms)
        self.name, self.delivery, self.takeover, self.linger_ms = name, delivery, takeover, linger_ms
        self.target = client.loops.get(name)
        self.failure = self.foresee()
        if not self.failure:
            self.part_from_holder()

    def foresee(self):
        if self.loop and self.loop.count():
            return "LOOP_OPEN"
        busy = self.target and self.target.holder not in (None, self.client)
        return "LOOP_BUSY" if busy and not self.takeover else None

    def part_from_holder(self):
        if self.target and self.target.holder not in (None, self.client):
            self.target.holder.lose_loop()

    def error(self):
        return self.failure

    def done(self, result):
        client, created = self.client, self.target is None
        loop = self.target or Loop(self.name)
        check(not client.waiting, "another loop was opened before what waits in this was answered")
        if self.loop is not loop:
            client.leave()
        loop.delivery = self.delivery or loop.delivery
        loop.linger_ms = loop.linger_ms if self.linger_ms is None else self.linger_ms
        wanted = {"loop": self.name, "created": created, "delivery": loop.delivery, "registrations": loop.count()}
        check(result == wanted, "opened", result, "not", wanted)
        loop.holder, client.loop = client, loop
        if loop.name:
            client.loops[loop.name] = loop
        for token in loop.registrations:
            loop.arm(token)


def close_descriptors(request):
    for descriptor in request.descriptors:
        os.close(descriptor)
