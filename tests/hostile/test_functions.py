"""Functions are programs: who may have one run, and as whom.

A key of any account could have a program run as the server's user, which reads all accounts' data; and without
authentication so could every user of the machine, by two requests.
"""

import base64
import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.lambda_suite.conftest import ROLE, zipped
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import STATORDB, ServerProcess

PATH = "/2015-03-31/functions"
STRANGER = 65534  # nobody's user
STRANGERS = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

pytestmark = pytest.mark.slow  # real servers

# What another user's program sends, and prints of the answer. The other user may not be able to import anything.
ASKS = """
import encodings.idna, http.client, os, sys
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
connection = http.client.HTTPConnection(sys.argv[2], int(sys.argv[3]))
lines = sys.stdin.buffer.read()
head, _, body = lines.partition(b"\\0")
method, path, *fields = head.decode().split("\\n")
connection.request(method, path, body, dict(field.split(": ", 1) for field in fields))
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def body_of(name: str) -> bytes:
    code = base64.b64encode(zipped()).decode()
    asked = {"FunctionName": name, "Runtime": "python3.11", "Role": ROLE, "Handler": "main.handler"}
    return json.dumps({**asked, "Code": {"ZipFile": code}}).encode()


def signed(url: str, body: bytes, secret: str) -> dict[str, str]:
    request = AWSRequest("POST", url + PATH, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("123456789012", secret), "lambda", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def asked_by(user: int, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """What a process of a user of the machine is answered."""
    parts = urlsplit(url)
    head = "\n".join(["POST", PATH, *(f"{name}: {value}" for name, value in headers.items())]).encode()
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(user), str(parts.hostname), str(parts.port)],
        input=head + b"\0" + body,
        capture_output=True,
        timeout=HANGS_SECONDS,
        check=True,
    )
    status, _, text = done.stdout.decode().partition(" ")
    return int(status), text


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server without authentication, and the secret for other users' programs."""
    token = tmp_path_factory.mktemp("token") / "token"
    settings = token.with_name("settings.toml")
    settings.write_text(f'functions_token = "{token}"')
    with ServerProcess("--memory", "--workers", "1", "--config", str(settings)) as server:
        assert token.stat().st_mode & 0o777 == 0o600
        yield server.url, token.read_text().strip()


def test_the_servers_own_user_needs_no_secret(opened: tuple[str, str]) -> None:
    url, _ = opened
    body = body_of("own")
    assert asked_by(os.geteuid(), url, body, signed(url, body, "any"))[0] == 201


@STRANGERS
def test_another_user_of_the_machine_may_not_have_programs_run(opened: tuple[str, str]) -> None:
    """By these requests anybody on the machine became the server's user."""
    url, _ = opened
    body = body_of("strange")
    status, text = asked_by(STRANGER, url, body, signed(url, body, "any"))
    assert status == 403
    assert "processes of the user that the server runs as" in text or "signature" in text


@STRANGERS
def test_who_lets_go_of_the_connection_is_nobody(opened: tuple[str, str]) -> None:
    """The kernel says root of a connection that no process has any more."""
    url, _ = opened
    parts, body = urlsplit(url), body_of("gone")
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed(url, body, "any").items())
    host = f"Host: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
    raw = f"POST {PATH} HTTP/1.1\r\n{host}{lines}\r\n".encode() + body
    program = (
        f"import encodings.idna, os, socket, sys; os.setgroups([]); os.setuid({STRANGER}); "
        f"s = socket.create_connection(({parts.hostname!r}, {parts.port})); "
        "s.sendall(sys.stdin.buffer.read()); s.close()"
    )
    for _ in range(5):
        subprocess.run([sys.executable, "-c", program], input=raw, timeout=HANGS_SECONDS, check=True)
    assert "gone" not in {function["FunctionName"] for function in client(url).list_functions()["Functions"]}


@STRANGERS
def test_another_user_with_the_secret_may(opened: tuple[str, str]) -> None:
    url, secret = opened
    body = body_of("known")
    assert asked_by(STRANGER, url, body, signed(url, body, secret))[0] == 201
    status, text = asked_by(STRANGER, url, body, signed(url, body, secret + "x"))
    assert (status, "signature" in text) == (403, True)


def client(url: str, key: str = "any", secret: str = "any") -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, **PATIENT),
    )


def test_a_key_is_no_right_to_have_programs_run(tmp_path: Path) -> None:
    """Where accounts are kept apart nobody's functions run unless the settings say so."""
    data = str(tmp_path / "data")
    command = [str(STATORDB), "credentials", "create", "--data", data, "--json"]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout)
    with ServerProcess("--data", data, "--auth", "iam", "--workers", "1") as server:
        asked = client(server.url, made["AccessKeyId"], made["SecretAccessKey"])
        code = {"ZipFile": zipped()}
        with pytest.raises(ClientError) as caught:
            asked.create_function(
                FunctionName="steal", Runtime="python3.11", Role=ROLE, Handler="main.handler", Code=code
            )
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        with pytest.raises(ClientError) as caught:  # too large to be taken before it is judged
            asked.create_function(
                FunctionName="steal", Runtime="python3.11", Role=ROLE, Handler="main.handler",
                Code={"ZipFile": os.urandom(1 << 20)},
            )  # fmt: skip
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=HANGS_SECONDS)
        connection.request("GET", PATH)
        assert connection.getresponse().status == 403


# What a program of the server's user is shown of other processes: it prints that.
LOOKS = """
import os, sys
for pid in sys.argv[1:]:
    for name in ("environ", "mem", "fd/0", "maps"):
        try:
            path = f"/proc/{pid}/{name}"
            os.readlink(path) if name == "fd/0" else open(path, "rb").close()
            print(name)
        except PermissionError:
            pass
"""
# Root may look at everything, but for one without capabilities.
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel hides processes of the same user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv to give up rights by")
@pytest.mark.parametrize("debuggable", ["false", "true"])
def test_the_servers_own_user_sees_nothing_of_its_memory(debuggable: str) -> None:
    """A function that runs as the server's user read the root key from its memory and environment."""
    settings = {
        "STATORDB_ROOT_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT",
        "STATORDB_ROOT_SECRET_ACCESS_KEY": "only-from-the-environment",
        "STATORDB_DEBUGGABLE": debuggable,
        "AWS_SECRET_ACCESS_KEY": "of-the-operator",
    }
    rights = UNPRIVILEGED if os.geteuid() == 0 else ()
    command = (*rights, "env", *(f"{name}={value}" for name, value in settings.items()), str(STATORDB))
    with ServerProcess("--memory", "--auth", "iam", "--workers", "2", command=command) as server:
        pids = [str(pid) for pid in (server.pid, *server.descendants())]
        assert len(pids) == 4
        looking = (*rights, sys.executable, "-c", LOOKS, *pids)
        seen = subprocess.run(looking, check=True, capture_output=True, timeout=HANGS_SECONDS).stdout.split()
        assert len(seen) == (4 * len(pids) if debuggable == "true" else 0)
        if os.geteuid() == 0:  # who is shown all there is
            shown = b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in pids)
            assert b"environment" not in shown
            assert b"operator" not in shown


def test_a_server_that_cannot_keep_functions_apart_says_so_and_does_not_start(tmp_path: Path) -> None:
    rights = UNPRIVILEGED if os.geteuid() == 0 else ()
    if rights and shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv to give up rights by")
    options = ("--memory", "--port", "0", "--admin-port", "0", "--auth", "iam", "--functions", "isolated")
    users = ("env", "STATORDB_FUNCTIONS_USERS=700000-700009")
    user = (*users, f"STATORDB_USER={STRANGER}")
    lacking = "needs CAP_CHOWN, CAP_KILL" if os.geteuid() == 0 else "Only root can become"
    for command, told in (
        ((str(STATORDB), "serve"), "needs users to run them as"),
        ((*users, str(STATORDB), "serve"), "needs somebody who may start them as other users"),
        ((*rights, *user, str(STATORDB), "serve"), lacking),
        (("env", "STATORDB_FUNCTIONS_LAUNCHER=none", str(STATORDB), "serve"), "The launcher at none can't be reached"),
    ):
        done = subprocess.run(
            (*command, *options), capture_output=True, text=True, timeout=HANGS_SECONDS, check=False, cwd=tmp_path
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert told in done.stderr
