#!/bin/bash
# One slow check of one C file: file.sh tidy|analyze FILE. Flags come in LINT_FLAGS, a line each.
# What passed once is not looked at again until it, a header of its or a setting changes.
set -u
check=$1
file=$2
mapfile -t flags <<<"$LINT_FLAGS"

case $check in
tidy)
    # without optimisation: with it, glibc's headers turn tolower and others into macros of their own
    command=(clang-tidy --quiet "$file" -- "${flags[@]}" -O0)
    ;;
analyze)
    # gcc 12 takes a struct that another file's function returns for uninitialised
    command=("${CC:-gcc}" "${flags[@]}" -O2 -Werror -fanalyzer
        -Wno-analyzer-use-of-uninitialized-value -c -o /dev/null "$file")
    ;;
*)
    echo "file.sh: no check '$check'" >&2
    exit 2
    ;;
esac

key=$({
    printf '%s\n' "${command[@]}" "$LINT_TOOLS"
    cat .clang-tidy "$file"
    "${CC:-gcc}" "${flags[@]}" -E "$file" 2>/dev/null
} | sha256sum | cut -c1-32)
passed=$LINT_CACHE/$check-$key
[ -e "$passed" ] && exit 0

if output=$("${command[@]}" 2>&1); then
    : >"$passed"
    exit 0
fi
# no more of a path through the code than fits a screen
printf '%s\n' "$output" | sed -e "s|$PWD/||g" -e '/^[0-9]* warnings\{0,1\} generated\.$/d' | head -40
exit 1
