"""Authorities, and that they get to where requests are answered."""

import pytest
from tests.access.test_document import document

from statordb.access import authority
from statordb.access.authority import Authority, root_of
from statordb.access.document import Kind, compile_policy
from statordb.model.identity import Identity
from statordb.model.request import Origin, Principal, Request
from statordb.server.lane.calls import pack_request, unpack_request

ACCOUNT = "123456789012"
ALL = compile_policy(document())
SOME = compile_policy(document(Action="dynamodb:GetItem"))
USER = Authority(
    "user", f"arn:aws:iam::{ACCOUNT}:user/a", ACCOUNT, "AIDAEXAMPLE", "a", (ALL, SOME), ALL, (SOME,),
    {"aws:PrincipalTag/team": "red", "several": ("x", "y")},
)  # fmt: skip


@pytest.mark.parametrize("who", [None, root_of(ACCOUNT), USER, USER._replace(session=(), boundary=None)])
def test_an_authority_goes_with_the_request_to_a_lane(who: Identity | None) -> None:
    """An identity that got lost on the way would pass for the account's root."""
    principal = Principal(ACCOUNT, "AKIA", "us-east-1", f"arn:aws:iam::{ACCOUNT}:user/a", who)
    request = unpack_request(pack_request(Request("GetItem", b"", principal, "id")), b"")
    assert request.principal == principal


def test_the_policy_of_an_endpoint_goes_to_a_lane() -> None:
    policy = compile_policy(document(Principal="*"), Kind.RESOURCE)
    origin = Origin("10.0.0.1", True, "vpce-1", "vpc-1", policy)
    request = Request("GetItem", b"", Principal(ACCOUNT, "", "", ""), "id", origin=origin)
    assert unpack_request(pack_request(request), b"").origin == origin
    request.origin = origin._replace(policy="none")
    with pytest.raises(TypeError):
        pack_request(request)


def test_who_has_no_authority_is_the_root_of_the_account() -> None:
    assert authority.of(None, ACCOUNT) == root_of(ACCOUNT)
    assert authority.of(USER, ACCOUNT) is USER


def test_what_is_no_authority_does_not_pass_for_the_root() -> None:
    class Stranger:
        kind, arn, account, user_id, name = "user", "", ACCOUNT, "", ""

    with pytest.raises(TypeError):
        authority.pack(Stranger())
