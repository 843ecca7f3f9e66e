// Runs Node.js functions: takes events from Lambda's Runtime API (2018-06-01), gives them to the handler, sends back
// what that returns. Started as `node node_bootstrap.mjs FILE.EXPORT`, with the function's code in LAMBDA_TASK_ROOT.

import { statSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const RUNTIME = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const ENDINGS = ["", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs", "/index.cjs"]; // of a handler's file
const EXIT_FAILED = 1;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

let requestId = ""; // of the invocation that runs
let whenIdle = null; // what to do when the event loop has nothing left, while an invocation runs

class RuntimeFault extends Error {
  constructor(type, message) {
    super(message);
    this.name = type;
  }
}

function call(method, place, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const request = http.request(`${RUNTIME}/${place}`, { method, agent, headers: { ...headers, ...sent } }, (reply) => {
      const chunks = [];
      reply.on("data", (chunk) => chunks.push(chunk));
      reply.on("end", () =>
        resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks).toString() }),
      );
      reply.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function describe(fault) {
  if (fault instanceof Error) {
    const stack = (fault.stack ?? "").split("\n");
    return { errorType: fault.name, errorMessage: fault.message, trace: stack };
  }
  return { errorType: typeof fault, errorMessage: String(fault), trace: [] };
}

function report(place, fault) {
  const told = describe(fault);
  console.error(`${told.errorType}: ${told.errorMessage}\n${told.trace.slice(1).join("\n")}`);
  return call("POST", place, JSON.stringify(told), { "Lambda-Runtime-Function-Error-Type": told.errorType });
}

// Every line of a message gets to the log as one entry with time, request id and level, as Lambda's own does it.
function nameLines() {
  for (const [method, level] of Object.entries({
    trace: "TRACE",
    debug: "DEBUG",
    log: "INFO",
    info: "INFO",
    warn: "WARN",
    error: "ERROR",
  })) {
    console[method] = (...words) => {
      const text = format(...words).replaceAll("\n", "\r");
      process.stdout.write(`${new Date().toISOString()}\t${requestId || undefined}\t${level}\t${text}\n`);
    };
  }
}

async function load(handler) {
  const [, file, names] = /^((?:.*\/)?[^./][^/.]*)\.(.+)$/.exec(handler) ?? [];
  if (file === undefined || file.split("/").includes("..")) {
    throw new RuntimeFault("Runtime.MalformedHandlerName", `Bad handler ${handler}`);
  }
  const base = path.resolve(process.env.LAMBDA_TASK_ROOT, file);
  const found = ENDINGS.map((ending) => base + ending).find((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
  if (found === undefined) {
    throw new RuntimeFault("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  }
  let loaded;
  try {
    loaded = await import(pathToFileURL(found));
  } catch (fault) {
    if (fault instanceof SyntaxError) throw new RuntimeFault("Runtime.UserCodeSyntaxError", String(fault));
    if (fault?.code === "ERR_MODULE_NOT_FOUND" || fault?.code === "MODULE_NOT_FOUND") {
      throw new RuntimeFault("Runtime.ImportModuleError", String(fault));
    }
    throw fault;
  }
  const pick = (from) => names.split(".").reduce((value, name) => value?.[name], from);
  const chosen = pick(loaded) ?? pick(loaded.default); // a CommonJS module's exports are its default
  if (typeof chosen !== "function") {
    throw new RuntimeFault("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  }
  return chosen;
}

function contextOf(headers, settle) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    succeed: (result) => settle(null, result),
    fail: (fault) => settle(fault),
    done: (fault, result) => settle(fault, result),
  };
  const client = headers["lambda-runtime-client-context"];
  if (client !== undefined) context.clientContext = JSON.parse(client);
  return context;
}

// The handler's result: what its promise gives, or what it hands to the callback. A callback waits until nothing is
// left to do, unless the handler has set context.callbackWaitsForEmptyEventLoop to false.
function run(handler, headers, event) {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (fault, result) => {
      if (settled) return; // a late callback is none of the next invocation's
      settled = true;
      whenIdle = null;
      if (fault !== null && fault !== undefined) reject(fault);
      else resolve(result);
    };
    const context = contextOf(headers, settle);
    const callback = (fault, result) => {
      if (context.callbackWaitsForEmptyEventLoop && !settled) whenIdle = () => settle(fault, result);
      else settle(fault, result);
    };
    whenIdle = () => settle(null, null); // nothing can settle it any more
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") returned.then((result) => settle(null, result), settleFault(settle));
  });
}

// A promise may be rejected with nothing at all, which is a failure too.
function settleFault(settle) {
  return (fault) => settle(fault ?? new Error(String(fault)));
}

async function serve(handler) {
  for (;;) {
    const { status, headers, body } = await call("GET", "invocation/next");
    if (status !== 200) throw new Error(`the next invocation was refused with status ${status}`);
    requestId = headers["lambda-runtime-aws-request-id"];
    if (headers["lambda-runtime-trace-id"]) process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
    const place = `invocation/${requestId}`;
    let answer;
    try {
      const result = await run(handler, headers, JSON.parse(body));
      answer = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch (fault) {
      await report(`${place}/error`, fault);
      continue;
    }
    await call("POST", `${place}/response`, answer, { "Content-Type": "application/json" });
  }
}

async function endWith(type, fault) {
  const { errorMessage, trace } = describe(fault);
  const told = new RuntimeFault(type, errorMessage);
  told.stack = trace.join("\n");
  await report(requestId ? `invocation/${requestId}/error` : "init/error", told);
  process.exit(EXIT_FAILED);
}

nameLines();
process.on("beforeExit", () => {
  const act = whenIdle;
  whenIdle = null;
  act?.();
});
process.on("uncaughtException", (fault) => endWith("Runtime.UncaughtException", fault));
process.on("unhandledRejection", (fault) => endWith("Runtime.UnhandledPromiseRejection", fault));

let handler;
try {
  handler = await load(process.argv[2]);
} catch (fault) {
  await report("init/error", fault);
  process.exit(EXIT_FAILED);
}
serve(handler).catch((fault) => endWith("Runtime.ClientError", fault)); // not awaited: Node ends where that has nothing to do
