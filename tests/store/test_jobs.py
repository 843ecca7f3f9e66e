"""Jobs: what was asked for once, and is done later."""

from dataclasses import replace
from typing import Any

import pytest
from tests.in_process import Api

from statordb.store.jobs.jobs import KEPT_SECONDS, TOKEN_SECONDS, Jobs
from statordb.store.jobs.records import COMPLETED, IMPORT, ImportRecord

ACCOUNT, REGION = "000000000000", "us-east-1"


def job(number: int, token: str = "", at: float = 0.0, **members: Any) -> ImportRecord:
    id = f"{number:014d}-00000000"
    return ImportRecord(ACCOUNT, REGION, id, "abc", "table-id", at, token, {}, **members)


@pytest.fixture
def jobs(api: Api) -> Jobs[ImportRecord]:
    return api.store.imports


def listed(api: Api, jobs: Jobs[ImportRecord], before: str | None = None) -> list[int]:
    async def found() -> list[int]:
        return [int(each.id[:14]) async for each in jobs.of(ACCOUNT, REGION, before)]

    numbers: list[int] = api.run(found())
    return numbers


def test_the_last_jobs_come_first(api: Api, jobs: Jobs[ImportRecord]) -> None:
    for number in range(60):
        api.run(jobs.add(job(number)))
    api.run(jobs.add(replace(job(99), region="eu-west-1")))
    assert listed(api, jobs) == [*range(59, -1, -1)]
    assert listed(api, jobs, job(30).id) == [*range(29, -1, -1)]


def test_a_token_is_good_for_eight_hours(api: Api, jobs: Jobs[ImportRecord]) -> None:
    first = api.run(jobs.add(job(1, "token")))
    assert api.run(jobs.add(job(2, "token", TOKEN_SECONDS - 1))) == first
    assert api.run(jobs.by_token(ACCOUNT, REGION, "token", TOKEN_SECONDS - 1)) == first
    assert api.run(jobs.by_token(ACCOUNT, REGION, "token", TOKEN_SECONDS)) is None
    assert api.run(jobs.by_token(ACCOUNT, REGION, "other", 0.0)) is None
    assert api.run(jobs.add(job(3, "token", TOKEN_SECONDS))) == job(3, "token", TOKEN_SECONDS)
    assert listed(api, jobs) == [3, 1]


def test_who_takes_a_job_has_it_alone(api: Api, jobs: Jobs[ImportRecord]) -> None:
    api.run(jobs.add(job(1)))
    first = api.run(jobs.begin(job(1)))
    second = api.run(jobs.begin(job(1)))
    assert (first.run, second.run) == (1, 2)
    assert api.run(jobs.advance(first, processed=5)) is None
    assert api.run(jobs.advance(second, processed=5)).processed == 5
    assert [each.id for each in api.run(jobs.under_way())] == [job(1).id]
    assert api.run(jobs.advance(second, status=COMPLETED)).status == COMPLETED
    assert api.run(jobs.under_way()) == []
    assert api.run(jobs.begin(job(1))) is None
    assert api.run(jobs.advance(second, processed=6)) is None


def test_old_jobs_are_forgotten_with_their_tokens(api: Api, jobs: Jobs[ImportRecord]) -> None:
    api.run(jobs.add(job(1, "a", status=COMPLETED)))
    api.run(jobs.add(job(2, "b")))
    api.run(jobs.add(job(3, "a", TOKEN_SECONDS, status=COMPLETED)))

    async def old(now: float) -> list[ImportRecord]:
        return [each async for each in jobs.old(now)]

    assert api.run(old(KEPT_SECONDS - 1)) == []
    assert [each.id for each in api.run(old(KEPT_SECONDS + 1))] == [job(1).id], "one that is under way is kept"
    api.run(jobs.forget(job(1, "a")))
    assert listed(api, jobs) == [3, 2]
    assert api.run(jobs.by_token(ACCOUNT, REGION, "a", TOKEN_SECONDS)).id == job(3).id
    assert IMPORT.load(IMPORT.dump(job(3, "c"))) == job(3, "c")
