"""Peers are optional: without one there is a reason, never a failure."""

from pathlib import Path

import pytest

from peers import SOURCES, Source
from servers import Unavailable


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_peer_that_may_not_be_installed_says_so(source: Source, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not installed"):
        source.get(tmp_path, install=False)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_peer_without_its_installer_says_so(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=f"{source.program} is not on this machine"):
        source.get(tmp_path, install=True)


def test_a_peer_that_is_there_is_taken_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "dynoxide" / "bin" / "dynoxide"
    program.parent.mkdir(parents=True)
    program.touch()
    peer = next(source for source in SOURCES if source.name == "dynoxide").get(tmp_path, install=False)
    assert "--db-path" in peer.on_disk.command(8000, tmp_path)
    assert "--db-path" not in peer.in_memory.command(8000, tmp_path)
