"""The files of TLS: read again when they have changed, and told in a sentence where they can't be used."""

import datetime
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from statordb.server.tls.files import TlsFiles, Unusable, Watched
from statordb.server.tls.issuing import issue

NOW = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    issue(tmp_path, (), NOW)
    return TlsFiles(tmp_path / "server.pem", tmp_path / "server.pem")


def test_a_file_that_is_replaced_is_taken(files: TlsFiles, tmp_path: Path) -> None:
    watched = Watched(files)
    first = watched()
    watched.look()
    assert watched() is first
    issue(tmp_path, ("new.example",), NOW)
    watched.look()
    assert watched() is not first


@pytest.mark.parametrize("content", ["", "x"])
def test_what_cannot_be_used_leaves_what_there_is(files: TlsFiles, tmp_path: Path, content: str) -> None:
    watched = Watched(files)
    first, good = watched(), files.key.read_bytes()
    files.key.write_text(content)
    watched.look()
    assert watched() is first
    files.key.unlink()
    watched.look()
    assert watched() is first
    files.key.write_bytes(good)
    watched.look()
    assert watched() is not first


def test_a_secret_of_kubernetes_is_seen(files: TlsFiles, tmp_path: Path) -> None:
    """Which swaps the directory that a link names."""
    issue(tmp_path / "a", (), NOW)
    issue(tmp_path / "b", (), NOW)
    link = tmp_path / "link"
    link.symlink_to("a")
    watched = Watched(TlsFiles(link / "server.pem", link / "server.pem"))
    first = watched()
    (tmp_path / "next").symlink_to("b")
    os.replace(tmp_path / "next", link)
    watched.look()
    assert watched() is not first


def test_bad_files_are_one_sentence(files: TlsFiles, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    locked = tmp_path / "locked.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    (tmp_path / "none.pem").write_text("x")
    for bad, said in (
        (TlsFiles(missing, files.key), "can't be used: no such file or directory."),
        (TlsFiles(files.certificate, tmp_path / "ca-key.pem"), "can't be used: key values mismatch."),
        (TlsFiles(files.certificate, locked), "is protected by a password, which nobody could enter."),
        (TlsFiles(files.certificate, files.key, missing), "The authorities of clients"),
        (TlsFiles(files.certificate, files.key, tmp_path / "none.pem"), "The authorities of clients"),
        (TlsFiles(tmp_path / "none.pem", files.key), "can't be used:"),
    ):
        with pytest.raises(Unusable) as raised:
            Watched(bad)
        assert said in raised.value.args[0]
        assert raised.value.args[0].endswith(".")
