"""Objects in S3: moto's server, and for answers that it does not give, one that gives these."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.moto_server import REGION, MotoServer
from tests.objects.kit import chunks, names, put, run, whole
from tests.pace import come_about
from tests.ports import Port
from tests.web_server import Answer, Received, WebServer

from statordb.objects import s3, s3_client, s3_upload
from statordb.objects.contract import Encryption
from statordb.objects.faults import (
    AccessDenied,
    Away,
    BadCredentials,
    BadName,
    Damaged,
    Full,
    NoSuchBucket,
    NoSuchObject,
    ObjectsFault,
    OtherRegion,
    Refused,
)
from statordb.objects.place import S3Place
from statordb.objects.s3 import S3Objects
from statordb.objects.s3_upload import PART_BYTES
from statordb.server.tls.issuing import issue

pytestmark = pytest.mark.slow

LARGE = PART_BYTES * 2 + 5


async def pieces(size: int) -> AsyncIterator[bytes]:
    for at in range(0, size, 1_000_000):
        yield os.urandom(min(1_000_000, size - at))


def uploads(moto: MotoServer, place: S3Place) -> list[str]:
    """The keys of those that are not completed."""
    return [each["Key"] for each in moto.client("s3").list_multipart_uploads(Bucket=place.bucket).get("Uploads", ())]


def test_a_large_object_goes_in_parts(moto: MotoServer, place: S3Place) -> None:
    async def go() -> None:
        own = S3Objects(place).own
        content = b"".join([piece async for piece in pieces(LARGE)])
        written = await own.put("large", chunks(content))
        assert written.size == LARGE
        assert written.etag.endswith("-3")  # S3's mark of an object of three parts
        assert await whole(own.get("large")) == content
        exact = await own.put("exact", chunks(content[: 2 * PART_BYTES]))
        assert exact.etag.endswith("-2")
        assert (await own.head("exact")).size == 2 * PART_BYTES
        assert uploads(moto, place) == []
        found = moto.client("s3").list_objects_v2(Bucket=place.bucket)["Contents"]
        assert [each["Key"] for each in found] == ["server/one/exact", "server/one/large"]

    run(go())


def test_an_upload_that_fails_or_is_cancelled_is_aborted(moto: MotoServer, place: S3Place) -> None:
    async def go() -> None:
        own = S3Objects(place).own
        begun = asyncio.Event()

        async def breaks() -> AsyncIterator[bytes]:
            async for piece in pieces(LARGE):
                yield piece
            raise RuntimeError("the source broke")

        async def hangs() -> AsyncIterator[bytes]:
            async for piece in pieces(LARGE + PART_BYTES):
                yield piece
            begun.set()
            await asyncio.Event().wait()

        with pytest.raises(RuntimeError, match="the source broke"):
            await own.put("broken", breaks())
        assert uploads(moto, place) == []
        hanging = asyncio.create_task(own.put("cancelled", hangs()))
        await begun.wait()
        assert await asyncio.to_thread(uploads, moto, place) == ["server/one/cancelled"]
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        await come_about(lambda: not uploads(moto, place), "the upload is aborted")
        assert await names(own) == []

    run(go())


def test_an_object_of_too_many_parts_is_refused(
    moto: MotoServer, place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_upload, "PARTS_MAX", 2)

    async def go() -> None:
        with pytest.raises(Full, match="EntityTooLarge"):
            await S3Objects(place).own.put("large", pieces(LARGE))
        assert uploads(moto, place) == []

    run(go())


WRITER = """
import asyncio, sys
from pathlib import Path
from statordb.objects.opening import open_objects
from statordb.objects.s3_upload import PART_BYTES
from statordb.server.tls.issuing import issue

async def endless():
    for _ in range(3):
        yield bytes(PART_BYTES)
    print("writing", flush=True)
    await asyncio.Event().wait()

asyncio.run(open_objects(sys.argv[1]).own.put("torn", endless()))
"""


def test_a_writer_that_is_killed_leaves_nothing_that_is_seen(
    moto: MotoServer, place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are swept once they are old, the server's own alone. moto tells all to be of 2010."""
    long_ago, old = 10.0**10, s3.UPLOAD_SECONDS_MAX
    monkeypatch.setattr(s3, "UPLOAD_SECONDS_MAX", long_ago)
    url = f"s3://{place.bucket}/server/one?endpoint={moto.url}&region={REGION}"
    process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE)
    assert process.stdout
    try:
        assert process.stdout.readline() == b"writing\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    moto.client("s3").create_multipart_upload(Bucket=place.bucket, Key="others")

    async def go() -> None:
        objects = S3Objects(place)
        assert await names(objects.own) == []
        assert await objects.own.sweep() == 0  # it may be under way
        assert sorted(uploads(moto, place)) == ["others", "server/one/torn"]
        monkeypatch.setattr(s3, "UPLOAD_SECONDS_MAX", old)
        assert await objects.bucket(place.bucket).sweep() == 0
        assert await objects.own.sweep() == 1
        assert uploads(moto, place) == ["others"]

    run(go())


def test_what_is_the_servers_own_is_not_reached_by_the_name_of_its_bucket(moto: MotoServer, place: S3Place) -> None:
    async def go() -> None:
        objects = S3Objects(place)
        await put(objects.own, "a", "b")
        theirs = objects.bucket(place.bucket)
        await put(theirs, "server/on", "server/two", "z")
        for call in (
            theirs.put("server/one/a", chunks(b"x")),
            whole(theirs.get("server/one/a")),
            theirs.head("server/one/a"),
            theirs.delete("server/one/a"),
        ):
            with pytest.raises(AccessDenied, match="AccessDenied: Access Denied"):
                await call
        for limit in (1, 2, 3, 1000):
            assert await names(theirs, "", "", limit) == ["server/on", "server/two", "z"][:limit]
        assert await names(theirs, "server/one") == []
        assert await names(objects.own) == ["a", "b"]
        all_own = S3Objects(place._replace(prefix=""))
        with pytest.raises(AccessDenied):
            await all_own.bucket(place.bucket).list()
        with pytest.raises(AccessDenied):
            await put(all_own.bucket(place.bucket), "x")

    run(go())


def test_a_prefix_leaves_less_for_names(place: S3Place) -> None:
    with pytest.raises(BadName, match="KeyTooLongError"):
        run(put(S3Objects(place).own, "x" * 1020))


def test_an_object_that_is_replaced_while_it_is_read_is_no_mixture(place: S3Place) -> None:
    async def go() -> None:
        own = S3Objects(place).own
        await own.put("one", chunks(b"1" * 5_000_000))
        reading = own.get("one")
        assert set(await anext(reading)) == {ord("1")}
        await own.put("one", chunks(b"2" * 5_000_000))
        with pytest.raises(Damaged, match="while it was read"):
            await whole(reading)

    run(go())


def test_how_s3_encrypts_an_object_is_told_to_it(moto: MotoServer, place: S3Place) -> None:
    async def go() -> None:
        theirs = S3Objects(place).bucket(place.bucket)
        await theirs.put("a", chunks(b"x"), Encryption("AES256"))
        await theirs.put("b", pieces(LARGE), Encryption("aws:kms", "some-key"))
        client = moto.client("s3")
        assert client.head_object(Bucket=place.bucket, Key="a")["ServerSideEncryption"] == "AES256"
        found = client.head_object(Bucket=place.bucket, Key="b")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "some-key")

    run(go())


def credentials_file(directory: Path, id: str, secret: str) -> Path:
    path = directory / f"{id}.ini"
    path.write_text(f"[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    return path


def test_credentials_that_are_wrong_or_may_not_are_told(tmp_path: Path) -> None:
    """moto checks them from now on: that is asked of a server of this test's own."""
    moto = MotoServer()
    try:
        moto.client("s3").create_bucket(Bucket="some-bucket")
        moto.client("iam").create_user(UserName="nobody")
        key = moto.client("iam").create_access_key(UserName="nobody")["AccessKey"]
        urlopen(Request(f"{moto.url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})).close()
        place = S3Place("some-bucket", "", moto.url, REGION)
        id, secret = key["AccessKeyId"], key["SecretAccessKey"]
        for file, fault, code in (
            (credentials_file(tmp_path, "AKIAUNKNOWN000000000", secret), BadCredentials, "InvalidAccessKeyId"),
            (credentials_file(tmp_path, id, secret), AccessDenied, "AccessDenied"),
        ):
            own = S3Objects(place, file).own
            for call in (put(own, "a"), whole(own.get("a")), names(own), own.delete("a")):
                with pytest.raises(fault) as found:
                    run(call)
                assert found.value.code == code
    finally:
        moto.close()


def test_a_file_without_credentials_is_told(tmp_path: Path) -> None:
    place = S3Place("some-bucket", "", "http://127.0.0.1:1", REGION)
    (tmp_path / "empty").write_text("[default]\n")
    (tmp_path / "half").write_text("[default]\naws_access_key_id = x\n")
    (tmp_path / "none").write_text("no credentials")
    for name in ("missing", "empty", "half", "none"):
        with pytest.raises(BadCredentials, match="NoCredentials"):
            run(names(S3Objects(place, tmp_path / name).own))


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for an answer, and nothing is asked twice."""
    monkeypatch.setattr(s3_client, "ATTEMPTS_MAX", 1)
    monkeypatch.setattr(s3_client, "ANSWER_SECONDS", 0.3)


def error(code: str, text: str, status: int) -> Callable[[Received], Answer]:
    body = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()
    return lambda received: Answer(status, body, {"Content-Type": "application/xml"})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (404, "NoSuchBucket", NoSuchBucket),
        (404, "NoSuchKey", NoSuchObject),
        (403, "AccessDenied", AccessDenied),
        (403, "SignatureDoesNotMatch", BadCredentials),
        (403, "ExpiredToken", BadCredentials),
        (403, "RequestTimeTooSkewed", BadCredentials),
        (301, "PermanentRedirect", OtherRegion),
        (400, "AuthorizationHeaderMalformed", OtherRegion),
        (503, "SlowDown", Away),
        (500, "SomethingElse", Away),
        (400, "KMS.NotFoundException", Refused),
    ],
)
def test_what_s3_answers_is_told_by_its_code_and_text(
    web: WebServer, status: int, code: str, fault: type[ObjectsFault]
) -> None:
    web.answer = error(code, "It says why.", status)
    own = S3Objects(S3Place("some-bucket", "", web.url, REGION)).own
    for call in (put(own, "a"), whole(own.get("a")), names(own)):
        with pytest.raises(fault) as found:
            run(call)
        assert (found.value.code, found.value.text) == (code, "It says why.")


@pytest.mark.usefixtures("quick")
def test_what_is_no_s3_is_told(web: WebServer) -> None:
    own = S3Objects(S3Place("some-bucket", "", web.url, REGION)).own
    web.answer = lambda received: Answer(200, b"<html>Welcome!")
    with pytest.raises(Away):  # botocore takes such a text for a server error
        run(names(own))
    web.answer = lambda received: Answer(200, b"")
    with pytest.raises(Refused, match="can't be used as S3"):
        run(put(own, "a"))


@pytest.mark.usefixtures("quick")
def test_a_server_that_is_away_hangs_or_hangs_up_is_told(web: WebServer) -> None:
    with Port() as nobody:
        own = S3Objects(S3Place("some-bucket", "", f"http://127.0.0.1:{nobody}", REGION)).own
        for call in (put(own, "a"), whole(own.get("a")), names(own), own.sweep()):
            with pytest.raises(Away, match=f"127.0.0.1:{nobody} can't be reached"):
                run(call)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own = S3Objects(S3Place("some-bucket", "", f"http://127.0.0.1:{silent.getsockname()[1]}", REGION)).own
        with pytest.raises(Away, match="can't be reached"):
            run(names(own))


@pytest.mark.usefixtures("quick")
def test_a_connection_that_breaks_in_the_middle_of_an_object_is_tried_again(web: WebServer) -> None:
    whole_answer = Answer(206, b"0123456789", {"ETag": '"x"', "Content-Range": "bytes 0-9/10"})
    answers = [Answer(206, b"01234", whole_answer.headers, missing=5) for _ in range(2)]
    web.answer = lambda received: answers.pop() if answers else whole_answer
    own = S3Objects(S3Place("some-bucket", "", web.url, REGION)).own
    assert run(whole(own.get("a"))) == b"0123456789"
    answers += [Answer(206, b"01234", whole_answer.headers, missing=5) for _ in range(3)]
    with pytest.raises(Away):
        run(whole(own.get("a")))


def test_requests_are_as_the_place_says(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By path at an endpoint, with the credentials of the file, and not to where the environment has programs go."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    web.answer = lambda received: Answer(200, b"", {"ETag": '"x"'})
    place = S3Place("some-bucket", "pre/", web.url, "eu-west-1")
    file = credentials_file(tmp_path, "AKIAOFTHEFILE0000000", "secret")
    run(put(S3Objects(place, file).own, "a b"))
    (sent,) = web.received
    assert (sent.method, sent.path) == ("PUT", "/some-bucket/pre/a%20b")
    assert "Credential=AKIAOFTHEFILE0000000/" in sent.headers["authorization"]
    assert "/eu-west-1/s3/aws4_request" in sent.headers["authorization"]
    assert sent.headers["content-md5"]
    virtual = place._replace(style="virtual", endpoint=web.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(Away, match=r"http://some-bucket\.localhost:\d+/pre/a"):  # no such host, where none is local
        run(put(S3Objects(virtual).own, "a"))
    run(put(S3Objects(place).bucket("other-bucket", owner="123456789012"), "a"))
    assert web.received[-1].headers["x-amz-expected-bucket-owner"] == "123456789012"


@pytest.mark.usefixtures("quick")
def test_the_endpoints_certificate_is_checked(tmp_path: Path) -> None:
    issue(tmp_path, (), datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    web = WebServer(lambda received: Answer(200, b"", {"ETag": '"x"'}), context)
    try:
        place = S3Place("some-bucket", "", web.url, REGION)
        with pytest.raises(Away, match="certificate verify failed"):
            run(put(S3Objects(place).own, "a"))
        assert not web.received
        run(put(S3Objects(place._replace(ca=str(tmp_path / "ca.pem"))).own, "a"))
    finally:
        web.close()
