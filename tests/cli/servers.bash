# Servers that are not ours, for tests of targets: Prism, lighttpd with mod_webdav, express-pouchdb, and a
# proxy in front of them that cuts connections. `load npm` first; teardown calls stop_servers.

SERVERS=

# The OpenAPI documents of the presets; they are not part of the repository.
DOCUMENTS=$TOP/../shared/targets/openapi

stop_servers() {
    local server

    for server in $SERVERS; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    SERVERS=
}

# serve NAME COMMAND...: starts a program that prints `listening on URL`; sets URL
serve() {
    local name=$1

    shift
    : >"$name.out"
    "$@" >"$name.out" 2>"$name.err" 3>&- &
    SERVERS+=" $!"
    eventually grep -q '^listening on ' "$name.out" || { cat "$name.out" "$name.err"; return 1; }
    URL=$(sed -n 's/^listening on //p' "$name.out")
}

free_port() {
    local port

    while port=$((20000 + RANDOM % 12000)) && (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# start_prism DOCUMENT: a mock of a document of DOCUMENTS, with its requests checked; sets PRISM, its
# URL, and leaves what it says in prism.out
start_prism() {
    local port

    [ -e "$DOCUMENTS/$1" ] || skip "the document $1 is not there"
    needs_npm @stoplight/prism-cli@5.14.2
    port=$(free_port)
    node "$NODE_MODULES/@stoplight/prism-cli/dist/index.js" mock -h 127.0.0.1 -p "$port" \
        "$DOCUMENTS/$1" >prism.out 2>&1 3>&- &
    SERVERS+=" $!"
    PRISM=http://127.0.0.1:$port
    TRIES=60 eventually curl -s -o /dev/null "$PRISM/" || { cat prism.out; return 1; }
}

# start_webdav: lighttpd over the folder `site`; sets URL. When it ends, access.log has its requests.
start_webdav() {
    local port
    local PATH=$PATH:/usr/sbin

    command -v lighttpd >/dev/null || skip 'lighttpd is not there'
    port=$(free_port)
    mkdir -p site
    cat >lighttpd.conf <<END
server.modules = ("mod_accesslog", "mod_webdav")
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$PWD/site"
server.upload-dirs = ("$PWD")
server.errorlog = "$PWD/lighttpd.log"
accesslog.filename = "$PWD/access.log"
accesslog.format = "%m %s %U"
mimetype.assign = ("" => "application/json")
webdav.activate = "enable"
END
    lighttpd -D -f lighttpd.conf >lighttpd.out 2>&1 3>&- &
    SERVERS+=" $!"
    URL=http://127.0.0.1:$port
    eventually curl -s -o /dev/null "$URL/" || { cat lighttpd.out lighttpd.log; return 1; }
}

# start_couch: sets URL; the database is rows
start_couch() {
    needs_npm express-pouchdb@4.2.0 pouchdb-core@7.3.1 pouchdb-adapter-memory@7.3.1 \
        pouchdb-mapreduce@7.3.1 pouchdb-find@7.3.1
    serve couch node "$TOP/tests/lib/couch.js" "$NODE_MODULES"
}

# start_cutting SEED UNSENT LOST HALF: the proxy before URL; sets DIRECT to the old URL, URL to its own
start_cutting() {
    command -v node >/dev/null || skip 'node is not there'
    DIRECT=$URL
    serve cutting node "$TOP/tests/lib/cutting.mjs" "${URL##*:}" "$@"
    CUTTING=${SERVERS##* }
}

# No further cut
heal() {
    kill -USR1 "$CUTTING"
}

# Ends the proxy; sets CUTS, how often it cut: {"unsent", "lost", "half"}
end_cutting() {
    kill "$CUTTING"
    wait "$CUTTING" 2>/dev/null || true
    CUTS=$(tail -n 1 cutting.out)
}
