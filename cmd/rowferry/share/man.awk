# The manual page: the lines of help-table.sh, then the page as written by hand, where @NAMES@ stand
# for what the program tells of itself. mdoc(7).
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

function put_group(group,    i, name) {
    print ".Ss " group "\n.Bl -tag -width Ds"
    for (i = 1; i <= setting_count; i++) {
        name = settings[i]
        if (group_of[name] != group)
            continue
        print ".It " head_of[name]
        put(text_of[name] (taker_count[name] < command_count ? "; for " takers[name] : ""))
    }
    print ".El"
}

$1 == "command" {
    commands[++command_count] = $2
    arguments[$2] = $3
}

$1 == "text" {
    if ($3 == "")
        paragraph[$2] = paragraph[$2] + 1
    else
        texts[$2, paragraph[$2] + 0] = texts[$2, paragraph[$2] + 0] $3 " "
}

$1 == "example" { examples[$2] = $3 }

$1 == "option" || $1 == "variable" {
    if (!($3 in group_known)) {
        group_known[$3] = 1
        groups[++group_count] = $3
    }
    # one name may stand for two things
    setting = $4 SUBSEP $5
    if (!(setting in takers)) {
        settings[++setting_count] = setting
        group_of[setting] = $3
        text_of[setting] = $5
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
        print ".Pp\n.Dl " escape(examples[command])
    }
    print ".El"
    next
}

/^@OPTIONS@$/ {
    for (i = 1; i <= group_count; i++)
        if (groups[i] != "General")
            put_group(groups[i])
    put_group("General")
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
