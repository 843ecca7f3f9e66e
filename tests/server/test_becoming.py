"""Root starts the server, which becomes another user for good."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from statordb.server import becoming, directory
from statordb.server.becoming import User
from statordb.server.settings import BadStart, Settings

OTHER, THIRD = 65534, 65533
by_root = pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can become another user")


def told_by(act: Callable[[], object]) -> str:
    """What the act says in a process of its own, which may end as somebody else."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, str(act()).encode())
        except BaseException as fault:
            os.write(writing, str(fault.args[0]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


def test_a_user_is_known_by_name_or_number() -> None:
    assert becoming.user_of("root") == User("root", 0, 0, "/root")
    assert becoming.user_of("4000000123") == User("4000000123", 4000000123, 4000000123, "/")
    with pytest.raises(BadStart, match="There is no user none-such"):
        becoming.user_of("none-such")


def test_root_is_no_user_for_a_server() -> None:
    for name in ("root", "0"):
        with pytest.raises(BadStart, match="another"):
            becoming.become(Settings(user=name))


@by_root
def test_there_is_no_way_back() -> None:
    def leave() -> object:
        becoming._leave_root(User(str(OTHER), OTHER, OTHER, "/"))
        refused = 0
        for act in (os.setuid, os.seteuid, os.setgid, lambda _: os.setgroups([])):
            try:
                act(0)
            except PermissionError:
                refused += 1
        status = Path("/proc/self/status").read_text()
        rights = [line.split()[1] for line in status.splitlines() if line.startswith(("CapPrm", "NoNewPrivs"))]
        return os.getresuid(), os.getresgid(), os.getgroups(), refused, rights, os.environ["HOME"]

    assert told_by(leave) == str(((OTHER,) * 3, (OTHER,) * 3, [OTHER], 4, ["0" * 16, "1"], "/"))


@by_root
def test_only_root_becomes_another() -> None:
    def become() -> object:
        os.seteuid(THIRD)
        return becoming.become(Settings(user=str(OTHER)))

    assert told_by(become).startswith("Only root can become ")


@pytest.fixture
def place() -> Iterator[Path]:
    """Where all users get to."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@by_root
def test_a_python_that_the_user_does_not_get_to_is_named(place: Path) -> None:
    """As one below /root: the server would fail at the first module that it loads later."""
    made = place / "closed" / "bin" / "python"
    made.parent.mkdir(parents=True)
    made.touch()
    (place / "closed").chmod(0o700)

    def check(has_launcher: bool = False) -> object:
        becoming._leave_root(User(str(OTHER), OTHER, OTHER, "/"))
        return becoming._check_place([str(made)], has_launcher)

    assert f"can't get to {made}, which the server needs, since {place}/closed is closed to it" in told_by(check)
    (place / "closed").chmod(0o755)
    assert told_by(check) == "None"


@by_root
def test_a_data_directory_of_somebody_else_is_refused(place: Path) -> None:
    """Also where root starts the server: it opens the directory as the user that it has become."""
    for owner, said in ((THIRD, "belongs to another user"), (0, "can't be written: Permission denied")):
        data = place / str(owner)
        data.mkdir()
        os.chown(data, owner, owner)

        def hold(data: Path = data) -> object:
            becoming._leave_root(User(str(OTHER), OTHER, OTHER, "/"))
            return directory.hold_data(data)

        assert said in told_by(hold)
