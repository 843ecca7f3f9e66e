"""Service models: operations, shapes and documented errors of an API, as botocore's data files give them."""

import gzip
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson


class ServiceModelMissing(Exception):
    """botocore's data file can't be found; args[0] is one sentence for people."""


class Operation(NamedTuple):
    """An operation: the names of its input and output shapes (input: "" for none), HTTP method and URI, names of its
    documented errors, HTTP status of success."""

    name: str
    input: str
    output: str | None
    method: str
    uri: str
    errors: tuple[str, ...]
    status: int = 200


class ServiceModel(NamedTuple):
    """`shapes`: by name, as in the data file (`type`, `members`, `required`, `member`, `key`, `value`, `min`, `max`,
    `pattern`, `enum`; of REST APIs also `payload`, and of members `location` and `locationName`); `target_prefix`: what
    stands before the dot in X-Amz-Target, "" in APIs of other protocols; `version`: of the API, a date; `namespace`: of
    the XML of answers, "" where they are no XML."""

    operations: Mapping[str, Operation]
    shapes: Mapping[str, Mapping[str, Any]]
    target_prefix: str
    version: str = ""
    namespace: str = ""


def load_service(name: str = "dynamodb", version: str = "2012-08-10") -> ServiceModel:
    """Read a service's model. Raises ServiceModelMissing.

    botocore is only located, never imported: its import alone costs more time than a server's whole start may take.
    """
    document = orjson.loads(_read(name, version))
    operations = {key: _operation(key, raw) for key, raw in document["operations"].items()}
    facts = document["metadata"]
    return ServiceModel(
        operations, document["shapes"], facts.get("targetPrefix", ""), version, facts.get("xmlNamespace", "")
    )


def _operation(name: str, raw: Mapping[str, Any]) -> Operation:
    output = raw.get("output")
    return Operation(
        name,
        raw["input"]["shape"] if "input" in raw else "",
        None if output is None else output["shape"],
        raw["http"]["method"],
        raw["http"]["requestUri"],
        tuple(error["shape"] for error in raw.get("errors", ())),
        raw["http"].get("responseCode", 200),
    )


def _read(name: str, version: str) -> bytes:
    spec = find_spec("botocore")
    for location in (spec.submodule_search_locations if spec is not None else None) or ():
        plain = Path(location, "data", name, version, "service-2.json")
        packed = plain.with_suffix(".json.gz")
        if packed.exists():
            return gzip.decompress(packed.read_bytes())
        if plain.exists():
            return plain.read_bytes()
    raise ServiceModelMissing(f"The service model of {name} {version} was not found: is botocore installed?")
