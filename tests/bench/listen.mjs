// The references for `rowferry listen`: a Node server with better-sqlite3 that puts all bodies that
// came in one turn of the event loop into one transaction, and answers after the commit.
//
//   listen.mjs MODULES DATABASE body    inserts each body, and does nothing else
//   listen.mjs MODULES DATABASE rows    does what rowferry does: checks the form, stores a notification
//                                       once, and its delivery, after the earlier ones of its record
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [modules, file, kind] = process.argv.slice(2);
const Database = createRequire(`${modules}/`)("better-sqlite3");
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE body (id INTEGER PRIMARY KEY, received_ms INTEGER, body TEXT);
    CREATE TABLE notification (id INTEGER PRIMARY KEY, received_ms INTEGER, action TEXT, schema TEXT,
        record_id TEXT, body TEXT, state TEXT, key BLOB, modified_ms INTEGER);
    CREATE UNIQUE INDEX notification_same ON notification (key);
    CREATE INDEX notification_by_record ON notification (record_id);
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, state TEXT, attempts INTEGER, not_before_ms INTEGER);
    CREATE INDEX outbox_open ON outbox (not_before_ms) WHERE state <> 'delivered'`);
const insert = db.prepare("INSERT INTO body (received_ms, body) VALUES (?, ?)");
const add = db.prepare(`INSERT INTO notification (received_ms, action, schema, record_id, body, state, key,
    modified_ms) VALUES (?, ?, ?, ?, ?, 'accepted', ?, ?) ON CONFLICT (key) DO NOTHING`);
const earlier = db.prepare(`SELECT o.state = 'pending' AS waits FROM notification n JOIN outbox o ON o.id = n.id
    WHERE n.record_id = ? AND n.id < ? ORDER BY n.id DESC LIMIT 1`);
const deliver = db.prepare("INSERT INTO outbox VALUES (?, 'pending', 0, ?)");

// Members in the order of their names, so that the same values have the same key.
const sorted = (name, value) =>
    value && typeof value === "object" && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value;

function store(body) {
    const { action, schemaName, record } = JSON.parse(body);
    const modified = Date.parse(record.modifiedTime);
    const key = createHash("sha256")
        .update(JSON.stringify([action, schemaName, record.id, modified, record.fields], sorted))
        .digest()
        .subarray(0, 16);
    const added = add.run(Date.now(), action, schemaName, record.id, body, key, modified);

    if (added.changes)
        deliver.run(added.lastInsertRowid,
            earlier.get(record.id, added.lastInsertRowid)?.waits ? null : Date.now());
}

const commit = db.transaction((group) => {
    for (const [body] of group) kind === "rows" ? store(body) : insert.run(Date.now(), body);
});
let group = [];

function flush() {
    const done = group;

    group = [];
    commit(done);
    for (const [, response] of done) response.end('{"status":"stored"}\n');
}

createServer((request, response) => {
    const parts = [];

    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
        if (group.push([Buffer.concat(parts).toString(), response]) === 1) setImmediate(flush);
    });
}).listen(0, "127.0.0.1", function () {
    console.error(`listening on http://127.0.0.1:${this.address().port}`);
});
