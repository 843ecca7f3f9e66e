"""Sessions are forgotten a day after they expired; long-term keys never are."""

from pathlib import Path

import pytest
from tests.in_process import Api

from statordb.crypto.file_keys import FileKeys
from statordb.crypto.sealer import Sealer
from statordb.engine.contract import PageBudget
from statordb.keeper.sessions import Sessions
from statordb.store import forgetting
from statordb.store.credentials import SESSION_KEPT_SECONDS, Credentials

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cart-role"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_CHUNK", PageBudget(3, 1 << 20))


def test_expired_sessions_are_forgotten_chunk_by_chunk(api: Api, tmp_path: Path) -> None:
    credentials = Credentials(api.store.engine, Sealer(FileKeys(tmp_path)), api.clock)
    kept = {api.run(credentials.create(ACCOUNT)).access_key_id for _ in range(2)}
    for number in range(8):
        api.run(credentials.create_session(ACCOUNT, ROLE, f"old-{number}", 60))
    young = [api.run(credentials.create_session(ACCOUNT, ROLE, f"young-{number}", 3600)) for number in range(3)]
    duty = Sessions(api.store)

    def sweep() -> set[str]:
        while api.run(duty.run_once()):
            pass
        return {record.access_key_id for record in api.run(credentials.list(sessions=True))}

    api.clock.advance(60 + SESSION_KEPT_SECONDS - 1)
    assert len(sweep()) == 13
    api.clock.advance(1)
    epoch = api.store.engine.epoch()
    assert api.run(duty.run_once())  # one chunk, and there is more
    assert len(api.run(credentials.list(sessions=True))) >= 10
    assert sweep() == kept | {each.access_key_id for each in young}
    assert api.store.engine.epoch() == epoch  # no cache need be cleared for what has expired long ago
    api.clock.advance(3600)
    assert sweep() == kept
