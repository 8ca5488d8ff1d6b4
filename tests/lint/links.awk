# Links and citations that lead nowhere. Input: the list of the repository's files, a path per line,
# then with pass=1 the documents, and with pass=2 all texts. Checked are the links of *.md with their
# `#anchors`; in every text, paths below core/, cmd/, docs/, tests/ and migrations/ and documents of the
# top folder; in documents and C files, names like `policy.c`. A finding is FILE:LINE: what is missing.
FNR == 1 {
    in_code = 0
    folder = FILENAME
    if (!sub(/\/[^\/]*$/, "", folder))
        folder = ""
    is_document = FILENAME ~ /\.md$/
    # scripts have names of their own for what they make
    names = is_document ? "^[a-z_0-9]+\\.([ch]|bats|awk|sh|sql)$" : FILENAME ~ /\.[ch]$/ ? "^[a-z_0-9][a-z_0-9]+\\.[ch]$" : "^$"
}

!pass {
    path = $0
    name = path
    sub(/.*\//, "", name)
    is_name[name] = is_path[path] = 1
    while (sub(/\/[^\/]*$/, "", path))
        is_path[path] = 1
    next
}

/^```/ { in_code = !in_code }

pass == 1 {
    if (/^#/ && !in_code)
        is_anchor[FILENAME "#" anchor($0)] = 1
    next
}

# The anchor that a heading has on the usual sites
function anchor(heading)
{
    sub(/^#+ */, "", heading)
    heading = tolower(heading)
    gsub(/[^a-z0-9_ -]/, "", heading)
    gsub(/ /, "-", heading)
    return heading
}

function report(text)
{
    print FILENAME ":" FNR ": " text
    failed = 1
}

# PATH or PATH#ANCHOR, from the top folder
function check(target,    path)
{
    path = target
    sub(/#.*/, "", path)
    if (!(path in is_path))
        report("there is no " path)
    else if (target ~ /#/ && path ~ /\.md$/ && !(target in is_anchor))
        report("there is no heading for " target)
}

# What a link in this document leads to, from the top folder
function resolved(link,    path)
{
    if (link ~ /^#/)
        return FILENAME link
    path = folder == "" ? link : folder "/" link
    while (sub(/(^|\/)[^\/.]+\/\.\.\//, "/", path) || sub(/^\//, "", path))
        ;
    sub(/\/$/, "", path)
    return path
}

is_document && !in_code {
    rest = $0
    while (match(rest, /\]\([^) ]+\)/)) {
        link = substr(rest, RSTART + 2, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        if (link !~ /^[a-z]+:/)
            check(resolved(link))
    }
    rest = $0
    while (match(rest, /`(core|cmd|docs|tests|migrations)(\/[a-z_0-9-]+)+\/?`/)) {
        word = substr(rest, RSTART + 1, RLENGTH - 2)
        rest = substr(rest, RSTART + RLENGTH)
        sub(/\/$/, "", word)
        check(word)
    }
    gsub(/\]\([^)]*\)/, "]") # what a link leads to is checked
}

/^#include/ { next }

{
    rest = $0
    gsub(/\.\[ch\]/, ".h", rest)
    while (match(rest, /[A-Za-z0-9_.\/*<>{}$%-]+\.[a-z0-9]+(#[a-z0-9_-]+)?/)) {
        word = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (word ~ /[*<>{}$%]|NAME|NNNN|(^|\/)X[_.]/)
            continue # means many files
        if (word ~ /^(core|cmd|docs|tests|migrations)\/.*\.([chs]|md|bats|bash|sh|awk|sql|json|txt|in|5)(#|$)/ ||
            word ~ /^[A-Z]+\.md(#|$)/)
            check(word)
        else if (!in_code && word ~ names && !(word in is_name))
            report("there is no file " word)
    }
}

END { exit failed }
