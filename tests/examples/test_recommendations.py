"""The whole loop as real processes: a cart changes, the function counts, the page of another cart shows it."""

import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.pace import until

import demo
import deployment
import processes

NAMED = deployment.names("carts-of-the-loop")


@pytest.fixture(scope="module")
def clients(server: str) -> Iterator[tuple[Any, Any]]:
    """boto3's clients of DynamoDB and Lambda on a server where the function is deployed."""
    dynamodb, functions = (boto3.client(name, endpoint_url=server) for name in ("dynamodb", "lambda"))
    deployment.deploy(NAMED, dynamodb, functions)
    yield dynamodb, functions
    deployment.remove(NAMED, dynamodb, functions)


@pytest.fixture(scope="module")
def service(server: str, clients: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the cart service."""
    port = processes.free_port()
    environment = os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": server, "CART_TABLE": NAMED.carts}
    command = [sys.executable, str(demo.HERE / "service.py"), "--port", str(port)]
    with processes.started(command, environment, port, tmp_path_factory.mktemp("service") / "log"):
        yield f"http://127.0.0.1:{port}"


def ask(method: str, address: str, body: str = "") -> str:
    with urllib.request.urlopen(urllib.request.Request(address, body.encode() or None, method=method)) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
def test_what_others_buy_is_shown_soon_and_gone_when_they_do_not(service: str) -> None:
    ask("POST", f"{service}/api/carts/eve/lines", '{"product": "tea"}')
    assert "Bought together" not in ask("GET", f"{service}/carts/eve")
    for product in ("tea", "soap"):
        ask("POST", f"{service}/api/carts/ada/lines", f'{{"product": "{product}"}}')
    until(lambda: "soap" in ask("GET", f"{service}/carts/eve"), "soap is shown")
    assert "soap" in ask("GET", f"{service}/carts/eve/together")
    ask("DELETE", f"{service}/api/carts/ada/lines/soap")
    until(lambda: "soap" not in ask("GET", f"{service}/carts/eve"), "soap is gone")


@pytest.mark.slow
def test_deploying_again_brings_up_to_date_what_is_there(service: str, clients: tuple[Any, Any]) -> None:
    deployment.deploy(NAMED, *clients)
    mappings = clients[1].list_event_source_mappings(FunctionName=NAMED.function)["EventSourceMappings"]
    assert len(mappings) == 1
    for product in ("lamp", "bread"):
        ask("POST", f"{service}/api/carts/joe/lines", f'{{"product": "{product}"}}')
    ask("POST", f"{service}/api/carts/sue/lines", '{"product": "lamp"}')
    until(lambda: "bread" in ask("GET", f"{service}/carts/sue"), "bread is shown")


def test_the_same_code_makes_the_same_package() -> None:
    # Else each deployment would be a new version of the function.
    first, second = deployment.packed(), deployment.packed()
    assert first == second
    assert {path.name for path in Path(deployment.CODE).glob("*.py")} == {"function.py", "counts.py"}
