"""Which users functions run as."""

import os
from pathlib import Path

import pytest

from statordb.launcher import rights, users
from statordb.launcher.users import Accounts, NotFree, NoUserLeft, Users


def test_users_are_given_to_accounts_and_taken_from_those_without_processes() -> None:
    accounts = Accounts(Users(7, 10))  # of which two are reserved
    assert [accounts.user_of(name, set()) for name in ("a", "b", "a")] == [7, 8, 7]
    assert accounts.user_of("c", {"a"}) == 8
    with pytest.raises(NoUserLeft):
        accounts.user_of("d", {"a", "c"})
    assert accounts.user_of("a", {"a", "c"}) == 7


def test_no_function_runs_as_who_ends_and_cleans() -> None:
    held = Users(7, 10)
    assert [user for user in range(12) if held.gives(user)] == [7, 8]
    assert (held.cleaner, held.killer) == (9, 10)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"passwd": "root:x:0:0:root:/root:/bin/sh\nann:x:5004:100::/home/ann:/bin/sh\n"}, "ann has 5004"),
        ({"subuid": "ann:4000:2000\n"}, "ann has 4000"),
    ],
)
def test_users_that_are_somebodys_are_refused(
    files: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All their processes would be ended: a session, or containers."""
    for name in ("passwd", "subuid"):
        (tmp_path / name).write_text(files.get(name, "nobody:x:-1:\nbin:x:6000:1\n"))
    monkeypatch.setattr(users, "NAMED", ((tmp_path / "passwd", 2), (tmp_path / "subuid", 1)))
    with pytest.raises(NotFree, match=told):
        users.hold(Users(5000, 5009), 1000, tmp_path / "lock")
    os.close(users.hold(Users(7000, 7009), 1000, tmp_path / "lock"))


def test_the_server_is_not_among_them(tmp_path: Path) -> None:
    with pytest.raises(NotFree, match="the server's own user"):
        users.hold(Users(5_000_000, 5_000_009), 5_000_003, tmp_path / "lock")


def test_two_launchers_do_not_share_users(tmp_path: Path) -> None:
    """Each would end the processes of the other."""
    lock = tmp_path / "lock"
    users.hold(Users(5_000_000, 5_000_009), 1000, lock)
    pid = os.fork()  # the lock is a process's
    if pid == 0:
        code = 0
        try:
            users.hold(Users(5_000_010, 5_000_019), 1000, lock)
            users.hold(Users(5_000_005, 5_000_014), 1000, lock, 0.0)
        except NotFree:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_rights_that_are_missing_are_named() -> None:
    assert rights.missing("Name:\tx\nCapEff:\t000001ffffffffff\n") == []
    assert rights.missing("CapEff:\t00000000000000c0\n") == ["CAP_CHOWN", "CAP_KILL"]
    assert len(rights.missing("")) == 4
