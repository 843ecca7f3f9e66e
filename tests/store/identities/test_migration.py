"""Access keys of before there were users: who had one may do all that it could, until somebody says otherwise."""

import base64
import json
from pathlib import Path

import pytest
from tests.store.kit import Kit

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Effects, Key
from statordb.store import contention, formats
from statordb.store.credentials import Credentials
from statordb.store.identities.identities import SUMMARY, USER, named, use
from statordb.store.identities.migration import ALL
from statordb.store.keyspace import Space

ACCOUNT = "123456789012"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/cart/f"


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(FileKeys(tmp_path))


@pytest.fixture
def credentials(kit: Kit, sealer: Sealer) -> Credentials:
    """Of a store as the release before left it: two keys of one user, one of root, a function's session."""
    kit.clock.advance(1_000)
    for id, user, expires in (
        ("AKIAFIRST", "alice", None),
        ("AKIASECOND", "alice", None),
        ("AKIAROOT", "root", None),
        ("ASIASESSION", "cart/f", 99_000.0),
    ):
        context = f"credential\0{id}\0{ACCOUNT}" + ("" if expires is None else f"\0{user}\0{expires}")
        sealed = sealer.seal(b"secret" if expires is None else b"secret\0token", context.encode())
        body = {
            "format": 1, "account": ACCOUNT, "user": user, "created_at": 500.0,
            "secret": base64.b64encode(sealed).decode(), "expires": expires,
        }  # fmt: skip
        key, row = Key(Space.CREDENTIALS, id.encode(), b""), json.dumps(body).encode()
        kit.run(contention.update(kit.engine, (key,), lambda stored, put=((key, row),): Effects(writes=put)))
    kit.run(contention.update(kit.engine, (formats.KEY,), lambda stored: Effects(writes=((formats.KEY, b"3"),))))
    kit.run(formats.admit(kit.engine, kit.clock.now()))
    return Credentials(kit.engine, sealer, kit.clock)


def test_a_user_is_made_who_may_do_all_in_its_account(kit: Kit, credentials: Credentials) -> None:
    user, summary, used = kit.run(kit.store.identities.find(ACCOUNT, named(USER, "alice"), SUMMARY, use(ALL)))
    assert (user.name, user.path, user.attached, sorted(user.keys)) == (
        "alice", "/", [ALL], ["AKIAFIRST", "AKIASECOND"],
    )  # fmt: skip
    assert (summary.users, used.attached) == (1, 1)
    for id in user.keys:
        found = kit.run(credentials.lookup(id))
        assert found is not None
        assert (found.secret, found.arn) == ("secret", f"arn:aws:iam::{ACCOUNT}:user/alice")
        assert found.authority is not None
        assert (found.authority.kind, found.authority.user_id) == ("user", user.id)


def test_root_and_sessions_stay_what_they_are(kit: Kit, credentials: Credentials) -> None:
    root, session = kit.run(credentials.lookup("AKIAROOT")), kit.run(credentials.lookup("ASIASESSION"))
    assert root is not None
    assert session is not None
    assert root.arn == f"arn:aws:iam::{ACCOUNT}:root"
    assert (session.arn, session.session_token, session.expires) == (SESSION_ARN, "token", 99_000.0)


def test_it_can_be_done_again(kit: Kit, credentials: Credentials) -> None:
    """A server may die between two keys, and the next one goes through all of them again."""
    before = kit.run(kit.store.identities.one(ACCOUNT, named(USER, "alice")))
    kit.run(contention.update(kit.engine, (formats.KEY,), lambda stored: Effects(writes=((formats.KEY, b"3"),))))
    kit.run(formats.admit(kit.engine, kit.clock.now()))
    assert kit.run(kit.store.identities.one(ACCOUNT, named(USER, "alice"))) == before
