"""Puts the parts of a process together: the only place that knows every part and picks the engine."""

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, NamedTuple

from statordb.api.dispatch import Dispatcher
from statordb.api.shape_overrides import DYNAMODB
from statordb.archive.whole.moments import Moments
from statordb.cloudwatch_api import service as cloudwatch
from statordb.cloudwatch_api.service import CloudWatch
from statordb.commands.gate import Gate
from statordb.commands.policies import Policies
from statordb.commands.turns import Turns
from statordb.crypto.roots import Roots
from statordb.crypto.sealer import Sealer
from statordb.engine.contract import Engine, FormatTooNew, StoreUnusable
from statordb.engine.lmdb.engine import LmdbEngine
from statordb.engine.lmdb.keys import SPREAD
from statordb.iam_api.service import LOADERS, QueryService
from statordb.keeper.archiving import Archiving
from statordb.keeper.backup_schedules import BackupSchedule, BackupSchedules
from statordb.keeper.backups import Backups
from statordb.keeper.bulk import BulkPuts
from statordb.keeper.exports import Exports
from statordb.keeper.imports import Imports
from statordb.keeper.keeper import Duty, Keeper, duties
from statordb.keeper.kinesis import Kinesis
from statordb.keeper.kinesis_sender import BotoSender
from statordb.keeper.restores import Restores
from statordb.keeper.sources import Sources
from statordb.kms_api.service import TARGET_PREFIX as KMS_PREFIX
from statordb.kms_api.service import KmsService
from statordb.lambda_api.service import FunctionService
from statordb.metering.minutes import Minutes
from statordb.metering.month import DAY
from statordb.metering.prices import PriceSheet
from statordb.metering.shared_buckets import ProcessBuckets, SharedBuckets
from statordb.model.clock import Clock, SystemClock
from statordb.model.credential import Credential
from statordb.model.limits import UNPACKED_INLINE_BYTES_MAX
from statordb.model.request import Lane, Service
from statordb.model.service import ServiceModelMissing, load_service
from statordb.outbound.destinations import Destinations
from statordb.outbound.permissions import Permissions
from statordb.runtime.invoker import Invoker
from statordb.runtime.launching import Way
from statordb.runtime.peers import is_ours
from statordb.scaling_api.service import TARGET_PREFIX as SCALING_PREFIX
from statordb.scaling_api.service import ScalingService
from statordb.server import cassandra, sealing
from statordb.server.audit.auditor import Auditor, audited, audited_bare, audited_forms, audited_rest
from statordb.server.counting import CountingContext
from statordb.server.entrances import Entrance
from statordb.server.lane.counters import LaneTallies
from statordb.server.lane.door import Door
from statordb.server.lane.relay import Ask, RelayedEngine
from statordb.server.metrics import SharedCounters
from statordb.server.objects import archives, objects_of, sealed_objects_of
from statordb.server.reports import report_duty, report_request
from statordb.server.request_log import RequestLog
from statordb.server.roster import Roster
from statordb.server.setting_parsers import HEALTH_REFUSED
from statordb.server.setting_values import ScheduledBackups
from statordb.server.settings import BadStart, Settings
from statordb.server.snapshots import at_one_moment, embedded
from statordb.server.tls.files import Watched
from statordb.shapes.json import Shapes
from statordb.store import formats
from statordb.store.credentials import Credentials
from statordb.store.news import KEY, Subject
from statordb.store.scaling.schedules import parse
from statordb.store.store import Store
from statordb.store.whole import marker
from statordb.wire.authenticator import Authenticator
from statordb.wire.browsers import BrowserRules
from statordb.wire.context import Observer, WireContext
from statordb.wire.forms import FormApi, FormApis
from statordb.wire.open_authenticator import OpenAuthenticator, open_account
from statordb.wire.rest_peers import RestPeers
from statordb.wire.rpc import RpcApi, RpcApis
from statordb.wire.settings import WireSettings
from statordb.wire.sigv4 import IamAuthenticator
from statordb.wire.target_calls import Api

if TYPE_CHECKING:
    from statordb.server.controls.controls import Controls

CASSANDRA = "cassandra"  # the engine whose stores may have more than one server
SHARED_REGION = "us-east-1"  # where the tables are that all keys and regions share


@dataclass(frozen=True, slots=True)
class Site:
    """What all processes of a server share, made before the first fork."""

    settings: Settings
    name: str  # of this server, which no other ever had; its keeper goes on under it when it is restarted
    directory: Path
    entrances: Sequence[Entrance]  # the first is the one that is announced
    tls: Watched | None
    admin_listener: socket
    console_listener: socket | None  # None: there is no console
    console_endpoint: str  # address at which the console reaches the server
    endpoint: str  # host:port that clients are told to use
    functions_url: str  # address at which functions reach the server
    doorway: socket  # a listening socket on loopback, where workers have functions run
    secret: str  # that they show there
    functions_directory: Path
    launcher: Way | None  # who starts functions; None: the server itself, as its own user
    functions_token: str  # the secret for Lambda's API of other users' processes in open mode; "": they have none
    identity_providers: bytes  # a JSON document of those whose tokens roles may trust; b"": there are none
    prices: PriceSheet | None  # by which bills are made; None: that of the package
    roster: Roster
    counters: SharedCounters
    buckets: SharedBuckets | None  # what tables have left, where throughput is limited
    doors: Sequence[Door]  # of the lanes
    lane_tallies: LaneTallies
    shapes: Shapes
    controls: "Controls | None"  # of tests, where those may have them

    @property
    def clock(self) -> Clock:
        """By which the store has its time, and what is due."""
        return SystemClock() if self.controls is None else self.controls.clock

    @property
    def has_no_keeper(self) -> bool:
        """Whether the first worker is the keeper too."""
        return self.roster.workers == 1 or self.roster.is_elastic

    def buckets_of(self, process: int) -> ProcessBuckets | None:
        """What a process that answers requests has of them: the workers', then the lanes'."""
        monotonic = time.monotonic if self.controls is None else self.controls.clock.monotonic
        return None if self.buckets is None else self.buckets.of_process(process, monotonic)

    def close_launcher(self) -> None:
        """Let go of it, in a process that has no functions started."""
        if self.launcher is not None:
            self.launcher.close()

    def close_entrances(self) -> None:
        """Let go of the sockets that workers take connections from."""
        for entrance in self.entrances:
            entrance.socket.close()


def shared_counters(operations: Collection[str], workers: int, lanes: int) -> SharedCounters:
    return SharedCounters(sorted(operations), workers, lanes)


def shared_buckets(settings: Settings) -> SharedBuckets | None:
    if not settings.throttles:
        return None
    return SharedBuckets(settings.worker_count + settings.lane_count, secrets.randbits(64))


def load_shapes() -> Shapes:
    """The checks of all requests. Raises BadStart."""
    try:
        return Shapes(DYNAMODB, load_service(), load_service("dynamodbstreams"))
    except ServiceModelMissing as error:
        raise BadStart(str(error)) from None


async def open_store(
    directory: Path,
    settings: Settings,
    ask: Ask | None = None,
    buckets: ProcessBuckets | None = None,
    restores: bool = False,
    clock: Clock | None = None,
) -> Store:
    """The store of this process, made or migrated if need be. Raises BadStart.

    `ask` is for a lane: has an embedded store written by a worker, which has it open. `buckets`: of those who answer
    requests. `restores`: for who brings it back from an archive; nobody else may use it until it is whole. `clock`:
    another one than the machine's.
    """
    clock = clock or SystemClock()
    shared = settings.engine == CASSANDRA
    roots = sealing.roots_of(settings, directory)
    with told_as_bad_start(f"keyspace {settings.keyspace}" if shared else directory), sealing.told_of_keys():
        under = await open_engine(directory, settings, roots, ask)
        try:
            if not restores and await marker.being_restored(under) is not None:
                raise StoreUnusable(
                    "the store is not whole: statordb restore was ended while it brought it back. Run it again."
                )
            engine = await sealing.sealed(under, roots, writes=ask is None)
            await formats.admit(engine, clock.now())
            engine.ring.watch()
        except BaseException:
            await under.close()
            raise
    store = Store(
        engine,
        clock,
        settings.table_delay_seconds,
        settings.stream_shards,
        settings.stream_shard_seconds,
        sealer_of(engine),
        settings.quotas,
        minutes=Minutes(settings.metering_minute_seconds),
        scaling_minute_seconds=settings.scaling_minute_seconds,
        buckets=buckets,
    )
    store.tracks.everything = archives(settings)
    return store


async def open_engine(directory: Path, settings: Settings, roots: Roots, ask: Ask | None = None) -> Engine:
    """The engine that has the sealed rows. Raises as `open_store`."""
    if settings.engine == CASSANDRA:
        return await cassandra.open_engine(settings)
    durable = not settings.memory
    if ask is not None:
        return RelayedEngine(directory, durable, ask)
    return LmdbEngine.open(directory, durable, digest=SPREAD, rewrite=sealing.rewrite(roots))


@contextmanager
def told_as_bad_start(place: object) -> Iterator[None]:
    """What is wrong with a store is raised as BadStart. `place`: where the store is."""
    try:
        yield
    except FormatTooNew as error:
        found, supported = error.args
        raise BadStart(
            f"The store in {place} has format {found}, and this release knows formats up to {supported}: "
            "a newer release wrote it."
        ) from None
    except StoreUnusable as error:
        sentence = str(error.args[0])
        raise BadStart(sentence[:1].upper() + sentence[1:]) from None


def credentials_of(store: Store) -> Credentials:
    return Credentials(store.engine, sealer_of(store.engine), store.clock)


def sealer_of(engine: Engine) -> Sealer:
    """Seals the secrets of a store."""
    return Sealer(sealing.keys_of(engine))


def keeper_of(site: Site, store: Store, further: Sequence[Duty] = ()) -> Keeper:
    """The keeper with the duties that every store wants, and `further` ones. A directory has one server (it is locked),
    and so one keeper at a time; a cluster may have many."""
    endpoint = site.settings.kinesis_endpoint
    kinesis = Kinesis(
        store, BotoSender(endpoint, Permissions(site.settings.destinations).check) if endpoint else None, report_duty
    )
    holder = site.name if site.settings.engine == CASSANDRA else None
    objects = objects_of(site.settings, site.directory)
    bucket = sealed_objects_of(objects, store.engine)
    sources = Sources(objects, Permissions(site.settings.destinations).check)
    moments = Moments(store, bucket, partial(at_one_moment, store)) if archives(site.settings) else None
    archiving: list[Duty] = [
        Backups(store, bucket),
        Archiving(store, bucket, report_duty, site.settings.archive_seconds, moments),
        Restores(store, bucket),
        Imports(store, sources, site.directory / "logs"),
        BulkPuts(store, sources),
        Exports(store, bucket, sources, report_duty),
    ]
    if site.settings.backups:
        archiving.append(BackupSchedules(store, [_schedule(each) for each in site.settings.backups]))
    return Keeper(store, report_duty, holder, [*duties(store), kinesis, *archiving, *further])


def _schedule(given: ScheduledBackups) -> BackupSchedule:
    when = parse(given.schedule, given.timezone or None)
    keep = given.keep_days * DAY if given.keep_days else None
    return BackupSchedule(given.name, f"{given.schedule} {given.timezone}", when, given.tables, keep)


def turns_of(store: Store) -> Turns:
    """Who may hold up a worker's event loop next."""
    engine = embedded(store)
    return Turns() if engine is None else Turns(is_waited_for=engine.is_writing)


def gate_of(site: Site, store: Store) -> Gate:
    """Who may do what."""
    return Policies(store, shared=site.settings.shared_db)


class TargetApi(NamedTuple):
    """A further API whose requests name their operation behind a prefix of its own. `name`: that claims have of it."""

    prefix: str
    name: str
    service: KmsService | ScalingService


def target_apis(site: Site, store: Store, turns: Turns) -> Sequence[TargetApi]:
    """KMS's and Application Auto Scaling's APIs."""
    scaling = ScalingService(store, report_request, gate_of(site, store), turns)
    return (
        TargetApi(KMS_PREFIX, "kms", KmsService(store, report_request, turns)),
        TargetApi(SCALING_PREFIX, "application-autoscaling", scaling),
    )


def dispatcher_of(site: Site, store: Store, lane: Lane | None, turns: Turns | None = None) -> Dispatcher:
    """Answers requests; what is too much for one go, in `lane`. Without one it is a lane itself."""
    gate = gate_of(site, store)
    return Dispatcher(store, site.shapes, report_request, site.endpoint, lane=lane, gate=gate, turns=turns)


def wire_context(
    site: Site,
    slot: int,
    store: Store,
    service: Service,
    turns: Turns,
    observe: Observer,
    rest: FunctionService | None = None,
    further: Sequence[TargetApi] = (),
    identities: Mapping[str, QueryService] | None = None,
    watching: CloudWatch | None = None,
    auditor: Auditor | None = None,
) -> WireContext:
    """All that the connections of a worker share."""
    settings = site.settings
    browsers = BrowserRules(settings.allowed_origins, settings.names)
    told = RequestLog(service, observe) if settings.request_log else None
    observe = told.observe if told else observe
    loop = asyncio.get_running_loop()
    forms = {
        name.encode(): FormApi(audited_forms(api, auditor, name), _authenticator(site, store, name, browsers))
        for name, api in (identities or {}).items()
    }
    judge = _authenticator(site, store, cloudwatch.CLAIMED, browsers)
    query, rpc = _watching_apis(watching, judge, auditor)
    return CountingContext(
        site.roster,
        slot,
        audited(told or service, auditor),
        _authenticator(site, store, "dynamodb", browsers),
        rest=audited_rest(rest, auditor),
        rest_authenticator=_authenticator(site, store, "lambda", browsers),
        rest_peers=RestPeers(is_ours, _token_authenticator(site, store)),
        apis={
            each.prefix.encode(): Api(
                audited_bare(each.service, auditor),
                _authenticator(site, store, each.name, browsers),
                each.service.unanswered,
            )
            for each in further
        },
        forms={**forms, **query},
        rpc=rpc,
        clock=time.time,
        monotonic=time.monotonic,
        settings=WireSettings(
            target_prefixes=site.shapes.target_prefixes,
            browsers=browsers,
            idle_seconds=settings.idle_seconds,
            body_seconds=settings.request_seconds,
            is_health_refused=settings.health_status == HEALTH_REFUSED,
            unpacked_inline_bytes_max=UNPACKED_INLINE_BYTES_MAX,
        ),
        observe=observe if auditor is None else auditor.observer(observe),
        defer=loop.call_soon,
        after=loop.call_later,
        slices=turns.later,
    )


def _watching_apis(
    watching: CloudWatch | None, judge: Authenticator, auditor: Auditor | None
) -> tuple[FormApis, RpcApis]:
    """CloudWatch's API in the protocols that it has."""
    if watching is None:
        return {}, {}
    query, json, cbor = (
        FormApi(audited_forms(watching.speaking(form), auditor, cloudwatch.CLAIMED), judge)
        for form in (cloudwatch.QUERY, cloudwatch.JSON, cloudwatch.CBOR)
    )
    rpc = {cloudwatch.TARGET_PREFIX.encode(): RpcApi(json, cbor, cloudwatch.REQUEST_BYTES_MAX)}
    return {cloudwatch.CLAIMED.encode(): query}, rpc


def query_services(site: Site, store: Store, turns: Turns) -> Mapping[str, QueryService]:
    """IAM's and STS's APIs, by the names that claims have of them."""
    credentials = credentials_of(store)
    return {
        name: QueryService(name, store, credentials, report_request, os.urandom, load, site.identity_providers, turns)
        for name, load in LOADERS.items()
    }


def cloudwatch_service(site: Site, store: Store, turns: Turns) -> CloudWatch:
    """CloudWatch's API."""
    return CloudWatch(store, gate_of(site, store), report_request, turns)


def function_service(site: Site, store: Store, invoker: Invoker, turns: Turns) -> FunctionService:
    """Lambda's API."""
    check = destinations_of(site, store).check
    return FunctionService(
        store, invoker, report_request, check, gate_of(site, store), turns, site.settings.auth == "iam"
    )


def destinations_of(site: Site, store: Store) -> Destinations:
    """Where records go that functions failed on."""
    settings = site.settings
    return Destinations(
        settings.sqs_endpoint,
        settings.sns_endpoint,
        store.clock.now,
        store.invocations.put,
        Permissions(settings.destinations),
    )


def _authenticator(site: Site, store: Store, service: str, browsers: BrowserRules) -> Authenticator:
    settings = site.settings
    if settings.auth == "open":
        return OpenAuthenticator(
            settings.account, SHARED_REGION if settings.shared_db else None, settings.presigned_requests, browsers
        )
    return IamAuthenticator(
        _lookup(site, credentials_of(store)),
        Subject(store.engine, KEY).number,
        time.time,
        (service,),
        settings.presigned_requests,
        store.key_uses.note,
    )


def _token_authenticator(site: Site, store: Store) -> Authenticator | None:
    """Who judges requests to Lambda's API of other users' processes, in open mode: whoever has the token may."""
    settings = site.settings
    if not site.functions_token:
        return None

    def lookup(access_key_id: str) -> Credential:
        return Credential(access_key_id, site.functions_token, *open_account(access_key_id, settings.account))

    return IamAuthenticator(lookup, lambda: 0, time.time, ("lambda",))


def _lookup(site: Site, credentials: Credentials) -> Callable[[str], Credential | Awaitable[Credential | None]]:
    """Finds the credential that the settings name, and the stored ones."""
    settings = site.settings
    account = settings.account
    stored = credentials.lookup if site.controls is None else site.controls.as_of_now(credentials.lookup)
    arn = f"arn:aws:iam::{account}:root"
    root = Credential(settings.root_access_key_id, settings.root_secret_access_key, account, arn)

    def lookup(access_key_id: str) -> Credential | Awaitable[Credential | None]:
        if access_key_id and access_key_id == root.access_key_id:
            return root
        return stored(access_key_id)

    return lookup
