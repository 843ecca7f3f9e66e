"""A root key in Vault: what is sent, what is trusted, and what is told where it fails."""

import contextlib
import datetime
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crypto.transit import TOKEN, TransitServer
from tests.web_server import Answer

from statordb.crypto.roots import RootUnusable
from statordb.crypto.vault_keys import TRIES, Transit, VaultKeys
from statordb.server.tls.issuing import issue

KEY = os.urandom(32)
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def vault() -> Iterator[TransitServer]:
    with contextlib.closing(TransitServer("statordb", "another")) as server:
        yield server


@pytest.fixture
def transit(vault: TransitServer, tmp_path: Path) -> Transit:
    return vault.transit(tmp_path, "statordb")


def keys(transit: Transit, pauses: list[float] | None = None) -> VaultKeys:
    return VaultKeys(transit, ([] if pauses is None else pauses).append)


def test_what_it_wraps_opens_after_a_rotation_of_its_key(vault: TransitServer, transit: Transit) -> None:
    name, wrapped = keys(transit).wrap(KEY)
    assert name == "statordb"
    assert KEY not in wrapped
    vault.rotate("statordb")
    assert keys(transit).unwrap(name, wrapped) == KEY
    assert keys(transit).wrap(KEY)[1].startswith(b"vault:v2:")


def test_requests_have_what_vault_asks_for(vault: TransitServer, transit: Transit) -> None:
    keys(transit._replace(namespace="team/a")).wrap(KEY)
    headers = vault.received[0].headers
    assert (headers["x-vault-token"], headers["x-vault-request"]) == (TOKEN, "true")
    assert headers["x-vault-namespace"] == "team/a"
    assert vault.received[0].path == "/v1/transit/encrypt/statordb"


def test_a_token_that_was_renewed_is_taken(vault: TransitServer, transit: Transit) -> None:
    provider = keys(transit)
    transit.token_file.write_text("old")
    with pytest.raises(RootUnusable, match="status 403: permission denied"):
        provider.wrap(KEY)
    transit.token_file.write_text(TOKEN)
    assert provider.wrap(KEY)


def test_a_store_does_not_say_which_keys_are_trusted(vault: TransitServer, tmp_path: Path, transit: Transit) -> None:
    """Who may write to the store, and encrypt with some key of Vault's, could else choose the store's keys."""
    name, wrapped = keys(vault.transit(tmp_path, "another")).wrap(KEY)
    with pytest.raises(RootUnusable, match="Vault's key another, which vault_keys does not name"):
        keys(transit).unwrap(name, wrapped)
    assert keys(vault.transit(tmp_path, "statordb", "another")).unwrap(name, wrapped) == KEY


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"keys": ("none",)}, r"refuses to encrypt with transit/none \(status 400: encryption key not found\)"),
        ({"mount": "other"}, "status 404: no handler for route"),
        ({"token_file": Path("/none")}, "of vault_token_file can't be read: No such file"),
        ({"address": "http://127.0.0.1:9"}, "can't be reached: .*refused"),
        ({"address": "https://127.0.0.1:9", "ca": Path("/none")}, "of vault_ca can't be used: No such file"),
    ],
)
def test_what_is_wrong_is_one_sentence(transit: Transit, change: dict[str, object], told: str) -> None:
    with pytest.raises(RootUnusable, match=told) as caught:
        keys(transit._replace(**change)).wrap(KEY)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("content", ["", "a\nb", "\xff"])
def test_a_token_that_is_none(transit: Transit, content: str) -> None:
    transit.token_file.write_text(content)
    with pytest.raises(RootUnusable, match="has no token"):
        keys(transit).wrap(KEY)


def test_what_was_changed_does_not_open(transit: Transit) -> None:
    name, wrapped = keys(transit).wrap(KEY)
    for bad in (b"", b"\xff", wrapped[:-4] + b"AAAA", b"vault:v9:AAAA"):
        with pytest.raises(RootUnusable, match="refuses to decrypt"):
            keys(transit).unwrap(name, bad)


def test_what_may_be_over_soon_is_tried_again(vault: TransitServer, transit: Transit) -> None:
    answers = [Answer(503, b'{"errors": ["Vault is sealed"]}'), Answer(429, b"")]
    good, pauses = vault.answer, []
    vault.answer = lambda received: answers.pop(0) if answers else good(received)
    assert keys(transit, pauses).wrap(KEY)
    assert len(pauses) == 2
    vault.answer = lambda received: Answer(503, b'{"errors": ["Vault is sealed"]}')
    before = len(vault.received)
    with pytest.raises(RootUnusable, match="status 503: Vault is sealed"):
        keys(transit).wrap(KEY)
    assert len(vault.received) == before + TRIES


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(200, b"{}"), "answers without ciphertext"),
        (Answer(200, b"x"), "answers without ciphertext"),
        (Answer(200, b'{"data": {"ciphertext": 1}}'), "answers without ciphertext"),
        (Answer(200, b" " * 200_000), "answers more than"),
        (Answer(307, b"", {"Location": "http://127.0.0.1:9/"}), "status 307"),
    ],
)
def test_answers_that_are_none_of_transits(vault: TransitServer, transit: Transit, answer: Answer, told: str) -> None:
    vault.answer = lambda received: answer
    with pytest.raises(RootUnusable, match=told):
        keys(transit).wrap(KEY)


def test_a_plaintext_that_is_none(vault: TransitServer, transit: Transit) -> None:
    vault.answer = lambda received: Answer(200, b'{"data": {"plaintext": "!"}}')
    with pytest.raises(RootUnusable, match="is not Base64"):
        keys(transit).unwrap("statordb", b"vault:v1:x")


def test_its_certificate_is_checked(tmp_path: Path) -> None:
    issue(tmp_path, (), NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with contextlib.closing(TransitServer("statordb", tls=context)) as server:
        transit = server.transit(tmp_path)
        with pytest.raises(RootUnusable, match="shows a certificate that is not trusted"):
            keys(transit).wrap(KEY)
        assert server.received == []
        trusting = keys(transit._replace(ca=tmp_path / "ca.pem"))
        assert trusting.unwrap(*trusting.wrap(KEY)) == KEY
