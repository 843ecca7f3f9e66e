"""A cluster that wants a password and a certificate, and speaks by TLS only: who gets in, and what the others are told.

The servers' user has no more rights than docs/operations/cassandra.md says it needs.
"""

import asyncio
import json
import os
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
from tests.cassandra import patient
from tests.cassandra.certificates import FOR_CLIENTS, FOR_SERVERS, Authority, Identity
from tests.cassandra.cluster import configuration, shared
from tests.cassandra.cluster.access import Access
from tests.cassandra.cluster.cluster import Cluster
from tests.pace import HANGS_SECONDS
from tests.process import ServerProcess

from statordb.engine.cassandra.cql.session import Contact, Session
from statordb.engine.contract import StoreUnusable

NETWORK = "127.0.6"
USERNAME = "statordb"
PASSWORD = "it's no-secret: 1"
WRONG_PASSWORD = "some-other-secret"
GUIDE = Path(__file__).parents[2] / "docs" / "operations" / "cassandra.md"

Settings = dict[str, str]  # what is told, by the setting's name

pytestmark = pytest.mark.slow  # real processes, and a real node


class Secured(NamedTuple):
    """The cluster, and what the servers know of it."""

    cluster: Cluster
    contact: Contact
    settings: Settings

    @property
    def place(self) -> tuple[str, ...]:
        """The options that tell where the store is; none is a secret."""
        hosts = ",".join(self.cluster.hosts)
        return ("--engine", "cassandra", "--cassandra", hosts, "--datacenter", self.cluster.datacenter)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("the cluster's authority")


@pytest.fixture(scope="module")
def access(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Access:
    folder = tmp_path_factory.mktemp("certificates")
    node = authority.issue("node", FOR_SERVERS)
    server = authority.issue("server", FOR_CLIENTS)
    made = Access(folder / "ca.pem", folder / "node.pem", folder / "server.pem", folder / "server.key")
    made.authority.write_text(authority.certificate)
    made.keystore.write_text(node.key + node.certificate)
    made.certificate.write_text(server.certificate)
    made.key.write_text(server.key)
    return made


@pytest.fixture(scope="module")
def secured(access: Access) -> Iterator[Secured]:
    settings = {
        "cassandra_username": USERNAME,
        "cassandra_password": PASSWORD,
        "cassandra_ca": str(access.authority),
        "cassandra_certificate": str(access.certificate),
        "cassandra_key": str(access.key),
    }
    tls = (access.authority.read_text(), access.certificate.read_text(), access.key.read_text())
    with shared.own("secured", nodes=1, network=NETWORK, access=access, passing=True) as cluster:
        first = Contact(cluster.hosts, cluster.port, "", "", access.username, access.password, *tls)
        asyncio.run(make_user(first))
        contact = Contact(cluster.hosts, cluster.port, cluster.datacenter, "statordb", USERNAME, PASSWORD, *tls)
        yield Secured(cluster, contact, settings)


async def make_user(contact: Contact) -> None:
    """The user that the servers log in as, with what the guide says that it needs."""
    session = await Session.connect(contact)
    quoted = PASSWORD.replace("'", "''")
    await session.schema(f"CREATE ROLE {USERNAME} WITH LOGIN = true AND PASSWORD = '{quoted}'")
    await session.schema(f"GRANT CREATE ON ALL KEYSPACES TO {USERNAME}")
    await session.schema(f"GRANT SELECT ON KEYSPACE system_views TO {USERNAME}")
    await session.close()


def run(settings: Settings, *words: str) -> tuple[int, str, str]:
    """A command's exit code and output; the settings come from its environment."""
    variables = {f"STATORDB_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [*patient.COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=HANGS_SECONDS,
        check=False,
        env=os.environ | variables,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_cluster_is_prepared_and_found_in_order(secured: Secured) -> None:
    assert run(secured.settings, "cluster", "init", *secured.place) == (0, "The keyspace statordb is ready.\n", "")
    code, out, err = run(secured.settings, "cluster", "check", *secured.place)
    assert (code, err) == (0, "")
    assert "The cluster is as it must be." in out
    assert "copies 1, nodes 1, racks 1" in out
    assert "does not show its settings" not in out
    assert "let everybody in" not in out


def test_a_server_serves_and_tells_nobody_the_password(secured: Secured, tmp_path: Path) -> None:
    """Its settings come from a file; the log is as long as can be."""
    config = tmp_path / "statordb.toml"
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in secured.settings.items()))
    words = ("--config", str(config), "--data", str(tmp_path / "data"), "--workers", "2", "--admin-port", "0")
    more = ("--no-functions", "--log-level", "debug")
    with ServerProcess(*words, *secured.place, *more, command=(*patient.COMMAND, patient.ALONE)) as server:
        client = boto3.client("dynamodb", endpoint_url=server.url)
        client.create_table(
            TableName="kept",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.get_waiter("table_exists").wait(TableName="kept", WaiterConfig={"Delay": 1})
        client.put_item(TableName="kept", Item={"id": {"S": "a"}, "said": {"S": "by TLS"}})
        found = client.get_item(TableName="kept", Key={"id": {"S": "a"}}, ConsistentRead=True)
        assert found["Item"]["said"] == {"S": "by TLS"}
        lines = [Path(f"/proc/{server.pid}/cmdline").read_text(), *server.descendants().values()]
    assert len(lines) >= 4  # the first one, two workers and the keeper
    assert PASSWORD not in "".join(lines)
    assert server.process.returncode == 0
    assert "server started" in server.logged()
    assert PASSWORD not in server.logged()


# What is told, and which settings make it so: those that differ from what is right.
REFUSED: Mapping[str, tuple[str, Mapping[str, str | None]]] = {
    "wrong_password": ("the login failed, see cassandra_username", {"cassandra_password": WRONG_PASSWORD}),
    "no_password": ("the login failed, see cassandra_username", {"cassandra_username": "", "cassandra_password": ""}),
    "no_certificate": (
        "maybe because it wants a certificate, see cassandra_certificate",
        {"cassandra_certificate": None, "cassandra_key": None},
    ),
    "certificate_of_another_authority": (
        "maybe because it does not accept cassandra_certificate",
        {"cassandra_certificate": "stranger.pem", "cassandra_key": "stranger.key"},
    ),
    "key_of_another_certificate": (
        "maybe because it does not accept cassandra_certificate with cassandra_key",
        {"cassandra_key": "stranger.key"},
    ),
    "another_authority": ("its certificate does not hold, see cassandra_ca", {"cassandra_ca": "another.pem"}),
    "no_tls": (
        "maybe because it wants TLS, see cassandra_ca",
        {"cassandra_ca": None, "cassandra_certificate": None, "cassandra_key": None},
    ),
    "broken_authority": ("cassandra_ca or cassandra_certificate is no certificate", {"cassandra_ca": "broken.pem"}),
    "broken_key": ("cassandra_key is no key", {"cassandra_key": "broken.pem"}),
}


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the files that are named above."""
    folder = tmp_path_factory.mktemp("wrong")
    another = Authority("another authority")
    stranger = another.issue("server", FOR_CLIENTS)
    (folder / "another.pem").write_text(another.certificate)
    (folder / "stranger.pem").write_text(stranger.certificate)
    (folder / "stranger.key").write_text(stranger.key)
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    return folder


@pytest.mark.parametrize("case", REFUSED)
def test_who_is_refused_is_told_why(secured: Secured, wrong_files: Path, tmp_path: Path, case: str) -> None:
    told, wrong = REFUSED[case]
    settings = {name: value for name, value in secured.settings.items() if name not in wrong}
    settings |= {
        name: str(wrong_files / value) if value.endswith((".pem", ".key")) else value
        for name, value in wrong.items()
        if value is not None
    }
    begun = time.monotonic()
    serve = ("serve", "--data", str(tmp_path), "--workers", "2", "--port", "0", "--admin-port", "0")
    code, out, err = run(settings, *serve, *secured.place)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"statordb: Cassandra at {secured.cluster.hosts[0]} can't be reached: ")
    assert told in err

    checked, findings, nothing = run(settings, "cluster", "check", *secured.place)
    assert (checked, nothing) == (1, "")
    assert f"problem  {secured.cluster.hosts[0]} does not answer: " in findings
    assert told in findings
    assert time.monotonic() - begun < 2 * HANGS_SECONDS
    for secret in (PASSWORD, WRONG_PASSWORD, "Traceback"):
        assert secret not in err + findings


class Impostor:
    """Speaks TLS where a node should, with some certificate, and hangs up on the first who says something."""

    def __init__(self, identity: Identity, folder: Path) -> None:
        file = folder / "impostor.pem"
        file.write_text(identity.key + identity.certificate)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(file)
        self.heard = b""

    async def fool(self, contact: Contact) -> str:
        """What somebody says who wants to connect."""
        server = await asyncio.start_server(self._listen, f"{NETWORK}.99", 0, ssl=self._tls)
        host, port = server.sockets[0].getsockname()
        with pytest.raises(StoreUnusable) as refused:
            await Session.connect(replace(contact, hosts=(host,), port=port))
        server.close()
        return str(refused.value)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(100)
        writer.close()


@pytest.mark.parametrize("flaw", ["none", "expired", "of_a_client", "of_another_authority"])
def test_nothing_is_said_to_a_node_whose_certificate_does_not_hold(
    authority: Authority, tmp_path: Path, flaw: str
) -> None:
    signer = Authority("the cluster's authority") if flaw == "of_another_authority" else authority
    purpose = FOR_CLIENTS if flaw == "of_a_client" else FOR_SERVERS
    impostor = Impostor(signer.issue("node", purpose, expired=flaw == "expired"), tmp_path)
    contact = Contact((), username=USERNAME, password=PASSWORD, tls_ca=authority.certificate)
    told = asyncio.run(impostor.fool(contact))
    assert bool(impostor.heard) == (flaw == "none")
    assert ("its certificate does not hold" in told) == (flaw != "none")


def test_nodes_of_two_authorities_are_trusted_while_one_replaces_the_other(secured: Secured) -> None:
    both = Authority("another authority").certificate + secured.contact.tls_ca

    async def connect() -> None:
        session = await Session.connect(replace(secured.contact, tls_ca=both))
        await session.close()

    asyncio.run(connect())


def test_what_is_printed_of_a_contact_shows_no_secret(secured: Secured) -> None:
    shown = f"{secured.contact} {secured.contact!r}"
    assert USERNAME in shown
    assert PASSWORD not in shown
    assert "PRIVATE KEY" not in shown


def test_the_guide_shows_what_the_node_runs_with() -> None:
    shown = configuration.SECURED.format(keystore="/etc/cassandra/node.pem", truststore="/etc/cassandra/ca.pem")
    assert f"```yaml\n{shown}```" in GUIDE.read_text()
