# The completion for zsh: the lines of help_table, then the template (and values.awk before).
BEGIN { FS = "\t" }

# a text within single quotes, and there within the brackets of _arguments
function quoted(text) {
    gsub(/[][\\:]/, "\\\\&", text)
    gsub(/'/, "'\\''", text)
    return text
}

# the help without the variables and the default at its end
function meaning(text) {
    sub(/ \[[A-Z][A-Z_, ]*\].*$/, "", text)
    return quoted(text)
}

function action(kind) {
    if (kind == "files")
        return "_files"
    if (kind == "folders")
        return "_files -/"
    return kind == "" ? " " : "(" kind ")"
}

$1 == "command" {
    order[++count] = $2
    summary[$2] = quoted($4)
    if (takes_files($3))
        last[$2] = " \\\n            '*:file:_files'"
}

$1 == "option" {
    value = $7 == "" ? "" : ":" quoted($7) ":" action(values($4, $7))
    spec = "--" $4 ($7 == "" ? "" : "=") "[" meaning($5) "]" value
    if ($6 != "") {
        both = "(-" $6 " --" $4 ")"
        specs[$2] = specs[$2] " \\\n            '" both "-" $6 "[" meaning($5) "]'"
        spec = both spec
    }
    specs[$2] = specs[$2] " \\\n            '" spec "'"
}

FNR == NR { next }

/@COMMANDS@/ {
    for (i = 1; i <= count; i++)
        print "        '" order[i] ":" summary[order[i]] "'"
    next
}

/@OPTIONS@/ {
    for (i = 1; i <= count; i++)
        print "    " order[i] ")\n        _arguments -s -S" specs[order[i]] last[order[i]] "\n        ;;"
    next
}

{ print }
