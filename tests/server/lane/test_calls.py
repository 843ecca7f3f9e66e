"""What a lane is told of a request."""

from statordb.model.request import Origin, Principal, Request
from statordb.server.lane.calls import pack_request, unpack_request

WHO = Principal("000000000000", "AKID", "us-east-1", "arn:aws:iam::000000000000:root")


def test_a_lane_knows_who_asks_and_from_where() -> None:
    origin = Origin("192.0.2.1", True, "vpce-1", "vpc-1", None, "client.example")
    told = unpack_request(pack_request(Request("Scan", b"", WHO, "ID", None, b"gzip", origin)), b"{}")
    assert (told.operation, told.principal, told.request_id, told.coding) == ("Scan", WHO, "ID", b"gzip")
    assert told.origin == origin
