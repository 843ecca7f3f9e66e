"""The bill of a real server: by the command and on the admin port, against what answers and CloudWatch tell."""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.ports import Port
from tests.process import ServerProcess

from statordb.server.main import main

pytestmark = pytest.mark.slow  # a real server

CLIENT = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
TABLE = "orders"


@dataclass
class Site:
    """A server that has answered requests; `consumed`: what its answers told, reads and writes."""

    directory: Path
    admin: str
    url: str
    consumed: dict[str, Decimal]

    def command(self, capsys: pytest.CaptureFixture[str], *options: str) -> str:
        assert main(["bill", "--data", str(self.directory), *options]) == 0
        return capsys.readouterr().out

    def page(self, query: str = "") -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.admin}/bill{query}") as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@pytest.fixture(autouse=True)
def _logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has its process log in its own way, which the process of the tests outlives."""
    monkeypatch.setattr("statordb.server.logs.configure", lambda *_: None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that goes on where another one ended, which wrote all that it had counted."""
    directory = tmp_path_factory.mktemp("billed")
    options = ("--data", str(directory), "--no-functions", "--workers")
    with ServerProcess(*options, "2") as server:
        consumed = _used(boto3.client("dynamodb", endpoint_url=server.url, **CLIENT))
    with Port() as port, ServerProcess(*options, "1", "--admin-port", str(port)) as server:
        yield Site(directory, f"http://127.0.0.1:{port}", server.url, consumed)


def _used(client: Any) -> dict[str, Decimal]:
    """Make a table and use it."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
    )
    told = {"Read": Decimal(0), "Write": Decimal(0)}

    def used(kind: str, answer: dict[str, Any]) -> None:
        told[kind] += Decimal(str(answer["ConsumedCapacity"]["CapacityUnits"]))

    for number in range(12):
        item = {"p": {"S": str(number)}, "v": {"S": "x" * 500 * number}}
        used("Write", client.put_item(TableName=TABLE, Item=item, ReturnConsumedCapacity="TOTAL"))
        used("Read", client.get_item(TableName=TABLE, Key={"p": item["p"]}, ReturnConsumedCapacity="TOTAL"))
    used("Read", client.scan(TableName=TABLE, ReturnConsumedCapacity="TOTAL"))
    return told


def _units(bill: dict[str, Any]) -> dict[str, Decimal]:
    found = {"Read": Decimal(0), "Write": Decimal(0)}
    for line in bill["lines"]:
        for kind in found:
            if line["usage_type"] == f"{kind}RequestUnits":
                found[kind] += Decimal(str(line["quantity"]))
    return found


def test_the_command_bills_what_answers_told_while_the_server_runs(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = json.loads(site.command(capsys, "--json"))
    assert _units(bill) == site.consumed
    assert (bill["month"], bill["currency"]) == (time.strftime("%Y-%m", time.gmtime()), "USD")
    (writes,) = (line for line in bill["lines"] if line["usage_type"] == "WriteRequestUnits")
    assert writes == {
        "account": "000000000000",
        "region": "us-east-1",
        "table": TABLE,
        "usage_type": "WriteRequestUnits",
        "quantity": site.consumed["Write"],
        "unit": "WriteRequestUnits",
        "price_usd": 0.000000625,
        "amount_usd": float(site.consumed["Write"] * Decimal("0.000000625")),
    }
    expected = site.consumed["Read"] * Decimal("0.000000125") + site.consumed["Write"] * Decimal("0.000000625")
    assert bill["total_usd"] == float(expected)


def test_cloudwatch_tells_the_same(site: Site) -> None:
    client = boto3.client("cloudwatch", endpoint_url=site.url, **CLIENT)
    now = time.time()
    for kind, consumed in site.consumed.items():
        points = client.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName=f"Consumed{kind}CapacityUnits",
            Dimensions=[{"Name": "TableName", "Value": TABLE}],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        assert sum(Decimal(str(point["Sum"])) for point in points) == consumed


def test_the_admin_port_has_the_same_as_the_command(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    bill, page = json.loads(site.command(capsys, "--json", "--compare")), site.page("?compare=1")
    for each in (bill, page):
        del each["projected_total_usd"]  # it follows the clock, as what is stored does
        each["lines"] = [line for line in each["lines"] if "RequestUnits" in line["usage_type"]]
        each["comparison"][0].pop("provisioned_usd")
        each["comparison"][0].pop("saved_usd")
    assert bill == page


def test_people_see_a_table(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    shown = site.command(capsys, "--by-table", "--compare")
    assert "\naccount       region     table   usage type" in shown
    assert f"\n000000000000  us-east-1  {TABLE}  WriteRequestUnits" in shown
    assert "\nTotal: 0.00" in shown
    assert "on demand by" in shown


def test_another_price_sheet_is_gone_by(site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.json"
    sheet.write_text(
        '{"format": 1, "date": "2026-11-30", "currency": "EUR", "usage_types": {"WriteRequestUnits": {"unit": "W"}},'
        '"regions": {"us-east-1": {"code": "US", "prices": {"WriteRequestUnits": [[0, 2]]}}}}'
    )
    bill = json.loads(site.command(capsys, "--json", "--prices", str(sheet)))
    assert (bill["currency"], bill["prices_of"]) == ("EUR", "2026-11-30")
    assert bill["total_usd"] == 2 * site.consumed["Write"]
    assert "US-ReadRequestUnits" in bill["unknown_prices"]
