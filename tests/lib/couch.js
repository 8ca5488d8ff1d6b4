// CouchDB's protocol by the npm package express-pouchdb, in memory, with the database `rows`:
// couch.js NODE_MODULES. It prints `listening on http://127.0.0.1:PORT`.
const { createRequire } = require("node:module");
const load = createRequire(process.argv[2] + "/");
const PouchDB = load("pouchdb-core")
    .plugin(load("pouchdb-adapter-memory"))
    .plugin(load("pouchdb-mapreduce"))
    .plugin(load("pouchdb-find"));
const app = load("express")();

app.use(load("express-pouchdb")(PouchDB, { mode: "minimumForPouchDB", inMemoryConfig: true, logPath: "/dev/null" }));
new PouchDB("rows", { adapter: "memory" }).info().then(() => {
    const server = app.listen(0, "127.0.0.1", () =>
        console.log(`listening on http://127.0.0.1:${server.address().port}`),
    );
});
