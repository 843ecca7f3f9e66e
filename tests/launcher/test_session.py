"""A launcher, asked by a server that has been taken over: what it does, and what nobody gets it to do."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.living import living
from tests.pace import HANGS_SECONDS, until

from statordb.launcher import measuring, rights
from statordb.launcher.cgroups import Cgroups
from statordb.launcher.requests import MESSAGE_BYTES_MAX
from statordb.launcher.users import Users
from statordb.runtime.launching import Own

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or bool(rights.missing(Path("/proc/self/status").read_text())),
    reason="this user can't become another one",
)
FIRST = 100_000_000 + os.getpid() * 10  # other runs of these tests have users of their own
USERS = Users(FIRST, FIRST + 4)
SERVER = FIRST + 9  # who asks
ACCOUNT, OTHER = "a" * 64, "b" * 64
PACKAGE = "c" * 64
SEES = "#!/bin/sh\nfor each in /proc/$$/fd/*; do printf '%s ' ${each##*/}; done; env | sort | tr '\\n' ' '; "
SEES += "id -u; pwd; umask\n"
SLEEPERS = 3  # programs that STAYS has running
STAYS = "#!/bin/sh\nsetsid sh -c 'env -i sleep 600 & sleep 600' & echo up; mkdir -m 0 $HOME/d; exec sleep 600\n"


class Asker:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.setblocking(True)
        connection.settimeout(HANGS_SECONDS)
        self._number = 0

    def send(self, ask: str, home: str, descriptors: list[int], **fields: Any) -> None:
        self._number += 1
        message = {"id": self._number, "ask": ask, "home": home, **fields}
        socket.send_fds(self.connection, [json.dumps(message).encode()], descriptors)

    def hear(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.connection.recv(MESSAGE_BYTES_MAX) or b"null")
        return told

    def ask(self, ask: str, home: str, **fields: Any) -> dict[str, Any]:
        self.send(ask, home, [], **fields)
        return self.hear()

    def take(self, home: str, account: str = ACCOUNT, code: str | None = PACKAGE, directory: str | None = None) -> Any:
        return self.ask("take", home, account=account, code=code, directory=directory, memory_mb=128)

    def start(self, home: str, script: str = "", place: "Place | None" = None) -> tuple[dict[str, Any], int]:
        """The answer, and what reads what the process prints."""
        if place is not None:
            place.bootstrap(script)
        reading, writing = os.pipe()
        self.send("start", home, [writing], kind="bootstrap", handler="", environment={"HOME": f"{place}/{home}"})
        os.close(writing)
        return self.hear(), reading


class Place:
    """The server's directory of functions."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp())
        self.path.chmod(0o711)
        for name in ("instances", "code", "code/" + PACKAGE):
            self.make(self.path / name, 0o711)

    def __str__(self) -> str:
        return str(self.path / "instances")

    def make(self, path: Path, mode: int = 0o700) -> Path:
        path.mkdir()
        path.chmod(mode)
        os.chown(path, SERVER, SERVER)
        return path

    def home(self, name: str) -> str:
        home = name + uuid.uuid4().hex[1:]  # a control group of that name is left where a test is killed
        self.make(self.path / "instances" / home)
        return home

    def bootstrap(self, script: str) -> None:
        file = self.path / "code" / PACKAGE / "bootstrap"
        file.write_text(script)
        file.chmod(0o755)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    shutil.rmtree(made.path)


@pytest.fixture
def own(place: Place) -> Iterator[Own]:
    """A launcher for a server of another user: who asks makes its connections as that user."""
    started = Own.start(USERS, SERVER)
    started.configure(place.path, [str(place.path / "allowed")])
    yield started
    started.close()


def connect(own: Own, user: int = SERVER) -> Asker:
    """A connection that a process of that user has made. A pair's ends are those of who made it."""
    os.seteuid(user)
    try:
        return Asker(own.connect())
    finally:
        os.seteuid(0)


def processes(name: str = "") -> set[int]:
    """The living processes of functions' users; `name`: only those of a program."""
    return living(USERS, name)


def launcher_of(own: Own) -> int:
    """The number of its process, the only such child of this one."""
    told = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    (found,) = (
        int(pid)
        for pid in told
        if b"statordb.launcher" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    )
    return found


def read_all(descriptor: int) -> str:
    with os.fdopen(descriptor) as file:
        return file.read()


def test_a_process_has_nothing_but_what_it_was_given(own: Own, place: Place) -> None:
    """No descriptor beside its output, no variable, no other group; its package is its group's to read."""
    asker, home = connect(own), place.home("1")
    assert asker.take(home) == {"id": 1, "user": USERS.first}
    assert (place.path / "instances" / home).stat().st_uid == USERS.first
    assert (place.path / "code" / PACKAGE).stat().st_gid == USERS.first
    told, output = asker.start(home, SEES, place)
    assert told["id"] == 2
    assert asker.hear() == {"ended": home, "code": 0}
    descriptors, _, rest = read_all(output).partition(" HOME=")
    assert sorted(map(int, descriptors.split())) == [0, 1, 2, 3, 10]  # the last ones are the shell's own
    assert rest.split()[1:] == [
        f"PWD={place.path}/code/{PACKAGE}",
        str(USERS.first),
        f"{place.path}/code/{PACKAGE}",
        "0022",
    ]
    assert asker.ask("clear", home) == {"id": 3}
    assert (place.path / "instances" / home).stat().st_uid == SERVER
    assert (
        place.path / "code" / PACKAGE
    ).stat().st_gid == USERS.killer  # which nobody is: another account gets the user


def test_what_a_process_has_started_ends_with_it(own: Own, place: Place) -> None:
    """In a session of its own, with nothing in its environment, and a directory that not even its owner gets into."""
    asker, home, beside = connect(own), place.home("1"), place.home("2")
    asker.take(home)
    asker.take(beside, OTHER)
    _, output = asker.start(home, STAYS, place)
    _, untouched = asker.start(beside, STAYS, place)
    until(lambda: len(processes("sleep")) == 2 * SLEEPERS, "all are there")
    assert asker.ask("clear", home)["id"] == 5
    assert len(processes("sleep")) == SLEEPERS
    assert os.listdir(place.path / "instances" / home) == []
    asker.connection.close()  # as when the server is killed
    until(lambda: not processes(), "nothing is left")
    until(lambda: (place.path / "instances" / beside).stat().st_uid == SERVER, "its directory is given back")
    for descriptor in (output, untouched):
        os.close(descriptor)


def test_a_server_that_is_gone_takes_all_with_it(own: Own, place: Place) -> None:
    asker, home = connect(own), place.home("1")
    asker.take(home)
    _, output = asker.start(home, STAYS, place)
    until(lambda: len(processes("sleep")) == SLEEPERS, "all are there")
    own.close()
    asker.connection.close()
    until(lambda: not processes(), "nothing is left")
    os.close(output)


def test_what_a_killed_launcher_left_is_ended_by_the_next(own: Own, place: Place) -> None:
    asker, home = connect(own), place.home("1")
    asker.take(home)
    _, output = asker.start(home, STAYS, place)
    until(lambda: len(processes("sleep")) == SLEEPERS, "all are there")
    launcher = launcher_of(own)
    os.kill(launcher, 9)
    os.waitpid(launcher, 0)
    until(lambda: len(processes("sleep")) == SLEEPERS - 1, "the process itself has ended with it")
    after = Own.start(USERS, SERVER)
    after.configure(place.path, [])
    until(lambda: not processes(), "nothing is left")
    assert connect(after).ask("clear", home) == {"id": 1}
    assert os.listdir(place.path / "instances" / home) == []
    assert (place.path / "instances" / home).stat().st_uid == SERVER
    groups = Cgroups.find()
    assert groups is None or not groups.of(home).exists()
    after.close()
    os.close(output)


def test_memory_that_was_shared_goes_with_the_last_process(own: Own, place: Place) -> None:
    """Segments of System V outlive who made them, and would fill the machine's memory."""
    if shutil.which("ipcmk") is None:
        pytest.skip("there is no ipcmk")
    asker, home = connect(own), place.home("1")
    asker.take(home)
    _, output = asker.start(home, "#!/bin/sh\nipcmk -M 4096 -Q -S 1\n", place)
    assert asker.hear()["ended"] == home
    assert read_all(output).count("id:") == 3

    def left() -> int:
        kinds = (Path("/proc/sysvipc", kind).read_text() for kind in ("shm", "msg", "sem"))
        return sum(line.split().count(str(USERS.first)) > 0 for kind in kinds for line in kind.splitlines())

    assert left() == 3
    asker.ask("clear", home)
    assert left() == 0


FILLS = """#!/bin/sh
cd $HOME
head -c 1000000 /dev/zero > in
mkdir -p closed/deeper && head -c 1000000 /dev/zero > closed/deeper/in && chmod 0 closed/deeper && chmod 400 closed
exec 9> gone; head -c 1000000 /dev/zero >&9; rm gone
ln in again; ln -s /usr out
echo up; exec sleep 600
"""


def test_files_are_measured_wherever_they_are_hidden(own: Own, place: Place) -> None:
    """In directories that are closed, and in none; each once. Links lead nowhere."""
    asker, home = connect(own), place.home("1")
    asker.take(home)
    told, output = asker.start(home, FILLS, place)
    assert os.read(output, 3) == b"up\n"
    files = asker.ask("measure", home, pids=[told["pid"]])
    assert 3_000_000 <= files["files"] < 3_200_000
    assert 0 < files["memory"] < 10_000_000
    os.close(output)


def test_too_many_files_count_as_too_much(own: Own, place: Place) -> None:
    """And are taken away all the same, though no path is as long as this."""
    asker, home = connect(own), place.home("1")
    asker.take(home)
    pid = os.fork()
    if pid == 0:
        os.seteuid(USERS.first)
        os.chdir(place.path / "instances" / home)
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert asker.ask("measure", home, pids=[])["files"] > measuring.FILES_BYTES_MAX
    assert "refused" not in asker.ask("clear", home)
    assert os.listdir(place.path / "instances" / home) == []


def test_what_could_not_be_cleaned_stays_its_users(own: Own, place: Place) -> None:
    """The next launcher knows by that whose it is, and cleans it then."""
    asker, home = connect(own), place.home("1")
    asker.take(home)
    directory = place.path / "instances" / home
    (directory / "roots").mkdir()  # which the user can't empty
    (directory / "roots" / "file").touch()
    assert asker.ask("clear", home)["refused"] == "Files are left."
    assert directory.stat().st_uid == USERS.first
    shutil.rmtree(directory / "roots")
    assert asker.ask("clear", home) == {"id": 3}
    assert directory.stat().st_uid == SERVER


def test_only_its_own_processes_are_measured(own: Own, place: Place) -> None:
    asker, home = connect(own), place.home("1")
    asker.take(home)
    assert asker.ask("measure", home, pids=[os.getpid(), 1])["memory"] == 0
    assert "refused" in asker.ask("measure", "0" * 32, pids=[])


def test_nothing_is_given_away_that_is_not_the_servers(own: Own, place: Place) -> None:
    asker = connect(own)
    homes = place.path / "instances"
    (homes / ("1" * 32)).mkdir()  # root's
    (homes / ("2" * 32)).symlink_to("/etc")
    (homes / ("3" * 32)).write_text("a file")
    for name in "1234":
        assert "refused" in asker.take(name * 32), name
    assert (homes / ("1" * 32)).stat().st_uid == 0
    assert Path("/etc").stat().st_uid == 0
    home = place.home("5")
    (place.path / "code" / ("d" * 64)).symlink_to("/root")
    (place.path / "code" / ("e" * 64)).mkdir()
    for code in ("d" * 64, "e" * 64, "f" * 64):
        assert "refused" in asker.take(home, code=code), code
    assert (homes / home).stat().st_uid == SERVER
    assert asker.ask("clear", "1" * 32) == {"id": 8}  # of nobody whom functions run as: left as it is
    assert (homes / ("1" * 32)).exists()


def test_code_is_run_only_from_the_places_that_are_named(own: Own, place: Place) -> None:
    asker, home = connect(own), place.home("1")
    allowed = place.make(place.path / "allowed", 0o755)
    place.make(allowed / "code", 0o755)
    place.make(place.path / "allowed2", 0o755)
    (allowed / "out").symlink_to("/etc")
    for directory in (
        "/etc",
        "/",
        str(allowed / "out"),
        f"{allowed}/../allowed2",
        str(place.path / "allowed2"),
        "/none",
    ):
        assert "refused" in asker.take(home, code=None, directory=directory), directory
    assert "user" in asker.take(home, code=None, directory=str(allowed / "code"))


def test_a_process_begins_once_and_prints_to_a_pipe(own: Own, place: Place) -> None:
    asker, home = connect(own), place.home("1")
    place.bootstrap("#!/bin/sh\n")
    given = {"kind": "bootstrap", "handler": "", "environment": {}}
    assert "refused" in asker.ask("start", home, **given)  # not taken
    asker.take(home)
    assert "refused" in asker.take(home)
    assert "refused" in asker.ask("start", home, **given)
    for path in ("/etc/passwd", "/dev/null", "."):
        opened = os.open(path, os.O_RDONLY)
        asker.send("start", home, [opened], **given)
        os.close(opened)
        assert "refused" in asker.hear(), path
    told, output = asker.start(home)
    assert told["pid"] > 1
    os.close(output)
    assert asker.hear() == {"ended": home, "code": 0}
    told, output = asker.start(home)
    assert "refused" in told
    os.close(output)


def test_more_accounts_than_users_are_refused(own: Own, place: Place) -> None:
    asker = connect(own)
    users = [asker.take(place.home(name), name * 64).get("user") for name in "1234"]
    assert users == [USERS.first, USERS.first + 1, USERS.first + 2, None]


def test_another_users_process_is_not_heard(own: Own, place: Place) -> None:
    for user in (0, 65534, USERS.first):
        assert connect(own, user).hear() is None
    assert "user" in connect(own).take(place.home("1"))


def test_one_server_at_a_time(own: Own, place: Place) -> None:
    first = connect(own)
    first.take(place.home("1"))
    assert connect(own).hear() is None
    first.connection.close()
    assert "user" in connect(own).take(place.home("2"))


def test_nonsense_is_refused_and_does_no_harm(own: Own, place: Place) -> None:
    asker = connect(own)
    for message in (b"{", b"\0" * MESSAGE_BYTES_MAX, os.urandom(1000), b'{"id": 1, "ask": "clear", "home": "/etc"}'):
        asker.connection.send(message)
        assert "refused" in asker.hear()
    asker.connection.send(b'{"id": 9, "ask": "signal", "home": "%s", "number": 9}' % (b"1" * 32))
    assert asker.hear()["refused"] == "There is no such process."


def test_who_does_not_read_is_let_go(own: Own, place: Place) -> None:
    asker = connect(own)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while asker.connection.send(b"{"):
            pass
    assert "user" in connect(own).take(place.home("1"))


def test_it_keeps_no_right_that_it_does_not_need(own: Own) -> None:
    status = Path(f"/proc/{launcher_of(own)}/status").read_text()
    kept = sum(1 << number for number in rights.NEEDED.values())
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert f"{name}:\t{kept:016x}\n" in status
    assert "NoNewPrivs:\t1\n" in status


def test_one_that_is_a_service_listens_to_the_servers_user_only(place: Place) -> None:
    path = place.path / "launcher.sock"
    words = ["--socket", str(path), "--user", str(SERVER), "--users", f"{USERS.first}-{USERS.last}"]
    program = "import sys; from statordb.server.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "launcher", *words, "--directory", str(place.path)]
    service = subprocess.Popen(command, start_new_session=True)
    try:
        until(path.exists, "it listens")
        until(lambda: path.stat().st_mode & 0o777 == 0o600, "its socket is private")
        assert path.stat().st_uid == SERVER
        with pytest.raises(PermissionError):
            knock(path, USERS.first)
        path.chmod(0o666)  # as if somebody had opened it to all
        assert knock(path, USERS.first).hear() is None
        asker = knock(path, SERVER)
        home = place.home("1")
        asker.take(home)
        _, output = asker.start(home, STAYS, place)
        until(lambda: len(processes("sleep")) == SLEEPERS, "all are there")
        service.terminate()
        assert service.wait(HANGS_SECONDS) == 0
        assert not processes()
        os.close(output)
    finally:
        service.kill()
        service.wait()


def knock(path: Path, user: int) -> Asker:
    os.seteuid(user)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(str(path))
        return Asker(connection)
    finally:
        os.seteuid(0)
