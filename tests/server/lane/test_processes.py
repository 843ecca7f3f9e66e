"""A lane under a supervisor: started by the first request, started again where it dies, ended when nobody needs it."""

import signal
import subprocess
import sys

import pytest
from tests.pace import HANGS_SECONDS

pytestmark = pytest.mark.slow  # real processes

PROGRAM = """
import asyncio, os, signal, sys, time
import uvloop
from statordb.model.request import Principal, Reply, Request
from statordb.server.hung import Watch
from statordb.server.heartbeat import Heartbeat
from statordb.server.lane import client
from statordb.server.lane.answering import Answering
from statordb.server.lane.client import LaneClient
from statordb.server.lane.counters import LaneTallies
from statordb.server.lane.door import Door
from statordb.server.roster import Roster
from statordb.server.supervisor import Child, Supervisor

roster, door, tallies = Roster(1, lanes=1), Door(), LaneTallies(1)
client.IDLE_SECONDS = {idle_seconds}

def say(line):
    os.write(1, line.encode() + b"\\n")

class Service:
    def handle(self, request):
        if request.body == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        if request.body == b"hang":
            sum(range(10**12))
        return Reply(200, str(os.getpid()).encode(), None)

def lane(link):
    say(f"lane {{os.getpid()}}")
    uvloop.run(answer(link))
    say("lane ends")
    return 0

async def answer(link):
    link.watch(asyncio.get_running_loop())
    Heartbeat(roster, 2).start()
    roster.ready(2, os.getpid())
    await Answering(door, lambda: False, linger_seconds=0.01).run(Service())

def worker(link):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    return uvloop.run(ask(link))

async def ask(link):
    link.watch(asyncio.get_running_loop())
    Heartbeat(roster, 0).start()
    roster.ready(0, os.getpid())
    link.ready()
    lanes = LaneClient([door], tallies.of_worker(0), time.monotonic)
    who = Principal("1", "2", "3", "4")
    for operation, body in {script}:
        reply = await lanes.submit(Request(operation, body, who, "ID"))
        say(f"{{reply.status}} {{reply.body.decode() if reply.status == 200 else reply.error}}")
    await asyncio.sleep(3600)

supervisor = Supervisor(roster, 0.3, lambda: None, lambda: None, Watch(roster, lane_hung_seconds={hung_seconds}))
sys.exit(supervisor.run([Child("worker", 0, worker), Child("lane", 2, lane, door.waiting)]))
"""


class Tree:
    """The program with a script of (operation, body).

    `idle_seconds`: after which a lane ends; `hung_seconds`: after which one is killed that does not go on, whatever
    keeps it from that.
    """

    def __init__(self, *script: tuple[str, bytes], idle_seconds: float = 3600, hung_seconds: float = 3600) -> None:
        program = PROGRAM.format(script=script, idle_seconds=idle_seconds, hung_seconds=hung_seconds)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def lanes(self) -> list[str]:
        """What it says up to the first line that is not of a lane's start, that one included."""
        lines = [self.line()]
        while lines[-1].startswith("lane"):
            lines.append(self.line())
        return lines


def test_the_first_request_starts_it_and_it_ends_when_it_is_not_needed() -> None:
    with Tree(("GetItem", b"a"), ("GetItem", b"b"), idle_seconds=0.5) as tree:
        started = tree.line().split()
        assert started[0] == "lane"
        assert [tree.line(), tree.line()] == [f"200 {started[1]}"] * 2
        assert tree.line() == "lane ends"
        tree.process.send_signal(signal.SIGTERM)
        assert tree.process.wait(HANGS_SECONDS) == 0


def test_it_is_started_again_where_a_request_killed_it() -> None:
    """The read kills two processes, the write one; then all is as before."""
    with Tree(("Scan", b"die"), ("PutItem", b"die"), ("GetItem", b"a")) as tree:
        first, second = tree.line(), tree.line()
        assert first != second
        assert tree.line() == "500 InternalServerError"
        third = tree.line()
        assert tree.line() == "500 InternalServerError"
        fourth = tree.line()
        assert len({first, second, third, fourth}) == 4
        assert tree.line() == f"200 {fourth.split()[1]}"


def test_one_that_hangs_is_killed() -> None:
    """One that only seems to hang, since the machine stutters, may be killed before it begins."""
    with Tree(("PutItem", b"hang"), ("GetItem", b"a"), hung_seconds=2) as tree:
        *hung, line = tree.lanes()
        assert hung
        assert line == "500 InternalServerError"
        *after, line = tree.lanes()
        assert after
        assert line == f"200 {after[-1].split()[1]}"


def test_it_ends_with_its_parent() -> None:
    with Tree(("GetItem", b"a")) as tree:
        assert tree.line().startswith("lane")
        assert tree.line().startswith("200")
        tree.process.kill()
        tree.process.wait()
        assert tree.line() == "", "nobody has the pipe open any more"
