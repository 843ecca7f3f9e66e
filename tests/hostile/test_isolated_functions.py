"""What functions of an account do to the server and to each other where they run as users of their own.

The server is started by root, with the launcher that stays behind when it becomes its user. Each attack runs as a
function.
"""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.hostile.isolated_house import (
    ACCOUNTS,
    AS_SERVER,
    KEY,
    OTHERS,
    SERVER,
    TRUST,
    USERS,
    House,
    of_functions,
    passable,
    server_place,
    why_not,
)
from tests.pace import HANGS_SECONDS, until
from tests.process import STATORDB, ServerProcess

from statordb.launcher import rights
from statordb.launcher.confining import has_landlock

PLANTED = "planted-in-the-store"
DENIED = ("Permission denied", "Operation not permitted")

pytestmark = [
    pytest.mark.slow,  # a real server
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with server_place() as place:
        settings = place / "settings.toml"
        settings.write_text(
            f'user = "{SERVER}"\nfunctions_users = "{USERS.first}-{USERS.last}"\nauth = "iam"\nfunctions = "isolated"\n'
            f'functions_directory = "{place}/functions"\naccount = "{ACCOUNTS[0]}"\n'
            f'root_access_key_id = "{KEY[0]}"\nroot_secret_access_key = "{KEY[1]}"\n'
        )
        settings.chmod(0o600)  # root's: it is read before the server becomes another user
        made = subprocess.run(
            [*passable(), *AS_SERVER, str(STATORDB),
             "credentials", "create", "--data", str(place / "data"), "--account", ACCOUNTS[1], "--json"],
            check=True, capture_output=True, timeout=HANGS_SECONDS, cwd="/",
        )  # fmt: skip
        other = json.loads(made.stdout)
        options = ("--data", str(place / "data"), "--workers", "2", "--config", str(settings))
        with ServerProcess(*options, command=(*passable(), str(STATORDB))) as server:
            yield House(server, place, [KEY, (other["AccessKeyId"], other["SecretAccessKey"])])
        until(lambda: not of_functions(), "nothing of functions is left")


def test_the_server_is_root_no_more_for_good(house: House) -> None:
    """Only the launcher is; it has four of root's rights."""
    kept = sum(1 << number for number in rights.NEEDED.values())
    for pid in house.processes():
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        is_launcher = "statordb.launcher" in house.server.descendants().get(pid, "")
        assert set(status["Uid"].split()) == {"0" if is_launcher else str(SERVER)}
        assert int(status["CapPrm"], 16) == (kept if is_launcher else 0)
        assert status["NoNewPrivs"].strip() == "1"


def test_each_account_has_a_user_of_its_own(house: House) -> None:
    ids = "told = [os.getresuid(), os.getresgid(), os.getgroups()]"
    assert [house.run(ids, number) for number in (0, 1)] == [
        [[user] * 3, [user] * 3, []] for user in (USERS.first, USERS.first + 1)
    ]


def test_nothing_is_seen_of_the_servers_processes(house: House) -> None:
    """Memory, variables, descriptors; and they can't be traced, paused or ended. The launcher is one of them."""
    code = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
told = []
for pid in {house.processes()}:
    for name in ("environ", "mem", "maps", "root/etc/passwd", "fd/0", "cmdline"):
        told.append(attempt(open, f"/proc/{{pid}}/{{name}}"))
    told.append(attempt(os.listdir, f"/proc/{{pid}}/fd"))
    libc.ptrace(16, pid, 0, 0)
    told.append(os.strerror(ctypes.get_errno()))
    for number in (0, 9, 19):
        told.append(attempt(os.kill, pid, number))
"""
    before = house.processes()
    told = house.run(code)
    assert len(told) == 11 * len(before)
    assert set(told) <= {*DENIED, "No such file or directory"} or not has_landlock()
    assert house.processes() == before


def test_nothing_is_seen_of_the_store_and_of_other_accounts(house: House) -> None:
    house.client("dynamodb", 1).create_table(
        TableName="theirs",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    house.client("dynamodb", 1).put_item(TableName="theirs", Item={"p": {"S": PLANTED}})
    theirs = house.run("told = [os.environ['HOME'], os.environ['LAMBDA_TASK_ROOT']]", 1)
    functions = house.place / "functions"
    lists = [house.place / "data", functions, functions / "code", functions / "instances", functions / "logs", *theirs]
    reads = [
        *(house.place / "data" / name for name in ("keys.json", "data.mdb", "lock.mdb")), house.place / "settings.toml",
        f"{theirs[1]}/main.py", functions / "logs" / ACCOUNTS[1] / "us-east-1" / "attacks.log", "/etc/shadow",
    ]  # fmt: skip
    code = f"""
told = [attempt(os.listdir, path) for path in {[str(path) for path in lists]}]
told += [attempt(open, path) for path in {[str(path) for path in reads]}]
told += [attempt(open, path, "w") for path in {[f"{theirs[0]}/x", f"{theirs[1]}/main.py", f"{functions}/code/x"]}]
"""
    assert set(house.run(code)) <= set(DENIED)
    own = "told = attempt(open, os.environ['LAMBDA_TASK_ROOT'] + '/main.py', 'a')"
    assert house.run(own) in DENIED


def test_functions_of_other_accounts_are_not_touched(house: House) -> None:
    pid = house.run("told = os.getpid()", 1)
    code = f"told = [attempt(os.kill, {pid}, number) for number in (0, 9)]"
    told = house.run(code)
    assert set(told) <= set(DENIED)
    assert house.run("told = os.getpid()", 1) == pid


@pytest.mark.skipif(not has_landlock(), reason="the kernel has no Landlock")
def test_shared_memory_and_directories_for_all_are_closed(house: House) -> None:
    """/dev/shm, where stores in memory are, would also be a way to fill the machine's memory."""
    code = """
told = [attempt(os.listdir, path) for path in ("/dev/shm", "/tmp", "/run", "/var/tmp", "/sys/fs/cgroup", "/proc")]
told += [attempt(open, path + "/x", "w") for path in ("/dev/shm", "/tmp", "/var/tmp")]
"""
    assert set(house.run(code)) == {"Permission denied"}


def test_only_its_own_descriptors_and_variables_are_there(house: House) -> None:
    told = house.run("""
told = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if int(name) < 64 and
        os.path.islink(f"/proc/self/fd/{name}")]
told = [sorted(set(kind.partition(":")[0] for kind in told)), "\\n".join(f"{n}={v}" for n, v in os.environ.items())]
""")
    assert set(told[0]) <= {"/dev/null", "pipe", "socket", "anon_inode"}
    assert KEY[1] not in told[1]
    assert "STATORDB" not in told[1]


ESCAPES = """
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(3): os.close(number)
            os.execve("/bin/sh", ["sh", "-c", "trap '' TERM HUP INT; while true; do sleep 1; done"], {})
        os._exit(0)
told = os.getpid()
"""


def test_what_got_away_ends_with_the_function(house: House) -> None:
    """Forked, in a session of its own, forked again, and another program with nothing in its environment."""
    house.make_function(1, "leaves", house.roles[1])
    before = of_functions()
    house.run(ESCAPES, 1, "leaves")
    until(lambda: len(of_functions() - before) >= 4, "all of it is there")
    house.client("lambda", 1).delete_function(FunctionName="leaves")
    until(lambda: of_functions() <= before, "all of it is gone")


def test_a_bomb_of_processes_is_bounded_and_ends(house: House) -> None:
    """Others are answered meanwhile; the function's end is the end of all of them."""
    house.make_function(0, "forks", house.roles[0])
    code = """
import resource, signal
for _ in range(100):
    if os.fork() == 0:
        signal.pause()
told = resource.getrlimit(resource.RLIMIT_NPROC)
"""
    before = of_functions()
    assert house.run(code, 0, "forks") == [1024, 1024]
    assert len(of_functions() - before) > 100
    assert house.client("dynamodb").list_tables()["TableNames"] == []
    house.client("lambda").delete_function(FunctionName="forks")
    until(lambda: of_functions() <= before, "all of it is gone")


def test_a_hog_of_memory_ends(house: House) -> None:
    house.make_function(0, "hogs", house.roles[0])
    code = "told = []\nwhile True: told.append(bytearray(1 << 24))"
    answer = house.client("lambda").invoke(FunctionName="hogs", Payload=json.dumps({"code": code}))
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.OutOfMemory"


def test_a_full_disk_ends_who_fills_it(house: House) -> None:
    """By many files, each within its bound, that are in no directory any more."""
    house.make_function(0, "fills", house.roles[0])
    code = """
import time
for _ in range(4):
    file = os.open(os.environ["HOME"] + "/x", os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(file, 0, 200 << 20)
    os.unlink(os.environ["HOME"] + "/x")
time.sleep(600)
"""
    answer = house.client("lambda").invoke(FunctionName="fills", Payload=json.dumps({"code": code}), LogType="Tail")
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ExitError"
    assert b"files of the function have more than 512 MB" in base64.b64decode(answer["LogResult"])


def test_memory_that_processes_share_counts_once(house: House) -> None:
    code = """
import time
kept = bytearray(200 << 20)
for _ in range(6):
    if os.fork() == 0:
        time.sleep(600)
time.sleep(2.5)
told = "within"
"""
    house.make_function(0, "shares", house.roles[0])
    assert house.run(code, 0, "shares") == "within"


@pytest.mark.skipif(not has_landlock(), reason="the kernel has no Landlock")
def test_sockets_of_others_without_a_path_are_closed(house: House) -> None:
    """Abstract Unix sockets have no mode by which others would be kept out."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0statordb-test-{os.getpid()}")
        listener.listen()
        code = f"""
import socket
told = attempt(socket.socket(socket.AF_UNIX).connect, "\\0statordb-test-{os.getpid()}")
"""
        assert house.run(code) in DENIED


def test_a_file_is_bounded_and_files_go_with_the_instance(house: House) -> None:
    """So does what not even its owner gets into."""
    house.make_function(0, "writes", house.roles[0])
    home = house.run(
        """
import errno, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
home = os.environ["HOME"]
large = os.open(home + "/large", os.O_WRONLY | os.O_CREAT)
os.ftruncate(large, 512 << 20)
try:
    os.pwrite(large, b"x", 512 << 20)
except OSError as fault:
    told = home if fault.errno == errno.EFBIG else str(fault)
os.ftruncate(large, 0)
os.chdir(home)
for _ in range(100):
    os.mkdir("deep"); os.chdir("deep")
os.mkdir(home + "/closed"); os.mkdir(home + "/closed/in"); os.chmod(home + "/closed", 0)
""",
        0,
        "writes",
    )
    assert Path(home).is_dir()
    house.client("lambda").delete_function(FunctionName="writes")
    until(lambda: not Path(home).exists(), "it is taken away")


def test_a_functions_rights_are_its_roles_and_end_with_that(house: House) -> None:
    """The session that a function was given is that of a role which may nothing; of a role that is gone it is none."""
    iam = house.client("iam")
    role = iam.create_role(RoleName="short", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    house.make_function(0, "asks", role)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key, secret, token = house.run(f"told = [os.environ[name] for name in {names}]", 0, "asks")
    session = boto3.client(
        "dynamodb", endpoint_url=house.server.url, region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token, config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip
    with pytest.raises(ClientError) as caught:
        session.list_tables()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName="short", PolicyName="p", PolicyDocument=json.dumps(policy))
    assert session.list_tables()["TableNames"] == []
    iam.delete_role_policy(RoleName="short", PolicyName="p")
    iam.delete_role(RoleName="short")
    with pytest.raises(ClientError) as caught:
        session.list_tables()
    assert caught.value.response["Error"]["Code"] in ("UnrecognizedClientException", "AccessDeniedException")


def test_a_killed_keepers_functions_end_and_others_are_run(house: House) -> None:
    """Its place is taken by another process, which the launcher hears."""
    before = house.run("told = os.getpid()")
    keeper = next(pid for pid in house.processes() if Path(f"/proc/{pid}/comm").read_text() == "statordb-keep\n")
    os.kill(keeper, 9)
    until(lambda: before not in of_functions(), "the functions have ended")

    def again() -> Any:
        try:
            return house.run("told = os.getpid()")
        except (ClientError, AssertionError):
            return None

    assert until(again, "functions run") != before


# The last test: it ends the server's launcher.
def test_without_its_launcher_the_server_goes_on_and_says_so(house: House) -> None:
    house.run("told = 1")
    launcher = next(pid for pid, words in house.server.descendants().items() if "statordb.launcher" in words)
    os.kill(launcher, 9)
    until(lambda: not of_functions(), "the functions have ended")
    assert house.client("dynamodb").list_tables()["TableNames"] == []
    answer = None

    def refused() -> str | None:
        nonlocal answer
        try:
            answer = house.client("lambda").invoke(FunctionName="attacks", Payload=json.dumps({"code": ""}))
        except ClientError as fault:
            return str(fault)
        return None

    assert "The launcher, which starts functions" in until(refused, "it is told")


def test_a_server_that_never_was_root_has_a_launcher_of_its_own() -> None:
    """A service beside it; one that is started anew is found again."""
    with server_place() as place:
        path = place / "launcher.sock"
        words = ["--socket", str(path), "--user", str(SERVER), "--users", f"{OTHERS.first}-{OTHERS.last}"]
        command = [*passable(), str(STATORDB), "launcher", *words, "--directory", str(place / "functions")]
        variables = (
            f"STATORDB_FUNCTIONS_LAUNCHER={path}", f"STATORDB_FUNCTIONS_DIRECTORY={place}/functions",
            "STATORDB_AUTH=iam", "STATORDB_FUNCTIONS=isolated", f"STATORDB_ROOT_ACCESS_KEY_ID={KEY[0]}",
            f"STATORDB_ROOT_SECRET_ACCESS_KEY={KEY[1]}", f"STATORDB_ACCOUNT={ACCOUNTS[0]}",
        )  # fmt: skip
        behind = (*passable(), *AS_SERVER, "env", *variables, str(STATORDB))
        launcher = subprocess.Popen(command, start_new_session=True)
        try:
            until(path.exists, "it listens")
            with ServerProcess("--data", str(place / "data"), "--workers", "1", command=behind) as server:
                house = House(server, place, [KEY])
                assert house.run("told = os.getuid()") == OTHERS.first
                launcher.terminate()
                assert launcher.wait(HANGS_SECONDS) == 0
                assert not of_functions(OTHERS)
                with pytest.raises(ClientError, match="The launcher, which starts functions"):
                    house.run("told = os.getuid()")
                launcher = subprocess.Popen(command, start_new_session=True)
                until(path.exists, "it listens")
                assert until(lambda: attempted(house), "functions run") == OTHERS.first
        finally:
            launcher.terminate()
            launcher.wait(HANGS_SECONDS)


def attempted(house: House) -> Any:
    try:
        return house.run("told = os.getuid()")
    except ClientError:
        return None
