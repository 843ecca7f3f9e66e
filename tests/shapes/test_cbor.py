"""CBOR of AWS's RPC v2 protocol: what is taken, what is refused, and how answers are written."""

import cbor2
import pytest

from statordb.model.service import load_service
from statordb.shapes import cbor
from statordb.shapes.nodes import Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.rest import Unreadable

NODES = Nodes(load_service("cloudwatch", "2010-08-01"), Overrides())


def test_a_timestamp_is_a_tagged_number() -> None:
    assert cbor.parse(cbor2.dumps({"at": cbor2.CBORTag(1, 12.5), "n": 1})) == {"at": 12.5, "n": 1}
    assert cbor.parse(b"") == {}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("81" * 1000 + "00", id="nested too deeply"),
        pytest.param("a2616101616102", id="a name twice"),
        pytest.param("d81ca1616101", id="a value that may be shared"),
        pytest.param("c249ffffffffffffffffff", id="a number of any size"),
        pytest.param("c5821a7fffffff03", id="a power of two of any size"),
        pytest.param("d8236128", id="a regular expression"),
        pytest.param("c16161", id="a timestamp that is no number"),
        pytest.param("9bffffffffffffffff", id="a list that is not there"),
        pytest.param("5bffffffffffffffff", id="bytes that are not there"),
        pytest.param("61ff", id="a text that is no UTF-8"),
        pytest.param("ff", id="an end of nothing"),
    ],
)
def test_what_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        cbor.parse(bytes.fromhex(body))


def test_answers_have_the_types_of_their_shapes() -> None:
    node = NODES.node("MetricDataResult")
    body = cbor.answer(node, {"Id": "a", "Timestamps": [60], "Values": [1], "Label": None})
    told = cbor2.loads(body, semantic_decoders={1: lambda value, _: ("at", value)})
    assert told == {"Id": "a", "Timestamps": [("at", 60.0)], "Values": [1.0]}
    assert isinstance(told["Values"][0], float)
    assert cbor2.loads(cbor.answer(None, {})) == {}
