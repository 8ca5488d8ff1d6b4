# Lengths of files and functions. -v allow="FILE:WHAT ..." exempts a file ("FILE:file") or one
# function ("FILE:name"). clang-format puts the braces of a function, and of nothing else,
# into the first column.
BEGIN {
    FILE_LINES = 800
    FUNCTION_LINES = 60
    n = split(allow, part, " ")
    for (i = 1; i <= n; i++)
        spared[part[i]] = 1
}

function close_file()
{
    if (!file)
        return
    if (file !~ /^tests\// && lines > FILE_LINES && !((file ":file") in spared)) {
        print file ":" lines ": the file is longer than " FILE_LINES " lines; find the seam and cut it there"
        failed = 1
    }
}

FNR == 1 {
    close_file()
    file = FILENAME
    begin = 0
}

{ lines = FNR }

/^[A-Za-z].*\(/ {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}

/^{/ { begin = FNR }

/^}/ && begin {
    if (FNR - begin - 1 > FUNCTION_LINES && !((FILENAME ":" name) in spared)) {
        print FILENAME ":" begin ": " name " has " FNR - begin - 1 " lines, more than " \
            FUNCTION_LINES "; give a part of it a name"
        failed = 1
    }
    begin = 0
}

END {
    close_file()
    exit failed
}
