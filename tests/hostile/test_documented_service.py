"""The lines by which docs/functions.md has the server started as a service, and in a container, are what they say."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile.isolated_house import (
    ACCOUNTS,
    KEY,
    SERVER,
    USERS,
    House,
    of_functions,
    passable,
    server_place,
    why_not,
)
from tests.pace import until
from tests.process import STATORDB, ServerProcess

DOCS = Path(__file__).parents[2] / "docs" / "functions.md"
UNIT = re.compile(r"^    \[Service\]\n(?:    .+\n)+", re.MULTILINE)
CONTAINER = re.compile(r"^    docker run (?:.+\\\n)+.+", re.MULTILINE)
BOUNDED = "CapabilityBoundingSet="


def unit() -> str:
    (found,) = UNIT.findall(DOCS.read_text())
    return "".join(line.strip() + "\n" for line in found.splitlines())


def rights(kind: str) -> list[str]:
    """Those that one of the two has, as setpriv names them."""
    if kind == "systemd":
        (line,) = (line for line in unit().splitlines() if line.startswith(BOUNDED))
        return [word.removeprefix("CAP_").lower() for word in line.removeprefix(BOUNDED).split()]
    (line,) = CONTAINER.findall(DOCS.read_text())
    return [word.lower() for word in re.findall(r"--cap-add (\w+)", line)]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd that could judge it")
@pytest.mark.slow
def test_systemd_takes_the_service(tmp_path: Path) -> None:
    """A member that is misspelt, or of a later release, would be told, and left out."""
    text = unit()
    command = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    assert command is not None
    place = tmp_path / "statordb.service"
    place.write_text(text.replace(command[1], str(STATORDB)))
    judged = subprocess.run(["systemd-analyze", "verify", str(place)], capture_output=True, text=True, check=False)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    place.write_text(text.replace(command[1], str(STATORDB)).replace("KillMode=", "KillModes="))
    judged = subprocess.run(["systemd-analyze", "verify", str(place)], capture_output=True, text=True, check=False)
    assert "KillModes" in judged.stderr, "the judge tells what is wrong"


@pytest.fixture(params=["systemd", "container"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A server that root has started with those rights and no others."""
    bounds = ",".join(["-all", *(f"+{right}" for right in rights(request.param))])
    with server_place() as place:
        settings = {
            "USER": SERVER, "FUNCTIONS": "isolated", "FUNCTIONS_USERS": f"{USERS.first}-{USERS.last}",
            "FUNCTIONS_DIRECTORY": f"{place}/functions", "AUTH": "iam", "ACCOUNT": ACCOUNTS[0],
            "ROOT_ACCESS_KEY_ID": KEY[0], "ROOT_SECRET_ACCESS_KEY": KEY[1],
        }  # fmt: skip
        named = [f"STATORDB_{name}={value}" for name, value in settings.items()]
        command = [*passable(), "setpriv", f"--bounding-set={bounds}", "--inh-caps=-all", "env", *named, str(STATORDB)]
        with ServerProcess("--data", str(place / "data"), "--workers", "1", command=command) as server:
            yield House(server, place, [KEY])
        until(lambda: not of_functions(), "nothing of functions is left")


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv to give up rights by")
def test_the_rights_that_are_named_suffice(house: House) -> None:
    """The server is its user, and a function one of its own."""
    assert house.run("told = os.getuid()") in range(USERS.first, USERS.last + 1)
    status = Path(f"/proc/{house.server.pid}/status").read_text()
    assert re.search(rf"^Uid:\t{SERVER}\t{SERVER}\t", status, re.MULTILINE)
