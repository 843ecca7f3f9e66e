"""Run with aioboto3's own interpreter: takes the steps of the story, each read from standard input as a JSON line.

Input  {"kind": "call" | "wait" | "pages", "name": ..., "parameters": {...}, "page_size": n, "member": ...};
       a call names its "service" too
Output one JSON line a step: {"reply": ...} or {"failure": code}. Arguments: endpoint, key id, secret.
"""

import asyncio
import json
import sys
from typing import Any

import aioboto3  # type: ignore[import-not-found]  # lives in a virtual environment of its own
from botocore import xform_name
from botocore.exceptions import ClientError


async def take(clients: dict[str, Any], step: dict[str, Any]) -> Any:
    name, parameters = step["name"], step["parameters"]
    client = clients[step.get("service", "dynamodb")]
    if step["kind"] == "wait":
        await client.get_waiter(name).wait(**parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return None
    if step["kind"] == "pages":
        config = {"PageSize": step["page_size"]} if step["page_size"] else {}
        pages = client.get_paginator(name).paginate(**parameters, PaginationConfig=config)
        return [entry async for page in pages for entry in page[step["member"]]]
    return await getattr(client, xform_name(name))(**parameters)


async def main(url: str, key: str, secret: str) -> None:
    session = aioboto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1")
    async with (
        session.client("dynamodb", endpoint_url=url) as tables,
        session.client("dynamodbstreams", endpoint_url=url) as streams,
    ):
        clients = {"dynamodb": tables, "dynamodbstreams": streams}
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                answer = {"reply": await take(clients, json.loads(line))}
            except ClientError as error:
                answer = {"failure": error.response["Error"]["Code"]}
            print(json.dumps(answer, default=str), flush=True)


asyncio.run(main(*sys.argv[1:]))
