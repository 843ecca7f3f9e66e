"""Which certificate the settings ask for, and that it is renewed while the server runs."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from cryptography import x509

from statordb.server.settings import BadStart, Settings
from statordb.server.tls.choice import Renewal, names, tls_of

DAY = 86400.0
NOW = time.time()


def end_of(directory: Path) -> float:
    certificate = x509.load_pem_x509_certificate((directory / "tls" / "server.pem").read_bytes())
    return certificate.not_valid_after_utc.timestamp()


def test_without_a_word_there_is_no_tls(tmp_path: Path) -> None:
    assert tls_of(Settings(), tmp_path, NOW) is None
    assert not list(tmp_path.iterdir())


def test_a_certificate_of_ones_own(tmp_path: Path) -> None:
    assert tls_of(Settings(tls="auto"), tmp_path, NOW)
    server = tmp_path / "tls" / "server.pem"
    found = tls_of(Settings(tls_certificate=server, tls_key=server), tmp_path / "none", NOW)
    assert found is not None
    assert found.files.authority is None
    with pytest.raises(BadStart, match="can't be used: no such file or directory"):
        tls_of(Settings(tls_certificate=tmp_path / "none.pem", tls_key=server), tmp_path, NOW)


def test_what_the_server_made_is_renewed_while_it_runs(tmp_path: Path) -> None:
    clock = [NOW]
    settings = Settings(tls="auto")
    watched = tls_of(settings, tmp_path, NOW)
    assert watched is not None
    first, end = watched(), end_of(tmp_path)

    async def look(days: float) -> None:
        clock[0] = NOW + days * DAY
        renewal = Renewal(settings, tmp_path, lambda: clock[0])
        await renewal.run_once()
        renewal.stop()

    asyncio.run(look(59))
    assert end_of(tmp_path) == end
    asyncio.run(look(61))
    assert end_of(tmp_path) == pytest.approx(end + 61 * DAY, abs=2)
    watched.look()
    assert watched() is not first


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text("x")
    with pytest.raises(BadStart, match="can't be made or used"):
        tls_of(Settings(tls="auto"), tmp_path, NOW)


def test_the_names_are_those_that_clients_may_use() -> None:
    told = names(Settings(host="::", endpoint="https://DB.example:443", allowed_hosts=("a.example",)))
    assert told == {"db.example", "a.example", socket.gethostname().lower()}
