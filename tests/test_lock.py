"""What `make serve` and `make test` install: all by version and hash, as pyproject.toml allows, from anywhere."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOR_SERVING = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
FOR_TESTS = FOR_SERVING + [one for group in PROJECT["project"]["optional-dependencies"].values() for one in group]
CART = (ROOT / "examples" / "cart" / "requirements.txt").read_text().split("\n")
LOCKS = {"serve": FOR_SERVING, "test": FOR_TESTS + [line for line in CART if line]}
ENTRY = re.compile(r"([A-Za-z0-9._\[\]-]+)==(\S+)(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def locked(name: str) -> dict[str, set[str]]:
    """Versions by name; several where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for entry in ENTRY.finditer((ROOT / "requirements" / f"{name}.txt").read_text()):
        found.setdefault(canonicalize_name(entry[1].partition("[")[0]), set()).add(entry[2])
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_nothing_but_versions_with_their_hashes(name: str) -> None:
    """No address of a registry, no option, nothing without a hash."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert ENTRY.sub("", text) == ""


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_fits_what_the_package_asks_for(name: str) -> None:
    """Run `make lock` where it does not."""
    versions = locked(name)
    for asked in map(Requirement, LOCKS[name]):
        found = versions.get(canonicalize_name(asked.name), set())
        assert found, asked.name
        assert all(asked.specifier.contains(version) for version in found), asked


def test_tests_run_with_what_is_served_with() -> None:
    """In the same versions."""
    tested = locked("test")
    assert {name: tested.get(name) for name in locked("serve")} == locked("serve")
