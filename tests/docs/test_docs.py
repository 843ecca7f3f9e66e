"""The documentation names all there is, and nothing else: operations, settings, limits, commands, links."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from statordb.api.operations import OPERATIONS
from statordb.model import limits
from statordb.server import arguments
from statordb.server.settings import ENVIRONMENT_PREFIX, BadStart, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")])
SETTINGS = {field.name: field.default for field in dataclasses.fields(Settings)}
LIMITS = {name: value for name, value in vars(limits).items() if name.isupper() and name not in ("KIB", "MIB")}
LIMIT_ROW = re.compile(r"^\| `(\w+)` \| (-?[\d,]+)[ |]", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# What the default means is said in words there: as many workers as cores, a free admin port, nothing at all.
IN_WORDS = {
    "workers", "lanes", "admin_port", "console_port", "root_access_key_id", "root_secret_access_key",
    "kinesis_endpoint",
    "sqs_endpoint", "sns_endpoint", "endpoint", "cassandra", "datacenter", "rack", "cassandra_username",
    "cassandra_password", "cassandra_ca", "cassandra_certificate", "cassandra_key", "allowed_origins", "allowed_hosts",
    "tls_certificate", "tls_key", "tls_client_ca", "proxies", "endpoints",
    "functions_token", "functions_users", "functions_directory", "functions_launcher", "user",
    "destinations_allowed", "audit_directory", "backups", "key_directory", "objects", "objects_credentials",
    "root_key_command", "vault_address", "vault_keys", "vault_token_file", "vault_namespace", "vault_ca",
    "root_kms_keys", "root_kms_region", "root_kms_endpoint",
    "identity_providers", "throttle", "tables_max", "control_operations_max", "prices",
}  # fmt: skip


def read(name: str) -> str:
    return (ROOT / name).read_text()


def sections(name: str) -> dict[str, str]:
    """Text under each heading of the third level, up to the next heading of any level."""
    parts = re.split(r"^(#+) (.+)$", CODE.sub("", read(name)), flags=re.MULTILINE)
    levels, titles, texts = parts[1::3], parts[2::3], parts[3::3]
    return {title: text for level, title, text in zip(levels, titles, texts, strict=True) if level == "###"}


def test_every_operation_has_a_heading_and_no_other_has() -> None:
    assert set(sections("docs/operations.md")) == set(OPERATIONS)


def test_every_setting_has_a_heading_and_no_other_has() -> None:
    assert set(sections("docs/configuration.md")) == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_told_with_its_sources_and_its_default(name: str) -> None:
    text = sections("docs/configuration.md")[name]
    assert f"`{ENVIRONMENT_PREFIX}{name.upper()}`" in text
    assert (f"`--{name.replace('_', '-')}`" in text) == _is_option(name)
    default = SETTINGS[name]
    shown = f"{default:g}" if isinstance(default, float) else str(default).lower()
    assert name in IN_WORDS or f"Default: `{shown}`" in text


def _is_option(name: str) -> bool:
    option = f"--{name.replace('_', '-')}"
    for words in ([option], [option, "1"]):
        try:
            return name in arguments.parse(["serve", *words])
        except BadStart:
            continue
    return False


def test_every_limit_has_a_row_with_its_value_and_no_other_has() -> None:
    rows = {name: int(value.replace(",", "")) for name, value in LIMIT_ROW.findall(read("docs/limits.md"))}
    assert rows == LIMITS


def test_the_commands_that_are_told_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    told = re.findall(r"(?:`|^    )make ([a-z]+)", "\n".join(page.read_text() for page in PAGES), re.MULTILINE)
    assert {"serve", "test"} <= set(told) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text())):
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", CODE.sub("", linked.read_text()), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


@pytest.mark.slow  # a real server
def test_the_first_requests_of_the_readme_work(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Copied from the page as a reader would, but for the endpoint."""
    program = re.search(r"^```python\n(.*?)^```$", read("README.md"), re.MULTILINE | re.DOTALL)
    assert program is not None
    names: dict[str, object] = {}
    exec(program[1].replace("http://localhost:8000", server), names)
    delete: Callable[[], object] = names["table"].delete  # type: ignore[attr-defined]
    delete()
    assert capsys.readouterr().out.strip() == re.search(r"print\(.*\)  # (.*)", program[1])[1]  # type: ignore[index]
