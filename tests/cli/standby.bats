# A drain is killed, and a copy of its database that was made meanwhile goes on elsewhere: by `rowferry
# backup`, and by Litestream with the configuration that is installed as an example. The simulator's ledger
# decides. STANDBY_ROUNDS (default 1) says how often each is done; STANDBY_FIGURES names a file for a line of
# figures from each round.
load lib

ROWS=1500

teardown() {
    [ -z "${REPLICATOR:-}" ] || kill -KILL "$REPLICATOR" 2>/dev/null || true
    stop_sim
}

# Sets LITESTREAM to its binary
needs_litestream() {
    command -v npm >/dev/null || skip 'npm is not there'
    (cd "$BATS_FILE_TMPDIR" && npm install --silent --no-audit --no-fund @flydotio/litestream@1 >npm.log 2>&1) ||
        skip 'npm cannot install @flydotio/litestream'
    LITESTREAM=$(find "$BATS_FILE_TMPDIR/node_modules" -type f -name litestream -size +1M | head -n 1)
    "$LITESTREAM" version >version 2>&1 || skip 'the binary of @flydotio/litestream does not run here'
}

sent() {
    [ "$(wc -l <ledger)" -ge "$1" ]
}

# A folder with a database of one batch, and the API
begin() {
    mkdir "$1"
    cd "$1"
    cp -r "$TOP/schema" schema
    batch_file InventoryItem-a.csv $ROWS
    ends 0 rowferry ingest InventoryItem-a.csv
    start_sim --latency-ms 8
}

# Starts a drain; DRAIN is its process
drain() {
    "$BIN/rowferry" drain --rate none --concurrency 8 >drained 2>&1 3>&- &
    DRAIN=$!
}

# goes_on ROUND FIGURES: the copy in elsewhere/rowferry.db goes on to the end; no row is lost, applied twice or
# a conflict
goes_on() {
    local applied killed

    killed=$(wc -l <ledger)
    cd elsewhere
    cp -r "$TOP/schema" schema
    applied=$(sql "SELECT count(*) FROM job WHERE state = 'applied'")
    ends 0 rowferry drain --rate none --concurrency 8
    same "$ROWS applied" "$(sql "SELECT count(*) || ' ' || state FROM job GROUP BY state")"
    same "$ROWS $ROWS" "$(jq -r .id ../ledger | sort | uniq -c | awk '{rows++; updates += $1} END {print rows, updates}')"
    ends 0 rowferry doctor --json
    [ -z "${STANDBY_FIGURES:-}" ] ||
        echo "$1: $killed applied at the kill, $applied of them known to the copy; $2" >>"$STANDBY_FIGURES"
    cd ../..
    stop_sim
}

replicated() {
    compgen -G 'replica/generations/*/snapshots/*' >found
}


@test "a replica of Litestream continues where a killed drain was, in each of STANDBY_ROUNDS rounds" {
    local round generations

    needs_litestream
    for ((round = 1; round <= ${STANDBY_ROUNDS:-1}; round++)); do
        begin "litestream-$round"
        sed -e "s|/var/lib/rowferry/|$PWD/|; s|/srv/standby/rowferry|$PWD/replica|" \
            "$TOP/cmd/rowferry/share/litestream.yml" >litestream.yml
        "$LITESTREAM" replicate -config litestream.yml >replicating 2>&1 3>&- &
        REPLICATOR=$!
        eventually replicated
        drain
        eventually sent $((ROWS * (10 + RANDOM % 70) / 100))
        kill -KILL $DRAIN $REPLICATOR
        wait $DRAIN $REPLICATOR || true
        REPLICATOR=
        [ "$(wc -l <ledger)" -lt "$ROWS" ]
        generations=$(grep -c 'new generation' replicating)
        mkdir elsewhere
        "$LITESTREAM" restore -config litestream.yml -o elsewhere/rowferry.db "$PWD/rowferry.db" >restored 2>&1
        goes_on "litestream round $round" "generations $generations"
    done
}

@test "a backup that was made next to a drain continues where the drain was killed, in each of STANDBY_ROUNDS rounds" {
    local round copies

    for ((round = 1; round <= ${STANDBY_ROUNDS:-1}; round++)); do
        begin "backup-$round"
        mkdir elsewhere
        drain
        copies=0
        until sent $((ROWS * (10 + RANDOM % 70) / 100)); do
            ends 0 rowferry backup elsewhere/rowferry.db
            copies=$((copies + 1))
        done
        kill -KILL $DRAIN
        wait $DRAIN || true
        [ "$(wc -l <ledger)" -lt "$ROWS" ]
        goes_on "backup round $round" "the last of $copies copies"
    done
}

@test "a backup from before the last night is restored as the operations manual says" {
    local made find

    start_sim
    mkdir backups
    batch_file inbox/InventoryItem-a.csv 20 A
    ends 0 run_inbox
    sleep 1.1
    ends 0 rowferry backup backups/
    made=$(ls backups)
    sleep 1.1
    batch_file inbox/InventoryItem-b.csv 20 B
    batch_file inbox/InventoryItem-c.csv 20 A
    sed -i 's/,1,WH/,2,WH/; s/A-7,2,WH-1042,7,1.50,active/A-7,2,,-1,x,y/' inbox/InventoryItem-c.csv
    ends 3 run_inbox
    same 59 "$(wc -l <ledger)"
    mkdir lost
    mv rowferry.db* lost/
    cp lost/rowferry.db.* . # the lock files
    rm -f rowferry.db-wal rowferry.db-shm
    install -m 600 "backups/$made" rowferry.db
    find=$(sed -n '/find inbox.done/,/mv -n/p' "$TOP/docs/operations.md")
    made=$(sed -E 's/.*([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z.db/\1 \2:\3:\4Z/' <<<"$made")
    eval "$(sed -E "s/'2026[^']*'/'$made'/" <<<"$find")"
    same "InventoryItem-b.csv InventoryItem-c.csv" "$(find inbox -maxdepth 1 -type f -printf '%f\n' | sort | paste -sd ' ')"
    ends 0 rowferry doctor
    ends 3 run_inbox
    same "applied 59" "$(sql "SELECT state, count(*) FROM job GROUP BY state" | tr '|' ' ')"
    same 59 "$(wc -l <ledger)" # nothing was applied again
}
