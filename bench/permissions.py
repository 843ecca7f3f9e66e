"""What permissions cost: GetItem by users with policies beside the account's root, all of one worker in memory."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import boto3

import figures
import servers
from costs import cost
from figures import Line, Target
from load import Client, Sample, Wrk, create_table
from servers import Running
from signing import Signer
from turns import TABLE, Bench

GROUP = "permissions, one worker, in memory"
ROOT = "root"
# By what the user's one policy has: its conditions, and what of the root's cost GetItem may cost at most. The goals are
# rates of 0.97 and of 0.90.
KINDS: dict[str, tuple[dict[str, object], Target]] = {
    "a policy without conditions": ({}, Target(1 / 0.97, at_most=True)),
    "own items only (LeadingKeys)": (
        {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}},
        Target(1 / 0.90, at_most=True),
    ),
}
USER = "user{}"
ITEM_CHARACTERS = 900
GET = "GetItem"


def permissions(bench: Bench) -> Iterator[Line]:
    """A line for each kind of policy, its ratio that of the costs: the lower, the better."""
    with ExitStack() as stack:
        server = bench.start(stack, servers.statordb("StatorDB", "--workers", "1", in_memory=True))
        root = Client(server.host, bench.signer)
        create_table(root, TABLE)
        for number in range(len(KINDS)):
            item = _key(USER.format(number)) | {"data": {"S": "x" * ITEM_CHARACTERS}}
            root.call("PutItem", json.dumps({"TableName": TABLE, "Item": item}).encode())
        signers = {ROOT: bench.signer} | {
            kind: _user(server, USER.format(number), condition)
            for number, (kind, (condition, _)) in enumerate(KINDS.items())
        }
        costs: dict[str, list[float]] = {kind: [] for kind in signers}
        wrk = Wrk(bench.options.seconds)
        for turn in range(bench.options.rounds + 1):  # the first warms up
            for number, (kind, signer) in enumerate(signers.items()):
                body = _get(USER.format(max(0, number - 1)))

                def load(signer: Signer = signer, body: bytes = body) -> Sample:
                    return wrk.ask([server], signer, GET, [body])

                found = cost(bench, server, f"round {turn}: {kind}", load)
                if turn:
                    costs[kind].append(found)
    for kind, (_, target) in KINDS.items():
        ratio = figures.paired_ratio(costs[kind], costs[ROOT])
        value = median(costs[kind])
        yield Line(GROUP, kind, "StatorDB", value, "us", ratio=ratio, against="of root's", target=target)


def _user(server: Running, name: str, condition: dict[str, object]) -> Signer:
    """A user whose one policy allows GetItem on a condition, and an item under the user's name."""
    iam = boto3.client(
        "iam",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=servers.ACCESS_KEY_ID,
        aws_secret_access_key=servers.SECRET,
    )
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": f"dynamodb:{GET}", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return Signer(made["AccessKeyId"], made["SecretAccessKey"])


def _key(partition: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": partition}, "sk": {"S": "a"}}


def _get(partition: str) -> bytes:
    return json.dumps({"TableName": TABLE, "Key": _key(partition)}).encode()
