// Every operation once by the AWS SDK for JavaScript v3: the client, its waiters and paginators, and the document client.
// Arguments: endpoint, key id, secret, table name. Prints {"operations": [...], "waiters": [...], "paginators": [...]}
// of what was really sent; ends with a non-zero code at the first assertion that fails.
"use strict";

const assert = require("node:assert/strict");
const dynamodb = require("@aws-sdk/client-dynamodb");
const streams = require("@aws-sdk/client-dynamodb-streams");
const document = require("@aws-sdk/lib-dynamodb");

const [endpoint, accessKeyId, secretAccessKey, TableName] = process.argv.slice(2);
const settings = { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
const client = new dynamodb.DynamoDBClient(settings);
const streamsClient = new streams.DynamoDBStreamsClient(settings);
const documents = document.DynamoDBDocumentClient.from(client);
const seen = { operations: new Set(), waiters: new Set(), paginators: new Set() };
for (const each of [client, streamsClient]) {
  each.middlewareStack.add(
    (next, context) => (request) => {
      seen.operations.add(context.commandName.replace(/Command$/, ""));
      return next(request);
    },
    { step: "initialize" },
  );
}

const send = (name, input) => client.send(new dynamodb[`${name}Command`](input));
const sendToStreams = (name, input) => streamsClient.send(new streams[`${name}Command`](input));

async function pages(name, paginator) {
  seen.paginators.add(name);
  const all = [];
  for await (const page of paginator) all.push(page);
  return all;
}

async function wait(name, waiter) {
  seen.waiters.add(name);
  const result = await waiter({ client, maxWaitTime: 30, minDelay: 1 }, { TableName });
  assert.equal(result.state, "SUCCESS");
}

async function tableLife() {
  const definition = {
    TableName,
    KeySchema: [
      { AttributeName: "p", KeyType: "HASH" },
      { AttributeName: "c", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "p", AttributeType: "S" },
      { AttributeName: "c", AttributeType: "N" },
    ],
    BillingMode: "PAY_PER_REQUEST",
  };
  const created = await send("CreateTable", definition);
  assert.equal(created.TableDescription.TableName, TableName);
  await wait("table_exists", dynamodb.waitUntilTableExists);
  await assert.rejects(send("CreateTable", definition), dynamodb.ResourceInUseException);
  await send("UpdateTable", { TableName, DeletionProtectionEnabled: false });
  const updated = await send("UpdateTable", { TableName, BillingMode: "PAY_PER_REQUEST" });
  assert.equal(updated.TableDescription.TableName, TableName);
  const described = await send("DescribeTable", { TableName });
  assert.equal(described.Table.TableStatus, "ACTIVE");
  assert.ok(described.Table.CreationDateTime instanceof Date);
  return described.Table.TableArn;
}

async function items() {
  const Key = { p: { S: "a" }, c: { N: "1" } };
  const Item = { ...Key, n: { N: "3.14" }, b: { B: new Uint8Array([0, 255, 7]) }, m: { M: { l: { L: [{ BOOL: true }] } } } };
  await send("PutItem", { TableName, Item });
  const got = await send("GetItem", { TableName, Key, ConsistentRead: true });
  assert.deepEqual(got.Item, Item);
  await assert.rejects(
    send("PutItem", {
      TableName,
      Item,
      ConditionExpression: "attribute_not_exists(p)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    }),
    (error) => error instanceof dynamodb.ConditionalCheckFailedException && error.Item.n.N === "3.14",
  );
  const changed = await send("UpdateItem", {
    TableName,
    Key,
    UpdateExpression: "SET n = n + :one REMOVE m",
    ExpressionAttributeValues: { ":one": { N: "1" } },
    ReturnValues: "ALL_NEW",
  });
  assert.equal(changed.Attributes.n.N, "4.14");
  assert.equal(changed.Attributes.m, undefined);
  const deleted = await send("DeleteItem", { TableName, Key, ReturnValues: "ALL_OLD" });
  assert.equal(deleted.Attributes.n.N, "4.14");
  assert.equal((await send("GetItem", { TableName, Key })).Item, undefined);
}

async function changes() {
  const StreamSpecification = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" };
  const updated = await send("UpdateTable", { TableName, StreamSpecification });
  const StreamArn = updated.TableDescription.LatestStreamArn;
  const listed = await sendToStreams("ListStreams", { TableName });
  assert.deepEqual(listed.Streams.map((stream) => stream.StreamArn), [StreamArn]);
  const { StreamDescription } = await sendToStreams("DescribeStream", { StreamArn });
  assert.ok(StreamDescription.CreationRequestDateTime instanceof Date);
  const { ShardId } = StreamDescription.Shards[0];
  const begun = await sendToStreams("GetShardIterator", { StreamArn, ShardId, ShardIteratorType: "LATEST" });
  const Item = { p: { S: "s" }, c: { N: "1" }, b: { B: new Uint8Array([0, 255, 7]) } };
  await send("PutItem", { TableName, Item });
  await send("DeleteItem", { TableName, Key: { p: Item.p, c: Item.c } });
  const { Records, NextShardIterator } = await sendToStreams("GetRecords", { ShardIterator: begun.ShardIterator });
  assert.deepEqual(Records.map((record) => record.eventName), ["INSERT", "REMOVE"]);
  assert.deepEqual(Records[0].dynamodb.NewImage, Item);
  assert.ok(Records[0].dynamodb.ApproximateCreationDateTime instanceof Date);
  assert.ok(NextShardIterator);
  await assert.rejects(sendToStreams("GetRecords", { ShardIterator: "garbage" }), { name: "ValidationException" });
}

async function documentsOfPlainObjects() {
  const Item = { p: "d", c: 1, list: [1, "two", null, true], map: { deep: { set: new Set(["x"]) } } };
  await documents.send(new document.PutCommand({ TableName, Item }));
  const got = await documents.send(new document.GetCommand({ TableName, Key: { p: "d", c: 1 } }));
  assert.deepEqual(got.Item, Item);
  await documents.send(new document.DeleteCommand({ TableName, Key: { p: "d", c: 1 } }));
}

async function batchesAndTransactions() {
  const rows = [0, 1, 2, 3, 4].map((n) => ({ p: { S: "b" }, c: { N: String(n) } }));
  const written = await send("BatchWriteItem", {
    RequestItems: { [TableName]: rows.map((Item) => ({ PutRequest: { Item } })) },
  });
  assert.deepEqual(written.UnprocessedItems, {});
  const got = await send("BatchGetItem", { RequestItems: { [TableName]: { Keys: rows.slice(0, 3) } } });
  assert.deepEqual(got.Responses[TableName].map((row) => row.c.N).sort(), ["0", "1", "2"]);
  const keys = ["1", "2"].map((n) => ({ p: { S: "t" }, c: { N: n } }));
  await send("TransactWriteItems", {
    TransactItems: keys.map((key) => ({ Put: { TableName, Item: { ...key, v: { S: "both" } } } })),
  });
  const both = await send("TransactGetItems", { TransactItems: keys.map((Key) => ({ Get: { TableName, Key } })) });
  assert.deepEqual(both.Responses.map((answer) => answer.Item.v.S), ["both", "both"]);
  await assert.rejects(
    send("TransactWriteItems", {
      TransactItems: keys.map((Key) => ({
        ConditionCheck: { TableName, Key, ConditionExpression: Key.c.N === "1" ? "attribute_exists(p)" : "attribute_not_exists(p)" },
      })),
    }),
    (error) => {
      assert.ok(error instanceof dynamodb.TransactionCanceledException);
      assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed"]);
      return true;
    },
  );
}

async function statements() {
  const Statement = `INSERT INTO "${TableName}" VALUE {'p': 'q', 'c': ?}`;
  assert.deepEqual((await send("ExecuteStatement", { Statement, Parameters: [{ N: "1" }] })).Items, []);
  await assert.rejects(
    send("ExecuteStatement", { Statement, Parameters: [{ N: "1" }] }),
    (error) => error instanceof dynamodb.DuplicateItemException,
  );
  const answers = (await send("BatchExecuteStatement", {
    Statements: ["1", "2"].map((N) => ({ Statement, Parameters: [{ N }] })),
  })).Responses;
  assert.deepEqual(answers.map((answer) => answer.Error?.Code), ["DuplicateItem", undefined]);
  const select = { Statement: `SELECT c FROM "${TableName}" WHERE p = 'q'`, Limit: 1 };
  const { Items, NextToken } = await send("ExecuteStatement", select);
  assert.deepEqual(Items, [{ c: { N: "1" } }]);
  assert.deepEqual((await send("ExecuteStatement", { ...select, NextToken })).Items, [{ c: { N: "2" } }]);
  await send("ExecuteTransaction", {
    TransactStatements: ["1", "2"].map((N) => ({
      Statement: `DELETE FROM "${TableName}" WHERE p = 'q' AND c = ?`, Parameters: [{ N }],
    })),
  });
}

async function reads() {
  const query = {
    TableName,
    KeyConditionExpression: "p = :p AND c >= :low",
    ExpressionAttributeValues: { ":p": { S: "b" }, ":low": { N: "1" } },
    ScanIndexForward: false,
  };
  const page = await send("Query", { ...query, Limit: 2 });
  assert.deepEqual(page.Items.map((row) => row.c.N), ["4", "3"]);
  assert.deepEqual(page.LastEvaluatedKey, { p: { S: "b" }, c: { N: "3" } });
  const queried = await pages("query", dynamodb.paginateQuery({ client, pageSize: 2 }, query));
  assert.deepEqual(queried.flatMap((one) => one.Items.map((row) => row.c.N)), ["4", "3", "2", "1"]);
  assert.equal((await send("Scan", { TableName, Select: "COUNT" })).Count, 7);
  const scanned = await pages("scan", dynamodb.paginateScan({ client, pageSize: 3 }, { TableName }));
  assert.equal(scanned.flatMap((one) => one.Items).length, 7);
}

async function settingsOf(ResourceArn) {
  await send("TagResource", { ResourceArn, Tags: [{ Key: "team", Value: "a" }, { Key: "stage", Value: "b" }] });
  await send("UntagResource", { ResourceArn, TagKeys: ["team"] });
  assert.deepEqual((await send("ListTagsOfResource", { ResourceArn })).Tags, [{ Key: "stage", Value: "b" }]);
  const TimeToLiveSpecification = { Enabled: true, AttributeName: "expires" };
  const updated = await send("UpdateTimeToLive", { TableName, TimeToLiveSpecification });
  assert.deepEqual(updated.TimeToLiveSpecification, TimeToLiveSpecification);
  const described = await send("DescribeTimeToLive", { TableName });
  assert.equal(described.TimeToLiveDescription.AttributeName, "expires");
}

async function kinesis() {
  const StreamArn = "arn:aws:kinesis:us-east-1:000000000000:stream/changes";
  const becomes = async (status) => {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const described = await send("DescribeKinesisStreamingDestination", { TableName });
      const [destination] = described.KinesisDataStreamDestinations;
      if (destination.DestinationStatus === status) return destination;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail(`the destination does not become ${status}`);
  };
  const enabled = await send("EnableKinesisStreamingDestination", { TableName, StreamArn });
  assert.equal(enabled.DestinationStatus, "ENABLING");
  await becomes("ACTIVE");
  const UpdateKinesisStreamingConfiguration = { ApproximateCreationDateTimePrecision: "MICROSECOND" };
  await send("UpdateKinesisStreamingDestination", { TableName, StreamArn, UpdateKinesisStreamingConfiguration });
  assert.equal((await becomes("ACTIVE")).ApproximateCreationDateTimePrecision, "MICROSECOND");
  const again = send("EnableKinesisStreamingDestination", { TableName, StreamArn });
  await assert.rejects(again, { name: "ValidationException" });
  await send("DisableKinesisStreamingDestination", { TableName, StreamArn });
  await becomes("DISABLED");
}

async function policy(ResourceArn) {
  const allows = { Sid: "read", Effect: "Allow", Principal: { AWS: ResourceArn.split(":")[4] } };
  const Statement = [{ ...allows, Action: "dynamodb:GetItem", Resource: ResourceArn }];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  const { RevisionId } = await send("PutResourcePolicy", { ResourceArn, Policy });
  const found = await send("GetResourcePolicy", { ResourceArn });
  assert.equal(found.RevisionId, RevisionId);
  assert.equal(JSON.parse(found.Policy).Statement[0].Sid, "read");
  await send("DeleteResourcePolicy", { ResourceArn });
  await assert.rejects(send("GetResourcePolicy", { ResourceArn }), { name: "PolicyNotFoundException" });
}

async function backups() {
  const { BackupArn, BackupStatus } = (await send("CreateBackup", { TableName, BackupName: "backup" })).BackupDetails;
  assert.equal(BackupStatus, "CREATING");
  const isWhole = async () =>
    (await send("DescribeBackup", { BackupArn })).BackupDescription.BackupDetails.BackupStatus === "AVAILABLE";
  while (!(await isWhole())) await new Promise((resolve) => setTimeout(resolve, 50));
  const listed = (await send("ListBackups", { TableName })).BackupSummaries;
  assert.deepEqual(listed.map((backup) => backup.BackupArn), [BackupArn]);
  const TargetTableName = `${TableName}-restored`;
  const restored = await send("RestoreTableFromBackup", { TargetTableName, BackupArn });
  assert.equal(restored.TableDescription.RestoreSummary.SourceBackupArn, BackupArn);
  const isThere = async () =>
    (await send("DescribeTable", { TableName: TargetTableName })).Table.TableStatus === "ACTIVE";
  while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 50));
  await send("DeleteTable", { TableName: TargetTableName });
  const deleted = (await send("DeleteBackup", { BackupArn })).BackupDescription;
  assert.equal(deleted.BackupDetails.BackupStatus, "DELETED");
  await assert.rejects(send("DescribeBackup", { BackupArn }), { name: "BackupNotFoundException" });
}

async function imports() {
  const TableCreationParameters = {
    TableName: `${TableName}-imported`,
    KeySchema: [{ AttributeName: "p", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "p", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  };
  const S3BucketSource = { S3Bucket: "nowhere-at-all" };
  const given = { S3BucketSource, InputFormat: "CSV", TableCreationParameters };
  const { ImportArn } = (await send("ImportTable", given)).ImportTableDescription;
  const told = async () => (await send("DescribeImport", { ImportArn })).ImportTableDescription;
  while ((await told()).ImportStatus === "IN_PROGRESS") await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match((await told()).FailureCode, /^S3(NoSuchBucket|AccessDenied)$/); // the latter with --auth iam
  assert.equal((await send("ListImports", {})).ImportSummaryList[0].ImportArn, ImportArn);
}

async function bulk() {
  const InputS3Configuration = { S3Bucket: "nowhere-at-all", InputFormat: "ION" };
  const OutputS3Configuration = { S3Bucket: "nowhere-at-all", OutputType: ["ERROR"] };
  const given = { TableName, InputS3Configuration, OutputS3Configuration };
  const { BulkOperationArn } = (await send("StartBulkPutItems", given)).BulkOperationDescription;
  const told = async () => (await send("DescribeBulkOperation", { BulkOperationArn })).BulkOperationDescription;
  while ((await told()).BulkOperationStatus === "IN_PROGRESS") await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match((await told()).FailureCode, /^S3(NoSuchBucket|AccessDenied)$/); // the latter with --auth iam
  assert.equal((await send("CancelBulkOperation", { BulkOperationArn })).BulkOperationStatus, "FAILED");
  const [last] = (await send("ListBulkOperations", {})).BulkOperationsSummaryList;
  assert.equal(last.BulkOperationArn, BulkOperationArn);
}

async function exports() {
  const S3Bucket = "nowhere-at-all";
  const TableArn = (await send("DescribeTable", { TableName })).Table.TableArn;
  const refused = send("ExportTableToPointInTime", { TableArn, S3Bucket });
  await assert.rejects(refused, { name: "PointInTimeRecoveryUnavailableException" });
  const ExportArn = `${TableArn}/export/01791506414432-3f2e5aa4`;
  await assert.rejects(send("DescribeExport", { ExportArn }), { name: "ExportNotFoundException" });
}

async function recovery() {
  const there = (await send("DescribeContinuousBackups", { TableName })).ContinuousBackupsDescription;
  assert.equal(there.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus, "DISABLED");
  const turn = async (PointInTimeRecoveryEnabled) => {
    const given = { TableName, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled } };
    const changed = (await send("UpdateContinuousBackups", given)).ContinuousBackupsDescription;
    return changed.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus;
  };
  assert.equal(await turn(true), "ENABLED");
  const TargetTableName = `${TableName}-recovered`;
  const latest = { SourceTableName: TableName, TargetTableName, UseLatestRestorableTime: true };
  await send("RestoreTableToPointInTime", latest);
  const isThere = async () =>
    (await send("DescribeTable", { TableName: TargetTableName })).Table.TableStatus === "ACTIVE";
  while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 50));
  const counted = (await send("Scan", { TableName })).Count;
  assert.equal((await send("Scan", { TableName: TargetTableName })).Count, counted);
  await send("DeleteTable", { TableName: TargetTableName });
  assert.equal(await turn(false), "DISABLED");
}

async function nothingYet() {
  assert.equal((await send("DescribeContributorInsights", { TableName })).ContributorInsightsStatus, "DISABLED");
  for (const [ContributorInsightsAction, status] of [["ENABLE", "ENABLING"], ["DISABLE", "DISABLING"]]) {
    const changed = await send("UpdateContributorInsights", { TableName, ContributorInsightsAction });
    assert.equal(changed.ContributorInsightsStatus, status);
  }
  const scaling = send("DescribeTableReplicaAutoScaling", { TableName });
  await assert.rejects(scaling, { name: "ResourceNotFoundException" });
  const scaled = send("UpdateTableReplicaAutoScaling", { TableName });
  await assert.rejects(scaled, { name: "ResourceNotFoundException" });
  assert.deepEqual((await send("ListContributorInsights", {})).ContributorInsightsSummaries, []);
  assert.ok(Array.isArray((await send("ListExports", {})).ExportSummaries));
  assert.deepEqual((await send("ListGlobalTables", {})).GlobalTables, []);
}

async function account() {
  assert.ok((await send("ListTables", { Limit: 100 })).TableNames.includes(TableName));
  const listed = await pages("list_tables", dynamodb.paginateListTables({ client, pageSize: 1 }, {}));
  assert.ok(listed.flatMap((page) => page.TableNames).includes(TableName));
  assert.ok((await send("DescribeLimits", {})).TableMaxReadCapacityUnits > 0);
  assert.ok((await send("DescribeEndpoints", {})).Endpoints[0].CachePeriodInMinutes > 0);
}

async function main() {
  const arn = await tableLife();
  await items();
  await changes();
  await documentsOfPlainObjects();
  await batchesAndTransactions();
  await statements();
  await reads();
  await settingsOf(arn);
  await kinesis();
  await account();
  await policy(arn);
  await imports();
  await bulk();
  await exports();
  await nothingYet();
  await backups();
  await recovery();
  const deleted = await send("DeleteTable", { TableName });
  assert.equal(deleted.TableDescription.TableName, TableName);
  await wait("table_not_exists", dynamodb.waitUntilTableNotExists);
  await assert.rejects(send("DescribeTable", { TableName }), dynamodb.ResourceNotFoundException);
  console.log(JSON.stringify(Object.fromEntries(Object.entries(seen).map(([kind, names]) => [kind, [...names]]))));
}

main();
