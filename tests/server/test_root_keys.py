"""Stores whose root key is elsewhere: they start with it, do not start without it, and move from one to another."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.crypto.transit import TransitServer
from tests.process import ServerProcess

from statordb.crypto.file_keys import FILE_NAME
from statordb.engine.contract import Effects, Key
from statordb.server import sealing
from statordb.server.composition import open_store
from statordb.server.main import main
from statordb.server.settings import BadStart, Settings, load

ROW = Key(5, b"partition", b"")
SCRIPT = '#!/bin/sh\ncase "$1" in wrap) base64 ;; unwrap) base64 -d ;; esac\n'


class Place:
    """A store's directory, and all providers but KMS for it."""

    def __init__(self, directory: Path, vault: TransitServer) -> None:
        self.directory = directory
        self.store = directory / "store"
        self.store.mkdir(mode=0o700)
        program = directory / "root-key"
        program.write_text(SCRIPT)
        program.chmod(0o700)
        transit = vault.transit(directory)
        self.providers: dict[str, dict[str, Any]] = {
            "file": {},
            "command": {"root_key_command": [str(program)]},
            "vault": {
                "vault_address": transit.address,
                "vault_keys": list(transit.keys),
                "vault_token_file": str(transit.token_file),
            },
        }

    def told(self, root_key: str, *others: str) -> dict[str, Any]:
        """What a file of settings says that names these providers, the first as the one that wraps."""
        found: dict[str, Any] = {"root_key": root_key, "data": str(self.store)}
        for name in (root_key, *others):
            found |= self.providers[name]
        return found

    def config(self, root_key: str, *others: str) -> str:
        path = self.directory / "statordb.toml"
        path.write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.told(root_key, *others).items())
        )
        return str(path)

    def settings(self, root_key: str, *others: str) -> Settings:
        return load({"config": self.config(root_key, *others)}, {})

    def open(self, root_key: str, *others: str, body: bytes | None = None) -> bytes | None:
        """A process opens the store, writes a row or none, and reads it."""

        async def work() -> bytes | None:
            store = await open_store(self.store, self.settings(root_key, *others))
            try:
                sealing.tell(store.engine)
                if body is not None:
                    await store.engine.update((ROW,), lambda stored: Effects(writes=((ROW, body),)))
                found = await store.engine.get(ROW)
                return None if found is None else found.body
            finally:
                await store.close()

        return asyncio.run(work())

    def rotate(self, root_key: str, *others: str) -> int:
        return main(["keys", "rotate", "--config", self.config(root_key, *others)])


@pytest.fixture
def vault() -> Iterator[TransitServer]:
    with contextlib.closing(TransitServer("statordb")) as server:
        yield server


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The command line sets up the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def place(tmp_path: Path, vault: TransitServer) -> Place:
    return Place(tmp_path, vault)


@pytest.mark.parametrize("name", ["command", "vault"])
def test_a_store_whose_root_key_is_elsewhere_has_no_key_file(place: Place, name: str) -> None:
    assert place.open(name, body=b"kept") == b"kept"
    assert place.open(name) == b"kept"
    assert not (place.store / FILE_NAME).exists()
    with pytest.raises(BadStart, match=f"The store's keys are wrapped by {name}, which the settings do not name"):
        place.open("file")
    assert not (place.store / FILE_NAME).exists()


@pytest.mark.parametrize(("old", "new"), [("file", "vault"), ("vault", "command"), ("command", "file")])
def test_a_store_moves_from_one_to_another(place: Place, old: str, new: str, caplog: Any, capsys: Any) -> None:
    place.open(old, body=b"kept")
    assert place.open(new, old) == b"kept", "the old one is needed, and there"
    assert [(record.wrapped_by, record.root_key) for record in caplog.records] == [(old, new)]
    caplog.clear()
    assert place.rotate(new, old) == 0
    assert f" of {new} now." in capsys.readouterr().out
    if old == "file":
        (place.store / FILE_NAME).unlink()
    assert place.open(new) == b"kept", "the old one is not needed any more"
    assert caplog.records == []


def test_a_rotation_takes_the_latest_version_of_a_key(place: Place, vault: TransitServer) -> None:
    place.open("vault", body=b"kept")
    vault.rotate("statordb")
    assert place.rotate("vault") == 0
    vault.keys["statordb"][0] = bytes(32)
    assert place.open("vault") == b"kept"


def test_nothing_is_asked_for_rows(place: Place, vault: TransitServer) -> None:
    place.open("vault", body=b"kept")
    vault.received.clear()
    place.open("vault", body=b"other")
    assert [received.path for received in vault.received] == ["/v1/transit/decrypt/statordb"]


def test_a_root_that_can_not_be_asked_is_one_sentence_and_changes_nothing(place: Place) -> None:
    place.open("vault", body=b"kept")
    token = place.directory / "token"
    told = token.read_text()
    token.write_text("another")
    with pytest.raises(BadStart, match=r"Vault at .* refuses to decrypt .*permission denied"):
        place.open("vault")
    assert place.rotate("vault") == 2
    token.write_text(told)
    assert place.open("vault") == b"kept"


def test_a_rotation_to_what_can_not_wrap_changes_nothing(place: Place, capsys: Any) -> None:
    place.open("file", body=b"kept")
    (place.directory / "root-key").write_text("#!/bin/sh\nexit 9\n")
    assert place.rotate("command", "file") == 2
    assert "ended with code 9" in capsys.readouterr().err
    assert place.open("file") == b"kept"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"root_key": "vault"}, "needs vault_address, vault_keys, vault_token_file, and not all of these are set"),
        ({"root_key": "command"}, "needs root_key_command"),
        ({"root_key": "kms", "root_kms_keys": "alias/a"}, "needs root_kms_keys, root_kms_region"),
        ({"vault_address": "https://vault.example"}, "The root key of vault needs"),
        ({"root_key": "memory"}, "is not one of file, command, vault, kms"),
        ({"root_key_command": "root-key wrap"}, "does not begin with the absolute path of a program"),
        ({"root_key_command": "/bin/a 'b"}, "has a quote that does not end"),
        ({"vault_keys": "a/b"}, "is not names of keys"),
        ({"vault_mount": "../sys"}, "is not a path of"),
        ({"vault_keys": "a,.."}, "is not names of keys"),
        ({"vault_mount": "\u00e4"}, "is not a path of"),
        ({"root_kms_keys": "a b"}, "is not keys of KMS"),
        (
            {"root_kms_keys": "a", "root_kms_region": "b", "root_kms_endpoint": "http://192.0.2.1"},
            "root_kms_endpoint has no TLS",
        ),
        (
            {"vault_address": "http://192.0.2.1:8200", "vault_keys": "a", "vault_token_file": "b"},
            "vault_address has no TLS",
        ),
    ],
)
def test_settings_that_do_not_do(given: dict[str, str], told: str) -> None:
    with pytest.raises(BadStart, match=told):
        load({}, {f"STATORDB_{name.upper()}": value for name, value in given.items()})


def test_a_command_may_be_text_or_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text('root_key_command = ["/bin/a", "b c"]')
    assert load({"config": tmp_path / "list.toml"}, {}).root_key_command == ("/bin/a", "b c")
    assert load({}, {"STATORDB_ROOT_KEY_COMMAND": "/bin/a 'b c'"}).root_key_command == ("/bin/a", "b c")


@pytest.mark.slow
def test_a_server_of_many_processes(place: Place) -> None:
    place.open("vault", body=b"kept")
    with ServerProcess("--config", place.config("command", "vault"), "--workers", "2") as server:
        assert main(["keys", "rotate", "--config", place.config("command", "vault")]) == 0
    assert "another root key than that of the settings" in server.logged()
    with ServerProcess("--config", place.config("command"), "--workers", "2") as server:
        pass
    assert "another root key" not in server.logged()
    assert place.open("command") == b"kept"
