# A disk that is full and a database that cannot be written: status 8 with what to do, and nothing is lost.
load lib
. "$TOP/tests/crash/lib.bash"

SEED=1

teardown() {
    world_end
    [ -z "${MOUNT:-}" ] || umount "$MOUNT"
}

small_disk() {
    MOUNT=$BATS_TEST_TMPDIR/disk
    mkdir "$MOUNT"
    mount -t tmpfs -o size="$1" tmpfs "$MOUNT" 2>/dev/null || {
        MOUNT=
        skip 'no right to mount a small file system'
    }
    DB=$MOUNT/rowferry.db
    export ROWFERRY_DB=$DB
}

@test "a disk that fills up again and again on the way loses nothing" {
    local megabytes full=0

    small_disk 1m
    world_begin world 1
    world_faults "${CRASH_FAULTS[@]}"
    feed 1500 csv
    feed 1500 ndjson
    for megabytes in 1 2 3 4 5; do
        mount -o remount,size=${megabytes}m "$MOUNT"
        run --separate-stderr rowferry "${CRASH_RUN[@]}"
        [ "$status" -eq 8 ] || break
        full=$((full + 1))
        holds "$stderr" "free space on that disk, then run the same command again"
        check kill.sql
    done
    [ "$full" -ge 2 ]
    # it was the drain that met the full disk, not the intake alone
    [ "$(wc -l <ledger)" -gt 0 ]
    [ "$(rows_left)" -gt 0 ]
    mount -o remount,size=64m "$MOUNT"
    world_is_right
}

@test "a disk that is full for all writes from some byte on loses nothing" {
    local bytes

    world_begin world 1
    world_faults "${CRASH_FAULTS[@]}"
    feed 1500 csv
    feed 1500 ndjson
    for bytes in 100000 700000 900000 400000; do
        # a sanitizer's library wants to be the first, and is not
        ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 FULL_DISK_AT=$bytes \
            LD_PRELOAD=$BIN/full_disk.so ends 8 "$BIN/rowferry" "${CRASH_RUN[@]}"
        holds "$stderr" "free space on that disk, then run the same command again"
        check kill.sql
    done
    # it was the drain that met the full disk, not the intake alone
    [ "$(wc -l <ledger)" -gt 0 ]
    [ "$(rows_left)" -gt 0 ]
    world_is_right
}

@test "a database on a read-only file system ends 8 with what to do, and nothing is sent" {
    small_disk 8m
    world_begin world 1
    feed 20 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    mount -o remount,ro "$MOUNT"
    ends 8 rowferry drain --rate none
    holds "$stderr" "database $DB: open: unable to open database file: the file or its folder cannot be opened or written by this user"
    [ ! -s requests ]
    mount -o remount,rw "$MOUNT"
    ends 0 rowferry drain --rate none
    same 20 "$(wc -l <ledger)"
}

@test "a database that this user cannot write is exit 8 with a remedy" {
    local as=()

    world_begin world 1
    feed 20 csv 0
    ends 0 rowferry ingest inbox/InventoryItem-000001.csv
    chmod 444 rowferry.db
    if [ "$(id -u)" -eq 0 ]; then
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
        chown -R 65534:65534 .
    fi
    ends 8 "${as[@]}" "$BIN/rowferry" drain --rate none
    holds "$stderr" "make the file and its folder writable for this user"
    [ ! -s requests ]
}
