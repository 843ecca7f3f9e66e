"""The other servers: how each is installed under the tools directory and started. Each is optional.

Versions are pinned, so that two runs compare the same programs.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers import Launch, Unavailable

DYNOXIDE_VERSION = "3.2.0"
DYNALITE_VERSION = "4.0.0"
DYNAMODB_LOCAL_VERSION = "3.3.1"
# Not all of the AWS SDK artefacts that DynamoDB Local asks for can be had everywhere; these of an older SDK can.
AWS_SDK_VERSION = "2.25.50"
INSTALL_SECONDS_MAX = {"cargo": 1800, "npm": 300, "mvn": 600}

POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencyManagement><dependencies><dependency>
    <groupId>software.amazon.awssdk</groupId><artifactId>bom</artifactId><version>{sdk}</version>
    <type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies><dependency>
    <groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>{version}</version>
  </dependency></dependencies>
</project>
"""


@dataclass(frozen=True)
class Peer:
    """An installed server: its name and version, and how it starts with its data on disk and in memory."""

    name: str
    on_disk: Launch
    in_memory: Launch


@dataclass(frozen=True)
class Source:
    """A peer that may be installed: `find` looks under its own directory, `fetch` installs there."""

    name: str
    program: str
    find: Callable[[Path], Peer | None]
    fetch: Callable[[Path], list[str]]

    def get(self, tools: Path, install: bool) -> Peer:
        """The peer, installed if need be and allowed. Unavailable says in one line why not."""
        home = tools / self.name
        found = self.find(home)
        if found is not None:
            return found
        if not install:
            raise Unavailable("not installed, and installing was turned off")
        if shutil.which(self.program) is None:
            raise Unavailable(f"not installed: {self.program} is not on this machine")
        home.mkdir(parents=True, exist_ok=True)
        _install(self.program, self.fetch(home), home)
        found = self.find(home)
        if found is None:
            raise Unavailable(f"not installed: {self.program} succeeded but the program is not there")
        return found


def _install(program: str, command: list[str], home: Path) -> None:
    print(f"installing {home.name} ...", flush=True)
    log = home / "install.log"
    with log.open("wb") as output:
        try:
            ended = subprocess.run(
                command, cwd=home, stdout=output, stderr=output, timeout=INSTALL_SECONDS_MAX[program], check=False
            )
        except subprocess.TimeoutExpired as expired:
            raise Unavailable(f"not installed: {program} did not end in time") from expired
    if ended.returncode:
        raise Unavailable(f"not installed: {program} failed, see {log.relative_to(home.parent.parent)}")


def _find_dynoxide(home: Path) -> Peer | None:
    program = home / "bin" / "dynoxide"
    if not program.exists():
        return None
    name = f"dynoxide {DYNOXIDE_VERSION}"
    start = [str(program), "serve", "--host", "127.0.0.1", "--port"]
    return Peer(
        name,
        Launch(name, lambda port, data: [*start, str(port), "--db-path", str(data / "dynoxide.db")]),
        Launch(name, lambda port, data: [*start, str(port)]),
    )


def _fetch_dynoxide(home: Path) -> list[str]:
    # On crates.io the emulator is `dynoxide-rs`; the crate `dynoxide` is an unrelated program.
    return ["cargo", "install", "dynoxide-rs", "--version", DYNOXIDE_VERSION, "--locked", "--root", str(home)]


def _find_dynalite(home: Path) -> Peer | None:
    program = home / "node_modules" / "dynalite" / "cli.js"
    if not program.exists():
        return None
    name = f"dynalite {DYNALITE_VERSION}"
    start = ["node", str(program), "--host", "127.0.0.1", "--port"]
    return Peer(
        name,
        Launch(name, lambda port, data: [*start, str(port), "--path", str(data / "level")]),
        Launch(name, lambda port, data: [*start, str(port)]),
    )


def _fetch_dynalite(home: Path) -> list[str]:
    package = f"dynalite@{DYNALITE_VERSION}"
    return ["npm", "install", "--prefix", str(home), package, "--ignore-scripts", "--no-audit", "--no-fund"]


def _find_dynamodb_local(home: Path) -> Peer | None:
    libraries = home / "lib"
    if not (libraries / f"DynamoDBLocal-{DYNAMODB_LOCAL_VERSION}.jar").exists():
        return None
    name = f"DynamoDB Local {DYNAMODB_LOCAL_VERSION}"
    start = ["java", f"-Djava.library.path={libraries}", "-cp", f"{libraries}/*"]
    start += ["software.amazon.dynamodb.services.local.main.ServerRunner", "-disableTelemetry", "-port"]
    return Peer(
        name,
        Launch(name, lambda port, data: [*start, str(port), "-dbPath", str(data)]),
        Launch(name, lambda port, data: [*start, str(port), "-inMemory"]),
    )


def _fetch_dynamodb_local(home: Path) -> list[str]:
    pom = POM.format(sdk=AWS_SDK_VERSION, version=DYNAMODB_LOCAL_VERSION)
    (home / "pom.xml").write_text(pom, encoding="utf-8")
    return ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"]


SOURCES = (
    Source("dynoxide", "cargo", _find_dynoxide, _fetch_dynoxide),
    Source("dynamodb-local", "mvn", _find_dynamodb_local, _fetch_dynamodb_local),
    Source("dynalite", "npm", _find_dynalite, _fetch_dynalite),
)
