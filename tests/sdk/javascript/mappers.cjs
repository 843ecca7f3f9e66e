// Four libraries that map objects to items, each with the main things that it is used for. Arguments: endpoint, key id,
// secret, library, table name. Prints "ok" at the end; ends with a non-zero code at the first assertion that fails.
"use strict";

const assert = require("node:assert/strict");
const {
  DynamoDBClient,
  CreateTableCommand,
  DeleteTableCommand,
  waitUntilTableExists,
} = require("@aws-sdk/client-dynamodb");
const { DynamoDBDocumentClient } = require("@aws-sdk/lib-dynamodb");

const [endpoint, accessKeyId, secretAccessKey, library, TableName] = process.argv.slice(2);
const settings = { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
const client = new DynamoDBClient(settings);
const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
const PATIENCE_SECONDS = 240; // with a server on a slow machine

async function createTable(partition, sort) {
  const keys = [[partition, "HASH"], [sort, "RANGE"]];
  const indexKeys = [["gs1pk", "HASH"], ["gs1sk", "RANGE"]];
  const schema = (names) => names.map(([AttributeName, KeyType]) => ({ AttributeName, KeyType }));
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: schema(keys),
      AttributeDefinitions: [...keys, ...indexKeys].map(([AttributeName]) => ({ AttributeName, AttributeType: "S" })),
      GlobalSecondaryIndexes: [
        { IndexName: "gs1", KeySchema: schema(indexKeys), Projection: { ProjectionType: "ALL" } },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: PATIENCE_SECONDS, minDelay: 1 }, { TableName });
}

async function eventually(answer, expected) {
  const deadline = Date.now() + PATIENCE_SECONDS * 1000; // an index follows its table
  while ((await answer()) !== expected) assert(Date.now() < deadline, `not ${expected} in time`);
}

function electrodbEntities(Entity) {
  const configuration = { client: documents, table: TableName };
  const Task = new Entity(
    {
      model: { entity: "task", version: "1", service: "work" },
      attributes: {
        team: { type: "string", required: true },
        task: { type: "string", required: true },
        status: { type: ["open", "closed"], default: "open" },
        points: { type: "number", default: 0 },
        tags: { type: "set", items: "string" },
        notes: { type: "list", items: { type: "map", properties: { text: { type: "string" } } } },
      },
      indexes: {
        tasks: {
          collection: "ours",
          pk: { field: "pk", composite: ["team"] },
          sk: { field: "sk", composite: ["task"] },
        },
        byStatus: {
          index: "gs1",
          pk: { field: "gs1pk", composite: ["status"] },
          sk: { field: "gs1sk", composite: ["team", "task"] },
        },
      },
    },
    configuration,
  );
  const Member = new Entity(
    {
      model: { entity: "member", version: "1", service: "work" },
      attributes: { team: { type: "string", required: true }, name: { type: "string", required: true } },
      indexes: {
        members: {
          collection: "ours",
          pk: { field: "pk", composite: ["team"] },
          sk: { field: "sk", composite: ["name"] },
        },
      },
    },
    configuration,
  );
  return { Task, Member, configuration };
}

async function electrodb() {
  const { Entity, Service } = require("electrodb");
  await createTable("pk", "sk");
  const { Task, Member, configuration } = electrodbEntities(Entity);
  const names = ["a", "b", "c", "d", "e"];
  await Task.create({ team: "red", task: "a", tags: ["x", "y"], notes: [{ text: "first" }] }).go();
  await assert.rejects(Task.create({ team: "red", task: "a" }).go(), /condition/i);
  const written = await Task.put(names.slice(1).map((task) => ({ team: "red", task }))).go();
  assert.deepEqual(written.unprocessed, []);
  const changed = await Task.patch({ team: "red", task: "a" })
    .add({ points: 3 })
    .append({ notes: [{ text: "second" }] })
    .where(({ status }, { eq }) => eq(status, "open"))
    .go({ response: "all_new" });
  assert.equal(changed.data.points, 3);
  assert.deepEqual(changed.data.notes, [{ text: "first" }, { text: "second" }]);
  const paged = [];
  let cursor = null;
  do {
    const page = await Task.query.tasks({ team: "red" }).go({ limit: 1, cursor });
    paged.push(...page.data.map((each) => each.task));
    cursor = page.cursor;
  } while (cursor !== null);
  assert.deepEqual(paged, names);
  const between = await Task.query.tasks({ team: "red" }).between({ task: "b" }, { task: "d" }).go();
  assert.deepEqual(between.data.map((each) => each.task), ["b", "c", "d"]);
  await Task.update({ team: "red", task: "b" }).set({ status: "closed" }).go();
  await eventually(async () => (await Task.query.byStatus({ status: "closed" }).go()).data.length, 1);
  await Member.put({ team: "red", name: "ann" }).go();
  const service = new Service({ task: Task, member: Member }, configuration);
  const together = await service.collections.ours({ team: "red" }).go();
  assert.deepEqual([together.data.task.length, together.data.member.length], [5, 1]);
  const done = await service.transaction
    .write(({ task, member }) => [
      task.delete({ team: "red", task: "e" }).commit(),
      member.create({ team: "red", name: "ann" }).commit(),
    ])
    .go();
  assert.deepEqual([done.canceled, done.data.map((each) => each.code)], [true, ["None", "ConditionalCheckFailed"]]);
  assert.equal((await Task.get([{ team: "red", task: "e" }, { team: "red", task: "none" }]).go()).data.length, 1);
  assert.equal((await Task.scan.where(({ points }, { gt }) => gt(points, 1)).go({ pages: "all" })).data.length, 1);
}

async function dynamoose() {
  const library = require("dynamoose");
  library.aws.ddb.set(new library.aws.ddb.DynamoDB(settings));
  const schema = new library.Schema(
    {
      owner: { type: String, hashKey: true },
      name: { type: String, rangeKey: true },
      kind: { type: String, index: { name: "byKind", type: "global" } },
      age: Number,
      born: Date,
      toys: { type: Set, schema: [String] },
      home: { type: Object, schema: { town: String } },
    },
    { timestamps: true },
  );
  const Pet = library.model(TableName, schema);
  const Table = new library.Table(TableName, [Pet], {
    initialize: false,
    throughput: "ON_DEMAND",
    waitForActive: { enabled: true, check: { timeout: PATIENCE_SECONDS * 1000, frequency: 100 } },
    expires: 3600 * 1000,
  });
  await Table.initialize();
  const born = new Date("2020-01-02T03:04:05.000Z");
  const more = { born, toys: new Set(["ball"]), home: { town: "Ulm" } };
  await Pet.create({ owner: "ann", name: "rex", kind: "dog", age: 3, ...more });
  await assert.rejects(Pet.create({ owner: "ann", name: "rex" }), { name: "ConditionalCheckFailedException" });
  const rex = await Pet.get({ owner: "ann", name: "rex" });
  assert.deepEqual([rex.born.getTime(), rex.home.town, [...rex.toys]], [born.getTime(), "Ulm", ["ball"]]);
  const others = ["cleo", "felix", "tom"].map((name, age) => ({ owner: "ann", name, kind: "cat", age }));
  assert.deepEqual((await Pet.batchPut(others)).unprocessedItems, []);
  const one = await Pet.update({ owner: "ann", name: "tom" }, { $ADD: { age: 5 }, $SET: { home: { town: "Bonn" } } });
  assert.deepEqual([one.age, one.home.town], [7, "Bonn"]);
  const condition = new library.Condition().where("age").gt(100);
  const refused = Pet.delete({ owner: "ann", name: "tom" }, { condition });
  await assert.rejects(refused, { name: "ConditionalCheckFailedException" });
  const names = [];
  let last;
  do {
    const page = await Pet.query("owner").eq("ann").sort("descending").limit(1).startAt(last).exec();
    names.push(...page.map((pet) => pet.name));
    last = page.lastKey;
  } while (last);
  assert.deepEqual(names, ["tom", "rex", "felix", "cleo"]);
  await eventually(async () => (await Pet.query("kind").eq("cat").using("byKind").exec()).length, 3);
  assert.equal((await Pet.scan("age").between(1, 3).exec()).length, 2);
  assert.equal((await Pet.scan().count().exec()).count, 4);
  await library.transaction([
    Pet.transaction.update({ owner: "ann", name: "rex" }, { $SET: { age: 4 } }),
    Pet.transaction.delete({ owner: "ann", name: "cleo" }),
  ]);
  assert.equal((await Pet.batchGet([{ owner: "ann", name: "rex" }, { owner: "ann", name: "cleo" }])).length, 1);
}

async function toolbox() {
  const t = require("dynamodb-toolbox");
  await createTable("pk", "sk");
  const table = new t.Table({
    documentClient: documents,
    name: TableName,
    partitionKey: { name: "pk", type: "string" },
    sortKey: { name: "sk", type: "string" },
    indexes: {
      gs1: {
        type: "global",
        partitionKey: { name: "gs1pk", type: "string" },
        sortKey: { name: "gs1sk", type: "string" },
      },
    },
  });
  const Song = new t.Entity({
    name: "song",
    table,
    schema: t.item({
      pk: t.string().key(),
      sk: t.string().key(),
      gs1pk: t.string().optional(),
      gs1sk: t.string().optional(),
      plays: t.number().default(0),
      genres: t.set(t.string()).optional(),
      credits: t.list(t.map({ name: t.string() })).optional(),
    }),
  });
  const key = { pk: "nina", sk: "a" };
  await Song.build(t.PutItemCommand)
    .item({ ...key, gs1pk: "jazz", gs1sk: "1", genres: new Set(["jazz", "soul"]), credits: [{ name: "n" }] })
    .send();
  const unless = { condition: { attr: "pk", exists: false } };
  const again = Song.build(t.PutItemCommand).item(key).options(unless).send();
  await assert.rejects(again, { name: "ConditionalCheckFailedException" });
  const { Item } = await Song.build(t.GetItemCommand).key(key).options({ consistent: true }).send();
  assert.deepEqual([Item.plays, Item.genres, Item.credits], [0, new Set(["jazz", "soul"]), [{ name: "n" }]]);
  const added = await Song.build(t.UpdateItemCommand)
    .item({ ...key, plays: t.$add(2), credits: t.$append([{ name: "m" }]) })
    .options({ returnValues: "ALL_NEW" })
    .send();
  assert.deepEqual([added.Attributes.plays, added.Attributes.credits.length], [2, 2]);
  const puts = ["b", "c", "d"].map((sk) => Song.build(t.BatchPutRequest).item({ pk: "nina", sk }));
  await t.executeBatchWrite(table.build(t.BatchWriteCommand).requests(...puts));
  const query = table.build(t.QueryCommand).query({ partition: "nina", range: { gte: "b" } }).entities(Song);
  const names = [];
  let exclusiveStartKey;
  do {
    const page = await query.options({ limit: 1, exclusiveStartKey }).send();
    names.push(...(page.Items ?? []).map((each) => each.sk));
    exclusiveStartKey = page.LastEvaluatedKey;
  } while (exclusiveStartKey);
  assert.deepEqual(names, ["b", "c", "d"]);
  const byIndex = table.build(t.QueryCommand).query({ index: "gs1", partition: "jazz" }).entities(Song);
  await eventually(async () => (await byIndex.send()).Count, 1);
  const scanned = await table.build(t.ScanCommand).entities(Song).options({ maxPages: Infinity, limit: 2 }).send();
  assert.equal(scanned.Items.length, 4);
  const both = [
    Song.build(t.PutTransaction).item({ pk: "nina", sk: "e" }),
    Song.build(t.ConditionCheck).key(key).condition({ attr: "plays", gt: 100 }),
  ];
  await assert.rejects(t.executeTransactWrite(...both), { name: "TransactionCanceledException" });
  const [first] = (await t.executeTransactGet(Song.build(t.GetTransaction).key(key))).Responses;
  assert.equal(first.Item.plays, 2);
  await Song.build(t.DeleteItemCommand).key(key).send();
  assert.equal((await Song.build(t.GetItemCommand).key(key).send()).Item, undefined);
}

async function onetable() {
  const { Table } = require("dynamodb-onetable");
  const table = new Table({
    client,
    name: TableName,
    partial: true,
    schema: {
      format: "onetable:1.1.0",
      version: "0.0.1",
      indexes: { primary: { hash: "pk", sort: "sk" }, gs1: { hash: "gs1pk", sort: "gs1sk", project: "all" } },
      models: {
        User: {
          pk: { type: String, value: "account:${account}" },
          sk: { type: String, value: "user:${email}" },
          gs1pk: { type: String, value: "role:${role}" },
          gs1sk: { type: String, value: "user:${email}" },
          account: { type: String, required: true },
          email: { type: String, required: true, unique: true },
          role: { type: String, default: "guest" },
          visits: { type: Number, default: 0 },
          seen: { type: Date },
          address: { type: Object, schema: { town: { type: String } } },
        },
      },
      params: { isoDates: true, timestamps: true },
    },
  });
  assert.equal(await table.exists(), false);
  await table.createTable({ StreamSpecification: { StreamEnabled: false } });
  await waitUntilTableExists({ client, maxWaitTime: PATIENCE_SECONDS, minDelay: 1 }, { TableName });
  const User = table.getModel("User");
  const seen = new Date("2020-01-02T03:04:05.000Z");
  const ann = { account: "acme", email: "ann@x.de" };
  await User.create({ ...ann, seen, address: { town: "Ulm" } });
  await assert.rejects(User.create({ ...ann }), /unique|exists/i); // a transaction with an item for each unique value
  const got = await User.get({ ...ann });
  assert.deepEqual([got.seen.getTime(), got.address.town, got.visits], [seen.getTime(), "Ulm", 0]);
  await User.update({ ...ann, address: { town: "Bonn" } }, { add: { visits: 2 } });
  const changed = await User.get({ ...ann });
  assert.deepEqual([changed.visits, changed.address.town], [2, "Bonn"]);
  for (const name of ["bob", "eve"]) await User.create({ account: "acme", email: `${name}@x.de`, role: "admin" });
  const names = [];
  let next;
  do {
    const page = await User.find({ account: "acme" }, { limit: 1, next });
    names.push(...page.map((user) => user.email[0]));
    next = page.next;
  } while (next);
  assert.deepEqual(names, ["a", "b", "e"]);
  await eventually(async () => (await User.find({ role: "admin" }, { index: "gs1" })).length, 2);
  assert.equal((await User.scan({}, { where: "${visits} > {1}" })).length, 1);
  const batch = {};
  await User.get({ account: "acme", email: "bob@x.de" }, { batch });
  await User.get({ ...ann }, { batch });
  assert.equal((await table.batchGet(batch, { parse: true, hidden: false })).length, 2);
  const transaction = {};
  await User.update({ ...ann, role: "admin" }, { transaction });
  await User.update({ account: "acme", email: "eve@x.de", visits: 9 }, { transaction });
  await table.transact("write", transaction);
  assert.equal((await User.get({ account: "acme", email: "eve@x.de" })).visits, 9);
  await User.remove({ ...ann });
  assert.equal(await User.get({ ...ann }), undefined);
}

async function main() {
  await { electrodb, dynamoose, "dynamodb-toolbox": toolbox, "dynamodb-onetable": onetable }[library]();
  await client.send(new DeleteTableCommand({ TableName }));
  console.log("ok");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
