#!/usr/bin/env bats
# Options and settings: where they come from, which are refused, and the messages about them.
load lib

# --- help and version ---------------------------------------------------------------------------

@test "--help lists the commands and the exit statuses" {
    ends 0 rowferry --help
    golden help.txt
    ends 0 rowferry -h
    golden help.txt
}

@test "the help of each command has options, variables, defaults, exit statuses and an example" {
    local command

    for command in $(commands); do
        ends 0 rowferry $command --help
        golden help-$command.txt
        ends 0 rowferry $command -h
        golden help-$command.txt
    done
}

@test "each command has its own words for the exit statuses 2 and 3" {
    local command status

    for command in $(commands); do
        ends 0 rowferry $command --help
        holds "$output" "
    2  "
        for status in 2 3; do
            lacks "$output" "$(rowferry --help | grep "^    $status  ")"
        done
    done
}

@test "no help text is wider than 80 columns" {
    local command

    for command in "" $(commands); do
        ends 0 rowferry $command --help
        same "" "$(printf '%s\n' "$output" | awk 'length > 80')"
    done
}

@test "--version prints the version, also after a command" {
    ends 0 rowferry --version
    [[ $output =~ ^rowferry\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    ends 0 rowferry status --version
    [[ $output =~ ^rowferry\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "--help works although a setting is wrong" {
    ROWFERRY_RATE=soon ends 0 rowferry run --help
    ends 0 rowferry drain --json --help
    holds "$output" "Usage: rowferry drain"
}

# --- commands and options -----------------------------------------------------------------------

@test "an unknown command is exit 2 and suggests the nearest" {
    fails_with 2 "unknown command 'drian': did you mean drain? See rowferry --help" drian
    fails_with 2 "unknown command 'frobnicate': see rowferry --help" frobnicate
    fails_with 2 "no command is given: see rowferry --help"
    fails_with 2 "'--db' is not a command: options go after the command, see rowferry --help" --db=x run
}

@test "an unknown option is exit 2 and suggests the nearest" {
    fails_with 2 "unknown option '--concurency': did you mean --concurrency? See rowferry run --help" \
        run --concurency 4
    fails_with 2 "unknown option '--conc': did you mean --concurrency? See rowferry run --help" \
        run --conc=4
    fails_with 2 "unknown option '--frobnicate': see rowferry status --help" status --frobnicate
    fails_with 2 "unknown option '-x': see rowferry status --help" status -qx
}

@test "an option of another command is refused" {
    fails_with 2 "option '--concurrency' is not for \`validate\`: see rowferry validate --help" \
        validate --concurrency 4 x.csv
    fails_with 2 "option '--batch' is not for \`run\`: see rowferry run --help" run --batch 1
}

@test "missing and unwanted values are refused" {
    fails_with 2 "option '--db' has no value: write --db FILE" status --db
    fails_with 2 "option '--db' has no value: write --db FILE" status --db=
    fails_with 2 "option '--json' takes no value: leave the value out" status --json=yes
}

@test "missing and unexpected arguments are refused" {
    fails_with 2 "no file is named: see rowferry ingest --help" ingest
    fails_with 2 "no file is named: see rowferry validate --help" validate
    fails_with 2 "no batch or file is named: see rowferry diff --help" diff
    fails_with 2 "unexpected argument '5': see rowferry drain --help" drain 5
    fails_with 2 "unexpected argument '2': see rowferry status --help" status 1 2
    fails_with 2 "'five' is not a batch: use its number, which \`rowferry status\` lists" \
        status five
}

@test "options work with =, with a space, after arguments, and as clusters" {
    batch_file InventoryItem-1.csv 2
    ends 0 rowferry ingest InventoryItem-1.csv --db=one.db -qv
    [ -e one.db ]
    ends 0 rowferry ingest --db two.db InventoryItem-1.csv
    [ -e two.db ]
}

@test "after -- everything is a path" {
    ends 2 rowferry validate -- --json
    same "rowferry: error: '--json' does not exist: check its path" "$stderr"
}

@test "a file name that begins with a dash can be read after --" {
    batch_file ./-1.csv 1
    ends 0 rowferry validate --schema InventoryItem -- -1.csv
    holds "$output" "1 file, 1 row: 1 accepted, 0 rejected"
}

# --- bad values ---------------------------------------------------------------------------------

@test "a rate is N/s, N/m, N/h or none" {
    local rate

    for rate in 300 5/d /m 0/s -1/s 1.5/s 5/ms '5 /s' 99999999999/s; do
        fails_with 2 "--rate: '$rate' is not a rate: use 300/m, 5/s, 1000/h or none" status --rate "$rate"
    done
    batch_file InventoryItem-1.csv 2
    ends 0 rowferry ingest InventoryItem-1.csv
    for rate in 300/m 5/s 1000/h none; do
        ends 0 rowferry status --rate $rate
    done
}

@test "a duration is a number with s, m, h or d" {
    local duration

    for duration in soon 5w 1.5h -5 ''; do
        ROWFERRY_MAX_WAIT=${duration:-x} ends 2 rowferry drain
        holds "$stderr" "ROWFERRY_MAX_WAIT: '${duration:-x}' is not a duration: use 90, 90s, 15m, 4h or 90d"
    done
    fails_with 2 "--timeout: '0' is not a time from 1s to 3600s" drain --timeout 0
    fails_with 2 "--timeout: '2h' is not a time from 1s to 3600s" drain --timeout 2h
    fails_with 2 "--min-age: '2d' is not a time from 0s to 86400s" run --min-age 2d
}

@test "numbers outside their limits are refused" {
    fails_with 2 "--concurrency: '0' is not a whole number from 1 to 256" drain --concurrency 0
    fails_with 2 "--concurrency: '257' is not a whole number from 1 to 256" drain --concurrency 257
    fails_with 2 "--concurrency: 'x' is not a whole number from 1 to 256" drain --concurrency x
    fails_with 2 "--batch: '0' is not a whole number from 1 to 2147483647" drain --batch 0
    fails_with 2 "--max-retries: '-1' is not a whole number from 0 to 1000" run --max-retries -1
    fails_with 2 "--max-attempts: '0' is not a whole number from 1 to 10000" run --max-attempts=0
}

@test "audits are all, none or a percentage" {
    local value expected='not all, none or a percentage of the applied updates, such as 5%'

    for value in some 5 101% % -1% 5%% 1e1% 'all '; do
        fails_with 2 "--audit: '$value' is $expected" drain "--audit=$value"
    done
    ROWFERRY_AUDIT=half fails_with 2 "ROWFERRY_AUDIT: 'half' is $expected" drain
    for value in all none 5% 0.5% 100%; do
        ends 2 rowferry drain --audit "$value"
        holds "$stderr" 'does not exist'
    done
    fails_with 2 '--audit none leaves nothing to do: use --audit all or N%, or leave it out' audit --audit none
    fails_with 2 "--audit-ids: '101' is not a whole number from 1 to 100" audit --audit-ids 101
}

@test "a format is csv or ndjson" {
    fails_with 2 "--format: 'xml' is not csv or ndjson" validate --format xml x
}

@test "tags are a list of text without empty items" {
    fails_with 2 "--tags: 'a,,b' is not a list of tags: use a,b" drain --tags a,,b
    fails_with 2 "--tags: ',a' is not a list of tags: use a,b" drain --tags ,a
    fails_with 2 "--tags: the value has a control character: remove it" drain --tags $'a\nb'
    fails_with 2 "--source: the value is not UTF-8: convert it" drain --source $'\xff'
}

# --- precedence ---------------------------------------------------------------------------------

@test "an option wins over the environment, the environment over .env, and .env over the default" {
    fails_with 2 "database rowferry.db does not exist: \`rowferry run\` or \`rowferry ingest\` creates it, --db or ROWFERRY_DB names another" \
        status
    printf 'ROWFERRY_DB=dotenv.db\n' >.env
    chmod 644 .env
    ends 2 rowferry status
    holds "$stderr" "database dotenv.db does not exist"
    ROWFERRY_DB=environment.db ends 2 rowferry status
    holds "$stderr" "database environment.db does not exist"
    ROWFERRY_DB=environment.db ends 2 rowferry status --db option.db
    holds "$stderr" "database option.db does not exist"
}

@test "an empty variable counts as not set" {
    ROWFERRY_DB='' ends 2 rowferry status
    holds "$stderr" "database rowferry.db does not exist"
    printf 'ROWFERRY_DB=\n' >.env
    ends 2 rowferry status
    holds "$stderr" "database rowferry.db does not exist"
}

@test "an empty environment, client id or secret is an error that names the variable" {
    local name command

    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    for name in GENESYS_ENVIRONMENT GENESYSCLOUD_REGION GENESYS_CLIENT_ID GENESYSCLOUD_OAUTHCLIENT_ID \
        GENESYS_CLIENT_SECRET GENESYS_CLIENT_SECRET_FILE GENESYSCLOUD_OAUTHCLIENT_SECRET; do
        for command in drain "run InventoryItem-1.csv" "doctor --json"; do
            # shellcheck disable=SC2086 # words of a command
            ends 2 env "$name=" "$BIN/rowferry" $command
            holds "$output$stderr" "$name: set but empty: give it a value, or unset it"
        done
        printf 'GENESYS_CLIENT_SECRET_FILE=unused\n%s=x\n%s=""\n' "$name" "$name" >.env
        chmod 600 .env
        sed -i "/_FILE/{/$name/!d}" .env
        ends 2 rowferry drain
        holds "$stderr" ".env: $name: set but empty"
        rm .env
    done
    # commands that do not need them ignore them, and an option or an earlier variable wins
    GENESYS_ENVIRONMENT='' GENESYS_CLIENT_ID='' ends 0 rowferry status
    GENESYS_ENVIRONMENT='' ends 2 rowferry drain --environment nowhere
    holds "$stderr" "environment 'nowhere'"
    GENESYS_ENVIRONMENT=nowhere GENESYSCLOUD_REGION='' ends 2 rowferry drain
    holds "$stderr" "environment 'nowhere'"
}

@test "of two variables for one setting the first wins, within the environment and within .env" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    GENESYS_ENVIRONMENT=nowhere GENESYSCLOUD_REGION=elsewhere ends 2 rowferry drain
    holds "$stderr" "environment 'nowhere'"
    GENESYSCLOUD_REGION=elsewhere ends 2 rowferry drain
    holds "$stderr" "environment 'elsewhere'"
    printf 'GENESYS_ENVIRONMENT=nowhere\n' >.env
    GENESYSCLOUD_REGION=elsewhere ends 2 rowferry drain
    holds "$stderr" "environment 'elsewhere'"
}

@test "--env-file names another file, which must be there" {
    printf 'ROWFERRY_DB=wrong.db\n' >.env
    printf 'ROWFERRY_DB=right.db\n' >night.env
    ends 2 rowferry status --env-file night.env
    holds "$stderr" "database right.db does not exist"
    fails_with 2 "'missing.env' does not exist: name another with --env-file" status --env-file missing.env
}

@test "the error about a wrong value names where the value comes from" {
    printf '# pace\nROWFERRY_RATE=fast\n' >.env
    fails_with 2 ".env: ROWFERRY_RATE: 'fast' is not a rate: use 300/m, 5/s, 1000/h or none" status
    ROWFERRY_RATE=slow ends 2 rowferry status
    same "rowferry: error: ROWFERRY_RATE: 'slow' is not a rate: use 300/m, 5/s, 1000/h or none" "$stderr"
}

@test "a setting that a command does not take is ignored" {
    batch_file InventoryItem-1.csv 1
    ROWFERRY_RATE=fast ends 0 rowferry validate InventoryItem-1.csv
}

# --- .env ---------------------------------------------------------------------------------------

@test ".env is read as dotenv and systemd read it" {
    local line

    for line in 'ROWFERRY_DB=x y.db' 'ROWFERRY_DB="x y.db"' "ROWFERRY_DB='x y.db'" \
        'export ROWFERRY_DB="x y.db"' '  ROWFERRY_DB = x y.db  ' 'ROWFERRY_DB=x y.db # ours' \
        'ROWFERRY_DB="x y.db" # ours' $'ROWFERRY_DB=x y.db\r' $'\xef\xbb\xbfROWFERRY_DB=x y.db' \
        $'# a\n; b\n\nROWFERRY_DB=first.db\nROWFERRY_DB=x y.db\nOTHER=z'; do
        printf '%s\n' "$line" >.env
        ends 2 rowferry status
        holds "$stderr" "database x y.db does not exist" || { echo "$line"; false; }
    done
}

@test "in double quotes of .env escapes count, in single quotes they do not" {
    printf '%s\n' 'ROWFERRY_DB="a\"b\\c\$d#e"' >.env
    ends 2 rowferry status
    holds "$stderr" 'database a"b\c$d#e does not exist'
    printf '%s\n' "ROWFERRY_DB='a\"b\\n#c'" >.env
    ends 2 rowferry status
    holds "$stderr" 'database a"b\n#c does not exist'
}

@test "the error about a wrong line of .env has its number" {
    printf 'A=1\nthis is not one\n' >.env
    fails_with 2 ".env: line 2: it is not KEY=value: put # before a comment" status
    printf 'A="1\n' >.env
    fails_with 2 ".env: line 1: the closing quote is missing" status
    printf "A='1' 2\n" >.env
    fails_with 2 ".env: line 1: text follows the closing quote: put # before a comment" status
    printf '1A=x\n' >.env
    fails_with 2 ".env: line 1: it is not KEY=value: put # before a comment" status
    printf 'A=1\0\n' >.env
    fails_with 2 "'.env' has a NUL byte: write it as text" status
}

@test "a misspelt ROWFERRY_ setting in .env is named, settings of other programs are not" {
    printf 'ROWFERRY_RAET=5/s\nNODE_ENV=production\n' >.env
    ends 2 rowferry status
    holds "$stderr" "rowferry: .env: line 1: 'ROWFERRY_RAET' is not a setting of this version: check its name"
    lacks "$stderr" NODE_ENV
}

@test "a .env that others can write is not read" {
    local mode

    printf 'ROWFERRY_DB=x.db\n' >.env
    for mode in 0620 0602 0666; do
        chmod $mode .env
        fails_with 2 "'.env' can be written by others (mode $mode): run chmod 600 .env" status
    done
}

@test "a .env with a secret must not be readable by others, one without may" {
    local mode name

    for name in GENESYS_CLIENT_SECRET GENESYSCLOUD_OAUTHCLIENT_SECRET; do
        printf '%s=hush\n' $name >.env
        for mode in 0640 0604 0644; do
            chmod $mode .env
            fails_with 2 "'.env' has $name and others can read it (mode $mode): run chmod 600 .env" status
        done
    done
    chmod 600 .env
    ends 2 rowferry status
    holds "$stderr" "database rowferry.db does not exist"
    printf 'GENESYS_CLIENT_SECRET=\nGENESYS_CLIENT_SECRET_FILE=secret\n' >.env
    chmod 644 .env
    ends 2 rowferry status
    holds "$stderr" "database rowferry.db does not exist"
}

@test "a .env of another user is not read" {
    [ "$(id -u)" -eq 0 ] || skip "only root can give a file away"
    printf 'ROWFERRY_DB=x.db\n' >.env
    chown 12345 .env
    fails_with 2 "'.env' belongs to user 12345, not to you or root: change its owner (chown)" status
}

@test "a folder named .env is ignored" {
    mkdir .env
    ends 2 rowferry status
    holds "$stderr" "database rowferry.db does not exist"
}

# --- secrets ------------------------------------------------------------------------------------

@test "a secret as an argument is refused, and not repeated" {
    fails_with 2 "unknown option '--client-secret': a secret is never an argument, use GENESYS_CLIENT_SECRET or --client-secret-file" \
        run --client-secret=hush
    fails_with 2 "unknown option '--client-secret': a secret is never an argument, use GENESYS_CLIENT_SECRET or --client-secret-file" \
        run --client-secret hush
    fails_with 2 "unknown option '--client-id': set GENESYS_CLIENT_ID" \
        run --client-id me
}

@test "a secret file that others can read or write is refused" {
    echo hush >secret
    chmod 644 secret
    fails_with 2 "--client-secret-file: 'secret' has the client secret and others can read it (mode 0644): run chmod 600 secret" \
        drain --client-secret-file secret
    chmod 620 secret
    fails_with 2 "--client-secret-file: 'secret' can be written by others (mode 0620): run chmod 600 secret" \
        drain --client-secret-file secret
    chmod 640 secret
    GENESYS_CLIENT_SECRET_FILE=secret ends 2 rowferry drain
    same "rowferry: error: GENESYS_CLIENT_SECRET_FILE: 'secret' has the client secret and others can read it (mode 0640): run chmod 600 secret" \
        "$stderr"
}

@test "the group bits of a credential of systemd can be set, the bits of others cannot" {
    start_sim
    unset GENESYS_CLIENT_SECRET
    batch_file inbox/InventoryItem-1.csv 2
    mkdir credentials credentials-of-others
    echo sim-secret >credentials/client-secret
    chmod 440 credentials/client-secret
    cp -p credentials/client-secret credentials-of-others/
    export CREDENTIALS_DIRECTORY=$PWD/credentials
    GENESYS_CLIENT_SECRET_FILE=$PWD/credentials/client-secret ends 0 rowferry run --rate none
    same 2 "$(wc -l <ledger)"
    GENESYS_CLIENT_SECRET_FILE=$PWD/credentials-of-others/client-secret ends 2 rowferry run
    same "rowferry: error: GENESYS_CLIENT_SECRET_FILE: '$PWD/credentials-of-others/client-secret' has the client secret and others can read it (mode 0440): run chmod 600 $PWD/credentials-of-others/client-secret" \
        "$stderr"
    chmod 444 credentials/client-secret
    GENESYS_CLIENT_SECRET_FILE=$PWD/credentials/client-secret ends 2 rowferry run
    same "rowferry: error: GENESYS_CLIENT_SECRET_FILE: '$PWD/credentials/client-secret' has the client secret and others can read it (mode 0444): run chmod 600 $PWD/credentials/client-secret" \
        "$stderr"
}

@test "a secret file must hold one line" {
    umask 077
    fails_with 2 "--client-secret-file: there is no file 'secret': name the file of the client secret" drain --client-secret-file secret
    : >secret
    fails_with 2 "--client-secret-file: 'secret' is empty: it must have the client secret" \
        drain --client-secret-file secret
    printf 'a\nb\n' >secret
    fails_with 2 "--client-secret-file: 'secret' has more than one line, or control characters: it must have only the secret" \
        drain --client-secret-file secret
    printf 'a\0b\n' >secret
    fails_with 2 "--client-secret-file: 'secret' has a NUL byte: it must have only the secret" \
        drain --client-secret-file secret
    head -c 5000 /dev/zero | tr '\0' x >secret
    fails_with 2 "--client-secret-file: 'secret' is larger than 4096 bytes: name the right file" \
        drain --client-secret-file secret
}

@test "a secret file works, and its trailing newline does not count" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 2
    unset GENESYS_CLIENT_SECRET
    (umask 077 && echo sim-secret >secret)
    ends 0 rowferry run --rate none --client-secret-file secret
    same 2 "$(wc -l <ledger)"
}

@test "of several secrets the option wins, then GENESYS_CLIENT_SECRET, then the file, then the other name" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 1
    (umask 077 && echo sim-secret >right && echo wrong >wrong)
    GENESYS_CLIENT_SECRET=wrong ends 6 rowferry run --rate none
    GENESYS_CLIENT_SECRET=wrong GENESYS_CLIENT_SECRET_FILE=right ends 6 rowferry run --rate none
    (
        unset GENESYS_CLIENT_SECRET
        GENESYS_CLIENT_SECRET_FILE=wrong GENESYSCLOUD_OAUTHCLIENT_SECRET=sim-secret \
            ends 6 rowferry run --rate none
    )
    GENESYS_CLIENT_SECRET=wrong ends 0 rowferry run --rate none --client-secret-file right
}

@test "with jobs waiting, missing credentials are exit 2 and the variables are named" {
    batch_file inbox/InventoryItem-1.csv 2
    ends 2 rowferry run
    holds "$stderr" "error: 2 jobs are waiting, but there are no credentials: set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET (or GENESYS_CLIENT_SECRET_FILE) in the environment or in .env"
    GENESYS_CLIENT_ID=me ends 2 rowferry drain
    same "rowferry: error: 2 jobs are waiting, but there are no credentials: set GENESYS_CLIENT_SECRET (or GENESYS_CLIENT_SECRET_FILE) in the environment or in .env" \
        "$stderr"
    GENESYS_CLIENT_SECRET=hush ends 2 rowferry drain --json
    same 2 "$(summary .pending)"
}

@test "neither secret nor token reaches the database, the output or the list of processes" {
    local pid token

    start_sim --latency-ms 200
    batch_file inbox/InventoryItem-1.csv 10
    "$BIN/rowferry" run --rate none -v >out 2>&1 3>&- &
    pid=$!
    eventually grep -q '"kind":"put"' requests
    tr '\0' ' ' <"/proc/$pid/cmdline" >cmdline
    grep 'Max core file size' "/proc/$pid/limits" >limits
    wait $pid
    same 10 "$(wc -l <ledger)"
    same "$BIN/rowferry run --rate none -v " "$(cat cmdline)"
    holds "$(tr -s ' ' <limits)" "Max core file size 0 0 bytes"
    token=$(curl -s -u sim-client:sim-secret -d grant_type=client_credentials \
        --data-urlencode 'scope=customobjects:write customobjects:read' \
        "$GENESYS_ENVIRONMENT/oauth/token" | jq -r '.access_token[0:4]')
    [ ${#token} -eq 4 ]
    run ! grep -F -e sim-secret -e "$(printf sim-client:sim-secret | base64)" out cmdline rowferry.db*
    run ! grep -F -e Bearer out cmdline rowferry.db*
}

# --- addresses ----------------------------------------------------------------------------------

@test "plain http is refused for any host but loopback" {
    fails_with 2 "environment 'http://api.example.com' is plain http, which is for loopback alone: write https" \
        drain --environment http://api.example.com
    GENESYS_ENVIRONMENT=http://127.0.0.1:1 ends 2 rowferry drain
    holds "$stderr" "database rowferry.db does not exist"
}

@test "a login host of another domain needs the option" {
    GENESYS_LOGIN_URL=https://login.example.com ends 2 rowferry drain
    holds "$stderr" "give it as the option --login-url if that is meant"
    ends 2 rowferry drain --login-url https://login.example.com
    holds "$stderr" "database rowferry.db does not exist"
}

# --- what is missing ----------------------------------------------------------------------------

@test "a missing inbox is exit 2 with a remedy, and creates no database" {
    fails_with 2 "there is no inbox folder 'inbox' here: create it, or name another: rowferry run FOLDER" run
    fails_with 2 "'nowhere' does not exist: check its path" run nowhere
    [ ! -e rowferry.db ]
}

@test "a missing file is exit 2, and creates no database" {
    fails_with 2 "'x.csv' does not exist: check its path" ingest x.csv
    mkdir folder
    fails_with 2 "'folder' is a folder: use \`rowferry run folder\`, which reads its files" ingest folder
    [ ! -e rowferry.db ]
    fails_with 2 "'x.csv' does not exist: check its path" validate x.csv
    ends 3 rowferry validate folder
    holds "$stderr" 'folder is a folder: name the files in it'
}

@test "pending jobs are sent although the inbox is missing" {
    start_sim
    batch_file InventoryItem-1.csv 3
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 2 rowferry run nowhere --rate none
    holds "$stderr" "error: 'nowhere' does not exist: check its path"
    same 3 "$(wc -l <ledger)"
}

@test "a missing database is exit 2 for drain and status" {
    fails_with 2 "database rowferry.db does not exist: \`rowferry run\` or \`rowferry ingest\` creates it, --db or ROWFERRY_DB names another" \
        drain
}

@test "a missing schema folder is exit 2, and creates no database" {
    batch_file inbox/InventoryItem-1.csv 1
    fails_with 2 "cannot read the schema folder 'nowhere': No such file or directory: name it with --schemas or ROWFERRY_SCHEMAS" run --schemas nowhere
    [ ! -e rowferry.db ]
}

@test "a batch that does not exist is exit 2" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    fails_with 2 "there is no batch 9 in '$PWD/rowferry.db': \`rowferry status\` lists them" status 9
    fails_with 2 "there is no batch 9 in '$PWD/rowferry.db': \`rowferry status\` lists them" drain --batch 9
}

@test "a new database is reported with its absolute path, and is private" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv --db our.db
    same "rowferry: created the database $PWD/our.db" "$stderr"
    same 600 "$(stat -c %a our.db)"
    ends 0 rowferry ingest InventoryItem-1.csv --db our.db --force
    same "" "$stderr"
}

# --- output -------------------------------------------------------------------------------------

@test "a full standard output is reported and is exit 2" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    full() { rowferry "$@" >/dev/full; }
    for command in "status" "status --json" "--help" "--version" "validate InventoryItem-1.csv"; do
        ends 2 full $command
        same "rowferry: error: cannot write to standard output: No space left on device" "$stderr"
    done
}

@test "a reader that leaves early is not an error" {
    left() { { sleep 0.2; rowferry --help; echo "status $?" >&2; } | true; }
    ends 0 left
    same "status 0" "$stderr"
}

@test "closed descriptors are not given to the database" {
    batch_file InventoryItem-1.csv 3
    closed() { rowferry ingest InventoryItem-1.csv <&- >&- 2>&-; }
    ends 2 closed # what was read is kept, but it could not be reported
    same "ok" "$(sqlite3 rowferry.db 'PRAGMA integrity_check')"
    same 3 "$(sqlite3 rowferry.db 'SELECT count(*) FROM job')"
    closed() { rowferry ingest - --schema InventoryItem --format csv <&-; }
    ends 3 closed
    holds "$stderr" "error: refused: -: "
}

@test "control characters from outside are escaped in what people read" {
    ends 2 rowferry validate $'x\e[31m\n.csv'
    same "rowferry: error: 'x\\x1b[31m\\n.csv' does not exist: check its path" "$stderr"
    ends 2 rowferry $'r\an'
    holds "$stderr" "unknown command 'r\\x07n'"
}

@test "-q prints only errors, and a summary if something is wrong" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest -q InventoryItem-1.csv
    same "" "$output$stderr"
    batch_file InventoryItem-2.csv 1
    echo "A-9,1,wrong,1,1,active" >>InventoryItem-2.csv
    ends 3 rowferry ingest -q InventoryItem-2.csv
    same "" "$stderr"
    holds "$output" "ingest took "
}

@test "every ending writes a summary line with --json, also after a wrong option" {
    ends 2 rowferry run --json --frobnicate
    same error "$(printf '%s\n' "$output" | head -n 1 | jq -r .message_type)"
    same "unknown option '--frobnicate': see rowferry run --help" \
        "$(printf '%s\n' "$output" | head -n 1 | jq -r .message)"
    same 2 "$(summary .exit_status)"
    ends 2 rowferry drian --json
    same 2 "$(summary .exit_status)"
    ROWFERRY_RATE=x ends 2 rowferry status --json
    same 2 "$(summary .exit_status)"
    ends 2 rowferry status --json
    same 2 "$(summary .exit_status)"
    ends 2 rowferry validate x.csv --json
    same 2 "$(summary .exit_status)"
}

@test "the summary of run, ingest, drain and validate has all its members" {
    local command member

    start_sim
    batch_file inbox/InventoryItem-1.csv 3 B
    batch_file InventoryItem-2.csv 2
    for command in "validate InventoryItem-2.csv" "ingest InventoryItem-2.csv" drain run; do
        [ "$command" = drain ] && command="drain --rate none"
        [ "$command" = run ] && command="run --rate none"
        ends 0 rowferry $command --json
        for member in files rows_read rows_rejected jobs pending sending unknown applied unchanged \
            conflict refused failed dismissed cancelled requests latency_avg_ms latency_p50_ms \
            latency_p95_ms latency_p99_ms error_rate validation_failures throttled duration_s \
            exit_status; do
            same number "$(summary ".$member | type")" || { echo "$command: $member"; false; }
        done
    done
    same "run 1 3 0 3 3 0" \
        "$(summary '[.command, .files, .rows_read, .rows_rejected, .jobs, .applied, .exit_status] | join(" ")')"
}

# An error names the line of the source that made it. The line numbers are read from the sources.

# source_of FILE TEXT: FILE:LINE of the err_set that has that text
source_of() {
    echo "$1:$(awk -v text="$2" '/err_set\(/ { at = NR } index($0, text) { print at; exit }' "$TOP/$1")"
}

@test "-v shows the source line of an error, and without it nothing does" {
    local source

    source=$(source_of core/validate/catalog.c 'name it with --schemas')
    ends 2 rowferry validate x.csv --schemas missing
    lacks "$stderr" catalog.c
    ends 2 rowferry validate x.csv --schemas missing -v
    holds "$stderr" " ($source)"
    ends 2 rowferry validate x.csv --schemas missing -v --log-format text
    holds "$stderr" " ($source)"
    ends 2 rowferry validate x.csv --schemas missing --log-format text
    lacks "$stderr" catalog.c
}

@test "--json and the JSON log have the source line of an error as a member" {
    local source

    source=$(source_of core/validate/catalog.c 'name it with --schemas')
    ends 2 rowferry validate x.csv --schemas missing --json --log-format json
    same "$source" "$(printf '%s\n' "$output" | jq -r 'select(.message_type == "error").source')"
    same "$source" "$(printf '%s\n' "$stderr" | jq -r 'select(.level == "error").source')"
    lacks "$(printf '%s\n' "$output" | jq -r 'select(.message_type == "error").message')" catalog.c
    lacks "$(printf '%s\n' "$stderr" | jq -r 'select(.level == "error").message')" catalog.c
}

@test "an internal error says so, and always shows its source line" {
    batch_file InventoryItem-1.csv 2
    ends 0 rowferry ingest InventoryItem-1.csv
    sql 'UPDATE batch SET rows_read = 3'
    ends 1 rowferry export 1 -q
    holds "$stderr" "rowferry: internal error: batch 1: "
    holds "$stderr" " ($(source_of core/store/summary.c 'the row counts do not')): please report this"
}

@test "each line of --json is JSON, and stderr still has messages for people" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 2
    echo "A-9,1,wrong,-1,1,active" >>inbox/InventoryItem-1.csv
    touch -d '1 hour ago' inbox/InventoryItem-1.csv
    ends 3 rowferry run --json --rate none
    printf '%s\n' "$output" | jq -e 'has("message_type")' >/dev/null
    same 1 "$(printf '%s\n' "$output" | jq -s 'map(select(.message_type == "summary")) | length')"
    holds "$stderr" "rowferry: created the database"
}

@test "validate --json writes one row line for each row that would be rejected" {
    batch_file InventoryItem-1.csv 2
    echo "A-9,1,wrong,-1,1,active" >>InventoryItem-1.csv
    ends 3 rowferry validate --json InventoryItem-1.csv
    same '{"message_type":"row","line":4,"row":3,"record_id":"A-9","violations":[["sku","pattern"],["quantity","minimum"]]}' \
        "$(printf '%s\n' "$output" | jq -c 'select(.message_type == "row")
            | .violations |= map([.field, .rule])')"
    same 1 "$(summary .rows_rejected)"
    same 2 "$(summary .validation_failures)"
    [ ! -e rowferry.db ]
}

@test "validate prints line, record, field and message, and the command that would load the file" {
    batch_file InventoryItem-1.csv 2
    echo "A-9,1,wrong,-1,1,active" >>InventoryItem-1.csv
    ends 3 rowferry validate InventoryItem-1.csv --schemas schema
    same "InventoryItem-1.csv:4: A-9: sku: must match ^[A-Z]{2}-\\d{4}\$, is \"wrong\"
InventoryItem-1.csv:4: A-9: quantity: must be at least 0, is -1

      ROWS  RULE                  FIELD
         1  minimum               quantity
         1  pattern               sku

1 file, 3 rows: 2 accepted, 1 rejected
To load them:
  $BIN/rowferry ingest --schemas schema InventoryItem-1.csv" "$output"
    sed -i 2,3d InventoryItem-1.csv
    ends 3 rowferry validate InventoryItem-1.csv --schemas schema
    lacks "$output" "To make jobs"
}

@test "the last line of an incomplete run is the command that resumes it" {
    batch_file 'in box/InventoryItem-1.csv' 2
    GENESYS_CLIENT_ID=me GENESYS_CLIENT_SECRET=hush GENESYS_ENVIRONMENT=http://127.0.0.1:9 \
        ends 5 rowferry run --rate none 'in box' --max-retries 0
    same "  $BIN/rowferry run --rate none 'in box' --max-retries 0" \
        "$(printf '%s\n' "$output" | tail -n 1)"
}

@test "ingest and status forecast the requests that are left, and name the next command" {
    batch_file InventoryItem-1.csv 600
    ends 0 rowferry ingest InventoryItem-1.csv --db our.db
    same "600 requests left, about 2m 0s at 300/m
To send them:
  $BIN/rowferry drain --db our.db" "$(printf '%s\n' "$output" | tail -n 3)"
    ends 0 rowferry status --db our.db --rate 10/s
    same "600 requests left, about 1m 0s at 10/s
To send them:
  $BIN/rowferry drain --db our.db --rate 10/s" "$(printf '%s\n' "$output" | tail -n 3)"
    ends 0 rowferry status 1 --db our.db --rate none
    same "600 requests left
To send them:
  $BIN/rowferry drain --db our.db --rate none --batch 1" "$(printf '%s\n' "$output" | tail -n 3)"
    ends 0 rowferry status --json --db our.db
    same "600 120" "$(summary '[.requests_left, .seconds_left] | join(" ")')"
}

@test "a run with nothing to send needs neither network nor credentials" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 2
    ends 0 rowferry run --rate none
    stop_sim
    unset GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
    ends 0 rowferry run
    ends 0 rowferry drain
    ends 0 rowferry drain --batch 1
    same "rowferry: batch 1 is done: nothing to send" "$stderr"
}

# --- endings ------------------------------------------------------------------------------------

@test "another process that works is exit 7, for reading and for sending" {
    batch_file inbox/InventoryItem-1.csv 2
    ends 2 rowferry run
    export GENESYS_CLIENT_ID=me GENESYS_CLIENT_SECRET=hush GENESYS_ENVIRONMENT=http://127.0.0.1:9
    exec 8>rowferry.db.intake
    flock 8
    ends 7 rowferry run
    holds "$stderr" "error: another process is reading files into $PWD/rowferry.db ("
    ends 7 rowferry ingest inbox/done/InventoryItem-1.csv
    same "  $BIN/rowferry ingest inbox/done/InventoryItem-1.csv" "$(printf '%s\n' "$output" | tail -n 1)"
    exec 8>&-
    exec 8>rowferry.db.drain
    flock 8
    ends 7 rowferry drain --json
    holds "$stderr" "error: another process is draining $PWD/rowferry.db ("
    same "2 7" "$(summary '[.pending, .exit_status] | join(" ")')"
    ends 0 rowferry status
    exec 8>&-
}

@test "after a signal requests in flight are finished, the exit status is 130 or 143, and the same command resumes" {
    local name pid status

    start_sim --latency-ms 100
    batch_file inbox/InventoryItem-1.csv 60
    for name in INT TERM; do
        "$BIN/rowferry" run --json --rate none --concurrency 2 >out 2>err 3>&- &
        pid=$!
        : >requests
        eventually grep -q '"kind":"put"' requests
        kill -$name $pid
        status=0
        wait $pid || status=$?
        output=$(cat out)
        if [ $name = INT ]; then
            same 130 $status
        else
            same 143 $status
        fi
        same "$status" "$(summary .exit_status)"
        same 60 "$(summary .jobs)"
        same 0 "$(summary .sending)"
        holds "$(cat err)" "rowferry: stopped by SIG$name; everything so far is kept"
        same "$BIN/rowferry run --json --rate none --concurrency 2" "$(summary .next)"
        same "$status" "$(sqlite3 rowferry.db 'SELECT exit_status FROM run ORDER BY id DESC LIMIT 1')"
    done
    ends 0 rowferry run --rate none
    same 60 "$(jq -r .id ledger | sort -u | wc -l)"
    same 60 "$(wc -l <ledger)"
}

@test "a file that was read before is named with its batch, and is not an error" {
    batch_file InventoryItem-1.csv 1
    ends 0 rowferry ingest InventoryItem-1.csv
    ends 0 rowferry ingest InventoryItem-1.csv
    same "rowferry: 'InventoryItem-1.csv' was read before, as batch 1; --force reads it again" "$stderr"
    ends 0 rowferry ingest InventoryItem-1.csv --force
    same 2 "$(sqlite3 rowferry.db 'SELECT count(*) FROM batch')"
}

@test "a stream that was read before is not an error either" {
    batch_file InventoryItem-1.csv 2
    stream() { rowferry ingest - --schema InventoryItem --format csv <InventoryItem-1.csv; }
    ends 0 stream
    ends 0 stream
    holds "$stderr" "rowferry: '-' was read before, as batch 1; --force reads it again"
}

@test "a schema file that is wrong holds back its own files, and the rest is sent" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 2
    echo '{"frobnicate": 1}' >schema/Bad.json
    printf 'record_id,version\nx,1\n' >inbox/Bad-1.csv
    ends 2 rowferry run --rate none
    holds "$stderr" 'error: held back: inbox/Bad-1.csv: schema/Bad.json: '
    same 2 "$(wc -l <ledger)"
    [ -e inbox/Bad-1.csv ]
    same "  $BIN/rowferry run --rate none" "$(printf '%s\n' "$output" | tail -n 1)"
}

@test "--keep leaves the files of an inbox where they are" {
    start_sim
    batch_file inbox/InventoryItem-1.csv 1
    ends 0 rowferry run --rate none --keep
    [ -e inbox/InventoryItem-1.csv ]
    ends 0 rowferry run --rate none
    [ -e inbox/done/InventoryItem-1.csv ]
}

@test "a run shows rejected rows, what the API refused, and where to look" {
    start_sim --answer A-2=422
    batch_file inbox/InventoryItem-1.csv 3
    echo "A-9,1,wrong,1,1,active" >>inbox/InventoryItem-1.csv
    touch -d '1 hour ago' inbox/InventoryItem-1.csv
    ends 3 rowferry run --rate none
    same "
  BATCH  STATE  ROWS  REJECTED  APPLIED  REFUSED  FILE
      1  done      4         1        2        1  inbox/InventoryItem-1.csv
" "$(printf '%s\n' "$output" | sed -n 2,5p)
"
    holds "$output" 'The rejected rows:
  sqlite3 rowferry.db "SELECT * FROM rejection WHERE batch_id = 1"'
    holds "$output" "The jobs that the API refused, which \`rowferry retry 1\` sends again:
  sqlite3 rowferry.db \"SELECT * FROM failed_job WHERE state = 'refused' AND batch_id = 1\""
    same 1 "$(sqlite3 rowferry.db "SELECT count(*) FROM failed_job WHERE state = 'refused' AND batch_id = 1")"
}

@test "an ingest of many files adds up all but the newest 20 batches" {
    local i

    for i in $(seq 1 23); do
        batch_file InventoryItem-$i.csv $i
    done
    ends 0 rowferry ingest InventoryItem-?.csv InventoryItem-??.csv
    same "  BATCH  STATE  ROWS  PENDING  FILE
         older     6        6  3 older
      4  open      4        4  InventoryItem-4.csv" "$(printf '%s\n' "$output" | sed -n 3,5p)"
    same "    all          276      276" "$(printf '%s\n' "$output" | grep '  all ')"
}

@test "a wait beyond --max-wait parks the run, and status shows until when" {
    start_sim --rate-limit 2/h --retry-after 7200
    batch_file inbox/InventoryItem-1.csv 5
    ends 5 rowferry run --rate none
    [[ $stderr =~ error:\ parked\ for\ [12]h\ [0-9]+m,\ longer\ than\ --max-wait\ 15m:\  ]]
    ends 5 rowferry drain --rate none
    same 2 "$(wc -l <ledger)"
    ends 0 rowferry status
    [[ $output =~ parked\ until\ [0-9-]+T[0-9:]+Z,\ for\ another\ [12]h ]]
    same 3 "$(rowferry status --json | jq -s 'last | .requests_left')"
}

# --- closed standard output, a limit on the size of files, a read-only database -------------------

@test "output that was meant for a closed standard output is an error" {
    local command

    batch_file InventoryItem-1.csv 3
    ends 0 rowferry ingest InventoryItem-1.csv
    for command in "export 1" "status" "status --json" "history A-1" "history A-1 --json" "run --help" \
        "--version" "validate InventoryItem-1.csv" "doctor"; do
        # shellcheck disable=SC2086 # words of a command
        run --separate-stderr bash -c '"$@" >&-' - "$BIN/rowferry" $command
        same 2 "$status"
        holds "$stderr" "cannot write to standard output: Bad file descriptor"
    done
}

@test "a file that must not grow (ulimit -f) is an error with its cause, and no signal" {
    batch_file InventoryItem-1.csv 5000
    run --separate-stderr bash -c 'ulimit -f 100; "$@"' - "$BIN/rowferry" ingest InventoryItem-1.csv
    same 8 "$status"
    holds "$stderr" "File too large: the files of this process may not be larger (ulimit -f): raise that limit"
    # the drain reaches the limit, too
    start_sim
    ends 0 rowferry ingest InventoryItem-1.csv
    run --separate-stderr bash -c 'ulimit -f "$1"; shift; "$@"' - $(($(stat -c %s rowferry.db) / 1024 + 200)) \
        "$BIN/rowferry" drain --rate none
    same 8 "$status"
    holds "$stderr" "(ulimit -f): raise that limit, then run the same command again"
    ends 0 rowferry drain --rate none
    run --separate-stderr bash -c 'ulimit -f 200; "$@" >exported' - "$BIN/rowferry" export 1
    same 2 "$status"
    holds "$stderr" "cannot write to standard output: File too large"
    same 5000 "$(sql 'SELECT count(*) FROM job')"
}

# as_reader COMMAND...: as a user who can read this folder and write nothing in it
as_reader() {
    [ "$(id -u)" -eq 0 ] || { "$@"; return; }
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# reads_all: all three commands work in the folder as it is
reads_all() {
    ends 0 as_reader "$BIN/rowferry" status --db "$1/rowferry.db"
    holds "$output" InventoryItem-1.csv
    ends 0 as_reader "$BIN/rowferry" history A-1 --db "$1/rowferry.db"
    holds "$output" "row read"
    ends 0 as_reader "$BIN/rowferry" export 1 --db "$1/rowferry.db"
    same 4 "$(wc -l <<<"$output")"
}

@test "status, history and export need no right to write the database" {
    batch_file InventoryItem-1.csv 3
    mkdir "read?only%"
    ends 0 rowferry ingest InventoryItem-1.csv --db "read?only%/rowferry.db"
    chmod 444 "read?only%/rowferry.db"
    chmod 555 "read?only%"
    reads_all "read?only%"
    # while a process has it open, with data that is not in the file yet
    mkfifo commands
    sqlite3 "read?only%/rowferry.db" <commands >shown 3>&- &
    exec {shell}>commands
    printf "UPDATE batch SET reason = 'changed';\nSELECT 'done';\n" >&$shell
    if [ "$(id -u)" -eq 0 ]; then
        eventually grep -q done shown
        [ -s "read?only%/rowferry.db-wal" ]
        chmod 444 "read?only%"/*
        reads_all "read?only%"
    fi
    exec {shell}>&-
    wait $!
    # commands that write report it
    ends 8 as_reader "$BIN/rowferry" cancel 1 --yes --db "read?only%/rowferry.db"
    holds "$stderr" "make the file and its folder writable for this user"
    chmod 755 "read?only%"
}

@test "what this user cannot read is an error with its remedy" {
    [ "$(id -u)" -eq 0 ] || skip "only root can make a file that another user cannot read"
    batch_file InventoryItem-1.csv 1
    echo ROWFERRY_DB=other.db >.env
    chmod 600 .env schema/InventoryItem.json
    ends 2 as_reader "$BIN/rowferry" validate InventoryItem-1.csv
    same "rowferry: error: cannot read '.env': Permission denied: let this user read it, or name another file" "$stderr"
    rm .env
    ends 2 as_reader "$BIN/rowferry" validate InventoryItem-1.csv
    holds "$stderr" "schema/InventoryItem.json: cannot be read: Permission denied: let this user read it"
    chmod 700 schema
    ends 2 as_reader "$BIN/rowferry" validate InventoryItem-1.csv
    same "rowferry: error: cannot read the schema folder 'schema': Permission denied: let this user read and enter it" "$stderr"
}

@test "a reader who cannot upgrade an older database reports who can" {
    batch_file InventoryItem-1.csv 3
    ends 0 rowferry ingest InventoryItem-1.csv
    sqlite3 rowferry.db 'PRAGMA user_version = 5'
    chmod 444 rowferry.db
    ends 8 as_reader "$BIN/rowferry" status
    holds "$stderr" "was written by an older rowferry: ask a user who can write it to run"
}
