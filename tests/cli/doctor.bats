#!/usr/bin/env bats
# `rowferry doctor`: the text, advice and exit status of each check; the other checks run although one
# fails; and nothing is changed.
load lib

setup() {
    in_a_folder
    unset ROWFERRY_AUDIT # which would be listed among the settings
    mkdir inbox
}

# finds CHECK OUTCOME TEXT ADVICE: of the JSON lines in $output
finds() {
    same "$2|$3|$4" "$(printf '%s\n' "$output" |
        jq -r --arg check "$1" 'select(.check == $check) | "\(.outcome)|\(.text)|\(.advice // "")"')"
}

# outcomes: of all checks, in order
outcomes() {
    printf '%s\n' "$output" | jq -r 'select(.event == "check") | .outcome' | paste -sd' '
}

# as_anywhere: $output without what differs between machines and migrations
as_anywhere() {
    printf '%s\n' "$output" | sed -E "s|${GENESYS_ENVIRONMENT:-none}|http://127.0.0.1:PORT|
        s|$PWD|/srv/erp|; s/[0-9.]+ [GT]B free/9 GB free/; s/[0-9.]+ kB, WAL/99 kB, WAL/
        s/migration [0-9]+/migration 9/; s/after [0-9]+ ms/after 1 ms/; s/\([0-9.]+ s\)/(0.1 s)/"
}

# make_database: a database with a batch of three rows, one of them rejected, that is sent
make_database() {
    batch_file InventoryItem-a.csv 2
    echo 'A-3,1,wrong,3,1.50,active' >>InventoryItem-a.csv
    ends 3 rowferry ingest InventoryItem-a.csv
    ends 3 rowferry drain --rate none --audit none
}

# unprivileged COMMAND...: as a user who is not root
unprivileged() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

# ended PROCESS STATUS: waits for a process that the test started
ended() {
    local status=0

    wait "$1" || status=$?
    same "$2" "$status"
}

# --- all of it ------------------------------------------------------------------------------------

@test "if all is well, every check reports that, in 80 columns, and the exit status is 0" {
    start_sim
    make_database
    ends 0 rowferry doctor
    same "" "$stderr"
    same "" "$(printf '%s\n' "$output" | awk 'length > 80')"
    output=$(as_anywhere)
    golden doctor.txt
}

@test "on a new machine every possible check runs, and says what to do" {
    rmdir inbox
    ends 2 rowferry doctor
    same "" "$(printf '%s\n' "$output" | awk 'length > 80')"
    output=$(as_anywhere)
    golden doctor-new.txt
    [ ! -e rowferry.db ]
}

@test "with --json each check is a line, and the summary comes last" {
    start_sim
    make_database
    ends 0 rowferry doctor --json
    same "fine fine fine fine fine fine fine fine fine fine fine" "$(outcomes)"
    same 'check,database,fine,null' \
        "$(printf '%s\n' "$output" | jq -r 'select(.check == "database") |
            "\(.event),\(.check),\(.outcome),\(.advice)"')"
    same "doctor 2 0" "$(summary '"\(.command) \(.requests) \(.exit_status)"')"
}

@test "with --quiet only failures are printed" {
    start_sim
    make_database
    ends 0 rowferry doctor -q
    same "" "$output"
    GENESYS_CLIENT_SECRET=wrong ends 6 rowferry doctor -q
    same "FAIL  login" "$(printf '%s\n' "$output" | head -n 1 | cut -c-11)"
    same "9 checks fine, 1 failed, 1 not made" "$(printf '%s\n' "$output" | tail -n 1)"
}

@test "nothing is changed, in the database, the inbox or at the API" {
    local before

    start_sim
    make_database
    batch_file inbox/InventoryItem-b.csv 3 B
    before=$(sha256sum rowferry.db; find inbox | sort; cat ledger; sql .dump | sha256sum)
    ends 0 rowferry doctor --json
    finds inbox fine "inbox, 1 file waiting
--min-age is 2s: this user can see who writes the files" ""
    same "$before" "$(sha256sum rowferry.db; find inbox | sort; cat ledger; sql .dump | sha256sum)"
    same "get token" "$(jq -r .kind requests | tail -n 2 | sort | paste -sd' ')"
}

@test "it ends at a signal, and reports the checks that were skipped" {
    batch_file InventoryItem-a.csv 1
    ends 0 rowferry ingest InventoryItem-a.csv
    start_sim --fault token:stall-before=1 --stall-ms 60000
    "$BIN/rowferry" doctor --json --timeout 60 >out 2>err 3>&- &
    local doctor=$!

    eventually grep -q '"check": *"inbox"' out
    kill -INT "$doctor"
    ended "$doctor" 130
    output=$(cat out)
    finds login skipped "not checked, because it was stopped" ""
    finds clock skipped "not checked, because it was stopped" ""
    same 130 "$(summary .exit_status)"
}

# --- configuration and schemas --------------------------------------------------------------------

@test "a wrong setting is reported, also one of another command, and the rest is checked" {
    start_sim
    make_database
    ROWFERRY_CONCURRENCY=many ends 2 rowferry doctor --json
    finds configuration failed "ROWFERRY_CONCURRENCY: 'many' is not a whole number from 1 to 256
GENESYS_ENVIRONMENT=$GENESYS_ENVIRONMENT
GENESYS_CLIENT_ID=sim-client
GENESYS_CLIENT_SECRET, which is not shown
all other settings have their defaults" \
        "no other command runs until that is fixed; the other checks go on without it"
    same "failed fine fine fine fine fine fine fine fine fine fine" "$(outcomes)"
}

@test "an .env that others can read is reported, and its secret is not used" {
    local asked

    start_sim
    make_database
    asked=$(wc -l <requests)
    printf 'GENESYS_CLIENT_ID=sim-client\nGENESYS_CLIENT_SECRET=sim-secret\n' >.env
    chmod 644 .env
    unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
    ends 2 rowferry doctor --json
    finds configuration failed "'.env' has GENESYS_CLIENT_SECRET and others can read it (mode 0644): run chmod 600 .env
GENESYS_ENVIRONMENT=$GENESYS_ENVIRONMENT
all other settings have their defaults" \
        "no other command runs until that is fixed; the other checks go on without it"
    finds login failed "no client id is set: GENESYS_CLIENT_ID
no client secret is set: GENESYS_CLIENT_SECRET or GENESYS_CLIENT_SECRET_FILE" \
        "set both in the environment or in .env; without them no request was made"
    same "$asked" "$(wc -l <requests)"
    chmod 600 .env
    ends 0 rowferry doctor --json
    holds "$output" ".env: GENESYS_CLIENT_SECRET, which is not shown"
    lacks "$output" sim-secret
}

@test "a wrong environment, secret file or certificate is reported, and no request is made" {
    start_sim
    make_database
    local asked

    asked=$(wc -l <requests)
    echo sim-secret >secret
    chmod 644 secret
    unset GENESYS_CLIENT_SECRET
    ends 2 rowferry doctor --json --environment nowhere --client-secret-file secret --ca-file none.pem
    finds configuration failed "$(printf '%s\n' "$output" | jq -r 'select(.check == "configuration").text')" \
        "--environment and GENESYS_ENVIRONMENT take a URL, a domain (mypurecloud.de) or a region (eu-central-1)
a secret or key comes from a variable, or from a file that nobody but its owner can read
--ca-file and ROWFERRY_CA_FILE name a file of certificates (PEM); without them, the system's are trusted"
    holds "$output" "'secret' has the client secret and others can read it (mode 0644): run chmod 600 secret"
    holds "$output" "certificate file none.pem: No such file or directory"
    finds login skipped "not checked, because the configuration is wrong; no request was made" ""
    same "$asked" "$(wc -l <requests)"
}

@test "a rate of none is a remark" {
    start_sim
    make_database
    ROWFERRY_RATE=none ends 0 rowferry doctor --json
    same remark "$(printf '%s\n' "$output" | jq -r 'select(.check == "configuration").outcome')"
    holds "$output" "requests are not spaced: the rate is none"
}

@test "a wrong schema file is named, and the others are listed; a folder without any fails" {
    start_sim
    make_database
    echo '{"type": "strange"}' >schema/Broken.json
    ends 2 rowferry doctor --json
    finds schemas failed "$(printf '%s\n' "$output" | jq -r 'select(.check == "schemas").text')" \
        "fix it: until then the files of its object stay in the inbox"
    holds "$output" "schema/Broken.json"
    holds "$output" "schema: CustomerAccount, InventoryItem"
    mkdir none
    ends 2 rowferry doctor --json --schemas none
    finds schemas failed "the schema folder 'none' has no schema file: write NAME.json for each object" \
        "--schemas or ROWFERRY_SCHEMAS names a folder with a file NAME.json for each object: see rowferry-schema(5)"
    finds api skipped "not checked, because no schema file names an object to ask for" ""
}

# --- the database ---------------------------------------------------------------------------------

@test "a database that is missing, foreign, newer or older is reported" {
    start_sim
    ends 2 rowferry doctor --json
    finds database failed "there is no database 'rowferry.db'" \
        "\`rowferry run\` or \`rowferry ingest\` creates it; --db or ROWFERRY_DB names another"
    finds integrity skipped "not checked, because there is no database to look at" ""
    sqlite3 other.db 'CREATE TABLE x (y)'
    ends 8 rowferry doctor --json --db other.db
    finds database failed \
        "database $PWD/other.db belongs to another program (application id 0): name another --db" \
        "nothing is read or sent until this is fixed; --db or ROWFERRY_DB names another"
    make_database
    sql 'PRAGMA user_version = 99'
    ends 8 rowferry doctor --json
    holds "$output" "was written by a newer rowferry (database version 99"
    sql 'PRAGMA user_version = 2'
    ends 0 rowferry doctor --json
    same remark "$(printf '%s\n' "$output" | jq -r 'select(.check == "database").outcome')"
    holds "$output" "it is of an older version: this program has migration"
    finds counters skipped "not checked, because the database is damaged or of an older version" ""
    same 2 "$(sql 'PRAGMA user_version')"
}

@test "permissions of others, and a large write-ahead log, are remarks" {
    start_sim
    make_database
    chmod 644 rowferry.db
    truncate -s 200M rowferry.db-wal
    ends 0 rowferry doctor --json
    same remark "$(printf '%s\n' "$output" | jq -r 'select(.check == "database").outcome')"
    holds "$output" "others have permissions on it (mode 0644)"
    holds "$output" "the WAL is far larger than its usual 16 MB"
}

@test "a database that this user cannot use is exit 8" {
    chmod 755 .
    touch rowferry.db.drain
    chmod 600 rowferry.db.drain
    if [ "$(id -u)" -ne 0 ]; then
        chmod 000 rowferry.db.drain
        chmod 555 .
    fi
    run unprivileged "$BIN/rowferry" doctor --json
    chmod 755 .
    same 8 "$status"
    finds folder failed "$PWD: Permission denied
rowferry.db.drain: Permission denied" \
        "let the user who runs rowferry write in the folder of the database
another user created it: chown it to this one"
}

@test "a lock file of another user than the owner of the database is a remark" {
    [ "$(id -u)" -eq 0 ] || skip "only root can give a file away"
    start_sim
    make_database
    chown 65534 rowferry.db.drain
    ends 0 rowferry doctor --json
    holds "$(printf '%s\n' "$output" | jq -r 'select(.check == "folder").text')" \
        "rowferry.db.drain belongs to another user (65534) than the database"
    same "the owner of the database cannot use it: chown it to that user" \
        "$(printf '%s\n' "$output" | jq -r 'select(.check == "folder").advice')"
}

@test "damage is exit 8, and then the counters are not checked" {
    start_sim
    make_database
    sqlite3 -batch rowferry.db "PRAGMA writable_schema = ON; UPDATE sqlite_schema
        SET sql = replace(sql, 'WHERE waits_for', 'WHERE updated_ms') WHERE name = 'job_waiting'"
    ends 8 rowferry doctor --json
    finds integrity failed \
        "database $PWD/rowferry.db is damaged: row 1 missing from index job_waiting" \
        "run nothing on it; restore a backup, or try \`sqlite3 FILE .recover\`; then check the disk"
    finds counters skipped "not checked, because the database is damaged or of an older version" ""
}

@test "a counter that differs from a full count is exit 1, with batch and both numbers" {
    start_sim
    make_database
    sql 'UPDATE batch_tally SET applied = 3'
    ends 1 rowferry doctor --json
    holds "$(printf '%s\n' "$output" | jq -r 'select(.check == "counters").text')" \
        "batch 1 (InventoryItem-a.csv): applied jobs: 3 by the counter, 2 by a full count"
    same "a bug in rowferry: please report it with these lines, and keep a copy of the database as it is now" \
        "$(printf '%s\n' "$output" | jq -r 'select(.check == "counters").advice')"
}

@test "what an interrupted intake has left is reported, and stays" {
    needs_crash_points
    start_sim
    batch_file InventoryItem-a.csv 2000
    ROWFERRY_CRASH=chunk-committed run rowferry ingest InventoryItem-a.csv
    ends 0 rowferry doctor --json
    finds work remark "no process works on it
batch 1: InventoryItem-a.csv was not read completely" \
        "the next \`rowferry run\` or \`rowferry ingest\` finishes it"
    rm InventoryItem-a.csv
    ends 0 rowferry doctor --json
    finds work remark "no process works on it
batch 1: InventoryItem-a.csv was not read completely, and is gone" \
        "load the file again: the next run refuses this batch, of which nothing was sent"
    same loading "$(sql 'SELECT state FROM batch')"
}

@test "processes that work on it are shown, and the counters agree meanwhile" {
    start_sim --latency-ms 50
    batch_file InventoryItem-a.csv 500
    ends 0 rowferry ingest InventoryItem-a.csv
    "$BIN/rowferry" drain --rate none --concurrency 2 >drain-out 2>&1 3>&- &
    local drain=$!

    eventually grep -q put requests
    ends 0 rowferry doctor --json
    [[ "$(printf '%s\n' "$output" | jq -r 'select(.check == "work").text')" == "sending: run 2, started "* ]]
    kill -TERM "$drain"
    ended "$drain" 143
}

# --- the inbox ------------------------------------------------------------------------------------

@test "an inbox that is named and missing fails, one that is not named is a remark" {
    start_sim
    make_database
    rmdir inbox
    ends 0 rowferry doctor --json
    finds inbox remark "there is no inbox folder 'inbox' here" \
        "create it, or name another: rowferry doctor FOLDER"
    ends 2 rowferry doctor --json elsewhere
    finds inbox failed "elsewhere: No such file or directory" "name a folder: rowferry doctor FOLDER"
}

@test "a done/ that is not a folder fails" {
    start_sim
    make_database
    ln -s /nowhere inbox/done
    ends 2 rowferry doctor --json
    finds inbox failed "inbox/done is not a folder" \
        "rename it: \`rowferry run\` makes the folder itself"
}

@test "an inbox that this user cannot change, or whose files cannot be moved, fails" {
    chmod 755 . inbox
    [ "$(id -u)" -eq 0 ] || chmod 555 inbox
    run unprivileged "$BIN/rowferry" doctor --json
    finds inbox failed "inbox: Permission denied" \
        "give the user who runs rowferry the right to read, write and enter it (chown, chmod)"
    [ "$(id -u)" -eq 0 ] || skip "only root has files of another user"
    chmod 1777 inbox
    batch_file inbox/InventoryItem-a.csv 1
    chmod 644 inbox/InventoryItem-a.csv
    run unprivileged "$BIN/rowferry" doctor --json
    finds inbox failed "inbox is sticky: InventoryItem-a.csv, of another user, cannot be moved to done/" \
        "remove the sticky bit of the folder (chmod -t), or give the folder to this user"
}

# --- the API --------------------------------------------------------------------------------------

@test "a wrong secret is exit 6, with the credentials that were used" {
    start_sim
    make_database
    GENESYS_CLIENT_SECRET=wrong ends 6 rowferry doctor --json
    finds login failed "login at $GENESYS_ENVIRONMENT: HTTP 401 invalid_client (authentication failed): wrong client secret: check GENESYS_CLIENT_SECRET, and that the client is active" \
        "what was used: the client id from GENESYS_CLIENT_ID, the secret from GENESYS_CLIENT_SECRET, at the environment $GENESYS_ENVIRONMENT"
    finds api skipped "not checked, because there is no token" ""
    finds clock fine "agrees with the server's" ""
}

@test "a login that does not answer is exit 5" {
    start_sim
    make_database
    stop_sim
    ends 5 rowferry doctor --json
    finds login failed "$(printf '%s\n' "$output" | jq -r 'select(.check == "login").text')" \
        "check the network, a proxy (https_proxy) and --environment; nothing is lost, and \`rowferry run\` resumes later"
    finds clock skipped "not checked, because no server has sent its time" ""
}

# says STATUS OUTCOME TEXT ADVICE SIM...: of the check of the API, with these options of the simulator
says() {
    start_sim "${@:5}"
    make_database
    ends "$1" rowferry doctor --json
    finds api "$2" "${3//@/$GENESYS_ENVIRONMENT}" "$4"
    stop_sim
    rm -f rowferry.db*
}

@test "the answer of the API to a GET decides the outcome" {
    local get='GET of a record of CustomerAccount at @'
    local role="give the OAuth client the scopes customobjects:read and customobjects:write, and a role with the custom objects permissions; or it belongs to another organisation than --environment"
    local network="check the network, a proxy (https_proxy) and --environment; nothing is lost, and \`rowferry run\` resumes later"
    local config="check --environment and --login-url; if a proxy or a test server has its own certificate authority, name its certificate with --ca-file"

    says 6 failed "$get: 403 missing.permissions (You do not have permission to perform the requested action.)" \
        "$role" --answer get:rowferry-doctor=403
    says 6 failed "$get: 401 bad.credentials (Invalid login credentials.)" "$role" \
        --answer get:rowferry-doctor=401
    says 5 failed "$get: 503 service.unavailable (The service is unavailable.)" "$network" \
        --answer get:rowferry-doctor=503
    says 2 failed "$get: 405 method.not.allowed (The method is not allowed for this resource.)" \
        "$config" --answer get:rowferry-doctor=405
    says 0 remark "@ answered 429: Rate limit exceeded the maximum. Retry the request in [1] seconds" \
        "something else uses up the limit of this client's tokens; a run waits as long as the API asks" \
        --answer get:rowferry-doctor=429
}

@test "a 404 is right, and the text says that it does not show whether the object exists" {
    start_sim --answer get:rowferry-doctor=404
    make_database
    ends 0 rowferry doctor --json
    holds "$(printf '%s\n' "$output" | jq -r 'select(.check == "api").text')" \
        "asked for a record of CustomerAccount that does not exist; 404 is right, and does not show whether the object exists"
}

@test "a certificate that nobody signed is exit 2, with the option that trusts it" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
        -out self.pem -days 2 -subj /CN=self -addext subjectAltName=IP:127.0.0.1 2>errors
    start_sim --tls-cert self.pem --tls-key key.pem
    ends 2 rowferry doctor --json
    holds "$(printf '%s\n' "$output" | jq -r 'select(.check == "login").text')" \
        "the server's certificate is not trusted"
    same "check --environment and --login-url; if a proxy or a test server has its own certificate authority, name its certificate with --ca-file" \
        "$(printf '%s\n' "$output" | jq -r 'select(.check == "login").advice')"
    export ROWFERRY_CA_FILE=self.pem
    make_database
    ends 0 rowferry doctor --json
}

@test "a clock that differs much from the server's fails, a small difference is a remark" {
    local ntp='set it by NTP (timedatectl set-ntp true)'

    start_sim --date-offset 3600
    make_database
    ends 2 rowferry doctor --json
    same failed "$(printf '%s\n' "$output" | jq -r 'select(.check == "clock").outcome')"
    holds "$output" "this machine's clock is 1h 0m earlier than the server's"
    same "$ntp: dates in Retry-After, the windows of audits, certificates and the times in the database depend on it" \
        "$(printf '%s\n' "$output" | jq -r 'select(.check == "clock").advice')"
    curl -sf -o /dev/null -X POST "$GENESYS_ENVIRONMENT/sim/config?date-offset=-10"
    ends 0 rowferry doctor --json
    same remark "$(printf '%s\n' "$output" | jq -r 'select(.check == "clock").outcome')"
    holds "$output" "s later than the server's"
    same "$ntp" "$(printf '%s\n' "$output" | jq -r 'select(.check == "clock").advice')"
}
