"""A server that runs functions as users of their own, with accounts whose functions attack it and each other."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from tests.lambda_suite.conftest import zipped
from tests.living import living
from tests.pace import HANGS_SECONDS, PATIENT
from tests.process import ServerProcess

from statordb.launcher import rights
from statordb.launcher.places import CLIENTS, barred
from statordb.launcher.users import Users

FIRST = 300_000_000 + os.getpid() * 10  # other runs of these tests have users of their own
USERS = Users(FIRST, FIRST + 4)
OTHERS = Users(FIRST + 5, FIRST + 8)
SERVER = FIRST + 9  # whom the server becomes
ACCOUNTS = ("111111111111", "222222222222")
KEY = ("AKIAROOTROOTROOTROOT", "the-root-secret-of-the-test")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
HANDLER = """
import os

def attempt(act, *words):
    try:
        return repr(act(*words))
    except OSError as fault:
        return fault.strerror

def handler(event, context):
    found = {"os": os, "attempt": attempt}
    exec(event["code"], found)
    return found.get("told")
"""

# Python and this repository may lie where other users do not get to, /root for one. In a namespace of its own the
# server finds that directory passable, with nothing in it but these.
PASSABLE = """
barred=$1; shift
kept=$(mktemp -d); number=0
for place in "$@"; do
  [ "$place" = -- ] && break
  number=$((number + 1)); mkdir "$kept/$number"; mount --bind "$place" "$kept/$number"
done
mount -t tmpfs -o mode=0711 none "$barred"
number=0
while [ "$1" != -- ]; do
  number=$((number + 1)); mkdir -p "$1"; mount --bind "$kept/$number" "$1"; shift
done
shift
exec "$@"
"""


def passable() -> list[str]:
    """What a command is put behind, so that other users get to Python and to what is here."""
    needed = [Path(place).resolve() for place in (sys.base_prefix, sys.prefix, CLIENTS.parents[1])]
    closed = {barred(place / "x") for place in needed} - {None}
    if not closed:
        return []
    (place,) = closed
    assert place is not None
    inside = [str(each) for each in needed if each.is_relative_to(place)]
    return ["unshare", "-m", "sh", "-ec", PASSABLE, "sh", str(place), *inside, "--"]


def why_not() -> str | None:
    if sys.platform != "linux" or rights.missing(Path("/proc/self/status").read_text()):
        return "this user can't become another one"
    if passable() and subprocess.run([*passable(), "true"], check=False, capture_output=True).returncode != 0:
        return "other users can't get to Python, and it can't be shown to them"
    return None


class House:
    """A server, two accounts with a function each, and all that belongs to them."""

    def __init__(self, server: ServerProcess, place: Path, secrets: list[tuple[str, str]]) -> None:
        self.server = server
        self.place = place
        self._secrets = secrets
        self.roles = [self._make(number) for number in range(len(secrets))]

    def client(self, service: str, number: int = 0) -> Any:
        key, secret = self._secrets[number]
        return boto3.client(
            service,
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, **PATIENT),
        )

    def _make(self, number: int) -> str:
        role = self.client("iam", number).create_role(RoleName="runs", AssumeRolePolicyDocument=json.dumps(TRUST))
        arn = str(role["Role"]["Arn"])
        self.make_function(number, "attacks", arn)
        return arn

    def make_function(self, number: int, name: str, role: str) -> None:
        self.client("lambda", number).create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="main.handler",
            Timeout=int(HANGS_SECONDS),
            MemorySize=512,
            Code={"ZipFile": zipped(HANDLER)},
        )

    def run(self, code: str, number: int = 0, name: str = "attacks") -> Any:
        """What the code has told, as a function of an account."""
        answer = self.client("lambda", number).invoke(FunctionName=name, Payload=json.dumps({"code": code}))
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    def processes(self) -> list[int]:
        """The server's, and its launcher."""
        return sorted({self.server.pid, *self.server.descendants()} - of_functions())


def of_functions(users: Users = USERS) -> set[int]:
    """The living processes of functions' users."""
    return living(users)


@contextmanager
def server_place() -> Iterator[Path]:
    """Directories of the server's user, data and functions, where other users get to them."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    try:
        for name, mode in (("data", 0o700), ("functions", 0o711)):
            (place / name).mkdir(mode=mode)
            (place / name).chmod(mode)
            os.chown(place / name, SERVER, SERVER)
        yield place
    finally:
        shutil.rmtree(place)


AS_SERVER = ("setpriv", f"--reuid={SERVER}", f"--regid={SERVER}", "--clear-groups")
