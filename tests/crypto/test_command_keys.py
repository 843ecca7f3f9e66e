"""A root key behind a command: real programs, good and bad ones."""

import os
from pathlib import Path

import pytest
from tests.pace import until

from statordb.crypto.command_keys import CommandKeys
from statordb.crypto.roots import Roots, RootUnusable
from statordb.crypto.sealer import KeyProvider

KEY = os.urandom(32)
TWICE = 'case "$1" in wrap) base64 ;; unwrap) base64 -d ;; esac'  # no secret, but what it wraps is another text


def command(directory: Path, script: str, seconds_max: float = 30.0) -> CommandKeys:
    program = directory / "root-key"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return CommandKeys([str(program)], seconds_max)


def test_what_it_wraps_it_opens(tmp_path: Path) -> None:
    keys = command(tmp_path, TWICE)
    name, wrapped = keys.wrap(KEY)
    assert (name, keys.unwrap(name, wrapped)) == ("command", KEY)


def test_bytes_of_any_kind_may_be_kept(tmp_path: Path) -> None:
    keys = command(tmp_path, "if [ $1 = wrap ]; then gzip; else gunzip; fi")
    name, wrapped = keys.wrap(KEY)
    assert not wrapped.isascii()
    assert keys.unwrap(name, wrapped) == KEY


def test_arguments_are_given_as_they_are(tmp_path: Path) -> None:
    """No shell looks at them."""
    told = tmp_path / "told"
    command(tmp_path, f'printf "%s|" "$@" > {told}; cat')
    CommandKeys([str(tmp_path / "root-key"), "--key", "$HOME; *"]).wrap(KEY)
    assert told.read_text() == "--key|$HOME; *|wrap|"


def test_it_does_not_see_the_servers_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_ROOT_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example")
    _, wrapped = command(tmp_path, "env").wrap(KEY)
    assert b"planted" not in wrapped
    assert b"VAULT_ADDR" in wrapped


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no card in the reader >&2; exit 3", r"ended with code 3 \(no card in the reader\)"),
        ("exit 1", "ended with code 1"),
        ("kill -9 $$", "ended with code -9"),
        ("true", "wrote nothing when it was asked to wrap"),
        ("cat /dev/zero", "wrote more than 65536 bytes"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, script: str, told: str) -> None:
    with pytest.raises(RootUnusable, match=rf"^The command \S+/root-key of root_key_command {told}\.$"):
        command(tmp_path, script).wrap(KEY)


def test_a_program_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RootUnusable, match="can't be run: No such file or directory"):
        CommandKeys([str(tmp_path / "none")]).wrap(KEY)
    with pytest.raises(RootUnusable, match="can't be run: Permission denied"):
        CommandKeys([str(tmp_path)]).wrap(KEY)


def test_what_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    told = tmp_path / "child"
    for seconds in (0.25, 2.0, 20.0):  # on a busy machine it takes a while to start anything
        keys = command(tmp_path, f"sleep 1000 & echo $! > {told}.new; mv {told}.new {told}; wait", seconds)
        with pytest.raises(RootUnusable, match=f"did not end within {seconds:g} seconds"):
            keys.wrap(KEY)
        if told.exists():
            break
    until(lambda: not _runs(int(told.read_text())), "what it started has ended")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_agent_that_it_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    """It may have the command's pipes, as agents of gpg and ssh do at times."""
    keys = command(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/child; {TWICE}")
    name, wrapped = keys.wrap(KEY)
    os.kill(int((tmp_path / "child").read_text()), 9)
    assert keys.unwrap(name, wrapped) == KEY
    os.kill(int((tmp_path / "child").read_text()), 9)


def test_what_is_no_key_is_not_taken_for_one(tmp_path: Path) -> None:
    keys = command(tmp_path, "echo '!'")
    with pytest.raises(RootUnusable, match="something else than a key as Base64"):
        keys.unwrap("command", b"x")
    with pytest.raises(RootUnusable, match="something else than a key of the store"):
        roots(command(tmp_path, "echo AAAA")).wrap(KEY)


def test_a_root_that_does_not_give_back_what_it_has_wrapped_wraps_nothing(tmp_path: Path) -> None:
    """What was sealed under such a key would be lost with the next start."""
    other = "if [ $1 = wrap ]; then cat; else head -c 32 /dev/urandom | base64; fi"
    with pytest.raises(RootUnusable, match="does not give back what it has wrapped"):
        roots(command(tmp_path, other)).wrap(KEY)


def test_a_provider_that_hangs_is_given_up(tmp_path: Path) -> None:
    keys = command(tmp_path, "sleep 1", seconds_max=1.0)
    hasty = Roots("command", {"command": lambda: keys}, seconds_max=0.05)
    with pytest.raises(RootUnusable, match=r"has given no answer for 0\.05 seconds"):
        hasty.wrap(KEY)


def roots(keys: KeyProvider) -> Roots:
    return Roots("command", {"command": lambda: keys})
