"""The image's steps, and the examples that run it, as far as that can be seen without a container daemon."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from tests.pace import HANGS_SECONDS, PATIENT, until
from tests.process import ServerProcess

from statordb.server import arguments
from statordb.server.settings import Settings, load

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
BUILD, IMAGE = re.split(r"^FROM .*$", CONTAINERFILE, flags=re.MULTILINE)[1:]
KUBERNETES = ROOT / "examples/containers/kubernetes"
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from statordb.server.main import main; sys.exit(main())"


def steps(stage: str, word: str) -> list[str]:
    return re.findall(rf"^{word} (.*)$", stage, re.MULTILINE)


def settings_of(words: list[str], variables: dict[str, str]) -> Settings:
    """What a server would make of a command. Raises BadStart."""
    return load(vars(arguments.parse(words)), variables)


def documents(name: str) -> dict[str, Any]:
    """Of a file, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((KUBERNETES / name).read_text())}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage leaves at /opt/statordb, made elsewhere."""
    directory = tmp_path_factory.mktemp("image")
    source, made = directory / "src", directory / "statordb"
    for copied in steps(BUILD, "COPY"):
        *names, target = copied.split()
        for name in names:
            place = source / target if target != "./" else source / name
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                place.parent.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, place)
    for step in steps(BUILD, "RUN"):
        line = step.replace("/opt/statordb", str(made)).replace("python -m", "python3 -m")
        done = subprocess.run(["sh", "-ec", line], cwd=source, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    shutil.rmtree(source)  # nothing may be taken from there
    return made


@pytest.fixture(scope="module")
def packaged(built: Path) -> Iterator[ServerProcess]:
    with ServerProcess("--memory", command=(str(built / "bin/python"), "-m", "statordb")) as server:
        yield server


@pytest.mark.slow  # installs everything
@pytest.mark.timeout(1200)
def test_the_wheel_serves_from_a_fresh_environment(packaged: ServerProcess) -> None:
    db = boto3.client("dynamodb", endpoint_url=packaged.url, config=Config(**PATIENT))
    assert db.list_tables()["TableNames"] == []
    iam = boto3.client("iam", endpoint_url=packaged.url, config=Config(**PATIENT))
    assert iam.list_policies(Scope="AWS", MaxItems=1)["Policies"], "data of the package is in the wheel"


@pytest.mark.slow  # installs everything
@pytest.mark.timeout(1200)
def test_the_image_is_healthy_when_its_server_is(built: Path, packaged: ServerProcess) -> None:
    (check,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", IMAGE, re.MULTILINE)
    admin = until(lambda: re.search(r'"admin_url": "([^"]+)"', packaged.logged()), "the line of the start")
    _, *words = json.loads(check)
    for url, code in ((admin[1], 0), ("http://127.0.0.1:1", 1)):
        told = [word.replace("http://127.0.0.1:9600", url) for word in words]
        done = subprocess.run([built / "bin/python", *told], capture_output=True, timeout=HANGS_SECONDS)
        assert done.returncode == code, done.stderr


def test_the_image_runs_as_nobody_in_particular_and_is_not_open() -> None:
    assert steps(IMAGE, "USER") == ["10001"]
    assert steps(IMAGE, "VOLUME") == ["/data"]
    assert steps(IMAGE, "EXPOSE") == ["8000 4566"]
    (command,) = steps(IMAGE, "CMD")
    settings = settings_of(json.loads(command), {})
    assert (settings.auth, settings.is_encrypted, settings.host) == ("iam", True, "0.0.0.0")
    assert str(settings.data).startswith("/data/")


def test_compose_opens_the_server_to_its_own_network_only() -> None:
    services = yaml.safe_load((ROOT / "examples/containers/compose.yaml").read_text())["services"]
    server = services["statordb"]
    settings = settings_of(server["command"], server["environment"])
    assert settings.anyone_may_read_and_delete_everything
    assert not settings.runs_functions
    assert settings.test_controls
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert (ROOT / "examples/containers" / server["build"] / "Containerfile").is_file()
    assert services["tests"]["environment"]["AWS_ENDPOINT_URL"] == f"http://statordb:{settings.port}"


@pytest.mark.parametrize(("name", "kind"), [("lmdb.yaml", "StatefulSet"), ("cassandra.yaml", "Deployment")])
def test_kubernetes_gets_what_it_wants(name: str, kind: str) -> None:
    found = documents(name)
    workload, service = found[kind], found["Service"]
    assert workload["apiVersion"] == "apps/v1"
    template = workload["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    (container,) = template["spec"]["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {each["targetPort"] for each in service["spec"]["ports"]} <= ports.keys()
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "admin"}
    volumes = {volume["name"] for volume in template["spec"]["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    settings = settings_of(container["args"], _variables(container, found))
    assert ports == {"dynamodb": settings.port, "admin": 9600}
    assert (settings.auth, settings.admin_host) == ("iam", "0.0.0.0")
    assert any(str(settings.data).startswith(mount["mountPath"]) for mount in container["volumeMounts"])
    if kind == "StatefulSet":
        assert workload["spec"]["serviceName"] == service["metadata"]["name"]
        assert workload["spec"]["replicas"] == 1
    else:
        assert settings.engine == "cassandra"


def _variables(container: dict[str, Any], found: dict[str, Any]) -> dict[str, str]:
    """Those of a container, with the values that its Secret has."""
    variables = {}
    for each in container["env"]:
        if "value" in each:
            variables[each["name"]] = each["value"]
        else:
            told = each["valueFrom"]["secretKeyRef"]
            assert found["Secret"]["metadata"]["name"] == told["name"]
            variables[each["name"]] = found["Secret"]["stringData"][told["key"]]
    return variables


@pytest.mark.slow  # a real server
def test_a_server_runs_without_uvloop() -> None:
    import sys

    with ServerProcess("--memory", "--workers", "1", command=(sys.executable, "-c", WITHOUT_UVLOOP)) as server:
        db = boto3.client("dynamodb", endpoint_url=server.url, config=Config(**PATIENT))
        assert db.list_tables()["TableNames"] == []


@pytest.mark.slow  # a real server
def test_an_open_server_for_everyone_says_so_and_has_no_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATORDB_ANYONE_MAY_READ_AND_DELETE_EVERYTHING", "1")
    with ServerProcess("--memory", "--workers", "1", "--host", "0.0.0.0") as server:
        db = boto3.client("dynamodb", endpoint_url=server.url.replace("0.0.0.0", "127.0.0.1"), config=Config(**PATIENT))
        assert db.list_tables()["TableNames"] == []
        until(lambda: "may read and delete everything" in server.logged(), "the warning")
        functions = boto3.client("lambda", endpoint_url=server.url.replace("0.0.0.0", "127.0.0.1"))
        with pytest.raises(functions.exceptions.ClientError, match="AccessDenied"):
            functions.list_functions()


def test_the_page_names_commands_that_are_understood() -> None:
    page = (ROOT / "docs/containers.md").read_text()
    runs = re.findall(r"^    podman run (.*)$", page, re.MULTILINE)
    assert len(runs) == 2
    (command,) = steps(IMAGE, "CMD")
    for line in runs:
        words = shlex.split(line)
        at = words.index("statordb", 2)
        variables = dict(word.split("=", 1) for word in words[:at] if word.startswith("STATORDB_"))
        assert settings_of(words[at + 1 :] or json.loads(command), variables).host == "0.0.0.0"
