// A TCP proxy that cuts connections of HTTP/1.1 clients that send one request at a time:
// cutting.mjs PORT SEED UNSENT LOST HALF, the last three from 0 to 1.
//
// UNSENT: probability that a connection is closed when a request comes, which the server never sees;
// LOST: ... when the first bytes of its answer come; HALF: ... after half of these bytes.
// It prints `listening on http://127.0.0.1:PORT`. After SIGUSR1 it cuts nothing more; before it ends, it
// prints how often it cut.
import { createConnection, createServer } from "node:net";

const [port, seed, ...chances] = process.argv.slice(2).map(Number);
const kinds = ["unsent", "lost", "half"];
const cuts = { unsent: 0, lost: 0, half: 0 };
let state = BigInt(seed);
let peaceful = false;

// splitmix64
function random() {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
    return Number((mixed ^ (mixed >> 31n)) >> 11n) / 2 ** 53;
}

// Draws whether to cut now, in one of the ways from first on.
function draw(first, last) {
    const number = random();
    for (let kind = first, sum = 0; kind <= last; kind++) {
        sum += chances[kind] || 0;
        if (!peaceful && number < sum) return kinds[kind];
    }
    return null;
}

const server = createServer((client) => {
    const upstream = createConnection(port, "127.0.0.1");
    let answered = true; // the last request was
    const end = () => (client.destroy(), upstream.destroy());
    const cut = (kind) => (cuts[kind]++, end());

    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on("data", (bytes) => {
        if (answered && draw(0, 0)) return cut("unsent");
        answered = false;
        upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
        const kind = answered ? null : draw(1, 2);
        answered = true;
        if (kind === "lost") return cut(kind);
        if (kind === "half")
            return client.write(bytes.subarray(0, bytes.length >> 1), () => cut(kind));
        client.write(bytes);
    });
    for (const socket of [client, upstream]) {
        socket.on("error", end);
        socket.on("close", end);
    }
});
process.on("SIGUSR1", () => (peaceful = true));
process.on("SIGTERM", () => {
    console.log(JSON.stringify(cuts));
    process.exit(0);
});
server.listen(0, "127.0.0.1", () =>
    console.log(`listening on http://127.0.0.1:${server.address().port}`),
);
