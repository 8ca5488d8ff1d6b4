#!/bin/sh
# What a rowferry tells with --help, as lines for awk: the manual page and the completions are made
# from it, so that they name every command and option of this very program. help-table.sh PROGRAM
#
# Fields stand between tabs:
#
#   command   NAME  ARGUMENTS  SUMMARY
#   text      NAME  LINE                                      a line of its description
#   option    NAME  GROUP  OPTION    TEXT  LETTER  ARGUMENT   (without LETTER, ARGUMENT: empty)
#   variable  NAME  GROUP  VARIABLE  TEXT                     a setting that has no option
#   example   NAME  LINE
#   status    CODE  MEANING                                   all that there are
set -eu
program=$1

commands=$("$program" --help | sed -n '/^Commands$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
{
    "$program" --help
    for command in $commands; do
        "$program" "$command" --help
    done
} | awk -v OFS='\t' '
    # the setting that was begun, now that all of its text is read
    function finish() {
        if (kind == "option")
            print kind, command, group, name, text, letter, argument
        else if (kind == "variable")
            print kind, command, group, name, text
        kind = letter = argument = text = ""
    }

    # takes N characters off the line, and the blanks before what follows
    function cut(n) {
        $0 = substr($0, n + 1)
        sub(/^ +/, "")
    }

    /^Usage: rowferry COMMAND/ { group = ""; next }
    /^Usage: rowferry / {
        finish()
        command = $3
        arguments = $0
        sub(/^[^[]*\[OPTION\.\.\.\] ?/, "", arguments)
        summary = substr(listed[command], length(command " " arguments) + 3)
        sub(/^ +/, "", summary)
        print "command", command, arguments, summary
        group = held = ""
        next
    }
    # a description ends with the first setting; the line before that is its heading
    command != "" && group == "" && !/^ +-/ && !/^  [A-Z][A-Z_]+ / {
        if ($0 != "") {
            if (held != "")
                print "text", command, held
            held = $0
        } else if (held != "") {
            print "text", command, held
            held = ""
            print "text", command, ""
        }
        next
    }
    group == "" && held != "" { group = held }
    /^$/ { finish(); next }
    /^[A-Z][^.]*$/ { group = $0; next }

    command == "" && group == "Commands" { listed[$1] = $0; next }
    command == "" && group == "Exit status" { code = $1; cut(6); print "status", code, $0; next }
    group == "Exit status" { next }
    group == "Example" { cut(2); print "example", command, $0; next }

    /^      --/ || /^  -[a-z], --/ {
        finish()
        kind = "option"
        letter = /^  -/ ? substr($1, 2, 1) : ""
        cut(6)
        name = substr($1, 3)
        $0 = substr($0, length(name) + 3)
        # an argument stands one blank behind the option, a text more than one
        if (/^ [^ ]/) {
            argument = $1
            cut(length(argument) + 1)
        }
        sub(/^ +/, "")
        text = $0
        next
    }
    /^  [A-Z]/ {
        finish()
        kind = "variable"
        name = $1
        cut(2 + length(name))
        text = $0
        next
    }
    kind != "" { cut(0); text = text (text == "" ? "" : " ") $0 }'
