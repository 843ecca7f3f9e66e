"""`/_statordb/...`: what tests ask of a server, by JSON over HTTP."""

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from statordb import __version__
from statordb.model.request import Principal, Service
from statordb.model.rest import RestReply, RestRequest
from statordb.server.controls import faults, seeding
from statordb.server.controls.controls import CATCH_UP_SECONDS_MAX, Controls
from statordb.server.controls.faults import BadFault
from statordb.server.controls.seeding import BadSeed
from statordb.server.controls.snapshots import NoSnapshot, Snapshots
from statordb.store.store import Store

ROOT = "/_statordb"
SECONDS_MAX = 10 * 366 * 86_400.0  # that the clock is ahead at most
DEFAULT_REGION = "us-east-1"

log = logging.getLogger(__name__)

Given = Mapping[str, Any]
Page = Callable[[Given], Any]


class BadCall(Exception):
    """What can't be asked for; args[0] is one sentence."""


class ControlPages:
    """`service`: DynamoDB's, around which no controls are. `account`: the one that is meant where none is named."""

    def __init__(self, controls: Controls, store: Store, service: Service, snapshots: Snapshots, account: str) -> None:
        self._controls = controls
        self._store = store
        self._service = service
        self._snapshots = snapshots
        self._account = account
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", ""): lambda given: {"version": __version__, "pages": sorted({path for _, path in self._pages})},
            ("GET", "/clock"): lambda given: self._time(),
            ("POST", "/clock"): self._move,
            ("GET", "/snapshots"): lambda given: {"snapshots": snapshots.names()},
            ("POST", "/snapshots"): self._take,
            ("POST", "/restore"): self._restore,
            ("POST", "/forget"): self._forget,
            ("POST", "/seed"): self._seed,
            ("GET", "/faults"): lambda given: {"faults": controls.faults.listed()},
            ("POST", "/faults"): self._fault,
            ("DELETE", "/faults"): lambda given: controls.faults.clear(_text(given, "account")),
            ("GET", "/requests"): self._requests,
            ("DELETE", "/requests"): lambda given: controls.requests.clear(),
        }

    def handle(self, request: RestRequest) -> "RestReply | asyncio.Future[RestReply]":
        path = request.path.removeprefix(ROOT).rstrip("/")
        page = self._pages.get((request.method, path))
        if page is None:
            is_known = any(path == known for _, known in self._pages)
            return _reply(405 if is_known else 404, {"message": "There is no such page; GET /_statordb names them."})
        answer: asyncio.Future[RestReply] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._answer(request, page, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer

    async def _answer(self, request: RestRequest, page: Page, answer: "asyncio.Future[RestReply]") -> None:
        try:
            told = page(_given(request))
            told = await told if inspect.isawaitable(told) else told
            reply = _reply(200, told or {})
        except (BadCall, BadFault, BadSeed, NoSnapshot) as fault:
            reply = _reply(400, {"message": str(fault.args[0])})
        except TimeoutError:
            reply = _reply(504, {"message": f"What was due was not done within {CATCH_UP_SECONDS_MAX:g} seconds."})
        except Exception:
            log.exception("a control failed", extra={"path": request.path})
            reply = _reply(500, {"message": "The control failed; the log tells of what."})
        answer.set_result(reply)

    def _time(self) -> Given:
        return {"now": self._controls.clock.now(), "ahead": self._controls.clock.seconds}

    async def _move(self, given: Given) -> Given:
        """`advance`: seconds further; `ahead`: seconds from the machine's clock."""
        if len(given.keys() & {"advance", "ahead"}) != 1:
            raise BadCall("Say advance, in seconds, or ahead, in seconds from the machine's clock.")
        seconds = (
            _number(given, "ahead") if "ahead" in given else self._controls.clock.seconds + _number(given, "advance")
        )
        if not 0 <= seconds <= SECONDS_MAX:
            raise BadCall(f"The clock is from 0 to {SECONDS_MAX:.0f} seconds ahead.")
        await self._controls.move(self._store, seconds)
        return self._time()

    async def _take(self, given: Given) -> Given:
        return {"snapshot": await self._snapshots.take()}

    async def _restore(self, given: Given) -> Given:
        return {"rows": await self._snapshots.put_back(_text(given, "snapshot"))}

    async def _forget(self, given: Given) -> None:
        await self._snapshots.forget(_text(given, "snapshot"))

    async def _seed(self, given: Given) -> Given:
        account = _text(given, "account") or self._account
        region = _text(given, "region") or DEFAULT_REGION
        principal = Principal(account, account, region, f"arn:aws:iam::{account}:root")
        return {"items": await seeding.seed(self._service, principal, given.get("tables"))}

    def _fault(self, given: Given) -> None:
        self._controls.faults.add(faults.parse({name: seeding.plain(value) for name, value in given.items()}))

    async def _requests(self, given: Given) -> Given:
        wanted = {name: _text(given, name) for name in ("operation", "table", "account") if name in given}
        found, is_full = await asyncio.to_thread(self._controls.requests.listed, wanted)
        return {"requests": found, "full": is_full}


def _given(request: RestRequest) -> Given:
    """What a call says, in its address and its body. Raises BadCall, BadSeed."""
    told = dict(parse_qsl(request.query))
    if request.body and request.method == "POST":
        document = seeding.read(bytes(request.body))
        if not isinstance(document, dict):
            raise BadCall("The body is an object of JSON.")
        told.update(document)
    return told


def _text(given: Given, name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadCall(f"{name} is a text.")
    return value


def _number(given: Given, name: str) -> float:
    try:
        number = float(given[name])
    except (TypeError, ValueError):
        raise BadCall(f"{name} is a number.") from None
    if not math.isfinite(number):
        raise BadCall(f"{name} is a number.")
    return number


def _reply(status: int, told: Given) -> RestReply:
    return RestReply(status, orjson.dumps(told), error=None if status == 200 else "ControlFailed")
