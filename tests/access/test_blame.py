"""Where a document that is no policy is wrong."""

import json
from typing import Any

import pytest

from statordb.access.blame import place_of
from statordb.access.document import Kind, compile_policy
from statordb.access.formats import MalformedPolicy

GOOD = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": "*"}


def document(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"Version": "2012-10-17",\n "Statement": [}', "line 2, column 16: Expecting value"),
        ("[]", "the document is no object"),
        (document(GOOD, Statements=[]), "Statements"),
        (document(GOOD, Version="2013"), "Version"),
        (document(), "Statement"),
        (json.dumps({"Version": "2012-10-17"}), "Statement"),
        (json.dumps({"Statement": {**GOOD, "Effect": "allow"}}), "Statement.Effect"),
        (document(GOOD, {**GOOD, "Actions": "*"}), "Statement[1].Actions"),
        (document(GOOD, GOOD, {**GOOD, "Condition": {"StringEqual": {"a": "b"}}}), "Statement[2].Condition"),
        (document({**GOOD, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/99"}}}), "Statement[0].Condition"),
        (document({**GOOD, "Resource": "table/orders"}), "Statement[0].Resource"),
        (document({"Effect": "Allow", "Principal": "*", "NotAction": "x", "Resource": "*"}), "Statement[0].NotAction"),
        (document({**GOOD, "Principal": {"User": "ann"}}), "Statement[0].Principal"),
        (document(GOOD, "*"), "Statement[1]"),
        (document({name: GOOD[name] for name in ("Effect", "Action", "Resource")}), "Statement[0]"),
        (document({**GOOD, "Sid": "a"}, {**GOOD, "Sid": "a"}), ""),
    ],
)
def test_the_member_is_named(text: str, place: str) -> None:
    with pytest.raises(MalformedPolicy):
        compile_policy(text, Kind.RESOURCE)
    assert place_of(text, Kind.RESOURCE) == place
