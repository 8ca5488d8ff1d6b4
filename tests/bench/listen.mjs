// The reference for `rowferry listen`: a Node server with better-sqlite3 that inserts each body, all
// that came in one turn of the event loop in one transaction, and answers after the commit. It checks
// nothing, keeps no index and delivers nothing.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [modules, file] = process.argv.slice(2);
const Database = createRequire(`${modules}/`)("better-sqlite3");
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE body (id INTEGER PRIMARY KEY, received_ms INTEGER, body TEXT)");
const insert = db.prepare("INSERT INTO body (received_ms, body) VALUES (?, ?)");
const commit = db.transaction((group) => {
    for (const [body] of group) insert.run(Date.now(), body);
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
