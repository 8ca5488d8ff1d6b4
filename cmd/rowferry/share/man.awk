# The manual page: the lines of help_table, then the page as written by hand, in which @NAMES@ are
# replaced by what the tables of the program hold. mdoc(7).
BEGIN { FS = "\t" }

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/--/, "\\-\\-", text)
    return text
}

# Prints a paragraph: each sentence begins a line, and none is longer than 78.
function put(text,    words, count, line, i) {
    sub(/ +$/, "", text)
    count = split(escape(text), words, / +/)
    line = ""
    for (i = 1; i <= count; i++) {
        if (line != "" && (length(line " " words[i]) > 78 || line ~ /[^.]\.$/)) {
            put_line(line)
            line = ""
        }
        line = line (line == "" ? "" : " ") words[i]
    }
    put_line(line)
}

function put_line(line) {
    print (line ~ /^[.']/ ? "\\&" : "") line
}

# `[PATH...]` as macros
function arguments_of(text,    words, count, i, macros) {
    count = split(text, words, " ")
    for (i = 1; i <= count; i++) {
        if (words[i] ~ /^\[.*\]$/)
            macros = macros " Op Ar " substr(words[i], 2, length(words[i]) - 2)
        else
            macros = macros " Ar " words[i]
    }
    gsub(/\.\.\./, " ...", macros)
    return macros
}

function put_group(group,    j, name) {
    print ".Ss " group "\n.Bl -tag -width Ds"
    for (j = 1; j <= setting_count; j++) {
        name = settings[j]
        if (group_of[name] != group)
            continue
        print ".It " head_of[name]
        put(text_of[name] (taker_count[name] < command_count ? "; for " takers[name] : "") \
            (more_of[name] == "" ? "" : ". " more_of[name]))
    }
    print ".El"
}

$1 == "group" { groups[++group_count] = $2 }

$1 == "command" {
    commands[++command_count] = $2
    arguments[$2] = $3
}

$1 == "text" { texts[$2, paragraphs[$2]++ + 0] = $3 }

$1 == "own" { own[$2] = own[$2] (own[$2] == "" ? "Exit status " : "; ") $3 ": " $4 }

$1 == "example" { examples[$2] = $3 }

$1 == "option" || $1 == "variable" {
    # two options can have the same name
    setting = $4 SUBSEP $5
    if (!(setting in takers)) {
        settings[++setting_count] = setting
        group_of[setting] = $3
        text_of[setting] = $5
        more_of[setting] = $8
        if ($1 == "variable")
            head_of[setting] = "Ev " $4
        else
            head_of[setting] = ($6 == "" ? "" : "Fl " $6 " , ") "Fl \\-" $4 ($7 == "" ? "" : " Ar " $7)
    }
    takers[setting] = takers[setting] (takers[setting] == "" ? "" : ", ") $2
    taker_count[setting]++
}

$1 == "status" {
    statuses[++status_count] = $2
    meanings[$2] = $3
}

FNR == NR { next }

/^@SYNOPSIS@$/ {
    for (i = 1; i <= command_count; i++)
        print ".Nm rowferry\n.Cm " commands[i] "\n.Op Ar option ..." \
            (arguments[commands[i]] == "" ? "" : "\n." substr(arguments_of(arguments[commands[i]]), 2))
    next
}

/^@COMMANDS@$/ {
    print ".Bl -tag -width Ds"
    for (i = 1; i <= command_count; i++) {
        command = commands[i]
        print ".It Cm " command arguments_of(arguments[command])
        for (j = 0; (command, j) in texts; j++) {
            if (j > 0)
                print ".Pp"
            put(texts[command, j])
        }
        if (own[command] != "") {
            print ".Pp"
            put(own[command] ".")
        }
        print ".Pp\n.Dl " escape(examples[command])
    }
    print ".El"
    next
}

/^@OPTIONS@$/ {
    for (i = 1; i <= group_count; i++)
        put_group(groups[i])
    next
}

/^@STATUSES@$/ {
    print ".Bl -tag -width 130 -compact"
    for (i = 1; i <= status_count; i++) {
        print ".It " statuses[i]
        put(meanings[statuses[i]])
    }
    print ".El"
    next
}

{ print }
