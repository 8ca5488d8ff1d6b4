# What stops a run, and what does not: the same few rows never decide about all, and rows that cannot be
# sent do not hold up others. The ledger of the simulator shows what was applied.
load lib

# mixed FILE PREFIX:COUNT...: a CSV of InventoryItem; records PREFIX-1, PREFIX-2, ... in that order.
# VERSION= (empty): without versions.
mixed() {
    local file=$1 part i

    shift
    mkdir -p "$(dirname "$file")"
    {
        echo record_id,version,sku,quantity,price,status
        for part; do
            for ((i = 1; i <= ${part#*:}; i++)); do
                echo "${part%:*}-$i,${VERSION-1},WH-1042,$i,1.50,active"
            done
        done
    } >"$file"
    touch -d '1 hour ago' "$file"
}

fetched() {
    jq '."x-rowferry".version = "fetch"' schema/InventoryItem.json >fetched.json
    mv fetched.json schema/InventoryItem.json
}

# in_ledger PREFIX: how many of these records were applied, each once
in_ledger() {
    same "" "$(jq -r .id ledger | sort | uniq -d)" >&2
    jq -r .id ledger | grep -c "^$1-" || true
}

puts() {
    jq -r 'select(.kind == "put") | .id' requests
}

counts() {
    sql "SELECT group_concat(line, ', ') FROM
         (SELECT state || ' ' || count(*) AS line FROM job GROUP BY state ORDER BY state)"
}

# night STATUS [OPTIONS...]
night() {
    local expected=$1

    shift
    ends "$expected" rowferry run inbox --min-age 0 --rate none "$@"
}

@test "three records that are forbidden and one that is elsewhere do not end the night" {
    local answer

    for answer in 301 405 501 505; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer BAD-=403 --answer MOVED-="$answer"
        mixed inbox/InventoryItem-a.csv BAD:3 MOVED:1 A:40
        night 3
        same 40 "$(in_ledger A)"
        same "applied 40, refused 4" "$(counts)"
        stop_sim
    done
}

@test "25 forbidden records at the head of the queue do not end the night" {
    local concurrency

    for concurrency in 1 8 64; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer BAD-=403
        mixed inbox/InventoryItem-a.csv BAD:25 A:200
        night 3 --concurrency "$concurrency"
        same 200 "$(in_ledger A)"
        same "applied 200, refused 25" "$(counts)"
        stop_sim
    done
}

@test "forbidden records that fill whole batches do not end the night while later batches have others" {
    start_sim --answer BAD-=403
    mixed inbox/InventoryItem-a.csv BAD:60
    mixed inbox/InventoryItem-b.csv BADLY:60
    mixed inbox/InventoryItem-c.csv A:60
    night 3
    same 60 "$(in_ledger A)"
    same 60 "$(in_ledger BADLY)"
    same "applied 120, refused 60" "$(counts)"
}

@test "five good records after 25 forbidden ones are found" {
    start_sim --answer BAD-=403
    mixed inbox/InventoryItem-a.csv BAD:25 A:5
    night 3
    same 5 "$(in_ledger A)"
    same "applied 5, refused 25" "$(counts)"
}

@test "a run in which everything is forbidden stops after a sample of the queue, and the next begins with others" {
    local first

    start_sim --answer =403
    mixed inbox/InventoryItem-a.csv A:1000
    night 6 --concurrency 1
    holds "$stderr" "give the OAuth client a role"
    same "pending 1000" "$(counts)"
    same 20 "$(puts | wc -l)"
    [ "$(puts | sort -t- -k2n | tail -n 1 | tr -d 'A-')" -gt 900 ]
    first=$(puts)
    rm requests
    stop_sim
    start_sim --answer =403
    night 6 --concurrency 1
    same "" "$(comm -12 <(sort <<<"$first") <(puts | sort))"
    same 0 "$(sql 'SELECT max(attempts - attempts_before) FROM job_state')"
    # the client has got its role
    setting 'answer=all:=0'
    night 0
    same 1000 "$(in_ledger A)"
}

@test "jobs that were held can be cancelled" {
    local answer

    for answer in 403 301 404; do
        rm -rf inbox done rowferry.db* ledger requests
        start_sim --answer ="$answer"
        mixed inbox/InventoryItem-a.csv A:40
        run rowferry run inbox --min-age 0 --rate none
        same "pending 40" "$(counts)"
        ends 0 rowferry cancel 1 --yes
        same "cancelled 40" "$(counts)"
        stop_sim
    done
}

@test "redirects for everything stop the run with 2 after a sample" {
    local answer

    for answer in 302 405 501 505; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer ="$answer"
        mixed inbox/InventoryItem-a.csv A:300
        night 2
        holds "$stderr" "answered $answer to an update"
        holds "$stderr" "check --environment"
        same "pending 300" "$(counts)"
        [ "$(puts | wc -l)" -le 40 ]
        stop_sim
    done
}

@test "a client that may read but not write ends with 6 where versions are fetched, and nothing is refused" {
    fetched
    start_sim --answer =403
    VERSION='' mixed inbox/InventoryItem-a.csv A:200
    night 6
    same "pending 200" "$(counts)"
    [ "$(puts | wc -l)" -ge 20 ]
    [ "$(puts | wc -l)" -le 40 ]
    [ ! -s ledger ]
}

@test "a client that may write but not read ends with 6 where versions are fetched" {
    fetched
    start_sim --answer get:=403
    VERSION='' mixed inbox/InventoryItem-a.csv A:200
    mixed inbox/InventoryItem-b.csv B:3
    night 6
    same 0 "$(sql "SELECT count(*) FROM job WHERE state NOT IN ('pending', 'applied')")"
    same 0 "$(in_ledger A)"
}

@test "the same refusal for the first twenty jobs stops with 2, and they are pending again" {
    local answer

    for answer in 404 400 422 410 404:object.not.deployed; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer ="$answer"
        mixed inbox/InventoryItem-a.csv A:300
        night 2
        holds "$stderr" "jobs were answered ${answer%%:*} "
        holds "$stderr" "check that --environment is the right organisation, and that it has the object InventoryItem"
        same "pending 300" "$(counts)"
        [ "$(puts | wc -l)" -ge 20 ]
        [ "$(puts | wc -l)" -le 40 ]
        same 0 "$(sql 'SELECT count(*) FROM server_violation')"
        stop_sim
    done
}

@test "the same refusal of every fetch stops with 2" {
    fetched
    start_sim --answer get:=404
    VERSION='' mixed inbox/InventoryItem-a.csv A:100
    night 2
    holds "$stderr" "jobs were answered 404 "
    same "pending 100" "$(counts)"
}

@test "fewer than twenty rows with the same refusal are refused" {
    start_sim --answer =422
    mixed inbox/InventoryItem-a.csv A:19
    night 3
    same "refused 19" "$(counts)"
    same 19 "$(puts | wc -l)"
}

@test "refusals that differ refuse their jobs" {
    start_sim --answer =422 --answer A-1=404
    mixed inbox/InventoryItem-a.csv A:60
    night 3
    same "refused 60" "$(counts)"
}

@test "30 rows with the same refusal at the head do not stop the rows after them" {
    start_sim --answer BAD-=422
    mixed inbox/InventoryItem-a.csv BAD:30 A:100
    night 3
    same 100 "$(in_ledger A)"
    same "applied 100, refused 30" "$(counts)"
}

@test "--max-refused stops the run with 4, and refused jobs stay refused" {
    start_sim --answer BAD-=422
    mixed inbox/InventoryItem-a.csv A:10 BAD:40 B:100
    ROWFERRY_MAX_REFUSED=12 night 4 --concurrency 1
    holds "$stderr" "13 of 23 jobs were refused, and --max-refused allows 12"
    same "applied 10, pending 127, refused 13" "$(counts)"
    night 3 --max-refused 27
    same "applied 110, refused 40" "$(counts)"
}

@test "--max-refused below twenty counts the same refusals as well" {
    start_sim --answer =404
    mixed inbox/InventoryItem-a.csv A:40
    night 4 --max-refused 5 --concurrency 1
    same "pending 34, refused 6" "$(counts)"
}

@test "--max-refused as a share counts from 100 jobs on" {
    start_sim --answer BAD-=422
    mixed inbox/InventoryItem-a.csv A:20 BAD:70 B:100
    night 4 --max-refused 50% --concurrency 1
    same 100 "$(sql "SELECT count(*) FROM job WHERE state IN ('applied', 'refused')")"
    same "applied 30, pending 90, refused 70" "$(counts)"
}

@test "421 and 425 are sent again on a new connection" {
    local answer

    for answer in 421 425; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer "=$answer@reused"
        mixed inbox/InventoryItem-a.csv A:20
        night 0 --concurrency 2
        same 20 "$(in_ledger A)"
        stop_sim
    done
}

@test "repeated 421s count as retries" {
    start_sim --answer A-1=421
    mixed inbox/InventoryItem-a.csv A:3
    night 5 --max-retries 1
    same "applied 2, pending 1" "$(counts)"
    same 2 "$(puts | grep -cx A-1)"
}

@test "407 stops the run with 2" {
    start_sim --answer =407
    mixed inbox/InventoryItem-a.csv A:3
    night 2
    holds "$stderr" "wants credentials (407)"
    same "pending 3" "$(counts)"
}

@test "407 to CONNECT stops the run with 2 and names the proxy without its password" {
    local port

    mkfifo ready
    perl -MIO::Socket::INET -e '
        $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 5) or die;
        $| = 1;
        print $listener->sockport, "\n";
        while ($client = $listener->accept) {
            while (<$client>) { last if /^\r?\n/ }
            print $client "HTTP/1.1 407 Proxy Authentication Required\r\n",
                "Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
            close $client;
        }' >ready 3>&- &
    SIM=$!
    read -r port <ready
    export GENESYS_CLIENT_ID=id GENESYS_CLIENT_SECRET=secret
    export https_proxy="http://user:Sec%23ret@127.0.0.1:$port"
    mixed inbox/InventoryItem-a.csv A:3
    night 2 --environment https://api.mypurecloud.com
    holds "$stderr" "the proxy http://127.0.0.1:$port (https_proxy) wants credentials (407)"
    lacks "$stderr$output" Sec
    same "pending 3" "$(counts)"
}

@test "429s, 401s and 403s use up no attempt" {
    start_sim --answer 'A-1=429*3' --answer 'A-2=401*1' --retry-after 0
    mixed inbox/InventoryItem-a.csv A:2
    night 0 --max-attempts 1 --concurrency 1
    same 2 "$(in_ledger A)"
    stop_sim
    rm -rf inbox ledger requests
    start_sim --answer =403
    mixed inbox/InventoryItem-b.csv B:1
    night 6 --max-attempts 1
    night 6 --max-attempts 1
    setting 'answer=all:=0&fault=500-before=1&fault-limit=1'
    night 3 --max-attempts 1
    same "failed" "$(sql "SELECT state FROM job WHERE record_id = 'B-1'")"
}

@test "a job that may have landed does not fail by counting attempts" {
    start_sim --fault 500-after=1 --fault get:500-before=1 --fault-limit 3
    mixed inbox/InventoryItem-a.csv A:1
    night 5 --max-attempts 9 --max-retries 1
    same "unknown" "$(sql 'SELECT state FROM job')"
    night 0 --max-attempts 1
    same 1 "$(in_ledger A)"
}

@test "tokens that have expired when they come end the run with 6 after three" {
    local expires

    for expires in 0 -5; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --expires-in "$expires"
        mixed inbox/InventoryItem-a.csv A:3
        night 6
        holds "$stderr" "expires_in is $expires s, and the login took "
        [ "$(jq -r 'select(.kind == "token")' requests | jq -s length)" -le 4 ]
        same "pending 3" "$(counts)"
        stop_sim
    done
}

@test "a login that takes longer than its tokens live ends the run with 6" {
    start_sim --expires-in 1 --login-latency-ms 1200
    mixed inbox/InventoryItem-a.csv A:3
    night 6
    holds "$stderr" "expires_in is 1 s, and the login took 12"
    same "pending 3" "$(counts)"
}

@test "writes that are answered 401 with each fresh token end the run with 6, though reads are accepted" {
    fetched
    start_sim --answer =401
    VERSION='' mixed inbox/InventoryItem-a.csv A:60
    night 6
    same "pending 60" "$(counts)"
    [ "$(jq -r 'select(.kind == "token") | .kind' requests | wc -l)" -le 6 ]
}

@test "rows at the head that fail with 500 do not keep the others from being sent" {
    local bad concurrency

    while read -r concurrency bad; do
        rm -rf inbox rowferry.db* ledger requests
        start_sim --answer "BAD-=500"
        mixed inbox/InventoryItem-a.csv BAD:$bad A:60
        night 5 --concurrency "$concurrency" --max-retries 1
        same 60 "$(in_ledger A)"
        # and the next night begins with others
        stop_sim
        rm requests
        start_sim --answer "BAD-=500"
        mixed inbox/InventoryItem-b.csv B:30
        night 5 --concurrency "$concurrency" --max-retries 1
        same 30 "$(in_ledger B)"
        same "B-1" "$(puts | head -n 1)"
        stop_sim
    done <<<"1 30
8 20
8 30
32 25"
}

@test "a service that fails every row ends the run soon, and the jobs stay open" {
    start_sim --answer =500
    mixed inbox/InventoryItem-a.csv A:500
    night 5
    [ "$(puts | wc -l)" -le 40 ]
    same 0 "$(sql "SELECT count(*) FROM job WHERE state NOT IN ('pending', 'unknown')")"
}
