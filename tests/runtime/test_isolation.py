"""Functions that run as users of their own: what they are, and what they can't see, do or leave behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pace import HANGS_SECONDS, until
from tests.runtime.pools import alive, call, package, packaged, run

from statordb.launcher import cgroups, rights
from statordb.launcher.cgroups import Cgroups
from statordb.launcher.confining import has_landlock
from statordb.launcher.places import CLIENTS, barred
from statordb.launcher.users import Users
from statordb.runtime import leftovers
from statordb.runtime.containment import Shared
from statordb.runtime.launched import Launched
from statordb.runtime.launching import Launcher, Own
from statordb.runtime.pool import Pool
from statordb.runtime.process import CONFINING

FIRST = 200_000_000 + os.getpid() * 10  # other runs of these tests have users of their own
RUN = """
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
export const handler = async (event) => {
  if (event.run) return spawnSync("/bin/sh", ["-c", event.run], { env: event.env ?? process.env }).stdout.toString();
  if (event.read) {
    try { return readFileSync(event.read).toString(); } catch (fault) { return fault.code; }
  }
  if (event.list) {
    try { return readdirSync(event.list); } catch (fault) { return fault.code; }
  }
  return { root: process.env.LAMBDA_TASK_ROOT, home: process.env.HOME, pid: process.pid };
};
"""
CODE = package({"app.mjs": RUN})
NODE = shutil.which("node")

can_isolate = pytest.mark.skipif(
    sys.platform != "linux"
    or bool(rights.missing(Path("/proc/self/status").read_text()))
    or NODE is None
    or barred(Path(NODE)) is not None
    or barred(CLIENTS) is not None,
    reason="this user can't become another one, or other users can't get to Node.js and its client",
)
needs_groups = pytest.mark.skipif(Cgroups.find() is None, reason="this user can make no control groups")


def isolated(story: Any) -> None:
    """With a launcher of its own, for a server that is root."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o711)
        own = Own.start(Users(FIRST, FIRST + 3), os.geteuid())
        own.configure(Path(place), [])
        try:
            run(story, (CODE,), directory=Path(place), contained=lambda: Launched(Launcher(own)))
        finally:
            own.close()


def node(account: str = "000000000000") -> Any:
    return packaged(CODE, kind="node", account=account)


@can_isolate
def test_each_account_has_a_user_of_its_own() -> None:
    async def story(pool: Pool) -> None:
        one, two = node("111111111111"), node("222222222222")
        assert await call(pool, one, {"run": "id -u; id -G"}) == f"{FIRST}\n{FIRST}\n"
        assert await call(pool, two, {"run": "id -u; id -G"}) == f"{FIRST + 1}\n{FIRST + 1}\n"
        assert await call(pool, one, {"run": "id -u"}) == f"{FIRST}\n"
        status = await call(pool, one, {"read": "/proc/self/status"})
        assert "NoNewPrivs:\t1" in status
        assert "CapEff:\t0000000000000000" in status

    isolated(story)


@can_isolate
def test_a_function_has_its_files_and_nobody_elses() -> None:
    """It reads its code and writes to its directory; what others have it can't read, list or change."""

    async def story(pool: Pool) -> None:
        one, two = node("111111111111"), node("222222222222")
        theirs = await call(pool, two, {})
        own = await call(pool, one, {})
        assert await call(pool, one, {"run": "echo mine > $HOME/file && cat $HOME/file"}) == "mine\n"
        assert await call(pool, one, {"read": f"{own['root']}/app.mjs"}) == RUN
        assert await call(pool, one, {"run": f"echo x > {own['root']}/app.mjs || echo no"}) == "no\n"
        for place in (theirs["root"], theirs["home"], Path(own["home"]).parent, Path(own["root"]).parent):
            assert await call(pool, one, {"list": str(place)}) == "EACCES"
        assert await call(pool, one, {"read": f"{theirs['root']}/app.mjs"}) == "EACCES"

    isolated(story)


@can_isolate
def test_a_function_sees_nothing_of_the_server() -> None:
    async def story(pool: Pool) -> None:
        server = os.getpid()
        for name in ("environ", "mem", "maps"):
            assert await call(pool, node(), {"read": f"/proc/{server}/{name}"}) == "EACCES"
        assert await call(pool, node(), {"run": f"kill -0 {server} || echo no"}) == "no\n"

    isolated(story)


@can_isolate
@pytest.mark.skipif(sys.platform != "linux" or not has_landlock(), reason="the kernel has no Landlock")
def test_what_is_open_to_all_users_is_not_open_to_functions() -> None:
    """Such as a file that somebody left readable in a directory for all."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        Path(place, "file").write_text("for all users")

        async def story(pool: Pool) -> None:
            assert await call(pool, node(), {"read": f"{place}/file"}) == "EACCES"
            assert await call(pool, node(), {"read": f"/proc/{os.getpid()}/cmdline"}) == "EACCES"

        isolated(story)


# It leaves its parent, session and environment behind, and tells its number.
ESCAPE = "(setsid sh -c 'exec env -i /bin/sh -c \"echo \\$\\$ > {told}; exec sleep 600\"' >/dev/null 2>&1 &)"


@pytest.fixture
def told() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place, "told")


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
@needs_groups
def test_what_gets_away_ends_with_its_instance(told: Path) -> None:
    """A child in a session of its own, whose parent has ended, and with nothing in its environment: nothing was left
    of it by which it could be known for the function's."""
    found: list[int] = []

    async def story(pool: Pool) -> None:
        await call(pool, node(), {"run": ESCAPE.format(told=told)})
        until(lambda: told.exists() and told.read_text().strip() != "", "it has told its number")
        found.append(int(told.read_text()))
        assert alive(found[0])

    run(story, (CODE,), containment=Shared(Cgroups.find()))
    assert not alive(found[0])


@needs_groups
def test_a_group_is_bounded_and_ends_with_all_that_is_in_it() -> None:
    groups = Cgroups.find()
    assert groups is not None
    made = groups.make(f"test-{os.getpid()}", 1 << 27)
    words = [sys.executable, "-I", "-S", str(CONFINING), str(os.getpid()), str(made)]
    child = subprocess.Popen([*words, "/bin/sh", "-c", "sleep 600 & exec sleep 600"], start_new_session=True)
    until(lambda: len((made / "cgroup.procs").read_text().split()) == 2, "both are in the group")
    cgroups.end(made)
    assert child.wait(HANGS_SECONDS) == -signal.SIGKILL
    assert not made.exists()
    cgroups.end(made)  # which is no error


@needs_groups
def test_what_a_killed_servers_function_left_is_ended_by_its_group(tmp_path: Path) -> None:
    """It has neither the session nor the environment of the instance: only the group tells whose it is."""
    groups = Cgroups.find()
    assert groups is not None
    home = leftovers.new_home(tmp_path / leftovers.HOMES)
    made = groups.make(home.name, 1 << 27)
    words = [sys.executable, "-I", "-S", str(CONFINING), str(os.getpid()), str(made)]
    left = subprocess.Popen([*words, shutil.which("env") or "env", "-i", "sleep", "600"], start_new_session=True)
    until(lambda: (made / "cgroup.procs").read_text() != "", "it is in its group")
    leftovers.note(home, 1, made)  # the first process of the instance has long ended
    leftovers.clear_all(tmp_path)
    assert left.wait(HANGS_SECONDS) == -signal.SIGKILL
    assert not made.exists()


def test_empty_groups_of_killed_servers_are_taken_away_after_a_while(tmp_path: Path) -> None:
    for name in ("old", "new", "used"):
        (tmp_path / name).mkdir()
    (tmp_path / "used/process").mkdir()  # a directory that is not empty can't be removed, as a group with processes
    for name in ("old", "used"):
        os.utime(tmp_path / name, (1.0, 1.0))
    cgroups._sweep(tmp_path, 2.0)
    assert sorted(os.listdir(tmp_path)) == ["new", "used"]


def test_the_own_group_is_found_below_its_mount(tmp_path: Path) -> None:
    mounts, own = tmp_path / "mountinfo", tmp_path / "cgroup"
    group = tmp_path / "system.slice/statordb.service"
    group.mkdir(parents=True)
    own.write_text("4:memory:/elsewhere\n0::/system.slice/statordb.service\n")
    mounts.write_text(f"30 24 0:26 / {tmp_path} rw,nosuid shared:9 - cgroup2 cgroup2 rw\n")
    assert Cgroups.find(mounts, own) is None  # for there is nothing to end a group by
    (group / "statordb-functions/cgroup.kill").touch()
    assert Cgroups.find(mounts, own) is not None
    mounts.write_text("30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n")
    assert Cgroups.find(mounts, own) is None


STRAYS = """
import os, subprocess, sys, time
from statordb.runtime.strays import Strays
strays = Strays()
own = subprocess.Popen(["sleep", "600"])
known = subprocess.Popen(["sleep", "600"], start_new_session=True)
strays.known.add(known.pid)
marked = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!"], env={"NAME": "mark", "PATH": os.environ["PATH"]},
                          start_new_session=True, stdout=subprocess.PIPE)
strays.known.add(marked.pid)
kept = int(marked.stdout.readline())
marked.wait()
strays.known.discard(marked.pid)
away = subprocess.Popen(["sh", "-c", "env -i sleep 600 & echo $!"], start_new_session=True, stdout=subprocess.PIPE)
strays.known.add(away.pid)
gone = int(away.stdout.readline())
away.wait()
strays.known.discard(away.pid)
def lives(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
while lives(gone):
    strays.end({"mark"})
print(lives(own.pid), lives(known.pid), lives(kept))
own.kill()
strays.known.clear()
while lives(kept) or lives(known.pid):
    strays.end(set())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there orphans can be had")
def test_without_groups_an_orphan_that_is_nobodys_is_ended() -> None:
    """What is the server's, by its session, or an instance's, by its number, session or environment, is let be."""
    done = subprocess.run([sys.executable, "-c", STRAYS], capture_output=True, text=True, timeout=HANGS_SECONDS)
    assert done.stdout == "True True True\n", done.stderr
