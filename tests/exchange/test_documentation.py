"""The examples of the developer guide, byte by byte: "DynamoDB table export output format"."""

import gzip

import orjson
import pytest
from tests.exchange.strategies import read, stored

from statordb.exchange.entries import Entry, Record
from statordb.exchange.layout import Layout
from statordb.exchange.manifests import DataFile, Summary, Window, files_text, read_files, read_summary
from statordb.exchange.reading import Reader
from statordb.exchange.writing import Writer

BOOK = {
    "Authors": {"SS": ["Author1", "Author2"]},
    "Dimensions": {"S": "8.5 x 11.0 x 1.5"},
    "ISBN": {"S": "333-3333333333"},
    "Id": {"N": "103"},
    "InPublication": {"BOOL": False},
    "PageCount": {"N": "600"},
    "Price": {"N": "2000"},
    "ProductCategory": {"S": "Book"},
    "Title": {"S": "Book 103 Title"},
}
BOOK_JSON = (
    b'{"Item":{"Authors":{"SS":["Author1","Author2"]},"Dimensions":{"S":"8.5 x 11.0 x 1.5"},'
    b'"ISBN":{"S":"333-3333333333"},"Id":{"N":"103"},"InPublication":{"BOOL":false},"PageCount":{"N":"600"},'
    b'"Price":{"N":"2000"},"ProductCategory":{"S":"Book"},"Title":{"S":"Book 103 Title"}}}\n'
)
BOOK_ION = (
    b'$ion_1_0 {Item:{Authors:$dynamodb_SS::["Author1","Author2"],Dimensions:"8.5 x 11.0 x 1.5",'
    b'ISBN:"333-3333333333",Id:103.,InPublication:false,PageCount:6d2,Price:2d3,ProductCategory:"Book",'
    b'Title:"Book 103 Title"}}\n'
)
# As the guide prints it, "on multiple lines for the sake of readability", put on one.
BOOK_ION_READABLE = b"""$ion_1_0 {
    Item:{
        Authors:$dynamodb_SS::["Author1","Author2"],
        Dimensions:"8.5 x 11.0 x 1.5",
        ISBN:"333-3333333333",
        Id:103.,
        InPublication:false,
        PageCount:6d2,
        Price:2d3,
        ProductCategory:"Book",
        Title:"Book 103 Title"
    }
}"""


@pytest.mark.parametrize(("form", "line"), [("DYNAMODB_JSON", BOOK_JSON), ("ION", BOOK_ION)])
def test_the_item_of_the_guide(form: str, line: bytes) -> None:
    writer = Writer(form)
    assert gzip.decompress(writer.items([stored(BOOK)]) + writer.end()) == line
    assert [entry.item for entry in read(Reader(form), [line]) if isinstance(entry, Entry)] == [BOOK]


def test_the_readable_form_of_ion() -> None:
    (entry,) = read(Reader("ION"), [BOOK_ION_READABLE.replace(b"\n", b" ")])
    assert isinstance(entry, Entry)
    assert entry.item == BOOK


def test_the_readable_form_of_json() -> None:
    (entry,) = read(
        Reader("DYNAMODB_JSON"), [orjson.dumps({"Item": BOOK}, option=orjson.OPT_INDENT_2).replace(b"\n", b" ")]
    )
    assert isinstance(entry, Entry)
    assert entry.item == BOOK


def test_records_of_an_incremental_export() -> None:
    """The members, and the time as a number in wire form."""
    keys = {"ISBN": {"S": "333-3333333333"}}
    line = (
        b'{"Metadata":{"WriteTimestampMicros":{"N":"1684374845117899"}},"Keys":{"ISBN":{"S":"333-3333333333"}},'
        b'"OldImage":{"ISBN":{"S":"333-3333333333"}},"NewImage":{"ISBN":{"S":"333-3333333333"}}}\n'
    )
    writer = Writer("DYNAMODB_JSON")
    data = writer.record(1684374845117899, stored(keys), stored(keys), stored(keys)) + writer.end()
    assert gzip.decompress(data) == line
    assert read(Reader("DYNAMODB_JSON"), [line]) == [Record(0, 1684374845117899, keys, keys, keys)]


FULL = b"""{
   "version": "2020-06-30",
   "exportArn": "arn:aws:dynamodb:us-east-1:123456789012:table/ProductCatalog/export/01234567890123-a1b2c3d4",
   "startTime": "2020-11-04T07:28:34.028Z",
   "endTime": "2020-11-04T07:33:43.897Z",
   "tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/ProductCatalog",
   "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
   "exportTime": "2020-11-04T07:28:34.028Z",
   "s3Bucket": "ddb-productcatalog-export",
   "s3Prefix": "2020-Nov",
   "s3SseAlgorithm": "AES256",
   "s3SseKmsKeyId": null,
   "manifestFilesS3Key": "AWSDynamoDB/01345678901234-abc12345/manifest-files.json",
   "billedSizeBytes": 0,
   "itemCount": 8,
   "outputFormat": "DYNAMODB_JSON"
}"""
INCREMENTAL = b"""{
   "version": "2023-08-01",
   "exportArn": "arn:aws:dynamodb:us-east-1:599882009758:table/export-test/export/01695097218000-d6299cbd",
   "startTime": "2023-09-19T04:20:18.000Z",
   "endTime": "2023-09-19T04:40:24.780Z",
   "tableArn": "arn:aws:dynamodb:us-east-1:599882009758:table/export-test",
   "tableId": "b116b490-6460-4d4a-9a6b-5d360abf4fb3",
   "exportFromTime": "2023-09-18T17:00:00.000Z",
   "exportToTime": "2023-09-19T04:00:00.000Z",
   "s3Bucket": "jason-exports",
   "s3Prefix": "20230919-prefix",
   "s3SseAlgorithm": "AES256",
   "s3SseKmsKeyId": null,
   "manifestFilesS3Key": "20230919-prefix/AWSDynamoDB/01693685934212-ac809da5/manifest-files.json",
   "billedSizeBytes": 20901239349,
   "itemCount": 169928274,
   "outputFormat": "DYNAMODB_JSON",
   "outputView": "NEW_AND_OLD_IMAGES",
   "exportType": "INCREMENTAL_EXPORT"
}"""


@pytest.mark.parametrize("text", [FULL, INCREMENTAL])
def test_the_summaries_of_the_guide(text: bytes) -> None:
    """Read, and written again: the members, their order, and their values."""
    summary = read_summary(text, None)
    assert list(orjson.loads(summary.text()).items()) == list(orjson.loads(text).items())


def test_what_a_summary_says() -> None:
    summary = read_summary(INCREMENTAL, None)
    assert summary == Summary(
        export_arn="arn:aws:dynamodb:us-east-1:599882009758:table/export-test/export/01695097218000-d6299cbd",
        start_time=1695097218000,
        end_time=1695098424780,
        table_arn="arn:aws:dynamodb:us-east-1:599882009758:table/export-test",
        table_id="b116b490-6460-4d4a-9a6b-5d360abf4fb3",
        export_time=None,
        window=Window(1695056400000, 1695096000000, "NEW_AND_OLD_IMAGES"),
        s3_bucket="jason-exports",
        s3_prefix="20230919-prefix",
        s3_sse_algorithm="AES256",
        s3_sse_kms_key_id=None,
        manifest_files_s3_key="20230919-prefix/AWSDynamoDB/01693685934212-ac809da5/manifest-files.json",
        billed_size_bytes=20901239349,
        item_count=169928274,
        output_format="DYNAMODB_JSON",
    )


def test_the_files_of_the_guide() -> None:
    line = (
        b'{"itemCount":8,"md5Checksum":"sQMSpEILNgoQmarvDFonGQ==","etag":"af83d6f217c19b8b0fff8023d8ca4716-1",'
        b'"dataFileS3Key":"AWSDynamoDB/11111111111111-22222222/data/33334444EXAMPLE.json.gz"}\n'
    )
    files = read_files(line, None)
    assert files == [
        DataFile(
            8,
            "sQMSpEILNgoQmarvDFonGQ==",
            "af83d6f217c19b8b0fff8023d8ca4716-1",
            "AWSDynamoDB/11111111111111-22222222/data/33334444EXAMPLE.json.gz",
        )
    ]
    assert files_text(files) == line


def test_the_keys_of_the_guide() -> None:
    layout = Layout("export-prefix", "ExportId")
    assert layout.started == "export-prefix/AWSDynamoDB/ExportId/_started"
    assert layout.summary == "export-prefix/AWSDynamoDB/ExportId/manifest-summary.json"
    assert layout.summary_checksum == "export-prefix/AWSDynamoDB/ExportId/manifest-summary.checksum"
    assert layout.files == "export-prefix/AWSDynamoDB/ExportId/manifest-files.json"
    assert layout.files_checksum == "export-prefix/AWSDynamoDB/ExportId/manifest-files.checksum"
