# The completion for bash: the lines of help_table, then the template (and values.awk before).
BEGIN { FS = "\t" }

# what completes a value of this kind
function reply(kind) {
    if (kind == "files")
        return "_rowferry_files -f"
    if (kind == "folders")
        return "_rowferry_files -d"
    return kind == "" ? "COMPREPLY=()" : "_rowferry_words \"" kind "\""
}

function join(list, separator, item) {
    return list (list == "" ? "" : separator) item
}

$1 == "command" {
    order[++count] = $2
    commands = join(commands, " ", $2)
    if (takes_files($3))
        with_files = join(with_files, " | ", $2)
}

$1 == "option" {
    options[$2] = join(options[$2], " ", "--" $4 ($6 == "" ? "" : " -" $6))
    if ($7 == "")
        next
    kind = values($4, $7)
    if (!($4 in kind_of)) {
        with_value[++value_count] = $4
        kind_of[$4] = kind
    } else if (kind != kind_of[$4]) {
        own[++own_count] = "    \"" $2 " --" $4 "\") " reply(kind) " ;;"
    }
}

FNR == NR { next }

# if a command takes other values than the one before it
/@OWN_VALUES@/ {
    for (i = 1; i <= own_count; i++)
        print own[i]
    next
}

/@VALUES@/ {
    for (i = 1; i <= value_count; i++) {
        kind = kind_of[with_value[i]]
        if (!(kind in with_kind))
            kinds[++kind_count] = kind
        with_kind[kind] = join(with_kind[kind], " | ", "--" with_value[i])
    }
    for (i = 1; i <= kind_count; i++)
        print "    " with_kind[kinds[i]] ") " reply(kinds[i]) " ;;"
    next
}

/@OPTIONS@/ {
    for (i = 1; i <= count; i++)
        print "    " order[i] ") _rowferry_words \"" options[order[i]] "\" ;;"
    next
}

{
    sub(/@COMMANDS@/, commands)
    sub(/@WITH_FILES@/, with_files)
    print
}
