# SPDX-License-Identifier: MIT
"""Requests of several sessions in a loop, where they are answered otherwise than those of an only one."""
import calls
from calls import Request, Waiting
from model import check
from roles import SharedLoop


class Shared:
    """A request about a token that another session may hold."""

    leased_is_error = True

    def error(self):
        error = super().error()
        leased = self.leased_is_error and self.loop.is_leased_to_another(self.token, self.client)
        return error or ("LEASED" if leased else None)


class Read(Shared, calls.Read):
    pass


class Write(Shared, calls.Write):
    pass


class Shutdown(Shared, calls.Shutdown):
    pass


class Take(Shared, calls.Take):
    def keep_token(self):
        one = self.registration
        if one.interests and self.token in self.loop.holders:
            self.loop.cleared[self.token] = one.interests
        return super().keep_token()


def mode_is_wrong(loop, mode):
    return mode in ("edge", "level") and bool(loop.workers())


class Reregister(Shared, calls.Reregister):
    @property
    def leased_is_error(self):
        return self.client.role == "worker"

    def error(self):
        error = super().error()
        wrong = mode_is_wrong(self.loop, self.mode) and error in (None, "LEASED")
        return "INVALID_PARAMS" if wrong else error


class Deregister(calls.Deregister):
    """Of a token that is connecting: those who wait for that are told first."""

    def begins(self):
        self.connecting = list(self.loop.connecting.get(self.token, ())) if self.loop else []
        for one in self.connecting:
            one.due = "CANCELLED"

    def error(self):
        check(all(one.answered or one.client is not self.client for one in self.connecting), "answered too early")
        return None if self.connecting else super().error()

    def done(self, result):
        if not self.connecting:
            self.loop.remove(self.token).near_closed()


class Adopt(calls.Adopt):
    def error(self):
        return "INVALID_PARAMS" if mode_is_wrong(self.loop, self.mode) else super().error()


class Connect(calls.Connect):
    """With `ensure` a token that is there stays, if its stream is alive."""

    def __init__(self, client, token, port, interests, mode, ensure):
        super().__init__(client, token, port, interests, mode)
        self.params["ensure"] = ensure
        self.ensure = ensure

    def error(self):
        loop, one = self.loop, self.loop.registrations.get(self.token)
        if mode_is_wrong(loop, self.mode):
            return "INVALID_PARAMS"
        if not self.ensure or not one or one.address != self.port.address:
            return "TOKEN_EXISTS" if loop.has(self.token) else None
        return "LEASED" if loop.is_leased_to_another(self.token, self.client) else None

    def done(self, result):
        one = self.loop.registrations.get(self.token)
        if one and "existing" in result:
            check(result["existing"] is True and not one.stream.has_surely_ended(), "the end of", self.token, "was seen")
            return
        check("existing" not in result, result)
        if one:
            check(one.stream.can_have_ended(), "connected anew, though", self.token, "is alive")
            self.loop.remove(self.token).near_closed()
        super().done(result)


class ConnectNowhere(Waiting):
    """By an address at which nobody answers. With `ensure` several wait for the same."""

    method = "register"
    due = None  # the error that it must meet now

    def __init__(self, client, token, hole, ensure):
        super().__init__(client, token=token, address=hole.address, timeout_ms=0, interests=["readable"], ensure=ensure)
        self.token, self.ensure = token, ensure

    def error(self):
        if self.ensure and self.token in self.loop.connecting:
            return None
        return "TOKEN_EXISTS" if self.loop.has(self.token) else None

    def begun(self):
        self.loop.connecting.setdefault(self.token, []).append(self)

    def may_fail(self, data):
        return data["name"] == self.due

    def refused(self):
        if self.due:
            self.loop.end_connect(self)

    def done(self, result):
        check(False, "connected to nowhere:", result)


class Poll(calls.Poll):
    due = None

    def error(self):
        return "WRONG_DELIVERY" if self.client.role == "guest" else super().error()

    def begun(self):
        """What is ready at the moment may be more than the session has leases for."""

    def may_fail(self, data):
        return data["name"] == self.due


class Cancel(Request):
    method = "cancel"
    needs_loop = False

    def __init__(self, client, request):
        super().__init__(client)
        self.request = request
        self.params = {"id": request.id if request else "none"}

    def begins(self):
        if self.request:
            self.request.due = "CANCELLED"

    def done(self, result):
        check(result == {"cancelled": self.request is not None}, result)
        check(not self.request or self.request.answered, "cancelled before that was said")


class List(calls.List):
    def compare(self, one, listed):
        loop, token = self.loop, listed["token"]
        check(set(listed["interests"]) == one.interests and listed["mode"] == one.mode, listed)
        check(listed.get("address") == one.address, listed, "and not", one.address)
        if not loop.is_open(token):
            check(listed.get("leased", False) == (token in loop.holders), listed, "and leased:", token in loop.holders)


class Loops(Request):
    method = "loops"
    needs_loop = False

    def done(self, result):
        loops = self.client.world.loops
        check([one["name"] for one in result["loops"]] == sorted(loops), result, "and not", sorted(loops))
        for one in result["loops"]:
            loop = loops[one["name"]]
            counts = (loop.owner is not None, len(loop.workers()), len(loop.members) - len(loop.consumers()))
            listed = (one.get("owner", one["attached"]), one.get("workers", 0), one.get("guests", 0))
            check(listed == counts and one["attached"] == bool(loop.consumers()), one, "and not", counts)
            check(one["registrations"] == loop.count() and one["linger_ms"] == loop.linger_ms, one)
            check(("owner" in one) == (counts[1:] != (0, 0)), one)


class CloseLoop(Request):
    """For all: the others are told."""

    method = "close_loop"

    def begins(self):
        if not self.loop:
            return
        others = [one for one in self.loop.members if one is not self.client]
        for one in self.loop.members:
            one.lose_calls()
        for one in others:
            one.put_out = "closed"
        self.others = others

    def told(self):
        """What the others read before it is answered."""
        for one in self.others if self.loop else ():
            one.pump(lambda one=one: not one.put_out)

    def done(self, result):
        client, loop = self.client, self.loop
        check(not client.calls(), "closed before what waits was answered")
        check(loop.members == [client], "others are in it still")
        loop.leave(client)
        loop.close()
        client.world.expired[loop.name] = None
        loop.world.loops.pop(loop.name, None)
        client.loop = None


class OpenLoop(Request):
    method = "open_loop"
    needs_loop = False
    due = failed = None

    def __init__(self, client, name, role="owner", **more):
        super().__init__(client, name=name, role=None if role == "owner" else role, **more)
        self.name, self.role = name, role
        self.failure = self.wrong = None
        self.rivals = []

    def given(self, name, default=None):
        return self.params.get(name, default)

    @property
    def target(self):
        return self.client.world.loops.get(self.name)

    # ---- Whether it may enter

    def is_inside(self):
        return self.loop is self.target and self.client.role != "guest"

    def in_the_way(self):
        """Those that a takeover puts out."""
        if not self.target or self.role == "guest" or (self.role == "worker" and not self.target.owner):
            return []
        return [one for one in self.target.consumers() if one is not self.client]

    def is_busy(self):
        if not self.target or self.given("takeover") or self.role == "guest":
            return False
        first = next((one for one in self.client.world.entering if one.name == self.name), None)
        return bool(self.in_the_way()) or (first not in (None, self) and not self.is_inside())

    def wrong_param(self):
        """Of those that are wrong whatever the loop is."""
        if self.role != "owner" and not self.name:
            return "name"
        if self.given("prefetch") and self.role != "worker":
            return "prefetch"
        if self.given("takeover") and self.role == "guest":
            return "takeover"
        return "create" if self.given("create") is False and not self.name else None

    def conflicting_param(self):
        """What others in the loop rely on."""
        loop = self.target
        if self.role == "worker" and any(one.mode != "oneshot" for one in loop.registrations.values()):
            return "role"
        stay = [one for one in loop.members if one not in (self.client, *self.in_the_way())]
        for name, mine in (("delivery", loop.delivery), ("linger_ms", loop.linger_ms)):
            if stay and self.given(name) not in (None, mine):
                return name
        return None

    def foresee(self):
        """The error that it meets when its turn has come."""
        if self.loop and self.client.role == "owner" and self.loop.count():
            return "LOOP_OPEN"
        if self.name and not self.target and self.given("create") is False:
            return "LOOP_UNKNOWN"
        if self.is_busy():
            return "LOOP_BUSY"
        self.wrong = self.target and self.conflicting_param()
        return "INVALID_PARAMS" if self.wrong else None

    # ---- Its course

    @property
    def waits(self):
        return self.client.waiting_open is self

    def reached(self):
        return True

    def begins(self):
        self.wrong = self.wrong_param()
        if self.wrong:
            self.failure = "INVALID_PARAMS"
        elif self.client.waiting_open:
            self.failure = "LOOP_BUSY"
        elif self.is_busy() and self.given("wait_ms"):
            self.client.waiting_open = self
            self.client.world.entering.append(self)
        else:
            self.turn_comes()

    def turn_comes(self):
        self.failure = self.foresee()
        if self.failure:
            return
        self.client.lose_calls()
        self.rivals = self.in_the_way()
        for one in self.rivals:
            one.lose_calls()
            one.put_out = "takeover"

    def told(self):
        for one in self.rivals:
            one.pump(lambda one=one: not one.put_out)

    def expected(self):
        return self.failure

    def may_fail(self, data):
        return data["name"] == self.due

    def answer(self, reply):
        if self.waits:
            self.client.waiting_open = None
        data = reply.get("error", {}).get("data", {})
        if data.get("name") == "INVALID_PARAMS":
            check(data["param"] == self.wrong, self, "met", data, "and not", self.wrong)
        if data.get("name") == "LOOP_UNKNOWN":
            remembered = self.client.world.expired.get(self.name, False)
            check(remembered is False or ("expired_ms" in data) == bool(remembered), self, data, remembered)
        super().answer(reply)

    def refused(self):
        if self.due and self in self.client.world.entering:
            self.client.world.entering.remove(self)

    def done(self, result):
        client, loop = self.client, self.target
        check(not client.calls(), "another loop was opened before what waits in this was answered")
        created = loop is None
        loop = loop or SharedLoop(client.world, self.name)
        if client.loop is loop:
            loop.leave(client)
        else:
            client.leave()
        loop.delivery = self.given("delivery", loop.delivery)
        loop.linger_ms = self.given("linger_ms", loop.linger_ms)
        wanted = {"loop": self.name, "created": created, "delivery": loop.delivery, "registrations": loop.count()}
        check(result == wanted, "opened", result, "not", wanted)
        if self.name:
            client.world.loops[self.name] = loop
        loop.enter(client, self.role, self.given("prefetch", 1))
