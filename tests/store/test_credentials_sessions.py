"""Temporary keys of sessions: their form, their secrecy, and that they come and go quietly."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.kit import Kit

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer, Unsealable
from statordb.engine.contract import Effects, Key, Refused, Stored
from statordb.model.credential import Credential
from statordb.store import credentials as module
from statordb.store.credentials import Credentials
from statordb.store.keyspace import Space

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/cart-role"


@pytest.fixture
def credentials(kit: Kit, tmp_path: Path) -> Credentials:
    return Credentials(kit.engine, Sealer(FileKeys(tmp_path)), kit.clock)


@pytest.fixture
def session(kit: Kit, credentials: Credentials) -> Credential:
    return kit.run(credentials.create_session(ACCOUNT, ROLE, "recommend", 3600))


def key_of(session: Credential) -> Key:
    return Key(Space.CREDENTIALS, session.access_key_id.encode(), b"")


def test_keys_have_the_form_that_aws_gives_them(kit: Kit, session: Credential) -> None:
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", session.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", session.secret)
    assert re.fullmatch(r"[A-Za-z0-9+/]{256}", session.session_token or "")
    assert session.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/cart-role/recommend"  # the role without its path
    assert session.expires == kit.clock.now() + 3600


def test_a_function_may_have_a_short_name_and_any_role_of_lambda(kit: Kit, credentials: Credentials) -> None:
    for role in (ROLE, f"arn:aws-cn:iam::{ACCOUNT}:role/cart-role/", f"arn::iam::{ACCOUNT}:rolecart-role"):
        made = kit.run(credentials.create_session(ACCOUNT, role, "f", 3600))
        assert made.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/cart-role/f"


def test_a_session_is_found_with_its_token_and_its_end(kit: Kit, credentials: Credentials, session: Credential) -> None:
    found = kit.run(credentials.lookup(session.access_key_id))
    assert found is not None
    for name in Credential.__slots__:
        assert getattr(found, name) == getattr(session, name), name


def test_neither_secret_nor_token_is_in_the_store(kit: Kit, session: Credential) -> None:
    body = kit.body(key_of(session))
    assert body is not None
    assert session.secret.encode() not in body
    assert (session.session_token or "").encode() not in body


def test_sessions_are_listed_only_when_asked_for(kit: Kit, credentials: Credentials, session: Credential) -> None:
    made = kit.run(credentials.create(ACCOUNT))
    assert [each.access_key_id for each in kit.run(credentials.list())] == [made.access_key_id]
    listed = kit.run(credentials.list(ACCOUNT, sessions=True))
    assert {each.access_key_id: each.user for each in listed} == {
        made.access_key_id: "root",
        session.access_key_id: "cart-role/recommend",
    }


def test_a_new_session_is_not_announced(kit: Kit, credentials: Credentials) -> None:
    """Functions get sessions all the time: each would clear the caches of every process."""
    epoch = kit.engine.epoch()
    kit.run(credentials.create_session(ACCOUNT, ROLE, "recommend", 3600))
    assert kit.engine.epoch() == epoch


def test_a_deleted_session_is_announced(kit: Kit, credentials: Credentials, session: Credential) -> None:
    epoch = kit.engine.epoch()
    assert kit.run(credentials.delete(session.access_key_id))
    assert kit.engine.epoch() != epoch
    assert kit.run(credentials.lookup(session.access_key_id)) is None


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("cart-role", "recommend"),
        (f"arn:aws:iam::{ACCOUNT}:user/cart", "recommend"),
        (f"arn:aws:iam::{ACCOUNT}:role/", "recommend"),
        (ROLE, ""),
        (ROLE, "a/b"),
        (ROLE, "a" * 65),
    ],
)
def test_what_no_session_can_be_made_of(kit: Kit, credentials: Credentials, role: str, name: str) -> None:
    with pytest.raises(ValueError, match="is not the ARN of a role"):
        kit.run(credentials.create_session(ACCOUNT, role, name, 3600))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b'"cart-role/recommend"', b'"admin-role/recommend"'),
        lambda body: re.sub(rb'"expires":[0-9.]+', b'"expires":9999999999.0', body),
        lambda body: re.sub(rb',"expires":[0-9.]+', b"", body),
    ],
)
def test_a_changed_row_does_not_open(
    kit: Kit, credentials: Credentials, session: Credential, change: Callable[[bytes], bytes]
) -> None:
    """Who can write the store still can't make a session last longer or act for another role."""
    key = key_of(session)

    def plan(stored: list[Stored | None]) -> Effects | Refused:
        assert stored[0] is not None
        changed = change(stored[0].body)
        assert changed != stored[0].body
        return Effects(writes=((key, changed),))

    kit.run(kit.engine.update((key,), plan))
    with pytest.raises(Unsealable):
        kit.run(credentials.lookup(session.access_key_id))


def test_a_session_is_over_some_time_after_it_expired(kit: Kit, session: Credential) -> None:
    body = kit.body(key_of(session))
    assert body is not None
    end = (session.expires or 0) + module.SESSION_KEPT_SECONDS
    assert not module.session_is_over(body, end - 1)
    assert module.session_is_over(body, end)


def test_a_long_term_key_is_never_over(kit: Kit, credentials: Credentials) -> None:
    made = kit.run(credentials.create(ACCOUNT))
    body = kit.body(key_of(made))
    assert body is not None
    assert not module.session_is_over(body, 1e12)
