#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What looking up names must bear: names that are never answered, users who ask for too many, processes that end.

usage: tests/names/behaviour.py BUILD shares|processes|addresses|CASE"""

import os
import signal
import subprocess
import sys
import time
import traceback

import world
from world import A, AAAA, Machine, NameServers, Port, Session, await_true, fault_of, host_of, require

ONE, TWO, THREE = 1001, 1002, 1003  # users
NEVER = "options timeout:30 attempts:5\n"  # for longer than anything is waited for here
MOST_S = 0.05  # what one user's dead names may cost another
DEAD = {("*.dead.test", A): "drop", ("*.dead.test", AAAA): "drop"}
GOOD = {("good.test", A): ["10.1.1.1"]}
SLOW = {("slow.test", A): ["10.1.1.1"], ("slow.test", AAAA): []}
HELD = {question: "hold" for question in SLOW}  # until they are released


class World:
    """What a case has: a name server, and machines that ask it."""

    def __init__(self, build, number):
        self.build, self.port, self.servers = build, Port(), NameServers()
        self.server = f"127.1.0.{number + 1}"
        self.machines = []

    def serve(self, zone, delay_s=0.0):
        self.servers.serve(self.server, zone, delay_s)

    def machine(self, options=NEVER, resolv=None, **files):
        self.machines.append(Machine(self.build, resolv or self.resolv(options), **files))
        return self.machines[-1]

    def resolv(self, options=""):
        return f"nameserver {self.server}\n{options}"

    def target(self, host):
        return f"{host}:{self.port.number}"

    def register(self, session, host, token=1, timeout_ms=0):
        return session.call("register", token=token, address=self.target(host), timeout_ms=timeout_ms)

    def ask_dead(self, session, count, first=0):
        """The ids of requests that wait, whose names are asked for one after the other."""
        return [
            session.ask("register", token=first + i, address=self.target(f"{first + i}.dead.test"), timeout_ms=0)
            for i in range(count)
        ]


def require_found(reply, address="10.1.1.1"):
    require(host_of(reply) == address, "not", address, "but", reply)


def require_fault(reply, fault, reason=""):
    require(fault_of(reply) == fault and reason in str(reply), "not", fault, reason, "but", reply)


# ---- Shares --------------------------------------------------------------------------------------------------------


def two_thousand_dead_names_of_one_user_delay_no_other(w):
    w.serve(DEAD | GOOD)
    machine, quiet = w.machine().start("--limit", "sessions_uid=400"), w.machine().start()
    flood, beside, alone = Session(machine, ONE), Session(machine, TWO), Session(quiet, TWO)
    w.ask_dead(flood, 2000)
    await_true(lambda: len(machine.lookups()) == 16, lambda: machine.lookups())

    def time_of(session, token):
        began = time.monotonic()
        require_found(w.register(session, "good.test", token=token))
        return time.monotonic() - began

    # By turns, so that whatever else the machine does holds up both, and until it holds up neither.
    took = []
    for token in range(500):
        took.append((time_of(alone, token), time_of(beside, token)))
        best = [min(times) for times in zip(*took)]
        if token >= 20 and best[1] < best[0] + MOST_S:
            break
    print(f"alone {best[0] * 1000:.1f} ms, beside 2,000 dead names {best[1] * 1000:.1f} ms")
    require(best[1] < best[0] + MOST_S, "it was delayed")
    await_true(lambda: len(machine.lookups()) == 16, "not half of the processes are the flood's: ", machine.lookups)
    require(not flood.replies, "the flood was answered")
    flood.close()
    await_true(lambda: not machine.lookups(), "lookups go on for nobody: ", machine.lookups)


def a_third_user_has_a_process_at_once(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start("--limit", "lookups=4,lookups_uid=2")
    one, two, three = Session(machine, ONE), Session(machine, TWO), Session(machine, THREE)
    waiting = w.ask_dead(one, 3) + w.ask_dead(two, 3, 10)
    await_true(lambda: len(machine.lookups()) == 4, "the processes: ", machine.lookups)
    for i in range(5):
        require_found(w.register(three, "good.test", token=i))
    await_true(lambda: len(machine.lookups()) == 4, "what was given up is not taken up again: ", machine.lookups)
    require(not one.replies and not two.replies and len(waiting) == 6, "what was given up was answered")


def root_has_no_more_than_its_share(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start("--limit", "lookups=4,lookups_uid=2")
    root, other = Session(machine), Session(machine, TWO)
    w.ask_dead(root, 8)
    require_found(w.register(other, "good.test"))
    await_true(lambda: len(machine.lookups()) == 2, "the processes: ", machine.lookups)


def too_many_that_wait_are_refused(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start("--limit", "lookups=1,lookups_uid=1,lookups_waiting_uid=3")
    session = Session(machine, ONE)
    w.ask_dead(session, 4)
    for token in range(10, 12):
        reply = w.register(session, "another.test", token=token)
        require_fault(reply, "LIMIT_EXCEEDED")
        require(reply["error"]["data"]["limit"] == "lookups_waiting_uid", reply)
        require(reply["error"]["data"]["max"] == 3, reply)
    session.call("deregister", token=3)
    w.ask_dead(session, 1, 20)
    session.call("ping")
    require(len([reply for reply in session.replies.values() if fault_of(reply) != "CANCELLED"]) == 0, session.replies)


def a_cancelled_lookup_gives_its_place_back(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start("--limit", "lookups=2,lookups_uid=2")
    session = Session(machine)
    dead = w.ask_dead(session, 2)
    await_true(lambda: len(machine.lookups()) == 2, "the processes: ", machine.lookups)
    good = session.ask("register", token=9, address=w.target("good.test"), timeout_ms=0)
    session.call("deregister", token=0)
    require_fault(session.reply(dead[0]), "CANCELLED")
    require_found(session.reply(good))
    for i in range(100, 400):  # in a loop, and nothing piles up
        session.ask("register", token=i, address=w.target(f"{i}.dead.test"), timeout_ms=0)
        session.ask("deregister", token=i)
    session.call("ping")
    await_true(lambda: len(machine.lookups()) == 1, "the processes: ", machine.lookups)
    session.call("deregister", token=1)
    await_true(lambda: not machine.lookups(), "the processes: ", machine.lookups)


def a_timed_out_lookup_gives_its_place_back(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start("--limit", "lookups=1,lookups_uid=1")
    session = Session(machine)
    dead = session.ask("register", token=1, address=w.target("1.dead.test"), timeout_ms=300)
    good = session.ask("register", token=2, address=w.target("good.test"), timeout_ms=0)
    require_fault(session.reply(dead), "TIMED_OUT")
    require_found(session.reply(good))


def the_same_name_is_looked_up_once(w):
    w.serve(HELD)
    machine = w.machine().start()
    one, two = Session(machine, ONE), Session(machine, TWO)
    waiting = []
    for session in (one, two):
        for token in range(50):
            address = w.target("slow.test")
            waiting.append((session, session.ask("register", token=token, address=address, timeout_ms=0)))
    for token in range(25):
        one.call("deregister", token=token)
    two.call("ping")
    await_true(machine.lookups, "nothing is looked up")
    require(len(machine.lookups()) == 1, "the processes:", machine.lookups())
    w.servers.release(SLOW)
    for session, number in waiting[:25]:
        require_fault(session.reply(number), "CANCELLED")
    for session, number in waiting[25:]:
        require_found(session.reply(number))


def one_user_s_cancelling_leaves_another_s_lookup(w):
    w.serve(HELD)
    machine = w.machine().start()
    one, two = Session(machine, ONE), Session(machine, TWO)
    first = one.ask("register", token=1, address=w.target("slow.test"), timeout_ms=0)
    await_true(machine.lookups, "nothing is looked up")
    before = machine.lookups()
    second = two.ask("register", token=1, address=w.target("slow.test"), timeout_ms=0)
    two.call("ping")
    one.call("deregister", token=1)
    require_fault(one.reply(first), "CANCELLED")
    require(machine.lookups() == before, "it was given up")
    w.servers.release(SLOW)
    require_found(two.reply(second))


# ---- Processes -----------------------------------------------------------------------------------------------------


def a_lookup_that_crashes_is_told(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start()
    session = Session(machine)
    for number in (signal.SIGABRT, signal.SIGKILL):
        waiting = w.ask_dead(session, 1)
        await_true(machine.lookups, "nothing is looked up")
        os.kill(machine.lookups()[0], number)
        require_fault(session.reply(waiting[0]), "RESOLVE_FAILED", f"signal {number:d} ended the lookup")
    require_found(w.register(session, "good.test"))


def a_lookup_that_answers_rubbish_is_told(w):
    preload = os.path.join(os.path.realpath(w.build), "tests", "rubbish.so")
    options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    environment = {"LD_PRELOAD": preload, "ASAN_OPTIONS": options.lstrip(":")}
    machine = w.machine().start(environment=environment)
    session = Session(machine)
    for host in ("ends.test", "stops.test", "zeros.test", "long.test", "rubbish.test"):
        require_fault(w.register(session, host), "RESOLVE_FAILED", " ended ")
    session.call("ping")
    require(not machine.lookups(), "some are left")


def another_process_takes_over(w):
    w.serve(HELD)
    machine = w.machine().start()
    session = Session(machine)
    waiting = session.ask("register", token=1, address=w.target("slow.test"), timeout_ms=0)
    await_true(machine.lookups, "nothing is looked up")
    before, lookups = machine.helper(), machine.lookups()
    os.kill(before, signal.SIGKILL)
    await_true(lambda: machine.helper() not in (None, before) and machine.lookups(), "it is not looked up again")
    w.servers.release(SLOW)
    require_found(session.reply(waiting))
    require(machine.helper() not in (None, before), "it is the same process")
    await_true(lambda: all(world.state_of(pid) == "Z" for pid in lookups), "a lookup outlives the process")
    require("another one is started" in machine.log_text(), machine.log_text())


def a_name_that_ends_the_process_is_given_up(w):
    w.serve(DEAD)
    machine = w.machine().start()
    session = Session(machine)
    waiting = w.ask_dead(session, 1)
    killed = []
    for _ in range(2):
        await_true(lambda: machine.helper() not in [None, *killed] and machine.lookups(), "nothing is looked up")
        killed.append(machine.helper())
        os.kill(killed[-1], signal.SIGKILL)
    require_fault(session.reply(waiting[0]), "RESOLVE_FAILED", "has ended")


def lookups_have_nothing_of_the_daemon(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start()
    session = Session(machine)
    require_found(w.register(session, "good.test"))
    w.ask_dead(session, 1, 5)
    await_true(lambda: machine.lookups() and open_files(machine.lookups()[0]), "nothing is looked up")
    mine = open_files(machine.lookups()[0])
    require(mine[0].startswith("socket:") and mine[1] == "/dev/null", mine)
    theirs = open_files(machine.daemon.pid)
    shared = set(mine.values()) & set(theirs.values()) - {mine[1], mine[2]}
    require(not shared, "shared with the daemon:", shared)


def open_files(pid):
    try:
        folder = f"/proc/{pid}/fd"
        return {int(fd): os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}
    except OSError:
        return {}


def limit_processes(user, pid, count):
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    subprocess.run([*as_user, "prlimit", f"--pid={pid}", f"--nproc={count}:"], check=True)


def without_processes_it_is_told(w):
    w.serve(GOOD)
    machine = w.machine()
    user = 12345
    machine.belong_to(user)
    machine.start(wrapper=("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"))
    session = Session(machine)
    require_found(w.register(session, "good.test"))
    limit_processes(user, machine.helper(), 1)
    require_fault(w.register(session, "good.test", 2), "RESOLVE_FAILED", "no process for the lookup")
    limit_processes(user, machine.helper(), 1000)
    require_found(w.register(session, "good.test", 3))


def without_the_process_it_is_told(w):
    w.serve(GOOD)
    machine = w.machine()
    user = 12346
    machine.belong_to(user)
    machine.start(wrapper=("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"))
    session = Session(machine)
    limit_processes(user, machine.daemon.pid, 1)
    os.kill(machine.helper(), signal.SIGKILL)
    await_true(lambda: "no process can be started" in machine.log_text(), machine.log_text)
    require_fault(w.register(session, "good.test", 2), "RESOLVE_FAILED", "no process for the lookup")
    limit_processes(user, machine.daemon.pid, 1000)
    await_true(machine.helper, "no process is started again")
    require_found(w.register(session, "good.test", 3))


# ---- The end -------------------------------------------------------------------------------------------------------


def an_end_waits_for_no_lookup(w):
    w.serve(DEAD)
    machine = w.machine().start()
    session = Session(machine)
    w.ask_dead(session, 20)
    await_true(lambda: len(machine.lookups()) == 16, "the processes: ", machine.lookups)
    helper, lookups = machine.helper(), machine.lookups()
    machine.daemon.send_signal(signal.SIGTERM)
    while session.socket.recv(65536):
        pass
    require(machine.daemon.wait(world.PATIENCE_S) == 0, machine.log_text())
    await_true(lambda: all(world.state_of(pid) == "Z" for pid in [helper, *lookups]), "processes are left")


def a_killed_daemon_leaves_no_process(w):
    w.serve(DEAD)
    machine = w.machine().start()
    session = Session(machine)
    w.ask_dead(session, 20)
    await_true(lambda: len(machine.lookups()) == 16, "the processes: ", machine.lookups)
    helper, lookups = machine.helper(), machine.lookups()
    machine.daemon.kill()
    await_true(lambda: all(world.state_of(pid) == "Z" for pid in [helper, *lookups]), "processes are left")


def another_binary_waits_for_no_lookup(w):
    w.serve(DEAD | GOOD)
    machine = w.machine().start()
    session = Session(machine)
    w.ask_dead(session, 20)
    await_true(lambda: len(machine.lookups()) == 16, "the processes: ", machine.lookups)
    helper, lookups = machine.helper(), machine.lookups()
    machine.daemon.send_signal(signal.SIGUSR2)
    while session.socket.recv(65536):
        pass
    await_true(lambda: machine.log_text().count("listening on ") == 2, machine.log_text)
    await_true(lambda: all(world.state_of(pid) == "Z" for pid in [helper, *lookups]), "processes are left")
    require_found(w.register(Session(machine), "good.test"))
    require(len(world.children(machine.daemon.pid)) <= 2, "children:", world.children(machine.daemon.pid))


# ---- What is found -------------------------------------------------------------------------------------------------


def is_before_getent(w, machine, name, expected):
    """Both commands have an answer before getaddrinfo has one, which waits for 15 seconds."""
    system = subprocess.Popen(machine.command("getent", "ahosts", name), stdout=subprocess.DEVNULL)
    before = len(w.port.accepted)
    require_found(w.register(Session(machine), name), expected)
    waited = machine.run(f"{machine.build}/minimioctl", "wait", w.target(name))
    require(waited.returncode == 0, "wait:", waited.stderr)
    await_true(lambda: len(w.port.accepted) > before + 1, "nothing was connected to")
    require(w.port.accepted[before:] == [expected] * 2, "connected to", w.port.accepted[before:])
    require(system.poll() is None, "getent was as quick")
    system.kill()
    system.wait()


def a_family_that_is_never_answered_is_not_waited_for(w):
    w.serve({("db.test", A): ["10.1.1.1"], ("db.test", AAAA): "drop"})
    is_before_getent(w, w.machine(options="").start(), "db.test", "10.1.1.1")


def no_wildcard_is_preferred_to_the_name_itself(w):
    zone = {("db.test", A): ["10.1.1.1"], ("db.test", AAAA): "drop", ("*.corp.test", AAAA): ["fd01::7"]}
    w.serve(zone | {("*.corp.test", A): ["10.1.1.7"]})
    is_before_getent(w, w.machine("search corp.test\n").start(), "db.test", "10.1.1.1")


def a_search_list_is_gone_through_in_a_hurry_too(w):
    zone = {("db.b.test", A): ["10.1.1.2"], ("db.b.test", AAAA): "drop", ("db", A): ["10.1.1.1"]}
    w.serve(zone)
    is_before_getent(w, w.machine("search a.test b.test c.test\n").start(), "db", "10.1.1.2")


def a_late_answer_is_waited_for_where_a_wildcard_would_be_wrong(w):
    """The full name that comes first has an address of IPv6 alone, whose answer is later than a hurried lookup waits."""
    zone = {("db.test", AAAA): ["fd01::1"], ("db.test", A): []}
    w.serve(zone | {("*.corp.test", A): ["10.1.1.7"], ("*.corp.test", AAAA): ["fd01::7"]}, delay_s=2.5)
    machine = w.machine("search corp.test\n").start()
    require_found(w.register(Session(machine), "db.test"), "fd01::1")


def all_of_many_addresses_are_tried(w):
    hosts = "".join(f"10.9.9.{i} many\n" for i in range(1, 41)) + "10.1.1.1 many\n"
    machine = w.machine(hosts=hosts).start()
    require_found(w.register(Session(machine), "many"))
    require(machine.run(f"{machine.build}/minimioctl", "wait", w.target("many")).returncode == 0, "wait")


def a_link_local_name_server_is_asked(w):
    for words in ("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up"):
        subprocess.run(["ip", *words.split()], check=True)
    subprocess.run(["ip", "-6", "addr", "add", "fe80::53/64", "dev", "v0", "nodad"], check=True)
    w.servers.serve("fe80::53%v0", GOOD)
    require_found(w.register(Session(w.machine(resolv="nameserver fe80::53%v0\n").start()), "good.test"))


def changes_of_the_system_s_files_hold_at_once(w):
    w.serve(GOOD)
    machine = w.machine(resolv="nameserver 127.1.1.1\noptions timeout:1 attempts:1\n").start()
    session = Session(machine)
    require_fault(w.register(session, "good.test"), "RESOLVE_FAILED", "good.test")
    machine.write("resolv", w.resolv())
    require_found(w.register(session, "good.test", 1))
    machine.write("hosts", "10.1.1.2 good.test\n")
    require_found(w.register(session, "good.test", 2), "10.1.1.2")
    machine.write("nsswitch", "hosts: dns\n")
    require_found(w.register(session, "good.test", 3))


def a_system_file_that_is_a_pipe_holds_up_its_lookups_alone(w):
    machine = w.machine()
    os.unlink(os.path.join(machine.folder, "hosts"))
    os.mkfifo(os.path.join(machine.folder, "hosts"))
    machine.start()
    session = Session(machine)
    waiting = session.ask("register", token=1, address=w.target("somewhere.test"), timeout_ms=300)
    session.call("ping")
    require_fault(session.reply(waiting), "TIMED_OUT")
    require(machine.stop()[0] == 0, machine.log_text())


GROUPS = {"shares": [], "processes": [], "addresses": []}


def sort_cases():
    """As they stand here, in groups that begin with these."""
    begins = {
        two_thousand_dead_names_of_one_user_delay_no_other: "shares",
        a_lookup_that_crashes_is_told: "processes",
        a_family_that_is_never_answered_is_not_waited_for: "addresses",
    }
    group = None
    for case in list(globals().values()):
        if getattr(case, "__code__", None) and case.__code__.co_varnames[:1] == ("w",) and case.__code__.co_argcount == 1:
            group = begins.get(case, group)
            GROUPS[group].append(case)


def is_passed(build, number, case):
    w = World(build, number)
    try:
        case(w)
        print(f"ok {case.__name__}")
        return True
    except Exception:
        print(f"not ok {case.__name__}: {traceback.format_exc()}")
        return False
    finally:
        for machine in w.machines:
            machine.close()


def main():
    world.enter()
    sort_cases()
    build, wanted = sys.argv[1:]
    cases = GROUPS.get(wanted) or [globals()[wanted]]
    passed = [is_passed(build, number, case) for number, case in enumerate(cases)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
