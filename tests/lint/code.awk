# C sources without comments and without what is between quotes, so that the rules see code
# alone. Prints FILE:LINE:CODE; the text of an #include line is kept.
FNR == 1 { in_comment = 0 }
{
    line = $0
    code = ""
    if (!in_comment && line ~ /^[ \t]*#[ \t]*include/) {
        print FILENAME ":" FNR ":" line
        next
    }
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            if (!end)
                break
            line = substr(line, end + 2)
            in_comment = 0
            code = code " "
            continue
        }
        if (!match(line, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/|\/\*/)) {
            code = code line
            break
        }
        token = substr(line, RSTART, RLENGTH)
        code = code substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (token == "//")
            break
        if (token == "/*")
            in_comment = 1
        else
            code = code substr(token, 1, 1) substr(token, 1, 1)
    }
    print FILENAME ":" FNR ":" code
}
