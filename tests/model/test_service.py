import subprocess
import sys
from pathlib import Path

import pytest
from tests.pace import HANGS_SECONDS

from statordb.model import service
from statordb.model.service import ServiceModelMissing, load_service


def test_operations_and_shapes() -> None:
    """Of the real file: a newer botocore that writes it otherwise is found here."""
    model = load_service()
    assert model.target_prefix == "DynamoDB_20120810"
    get_item = model.operations["GetItem"]
    assert (get_item.input, get_item.output, get_item.method, get_item.uri) == (
        "GetItemInput",
        "GetItemOutput",
        "POST",
        "/",
    )
    assert "ResourceNotFoundException" in get_item.errors
    assert model.shapes["GetItemInput"]["required"] == ["TableName", "Key"]
    assert {"PutItem", "Query", "TransactWriteItems", "ExecuteStatement"} <= model.operations.keys()


def test_every_input_is_a_known_structure() -> None:
    model = load_service()
    for operation in model.operations.values():
        assert model.shapes[operation.input]["type"] == "structure"


def test_botocore_is_located_but_not_imported() -> None:
    # Its import costs a tenth of a second, a good part of the time that a start may take. A fresh process shows it.
    script = (
        "import sys; from statordb.model.service import load_service; load_service(); print('botocore' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=HANGS_SECONDS, check=True
    )
    assert done.stdout.strip() == "False"


def test_an_unknown_version_is_told_in_one_sentence() -> None:
    with pytest.raises(ServiceModelMissing) as caught:
        load_service("dynamodb", "1999-01-01")
    assert caught.value.args == ("The service model of dynamodb 1999-01-01 was not found: is botocore installed?",)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the model is looked for."""

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(service, "find_spec", lambda name: Spec)
    folder = tmp_path / "data" / "dynamodb" / "2012-08-10"
    folder.mkdir(parents=True)
    return folder


def test_a_plain_data_file_does_too(elsewhere: Path) -> None:
    # Some distributions unpack botocore's data.
    (elsewhere / "service-2.json").write_text(
        '{"metadata": {"targetPrefix": "T"}, "shapes": {},'
        ' "operations": {"A": {"name": "A", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "I"}}}}'
    )
    model = load_service()
    assert model.operations["A"] == service.Operation("A", "I", None, "POST", "/", ())


def test_no_botocore_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "find_spec", lambda name: None)
    with pytest.raises(ServiceModelMissing):
        load_service()
