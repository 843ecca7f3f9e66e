"""Policy documents: from their JSON to statements, and what is wrong with one.

Grammar and texts: IAM user guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements".
"""

import json
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from statordb.access import formats
from statordb.access.formats import MalformedPolicy, is_operator
from statordb.access.rules import Rule, compile_rule
from statordb.access.statements import Condition, Statement
from statordb.access.work import Work, most, total

POLICY_BYTES_MAX = 128 * 1024  # IAM's own bound of a PolicyDocument; most kinds of policies have narrower ones
STATEMENTS_MAX = 1_000
VALUES_MAX = 10_000  # of all lists of a document together
COMPILED_MAX = 1_024  # documents that are kept by their texts

CURRENT, FIRST = "2012-10-17", "2008-10-17"  # the versions; without one it is the first

_ELEMENTS = frozenset((
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
))  # fmt: skip
_PRINCIPALS = frozenset(("AWS", "Federated", "Service", "CanonicalUser"))
_SYNTAX = "Syntax errors in policy."
_UNKNOWN_VERSION = "Policy document must be version 2012-10-17 or greater."


class _Number(str):
    """A number as it is written: it may stand for its text in conditions, and nowhere else."""

    __slots__ = ()


class Kind(Enum):
    """What a policy is attached to, on which depends what its statements must have."""

    IDENTITY = "identity"  # users, groups, roles; boundaries and session policies
    RESOURCE = "resource"  # tables, streams, keys; also those of endpoints
    TRUST = "trust"  # of roles: who may assume them


class Policy(NamedTuple):
    """A document that is well formed.

    rules   its statements, compiled.
    work    of all of them, and `hardest` of any one of them.
    """

    text: str
    version: str
    id: str
    statements: tuple[Statement, ...]
    rules: tuple[Rule, ...]
    work: Work
    hardest: Work


@lru_cache(COMPILED_MAX)
def compile_policy(text: str, kind: Kind = Kind.IDENTITY) -> Policy:
    """The policy of a document. Raises MalformedPolicy; `args[0]` is AWS's text of MalformedPolicyDocument."""
    document = _parse(text)
    version = document.get("Version", FIRST)
    if not document.keys() <= {"Version", "Id", "Statement"} or version not in (CURRENT, FIRST):
        raise MalformedPolicy(_SYNTAX)
    raw = document.get("Statement")
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list) or not 1 <= len(raw) <= STATEMENTS_MAX:
        raise MalformedPolicy(_SYNTAX)
    statements = tuple(map(_statement, raw))
    if kind is Kind.IDENTITY and version != CURRENT:
        raise MalformedPolicy(_UNKNOWN_VERSION)
    _check(statements, kind)
    rules = tuple(compile_rule(statement, variables=version == CURRENT) for statement in statements)
    works = [rule.work for rule in rules]
    return Policy(text, version, _text(document, "Id"), statements, rules, total(works), most(works))


def _parse(text: str) -> dict[str, Any]:
    if len(text.encode(errors="replace")) > POLICY_BYTES_MAX:
        raise MalformedPolicy(_SYNTAX)
    try:
        document = json.loads(
            text, object_pairs_hook=_members, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        raise MalformedPolicy(_SYNTAX) from None
    if not isinstance(document, dict) or ("\\u" in text and not _is_text(document)):
        raise MalformedPolicy(_SYNTAX)
    return document


def _is_text(document: dict[str, Any]) -> bool:
    """Whether it can be written again: half of a pair of surrogates stands for no character."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is said twice may have been read otherwise by whoever wrote it, or let it pass."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedPolicy(_SYNTAX)
    return members


def _refuse(constant: str) -> None:
    raise MalformedPolicy(_SYNTAX)


def _statement(raw: Any) -> Statement:
    if not isinstance(raw, dict) or not raw.keys() <= _ELEMENTS:
        raise MalformedPolicy(_SYNTAX)
    effect = raw.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
        raise MalformedPolicy(_SYNTAX)
    principals, not_principals = _either(raw, "Principal")
    actions, not_actions = _either(raw, "Action")
    resources, not_resources = _either(raw, "Resource")
    statement = Statement(
        _text(raw, "Sid"),
        effect == "Allow",
        None if principals is None else _named(principals),
        not_principals,
        () if actions is None else _strings(actions),
        not_actions,
        () if resources is None else _strings(resources),
        not_resources,
        tuple(_conditions(raw.get("Condition", {}))),
    )
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicy(formats.LEGACY)
    return statement


def _either(raw: dict[str, Any], element: str) -> tuple[Any, bool]:
    """What an element has, or its negation; not both."""
    if element in raw and "Not" + element in raw:
        raise MalformedPolicy(_SYNTAX)
    return (raw["Not" + element], True) if "Not" + element in raw else (raw.get(element), False)


def _text(raw: dict[str, Any], element: str) -> str:
    text: Any = raw.get(element, "")
    if text.__class__ is not str:
        raise MalformedPolicy(_SYNTAX)
    return str(text)


def _strings(raw: Any) -> tuple[str, ...]:
    values = raw if isinstance(raw, list) else [raw]
    if len(values) > VALUES_MAX or not all(value.__class__ is str for value in values):
        raise MalformedPolicy(_SYNTAX)
    return tuple(values)


def _named(raw: Any) -> dict[str, tuple[str, ...]]:
    if raw == "*":
        return {"AWS": ("*",)}
    if not isinstance(raw, dict) or not raw or not raw.keys() <= _PRINCIPALS:
        raise MalformedPolicy(_SYNTAX)
    return {kind: _strings(values) for kind, values in raw.items()}


def _conditions(raw: Any) -> Iterable[Condition]:
    if not isinstance(raw, dict):
        raise MalformedPolicy(_SYNTAX)
    for operator, block in raw.items():
        if not isinstance(block, dict) or (block and not is_operator(operator)):
            raise MalformedPolicy(_SYNTAX)
        for key, values in block.items():
            yield Condition(operator, key, _strings(_with_words(values)))


def _with_words(raw: Any) -> Any:
    """Truth values and numbers may stand without quotes."""
    if isinstance(raw, list):
        return [_word(value) for value in raw]
    return _word(raw)


def _word(raw: Any) -> Any:
    if isinstance(raw, bool):
        return ("false", "true")[raw]
    return str(raw) if isinstance(raw, _Number) else raw


def _check(statements: tuple[Statement, ...], kind: Kind) -> None:
    """In the order in which AWS reports."""
    for statement in statements:
        for condition in statement.conditions:
            formats.check_values(condition.operator, condition.values)
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) != len(sids):
        raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
    if not all(statement.actions for statement in statements):
        raise MalformedPolicy("Policy statement must contain actions.")
    for statement in statements:
        formats.check_resources(statement.resources)
    for statement in statements:
        formats.check_actions(statement.actions)
    _check_kind(statements, kind)


def _check_kind(statements: tuple[Statement, ...], kind: Kind) -> None:
    if kind is Kind.IDENTITY and any(statement.principals is not None for statement in statements):
        raise MalformedPolicy("Policy document should not specify a principal.")
    if kind is not Kind.IDENTITY and any(statement.principals is None for statement in statements):
        raise MalformedPolicy("Missing required field Principal")
    if kind is not Kind.TRUST:
        if not all(statement.resources for statement in statements):
            raise MalformedPolicy("Policy statement must contain resources.")
        return
    if any(statement.resources for statement in statements):
        raise MalformedPolicy("Has prohibited field Resource")
    actions = [action for statement in statements for action in statement.actions]
    if any(action != "*" and not action.lower().startswith("sts:") for action in actions):
        raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
