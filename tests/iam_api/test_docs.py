"""docs/identities.md names every operation and every policy of AWS's own that there is, and no other."""

import re
from pathlib import Path

from statordb.iam_api.service import LOADERS
from statordb.store.identities import aws_policies

PAGE = (Path(__file__).parents[2] / "docs/identities.md").read_text()


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_every_operation_of_iam_is_named() -> None:
    cells = re.findall(r"^\| [a-z ]+ \| ([A-Z].*) \|$", section("IAM"), re.MULTILINE)
    assert {name for cell in cells for name in cell.split(", ")} == set(LOADERS["iam"](b"").operations)


def test_every_operation_of_sts_is_named() -> None:
    assert set(re.findall(r"^\| ([A-Z]\w+) \|", section("STS"), re.MULTILINE)) == set(LOADERS["sts"](b"").operations)


def test_every_policy_is_named() -> None:
    listed = section("Policies of AWS's own").partition("them: ")[2].partition(".\n")[0]
    names = {policy.name for policy in aws_policies.every().values()}
    assert set(listed.replace("\n", " ").split(", ")) == names
