"""The texts of SerializationException: one fault, the first in the document."""

from typing import Any

import pytest

from statordb.api.shape_overrides import DYNAMODB
from statordb.model.errors import ClientError
from statordb.model.service import load_service
from statordb.shapes.json import Shapes

SHAPES = Shapes(DYNAMODB, load_service())
STRUCTURE = "Start of structure or map found where not expected"
FIELD = "Unexpected field type"
ELEMENT = "Unexpected value type in payload"
CAST = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base "
    "of loader 'bootstrap')"
)
PACKAGE = "com.amazonaws.dynamodb.v20120810."


def refusal(operation: str, document: Any) -> str | None:
    with pytest.raises(ClientError) as caught:
        SHAPES.check(operation, document)
    assert caught.value.type == "com.amazon.coral.service#SerializationException"
    return caught.value.message


@pytest.mark.parametrize(
    ("document", "text"),
    [(None, None), ("", None), (1, None), (True, None), ([], "Start of list found where not expected")],
)
def test_a_body_that_is_no_object(document: Any, text: str | None) -> None:
    assert refusal("GetItem", document) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "NUMBER_VALUE cannot be converted to String"),
        (1.0, "NUMBER_VALUE cannot be converted to String"),
        (1.5, "DECIMAL_VALUE cannot be converted to String"),
        (True, "TRUE_VALUE cannot be converted to String"),
        (False, "FALSE_VALUE cannot be converted to String"),
        ([], "Unrecognized collection type class java.lang.String"),
        ({}, STRUCTURE),
    ],
)
def test_strings(value: Any, text: str) -> None:
    assert refusal("GetItem", {"TableName": value}) == text
    assert refusal("PutItem", {"Item": {"a": {"N": value}}}) == text
    assert refusal("GetItem", {"AttributesToGet": [value]}) == text
    assert refusal("GetItem", {"ExpressionAttributeNames": {"#a": value}}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "NUMBER_VALUE cannot be converted to Boolean"),
        (1.5, "DECIMAL_VALUE cannot be converted to Boolean"),
        ("dog", "Unexpected token received from parser"),
        ([], "Unrecognized collection type class java.lang.Boolean"),
        ({}, STRUCTURE),
    ],
)
def test_booleans(value: Any, text: str) -> None:
    """The texts are those of the parser that AWS's servers have, class names included."""
    assert refusal("GetItem", {"ConsistentRead": value}) == text
    assert refusal("PutItem", {"Item": {"a": {"NULL": value}}}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "STRING_VALUE cannot be converted to {}"),
        (True, "TRUE_VALUE cannot be converted to {}"),
        (False, "FALSE_VALUE cannot be converted to {}"),
        ([], "Unrecognized collection type class java.lang.{}"),
        ({}, STRUCTURE),
    ],
)
def test_numbers(value: Any, text: str) -> None:
    """The class in the text is the one that the member has there: Integer or Long."""
    assert refusal("ListTables", {"Limit": value}) == text.format("Integer")
    assert refusal("CreateTable", {"ProvisionedThroughput": {"ReadCapacityUnits": value}}) == text.format("Long")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "only base-64-encoded strings are convertible to bytes"),
        (True, "only base-64-encoded strings are convertible to bytes"),
        ([], "Unrecognized collection type class java.nio.ByteBuffer"),
        ({}, STRUCTURE),
        ("YWJjZ", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ("YWJj??!!", "Invalid base 64 character: '?'"),
        ("YW=j", "Invalid base 64 character: '='"),
        ("ab\nc", "Invalid base 64 character: '\n'"),
        ("édog", "Invalid base 64 character: 'é'"),
        ("a===", "Invalid base 64 character: '='"),
        ("YR==", "Invalid last non-pad Base64 character dectected"),
        ("YWK=", "Invalid last non-pad Base64 character dectected"),
    ],
)
def test_blobs(value: Any, text: str) -> None:
    """AWS's own spelling, in a value and within a set."""
    assert refusal("PutItem", {"Item": {"a": {"B": value}}}) == text
    assert refusal("PutItem", {"Item": {"a": {"BS": ["YQ==", value]}}}) == text


@pytest.mark.parametrize("scalar", [1, 1.5, "a", True, False])
def test_scalars_for_structures_lists_and_maps(scalar: Any) -> None:
    assert refusal("CreateTable", {"ProvisionedThroughput": scalar}) == FIELD
    assert refusal("CreateTable", {"KeySchema": scalar}) == FIELD
    assert refusal("CreateTable", {"KeySchema": [scalar]}) == ELEMENT
    assert refusal("PutItem", {"Item": scalar}) == FIELD
    assert refusal("PutItem", {"Item": {"a": scalar}}) == ELEMENT
    assert refusal("PutItem", {"Item": {"a": {"M": scalar}}}) == FIELD
    assert refusal("PutItem", {"Item": {"a": {"M": {"b": scalar}}}}) == ELEMENT
    assert refusal("PutItem", {"Item": {"a": {"L": scalar}}}) == FIELD
    assert refusal("PutItem", {"Item": {"a": {"L": [scalar]}}}) == ELEMENT
    assert refusal("PutItem", {"Item": {"a": {"SS": scalar}}}) == FIELD
    assert refusal("PutItem", {"Expected": {"a": scalar}}) == ELEMENT
    assert refusal("PutItem", {"Expected": {"a": {"Value": scalar}}}) == FIELD
    assert refusal("BatchGetItem", {"RequestItems": {"a": {"Keys": [scalar]}}}) == CAST
    assert refusal("BatchWriteItem", {"RequestItems": {"a": scalar}}) == CAST


def test_lists_and_objects_in_each_others_place() -> None:
    assert refusal("CreateTable", {"ProvisionedThroughput": []}) == (
        f"Unrecognized collection type class {PACKAGE}ProvisionedThroughput"
    )
    assert refusal("CreateTable", {"KeySchema": {}}) == STRUCTURE
    assert (
        refusal("CreateTable", {"KeySchema": [[]]}) == f"Unrecognized collection type class {PACKAGE}KeySchemaElement"
    )
    assert refusal("PutItem", {"Item": []}) == (
        f"Unrecognized collection type java.util.Map<java.lang.String, {PACKAGE}AttributeValue>"
    )
    assert refusal("PutItem", {"Item": {"a": []}}) == f"Unrecognized collection type class {PACKAGE}AttributeValue"
    assert refusal("PutItem", {"Item": {"a": {"L": {}}}}) == STRUCTURE
    assert refusal("GetItem", {"ExpressionAttributeNames": []}) == (
        "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>"
    )
    assert refusal("BatchWriteItem", {"RequestItems": []}) == (
        f"Unrecognized collection type java.util.Map<java.lang.String, java.util.List<{PACKAGE}WriteRequest>>"
    )
    assert refusal("BatchWriteItem", {"RequestItems": {"a": {}}}) == STRUCTURE


def test_the_first_fault_of_the_document_is_told() -> None:
    assert refusal("GetItem", {"ConsistentRead": "dog", "TableName": 1}) == "Unexpected token received from parser"
    assert refusal("GetItem", {"TableName": 1, "ConsistentRead": "dog"}) == "NUMBER_VALUE cannot be converted to String"


def test_serialization_comes_before_constraints() -> None:
    assert refusal("GetItem", {"TableName": "", "Key": {"a": {"S": 1}}}) == "NUMBER_VALUE cannot be converted to String"
