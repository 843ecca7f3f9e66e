"""The programs of docs/testing.md run as they stand there."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS
from tests.process import ServerProcess
from tests.testing.test_plugin import run

pytestmark = pytest.mark.slow  # real servers

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/testing.md").read_text()
MODULES = ROOT / ".tools/javascript/node_modules"
RUNNER = """
import assert from "node:assert";
const tests = [];
globalThis.test = (name, body) => tests.push(body);
globalThis.expect = (found) => ({ toBe: (wanted) => assert.strictEqual(found, wanted) });
await import("./songs.test.mjs");
for (const body of tests) await body();
console.log(tests.length + " passed");
"""
ASSERTIONS = """
package org.junit.jupiter.api;
public class Assertions { public static void assertTrue(boolean is, String why) { if (!is) throw new Error(why); } }
"""
ANNOTATION = "package org.junit.jupiter.api; public @interface Test {}"
MAIN = "class Main { public static void main(String[] a) throws Exception { new SongsTest().aSeedIsThere(); } }"


def programs(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with ServerProcess("--memory", "--workers", "1", "--test-controls") as server:
        yield {**os.environ, "STATORDB_URL": server.url}


def done(command: list[str], directory: Path, environment: dict[str, str]) -> str:
    ended = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=HANGS_SECONDS
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_tests_for_pytest_come_through(tmp_path: Path) -> None:
    tests = "\n".join(programs("python"))
    assert f"{tests.count('def test_')} passed" in run(tmp_path, tests)


@pytest.mark.skipif(not MODULES.is_dir(), reason="the SDK for JavaScript is one of the tools of `make test`")
def test_those_for_jest_and_vitest_do(tmp_path: Path, environment: dict[str, str]) -> None:
    """With functions of their names: neither of them is installed here."""
    for program in programs("js"):
        (tmp_path / program.splitlines()[0].removeprefix("// ")).write_text(program)
    (tmp_path / "run.mjs").write_text(RUNNER)
    (tmp_path / "node_modules").symlink_to(MODULES)
    assert done(["node", "run.mjs"], tmp_path, environment) == "1 passed\n"


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_that_for_go_does(tmp_path: Path, environment: dict[str, str]) -> None:
    (program,) = programs("go")
    (tmp_path / "songs_test.go").write_text(program)
    (tmp_path / "go.mod").write_text("module songs\n\ngo 1.18\n")
    told = {**environment, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    # In the cache of whoever runs it, which has most of this since the smoke test of tests/sdk/go was built.
    assert "ok" in done(["go", "test", "-vet=off", "./..."], tmp_path, told)


@pytest.mark.skipif(shutil.which("javac") is None, reason="a JDK is not installed")
def test_that_for_junit_does(tmp_path: Path, environment: dict[str, str]) -> None:
    """With an annotation and an assertion of its names: JUnit is not installed here."""
    (program,) = programs("java")
    files = {"SongsTest": program, "Main": MAIN, "Assertions": ASSERTIONS, "Test": ANNOTATION}
    for name, text in files.items():
        (tmp_path / f"{name}.java").write_text(text)
    done(["javac", "-d", ".", *(f"{name}.java" for name in files)], tmp_path, environment)
    done(["java", "-cp", ".", "Main"], tmp_path, environment)
