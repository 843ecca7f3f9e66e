"""A real server, from its command line to its end: several workers, one process, and access keys beside it."""

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.pace import HANGS_SECONDS, until
from tests.process import STATORDB, ServerProcess

pytestmark = pytest.mark.slow  # real processes


def signed(
    url: str,
    operation: str,
    body: object,
    key: str = "AKIDEXAMPLE000000000",
    secret: str = "secret",
    region: str = "us-east-1",
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request, as an SDK makes them."""
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest("POST", url + "/", headers, data)
    SigV4Auth(Credentials(key, secret), "dynamodb", region).add_auth(request)
    return data, {"Host": urlsplit(url).netloc, **dict(request.headers)}


def call(url: str, operation: str, body: object, *credential: str) -> tuple[int, dict[str, str]]:
    """Status and body of one request on a connection of its own."""
    return post(url, *signed(url, operation, body, *credential))


def post(url: str, data: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=HANGS_SECONDS)
    try:
        connection.request("POST", "/", data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def get(url: str) -> tuple[int, str]:
    """Status and text of a page."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=HANGS_SECONDS)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def eventually(met: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    until(met, "it")


def started(server: ServerProcess) -> dict[str, object]:
    """The facts that the server logs once it runs."""

    def facts() -> list[dict[str, object]]:
        lines = [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == "server started"]

    eventually(lambda: bool(facts()))
    return facts()[0]


def statordb(*words: str) -> str:
    """Output of a command that succeeds."""
    done = subprocess.run([STATORDB, *words], capture_output=True, text=True, timeout=HANGS_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def total(text: str, metric: str) -> float:
    """Sum of all samples of a metric."""
    found = re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return sum(float(value) for value in found)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    """A server of three workers on a directory."""
    data = tmp_path_factory.mktemp("several") / "data"
    with ServerProcess("--data", str(data), "--workers", "3", "--admin-port", "0", "--log-format", "json") as server:
        yield server, data


def test_every_worker_and_the_keeper_run(several: tuple[ServerProcess, Path]) -> None:
    server, _ = several
    names = ["statordb-keep", "statordb-work0", "statordb-work1", "statordb-work2"]
    eventually(lambda: sorted(map(_name, server.descendants())) == names)


def test_connections_are_spread_and_counted(several: tuple[ServerProcess, Path]) -> None:
    server, _ = several
    admin = str(started(server)["admin_url"])
    before = total(get(admin + "/metrics")[1], "statordb_requests_total")
    for _ in range(30):
        assert call(server.url, "ListTables", {})[0] == 200
    eventually(lambda: total(get(admin + "/metrics")[1], "statordb_requests_total") == before + 30)
    text = get(admin + "/metrics")[1]
    assert total(text, "statordb_worker_up") == 3
    assert get(admin + "/healthz") == (200, "alive\n")
    eventually(lambda: get(admin + "/readyz") == (200, "ready\n"))


def test_open_connections_are_spread_evenly(several: tuple[ServerProcess, Path]) -> None:
    server, _ = several
    admin = str(started(server)["admin_url"])
    address = urlsplit(server.url)

    def counts() -> list[int]:
        found = re.findall(r"^statordb_connections{[^}]*} (\S+)$", get(admin + "/metrics")[1], re.MULTILINE)
        return [int(float(value)) for value in found]

    def spread() -> int:
        """How many connections more one worker has than another, of thirty at once."""
        eventually(lambda: sum(counts()) == 0)
        opened = [socket.create_connection((address.hostname, address.port)) for _ in range(30)]
        try:
            eventually(lambda: sum(counts()) == 30)
            return max(counts()) - min(counts())
        finally:
            for connection in opened:
                connection.close()

    # A worker that the machine does not let run leaves its connections to others; never each time.
    eventually(lambda: spread() <= 4)


def test_a_killed_worker_is_replaced_and_the_port_stays_up(several: tuple[ServerProcess, Path]) -> None:
    server, _ = several
    admin = str(started(server)["admin_url"])
    before = server.descendants()
    victim = next(pid for pid in before if Path(f"/proc/{pid}/comm").read_text().startswith("statordb-work"))
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in server.descendants())  # what it had accepted by then is lost
    for _ in range(20):
        assert call(server.url, "ListTables", {})[0] == 200
    eventually(lambda: len(server.descendants()) == len(before))
    eventually(lambda: get(admin + "/readyz")[0] == 200)
    assert total(get(admin + "/metrics")[1], "statordb_restarts_total") >= 1


def test_a_killed_keeper_is_replaced_and_the_admin_port_stays_up(several: tuple[ServerProcess, Path]) -> None:
    server, _ = several
    admin = str(started(server)["admin_url"])
    keeper = next(pid for pid in server.descendants() if Path(f"/proc/{pid}/comm").read_text() == "statordb-keep\n")
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: get(admin + "/healthz")[0] == 200)


def test_a_worker_that_stands_makes_the_server_unready(several: tuple[ServerProcess, Path]) -> None:
    """Whoever sends traffic to it sees that, and the others still answer."""
    server, _ = several
    admin = str(started(server)["admin_url"])
    victim = next(pid for pid in server.descendants() if Path(f"/proc/{pid}/comm").read_text() == "statordb-work1\n")
    os.kill(victim, signal.SIGSTOP)
    try:
        eventually(lambda: get(admin + "/readyz") == (503, "not going on: worker-1\n"))
        assert call(server.url, "ListTables", {})[0] == 200
    finally:
        with contextlib.suppress(ProcessLookupError):  # replaced, where the machine stood for long
            os.kill(victim, signal.SIGCONT)
    eventually(lambda: get(admin + "/readyz")[0] == 200)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_end_comes_in_time_where_a_worker_stands(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_SHUTDOWN_SECONDS", "0.5")
    with ServerProcess("--memory", "--workers", workers) as server:
        victim = min(server.descendants())
        os.kill(victim, signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(HANGS_SECONDS) == 0
        assert server.descendants() == {}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_large_packed_requests_are_answered_in_a_lane(workers: str) -> None:
    """It runs once one has come, and again where it was killed."""

    def lanes() -> list[int]:
        return [pid for pid in server.descendants() if _name(pid) == "statordb-lane0"]

    with ServerProcess("--memory", "--workers", workers, "--admin-port", "0", "--log-format", "json") as server:
        assert lanes() == []
        data, headers = signed(server.url, "ListTables", {"Unknown": ["x" * 100] * 2000})
        packed, headers = gzip.compress(data), {**headers, "Content-Encoding": "gzip"}
        for _ in range(2):
            assert post(server.url, packed, headers) == (200, {"TableNames": []})
            (lane,) = lanes()
            os.kill(lane, signal.SIGKILL)
            eventually(lambda: not lanes())
        metrics = get(str(started(server)["admin_url"]) + "/metrics")[1]
        assert total(metrics, "statordb_lane_requests_total") == 2


@pytest.mark.parametrize("lanes", ["0", "1"])
def test_what_is_written_in_a_lane_is_there(lanes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table and an item, both too large for one go: the lane has the worker write them."""
    monkeypatch.setenv("STATORDB_LANES", lanes)
    with ServerProcess("--memory", "--workers", "2", "--admin-port", "0", "--log-format", "json") as server:

        def packed(operation: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
            data, headers = signed(server.url, operation, body | {"Unknown": ["x" * 100] * 2000})
            return post(server.url, gzip.compress(data), {**headers, "Content-Encoding": "gzip"})

        key = {"AttributeName": "pk", "KeyType": "HASH"}
        made, _ = packed(
            "CreateTable",
            {
                "TableName": "wide",
                "KeySchema": [key],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        )
        assert made == 200, server.logged()
        item = {"pk": {"S": "a"}} | {f"attribute{number}": {"S": "y"} for number in range(12_000)}
        for _ in range(2):
            assert packed("PutItem", {"TableName": "wide", "Item": item}) == (200, {})
        refused = {"TableName": "wide", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        assert packed("PutItem", refused)[1]["__type"].endswith("#ConditionalCheckFailedException")  # type: ignore[attr-defined]
        change = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
        assert packed("UpdateItem", {"TableName": "wide", "Key": {"pk": {"S": "a"}}, **change})[0] == 200
        got = call(server.url, "GetItem", {"TableName": "wide", "Key": {"pk": {"S": "a"}}})
        assert got == (200, {"Item": item | {"n": {"N": "1"}}})
        deleted = packed("DeleteTable", {"TableName": "wide"})
        assert deleted[0] == 200
        metrics = get(str(started(server)["admin_url"]) + "/metrics")[1]
        assert total(metrics, "statordb_lane_requests_total") >= (6 if lanes == "1" else 0)
        assert "operation failed" not in server.logged()


def test_without_lanes_they_are_answered_where_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_LANES", "0")
    with ServerProcess("--memory", "--workers", "1") as server:
        data, headers = signed(server.url, "ListTables", {"Unknown": ["x" * 100] * 2000})
        packed = gzip.compress(data)
        assert post(server.url, packed, {**headers, "Content-Encoding": "gzip"}) == (200, {"TableNames": []})
        assert [_name(pid) for pid in server.descendants()] == ["statordb-alone"]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_second_server_on_the_same_port_or_directory_is_refused(several: tuple[ServerProcess, Path]) -> None:
    server, data = several
    port = server.url.rpartition(":")[2]
    for words in (("--memory", "--port", port), ("--data", str(data), "--port", "0")):
        done = subprocess.run(
            [STATORDB, "serve", *words], capture_output=True, text=True, timeout=HANGS_SECONDS, check=False
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1


def test_access_keys_of_a_running_server(tmp_path: Path) -> None:
    """Made, used, listed and deleted while it runs; each change counts at once in every worker."""
    data = tmp_path / "data"
    made = json.loads(statordb("credentials", "create", "--data", str(data), "--json"))
    with ServerProcess("--data", str(data), "--auth", "iam", "--workers", "2") as server:
        key, secret = made["AccessKeyId"], made["SecretAccessKey"]
        for _ in range(4):
            assert call(server.url, "ListTables", {}, key, secret)[0] == 200
        status, error = call(server.url, "ListTables", {}, key, "another secret")
        assert (status, error["__type"]) == (400, "com.amazon.coral.service#InvalidSignatureException")
        second = json.loads(
            statordb("credentials", "create", "--data", str(data), "--account", "111111111111", "--json")
        )
        assert call(server.url, "ListTables", {}, second["AccessKeyId"], second["SecretAccessKey"])[0] == 200
        listed = json.loads(statordb("credentials", "list", "--data", str(data), "--json"))
        assert [entry["AccessKeyId"] for entry in listed] == [key, second["AccessKeyId"]]
        assert "SecretAccessKey" not in listed[0]
        statordb("credentials", "delete", key, "--data", str(data))
        for _ in range(4):
            assert call(server.url, "ListTables", {}, key, secret)[0] == 400
        assert secret not in server.logged()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(HANGS_SECONDS) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_made_no_key_is_told_why_nobody_is_let_in(tmp_path: Path, workers: str) -> None:
    told = "there is no access key"
    options = ("--data", str(tmp_path / "data"), "--auth", "iam", "--workers", workers)
    with ServerProcess(*options) as server:
        eventually(lambda: told in server.logged())
    statordb("credentials", "create", "--data", str(tmp_path / "data"))
    with ServerProcess(*options) as server:
        admin = started(server)["admin_url"]
        eventually(lambda: get(f"{admin}/readyz")[0] == 200)
        assert told not in server.logged()


def test_one_worker_in_memory_with_a_root_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_ROOT_ACCESS_KEY_ID", "AKIAROOTROOTROOTROOT")
    monkeypatch.setenv("STATORDB_ROOT_SECRET_ACCESS_KEY", "only-from-the-environment")
    with ServerProcess("--memory", "--auth", "iam", "--workers", "1", "--log-format", "json") as server:
        assert call(server.url, "ListTables", {}, "AKIAROOTROOTROOTROOT", "only-from-the-environment")[0] == 200
        assert call(server.url, "ListTables", {})[0] == 400
        facts = started(server)
        directory = Path(str(facts["directory"]))
        assert directory.exists()
        made = json.loads(statordb("credentials", "create", "--data", str(directory), "--json"))
        assert call(server.url, "ListTables", {}, made["AccessKeyId"], made["SecretAccessKey"])[0] == 200
        assert get(f"{facts['admin_url']}/readyz")[0] == 200
        assert [Path(f"/proc/{pid}/comm").read_text() for pid in server.descendants()] == ["statordb-alone\n"]
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(HANGS_SECONDS) == 0
        assert not directory.exists()
        assert "only-from-the-environment" not in server.logged()


def test_idle_strangers_leave_the_admin_port_its_descriptors(tmp_path: Path) -> None:
    """Whoever takes all connections there are must not blind those who look after the server."""
    command = f"ulimit -n 400; exec {STATORDB} serve --port 0 --admin-port 0 --workers 1 --log-format json --memory"
    with (tmp_path / "log").open("w+") as logged:
        process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=logged, text=True)
        strangers: list[socket.socket] = []
        try:
            assert process.stdout is not None
            address = urlsplit(process.stdout.readline().split()[-1])
            eventually(lambda: "admin_url" in (tmp_path / "log").read_text())
            admin = json.loads((tmp_path / "log").read_text().splitlines()[0])["admin_url"]
            strangers += [socket.create_connection((address.hostname, address.port)) for _ in range(450)]
            text = ""

            def full() -> bool:
                nonlocal text
                text = get(admin + "/metrics")[1]
                return total(text, "statordb_connections") > 150

            eventually(full)
            assert total(text, "statordb_connections") <= 200
            eventually(lambda: get(admin + "/readyz") == (200, "ready\n"))
        finally:
            for stranger in strangers:
                stranger.close()
            process.terminate()
            process.wait(HANGS_SECONDS)
            assert process.stdout is not None
            process.stdout.close()


def test_the_end_answers_what_is_in_flight(tmp_path: Path) -> None:
    """Standard output has the ready line alone; a request that is half sent at SIGTERM is still answered."""
    process = subprocess.Popen(
        [
            STATORDB,
            "serve",
            "--port",
            "0",
            "--host",
            "::1",
            "--workers",
            "2",
            "--no-console",
            "--data",
            str(tmp_path / "data"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "STATORDB_SHUTDOWN_SECONDS": str(HANGS_SECONDS)},
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert re.fullmatch(r"StatorDB ready on http://\[::1\]:[0-9]+\n", ready)
        url = ready.split()[-1]
        data, headers = signed(url, "ListTables", {})
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=HANGS_SECONDS)
        connection.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            connection.putheader(name, value)
        connection.endheaders(data[:1])
        eventually(lambda: _is_read(connection.sock))
        process.send_signal(signal.SIGTERM)
        eventually(lambda: refuses(url))
        connection.send(data[1:])
        assert connection.getresponse().status == 200
        connection.close()
        rest, _ = process.communicate(timeout=HANGS_SECONDS)
        assert (rest, process.returncode) == ("", 0)
    finally:
        process.kill()
        process.wait()


def _is_read(sent: socket.socket) -> bool:
    """Whether the other side, on this machine, has read all that was sent."""
    own, peer = sent.getsockname()[1], sent.getpeername()[1]
    for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(fields[place].rpartition(":")[2], 16) for place in (1, 2))
        if (local, remote) == (peer, own):
            accepted = fields[9] != "0"
            return accepted and int(fields[4].rpartition(":")[2], 16) == 0
    return False


def refuses(url: str) -> bool:
    """Whether nobody listens there any more."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_one_database_for_all_keys_and_regions_and_a_line_for_each_request() -> None:
    """As tools see it that make up a region: one makes the table, another one writes to it by an ARN of its own."""
    arn = "arn:aws:dynamodb:local-env:123456789012:table/abc"
    create = {
        "TableName": "abc",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    }
    words = ("--memory", "--workers", "1", "--shared-db", "--request-log", "--log-level", "error")
    with ServerProcess(*words) as server:
        made = call(server.url, "CreateTable", create, "123456789012", "x", "local-env")[1]["TableDescription"]
        assert made["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/abc"  # type: ignore[index]
        put = {"TableName": arn, "Item": {"p": {"S": "confidential"}}}
        assert call(server.url, "PutItem", put, "other", "y", "eu_nowhere") == (200, {})
        found = call(server.url, "Scan", {"TableName": "abc"})[1]
        assert found["Count"] == 1
        assert call(server.url, "ListBackups", {"Limit": 0})[0] == 400
    lines = [json.loads(line) for line in server.logged().splitlines() if '"request"' in line]
    assert [(line["operation"], line.get("table"), line["status"]) for line in lines] == [
        ("CreateTable", "abc", 200),
        ("PutItem", arn, 200),
        ("Scan", "abc", 200),
        ("ListBackups", None, 400),
    ]
    assert lines[3]["error"] == "ValidationException"
    assert "confidential" not in server.logged()
