"""Values of REST requests: read from JSON, and broken constraints told."""

from base64 import b64encode

import pytest

from statordb.model.service import ServiceModel
from statordb.shapes import rest
from statordb.shapes.nodes import Node, Nodes
from statordb.shapes.overrides import Overrides
from statordb.shapes.rest import Unreadable, Violation, read, violations

STRING = {"type": "string", "min": 2, "max": 3, "pattern": "[a-z]*"}
THING = {
    "type": "structure",
    "required": ["Name"],
    "members": {
        "Name": {"shape": "String", "location": "uri", "locationName": "thing-name"},
        "Names": {"shape": "Strings"},
        "Next": {"shape": "Thing"},
    },
}
MODEL = ServiceModel(
    {}, {"String": STRING, "Strings": {"type": "list", "member": {"shape": "String"}}, "Thing": THING}, ""
)
NODE = Nodes(MODEL, Overrides()).node("Thing")


@pytest.mark.parametrize("size", range(14))
def test_base64_is_decoded_by_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statordb.shapes.rest.PIECE_CHARACTERS", 8)
    blob = Node("Blob", "blob", Overrides())
    data = bytes(range(size))
    text = b64encode(data).decode()
    assert read(blob, text) == data
    for broken in (text + "A", text[:-1] + "!" if text else "!", "AA==" + text + "A" * 8, "AAAAAA==" + text + "AAAA"):
        with pytest.raises(Unreadable, match="A blob is not valid Base64"):
            read(blob, broken)


def test_a_body_has_the_members_that_are_not_elsewhere() -> None:
    assert read(NODE, {"thing-name": "x", "Names": ["a"], "Unknown": 1, "Next": {}}) == {"Names": ["a"], "Next": {}}


def test_faults_are_told_with_their_paths() -> None:
    inner = {"Name": "ab", "Next": {"Names": ["abcd!", "A", "abc"]}}
    texts = [fault.text.replace(" failed to satisfy constraint: Member must", "") for fault in violations(NODE, inner)]
    assert texts == [
        "Value null at 'next.name' not be null",
        # What is too long is not held against the pattern too; what is too short is.
        "Value 'abcd!' at 'next.names.1.member' have length less than or equal to 3",
        "Value 'A' at 'next.names.2.member' satisfy regular expression pattern: [a-z]*",
        "Value 'A' at 'next.names.2.member' have length greater than or equal to 2",
    ]


def test_what_is_free_is_not_looked_at() -> None:
    assert violations(NODE, {"Name": "far too long"}, {"Name"}) == []
    assert isinstance(violations(NODE, {}, {"Name"})[0], Violation)  # but it must be there


def test_ten_faults_are_told() -> None:
    assert len(violations(NODE, {"Name": "ab", "Names": ["!"] * 100})) == rest.VIOLATIONS_MAX
