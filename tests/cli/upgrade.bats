# Databases of earlier versions: upgraded whatever happens, and with room on the disk checked first.
load lib

teardown() {
    [ -z "${MOUNT:-}" ] || umount "$MOUNT"
}

@test "an upgrade that is killed at any moment is finished by the same command, and nothing is lost" {
    B=${BIN#"$TOP"/} JOBS=100 FROM='1 5 14' SPREAD=2 WORK=$BATS_TEST_TMPDIR/upgrade ends 0 "$TOP/tests/crash/upgrade.sh"
    same 3 "$(grep -c 'from version .* kills$' <<<"$output")"
}

# old_database FILE: of the first version, with 20000 violations that the third migration counts
old_database() {
    sqlite3 "$1" >made <<SQL
PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
$(cat "$TOP/migrations/0001_spine.sql")
PRAGMA application_id = $((0x52665279));
PRAGMA user_version = 1;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 20000)
INSERT INTO violation SELECT 1, i, 0, 'sku', 'type', 'expected type string' FROM n;
SQL
}

@test "an upgrade without room on the disk is not begun, and the database is unchanged" {
    local before

    MOUNT=$BATS_TEST_TMPDIR/disk
    mkdir "$MOUNT"
    mount -t tmpfs -o size=4m tmpfs "$MOUNT" 2>/dev/null || {
        MOUNT=
        skip 'no right to mount a small file system'
    }
    old_database "$MOUNT/old.db"
    before=$(cksum <"$MOUNT/old.db")
    # more is free than the changes of tables and views need, and less than the violations are large
    ends 8 rowferry status --db "$MOUNT/old.db"
    [[ $stderr =~ ^"rowferry: error: database $MOUNT/old.db is of an older version, and its upgrade needs "[0-9]+" MB of disk space, of which "[0-9]+" MB are free: free space on that disk, then run the same command again; the database is unchanged"$ ]]
    same "$before" "$(cksum <"$MOUNT/old.db")"
    mount -o remount,size=32m "$MOUNT"
    ends 0 rowferry status --db "$MOUNT/old.db"
    same 20000 "$(sqlite3 "$MOUNT/old.db" 'SELECT rows FROM rejection_tally')"
}

@test "a disk that fills up during an upgrade leaves the database as it was" {
    local bytes

    for bytes in 4000 100000 400000; do
        rm -f old.db*
        old_database old.db
        ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 FULL_DISK_AT=$bytes \
            LD_PRELOAD=$BIN/full_disk.so ends 8 "$BIN/rowferry" status --db old.db
        holds "$stderr" "free space on that disk, then run the same command again"
        same 20000 "$(sqlite3 old.db 'SELECT count(*) FROM violation')"
        same ok "$(sqlite3 old.db 'PRAGMA integrity_check')"
        ends 0 rowferry status --db old.db
        same 20000 "$(sqlite3 old.db 'SELECT rows FROM rejection_tally')"
    done
}

@test "the columns of record ids are known of earlier batches where the ids have no parts" {
    {
        echo 'PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;'
        cat "$TOP"/migrations/000?_*.sql "$TOP"/migrations/001[0-6]_*.sql
        cat <<SQL
PRAGMA application_id = $((0x52665279));
PRAGMA user_version = 16;
WITH b (id, target) AS (VALUES (1, NULL), (2, 'rest-plain'), (3, 'own'), (4, 'own'))
INSERT INTO batch (id, target, source, schema, format, content_hash, size_bytes, state, created_ms, loaded_run_id, device,
    inode, mtime_ns, schema_hash, options, filing)
SELECT id, target, 'x', 'X', 'csv', '', 0, 'done', 0, 1, 0, 0, 0, '', '', 0 FROM b;
INSERT INTO job_row VALUES (1000000001, 2, 'a/b', NULL, '{}', NULL), (2000000001, 2, 'a', NULL, '{}', NULL),
    (3000000001, 2, 'a', NULL, '{}', NULL), (3000000002, 2, 's/a', NULL, '{}', NULL);
SQL
    } | sqlite3 rowferry.db >made
    run --separate-stderr rowferry status
    same '1||NULL
2|rest-plain|[]
3|own|NULL
4|own|[]' "$(sql "SELECT id, target, ifnull(target_columns, 'NULL') FROM batch")"
}
