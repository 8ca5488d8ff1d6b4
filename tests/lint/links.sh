#!/bin/bash
# Checks that every link in a document and every path that a text cites leads somewhere. See links.awk.
cd "$(dirname "$0")/../.." || exit 2
files() {
    git ls-files --cached --others --exclude-standard "$@"
}
mapfile -t documents < <(files '*.md')
mapfile -t texts < <(files '*.md' '*.[ch]' '*.sh' '*.bash' '*.bats' '*.awk' '*.sql' '*.in' '*.5' '*.mjs' Makefile .ci |
    grep -vE '^tests/lint/selftest\.sh$')
awk -f tests/lint/links.awk <(files) pass=1 "${documents[@]}" pass=2 "${texts[@]}"
