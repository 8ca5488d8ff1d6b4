#!/usr/bin/env bats
# What is installed with the program: manual pages, completions, units, the package.
load lib

# Calls make as a user would, not as a part of the make that runs the tests
make_it() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -C "$TOP" PREFIX="$PREFIX" "$@"
}

setup_file() {
    load lib
    # a path without a blank, which would end a unit's ExecStart=
    export PREFIX=$BATS_FILE_TMPDIR/usr
    make_it install
}

setup() {
    in_a_folder
    PAGES=$PREFIX/share/man
}

# page NAME: a manual page as text, without overstrikes
page() {
    mandoc -Tascii "$PAGES/$1" | sed 's/.\x08//g'
}

# options COMMAND: `--db` and so on, from its help
options() {
    rowferry "$1" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

# --- files --------------------------------------------------------------------------------------

@test "make install puts everything below PREFIX, and make uninstall removes it" {
    local destination=$PWD/destination

    make_it install DESTDIR="$destination"
    (cd "$destination$PREFIX" && find . -type f | LC_ALL=C sort) >installed
    same "./bin/rowferry
./lib/systemd/system/rowferry-listen.service
./lib/systemd/system/rowferry-listen.socket
./lib/systemd/system/rowferry.service
./lib/systemd/system/rowferry.timer
./lib/sysusers.d/rowferry.conf
./lib/tmpfiles.d/rowferry.conf
./share/bash-completion/completions/rowferry
./share/doc/rowferry/examples/litestream.yml
./share/doc/rowferry/examples/rowferry.env
./share/man/man1/rowferry.1
./share/man/man5/rowferry-schema.5
./share/rowferry/schema/CustomerAccount.json
./share/rowferry/schema/InventoryItem.json
./share/rowferry/schema/examples/genesys-conversation-attributes.json
./share/rowferry/schema/examples/genesys-datatable-rows.json
./share/rowferry/schema/examples/genesys-external-contacts.json
./share/rowferry/schema/examples/genesys-external-organizations.json
./share/rowferry/schema/examples/genesys-groups.json
./share/rowferry/schema/examples/genesys-outbound-contacts.json
./share/rowferry/schema/examples/genesys-scim-users.json
./share/rowferry/schema/examples/genesys-user-attributes.json
./share/rowferry/schema/examples/genesys-users.json
./share/rowferry/schema/examples/genesys-workitems.json
./share/rowferry/schema/examples/guide.json
./share/rowferry/schema/examples/rest-bulk.json
./share/rowferry/schema/examples/rest-etag.json
./share/rowferry/schema/examples/rest-plain.json
./share/rowferry/schema/examples/rest-version.json
./share/zsh/site-functions/_rowferry" "$(cat installed)"
    same "" "$(find "$destination" -type f -perm /022)"
    make_it uninstall DESTDIR="$destination"
    same "" "$(find "$destination" -type f)"
    [ ! -e "$destination$PREFIX/share/rowferry" ]
}

@test "the example settings file is read without a notice, also with every setting in it set" {
    install -m 600 "$PREFIX/share/doc/rowferry/examples/rowferry.env" .env
    mkdir inbox
    ends 0 rowferry run
    lacks "$stderr" "no setting"
    (umask 077 && echo hush >secret)
    sed -i "s/^#\([A-Z_]*=\)/\1/;s,/srv/erp/[a-z]*-[sk]e[a-z]*,$PWD/secret,;s|=/var/lib/.*/|=$PWD/|;s|^GENESYS_CLIENT_ID=$|&me|" .env
    grep -q '^ROWFERRY_RATE=300/m$' .env
    # a key needs no login: one or the other
    for one in TOKEN_URL API_KEY_FILE; do
        sed "/^ROWFERRY_$one=/d" .env >one.env
        chmod 600 one.env
        ends 0 rowferry run --env-file one.env
        lacks "$stderr" "no setting"
    done
}

# --- manual pages -------------------------------------------------------------------------------

@test "mandoc finds nothing in the manual pages" {
    ends 0 mandoc -Tlint "$PAGES/man1/rowferry.1" "$PAGES/man5/rowferry-schema.5"
    same "" "$output$stderr"
}

@test "rowferry(1) names every command, option and exit status" {
    local command option status

    page man1/rowferry.1 >page
    for command in $(commands); do
        grep -qE "^     rowferry $command( |\$)" page || { echo "synopsis of $command"; return 1; }
        grep -qE "^     $command( |\$)" page || { echo "description of $command"; return 1; }
        for option in $(options "$command"); do
            grep -qE "^     (-[a-z], )?$option( |\$)" page || { echo "$command $option"; return 1; }
        done
    done
    for status in 0 1 2 3 4 5 6 7 8 129 130 143; do
        grep -qE "^     $status  " page || { echo "status $status"; return 1; }
    done
}

# one_line: the input as one line, the way both the page and --help are once they are not broken
one_line() {
    tr -s '[:space:]' ' ' | sed 's/- /-/g'
}

# The texts of --help, one per line: those of options with the option before them, those of exit
# statuses with their command's words.
help_texts() {
    rowferry "$1" --help | awk '
        function put() { if (text != "") print text; text = "" }
        /^ +(-[a-z], )?--[a-z]/ || /^  [A-Z_]+ / || /^ +[0-9]+  / || !/^ / { put() }
        /^[A-Z]/ { heading = $0 }
        /^ / && heading != "Example" { text = text " " $0 }
        END { put() }' | sed -E 's/ +/ /g;s/^ //;s/- /-/g'
}

@test "rowferry(1) says all that --help says of an option and of an exit status" {
    local command text texts=0

    page man1/rowferry.1 | one_line >page
    for command in $(commands); do
        while read -r text; do
            texts=$((texts + 1))
            [[ $text != [0-9]* ]] || text=${text#* }
            grep -qF -- "$text" page || { echo "$command: $text"; return 1; }
        done < <(help_texts "$command")
    done
    [ "$texts" -gt 200 ]
}

@test "rowferry(1) has the options under the headings of --help, in their order" {
    page man1/rowferry.1 >page
    rowferry run --help | grep -E '^(Files and database|The API|Sending|Monitoring|General)$' >headings
    same 5 "$(wc -l <headings)"
    same "$(cat headings)" "$(grep -xE "   ($(paste -sd '|' headings))" page | sed 's/^ *//')"
}

@test "rowferry(1) adds what the option table has for it" {
    holds "$(page man1/rowferry.1 | one_line)" \
        "[ROWFERRY_MAX_REFUSED]; for run, drain. The exit status is 4. A percentage counts from 100 finished jobs on."
}

@test "rowferry-schema(5) names every keyword, format, setting and function" {
    local word

    page man5/rowferry-schema.5 >page
    {
        sed -n '/^\(static \)*const struct keyword keywords/,/^};/s/^    {"\([^"]*\)".*/\1/p' "$TOP/core/validate/keywords.c"
        sed -n '/^static const struct format formats/,/^};/s/^    {"\([^"]*\)".*/\1/p' "$TOP/core/validate/format.c"
        sed -n '/functions\[\]/,/^};/s/^    "\([^"]*\)".*/\1/p' "$TOP/core/validate/sandbox.c"
        sed -n '/^} settings\[\]/,/^};/p' "$TOP/core/validate/extension.c" | grep -oE '\{"[a-zA-Z]+' | cut -c3-
        sed -n '/^} csv_settings\[\]/,/^};/s/^    {"\([^"]*\)".*/\1/p' "$TOP/core/validate/extension_csv.c"
        sed -n '/^} format_settings\[\]/,/^};/s/^    {"\([^"]*\)".*/\1/p' "$TOP/core/validate/extension_csv.c"
    } >words
    for word in propertyNames date-time json_extract rules maxFieldLines thousands; do
        grep -qxF "$word" words || { echo "$word is in none of the tables"; return 1; }
    done
    while read -r word; do
        grep -qE "(^|[ \"])$(sed 's/[$.]/\\&/g' <<<"$word")([ ,.\"]|\$)" page || { echo "$word"; return 1; }
    done <words
}

@test "the schema file in rowferry-schema(5) reads the file that it describes" {
    sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$PAGES/man5/rowferry-schema.5" | sed '1,/^\.Bd/d;/^\.Ed/d;s/\\e/\\/g' \
        >schema/Artikel.json
    printf 'Artikel;sku;Preis;countedOn;blocked;Bemerkung\r\nA-1;WH-1042;1.234,50;23.11.2026;nein;sch\366n\r\n' \
        >Artikel.csv
    ends 0 rowferry validate --json Artikel.csv
    same 1 "$(summary .rows_read)"
    same 0 "$(summary .rows_rejected)"
}

# --- completion ---------------------------------------------------------------------------------

# typed SHELL KEYS...: types each line into an interactive shell, \t for the tab key. In that shell
# rowferry is a function that records its arguments, each in <>.
typed() {
    local shell=$1 line

    needs_a_terminal
    shift
    rm -f called
    {
        echo "rowferry() { printf '<%s>' \"\$@\" >>called; echo >>called; }"
        case $shell in
        bash*) echo "source '$PREFIX/share/bash-completion/completions/rowferry'" ;;
        zsh*) echo "fpath=('$PREFIX/share/zsh/site-functions' \$fpath); autoload -Uz compinit; compinit -u -D" ;;
        esac
        for line in "$@"; do
            printf 'rowferry %b\n' "$line"
        done
        echo exit
    } | TERM=xterm HOME=$PWD timeout 60 script -qec "$shell" /dev/null >screen
    [ -s called ] || { cat screen; return 1; }
}

complete_all() {
    local shell=$1

    : >"a file.csv"
    mkdir folder
    typed "$shell" 'vali\t' 'run --deli\t' 'resolve --even\t' 'run --on-conflict re\t' 'run --on-conflict=di\t' \
        'ingest --format nd\t' 'export --state rej\t' 'retry --state ref\t' 'run --schemas fol\t' 'validate a\t' 'run -- a\t' 'status a\t' 'drain --forc\t'
    same "<validate>
<run><--delimiter>
<resolve><--even-if-superseded>
<run><--on-conflict><rebase>
<run><--on-conflict=dismiss>
<ingest><--format><ndjson>
<export><--state><rejected>
<retry><--state><refused>
<run><--schemas><folder>
<validate><a file.csv>
<run><--><a file.csv>
<status><a>
<drain><--forc>" "$(sed 's/<--delimiter=>/<--delimiter>/;s|<folder/>|<folder>|' called)"
}

@test "bash completes commands, options, their words, files and folders, and nothing wrong" {
    complete_all 'bash --norc -i'
}

@test "zsh completes commands, options, their words, files and folders, and nothing wrong" {
    command -v zsh >/dev/null || skip "there is no zsh"
    complete_all 'zsh -f -i'
}

@test "the completions know every option of every command" {
    local command option

    for command in $(commands); do
        for option in $(options "$command"); do
            grep -E "^    $command\) " "$PREFIX/share/bash-completion/completions/rowferry" |
                grep -qE -- "[ \"]$option[ \"]" || { echo "bash: $command $option"; return 1; }
            sed -n "/^    $command)/,/;;/p" "$PREFIX/share/zsh/site-functions/_rowferry" |
                grep -qE -- "['\\)]$option=?\\[" || { echo "zsh: $command $option"; return 1; }
        done
    done
}

@test "every word that completion offers as a value is accepted by its option" {
    local options words option word command own checked=0

    sed -n '/^_rowferry_value/,/^_rowferry_options/s/^ *\([a-z" ]*--.*\)) _rowferry_words "\(.*\)" ;;/\1=\2/p' \
        "$PREFIX/share/bash-completion/completions/rowferry" >values
    while IFS== read -r options words; do
        own=
        [[ $options != \"* ]] || read -r own options <<<"${options//\"/}"
        for option in ${options//|/}; do
            command=${own:-$(for command in $(commands); do options "$command" | sed "s/^$option\$/$command/"; done |
                grep -m 1 -v -e --)}
            for word in $words; do
                ends 0 rowferry "$command" "$option" "$word" --help
                checked=$((checked + 1))
            done
            ends 2 rowferry "$command" "$option" no-such-word --help
        done
    done <values
    [ "$checked" -ge 5 ]
}

# --- systemd ------------------------------------------------------------------------------------

@test "the units pass systemd-analyze verify" {
    command -v systemd-analyze >/dev/null || skip "there is no systemd"
    ends 0 systemd-analyze verify --man=no "$PREFIX/lib/systemd/system"/rowferry*.*
    same "" "$output$stderr"
}

@test "the services are confined" {
    local service

    command -v systemd-analyze >/dev/null || skip "there is no systemd"
    for service in rowferry rowferry-listen; do
        ends 0 systemd-analyze security --offline=true --threshold=20 "$PREFIX/lib/systemd/system/$service.service"
    done
}

@test "sysusers and tmpfiles make the user and its folders" {
    command -v systemd-sysusers >/dev/null || skip "there is no systemd"
    command -v systemd-tmpfiles >/dev/null || skip "there is no systemd"
    [ "$(id -u)" -eq 0 ] || skip "only root gives folders to others"
    mkdir -p root/etc
    ends 0 systemd-sysusers --root="$PWD/root" "$PREFIX/lib/sysusers.d/rowferry.conf"
    ends 0 systemd-tmpfiles --root="$PWD/root" --create "$PREFIX/lib/tmpfiles.d/rowferry.conf"
    same "750 2770 700" "$(echo $(stat -c %a root/var/lib/rowferry root/var/lib/rowferry/{inbox,backups}))"
    same "$(stat -c %u root/var/lib/rowferry)" "$(sed -n 's/^rowferry:x:\([0-9]*\):.*/\1/p' root/etc/passwd)"
}

@test "the settings and the command of the unit are valid" {
    local unit=$PREFIX/lib/systemd/system/rowferry.service before command

    sed -n 's/^Environment=//p' "$unit" | sed "s|%d|$PWD|;s|/etc/rowferry|$PWD|" >.env
    mkdir inbox backups
    (umask 077 && echo hush >client-secret)
    read -r -a before < <(sed -n 's/^ExecStartPre=-//p' "$unit")
    read -r -a command < <(sed -n 's/^ExecStart=//p' "$unit")
    ends 2 "${before[@]}"
    holds "$stderr" "does not exist"
    ends 0 "${command[@]}"
    lacks "$stderr" "no setting"
    ends 0 "${before[@]}"
    ends 0 "${before[@]}"
    lacks "$stderr" "no setting"
    same 1 "$(ls backups | wc -l)"
}

# --- the package --------------------------------------------------------------------------------

@test "make deb builds a package of all that, without errors from lintian" {
    command -v dpkg-shlibdeps >/dev/null || skip "there is no dpkg-dev"
    command -v lintian >/dev/null || skip "there is no lintian"
    ends 0 make_it deb DEBDIR="$PWD"
    same "$(rowferry --version)" "rowferry $(dpkg-deb -f rowferry_*.deb Version)"
    dpkg-deb -x rowferry_*.deb root
    dpkg-deb -e rowferry_*.deb control
    same "$(rowferry --version)" "$(root/usr/bin/rowferry --version)"
    same "ExecStart=/usr/bin/rowferry run inbox" "$(grep ^ExecStart= root/usr/lib/systemd/system/rowferry.service)"
    cmp <(gzip -dc root/usr/share/man/man1/rowferry.1.gz) "$PAGES/man1/rowferry.1"
    cmp root/etc/rowferry/rowferry.env "$PREFIX/share/doc/rowferry/examples/rowferry.env"
    (cd root && md5sum --quiet -c ../control/md5sums)
    holds "$(dpkg-deb -f rowferry_*.deb Depends)" libcurl4
    same "" "$(find root ! -type l -perm /022)"
}
