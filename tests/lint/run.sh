#!/bin/bash
# All that `make lint` looks at. Each finding is FILE:LINE and what to do; the status is 1 if there
# is any. The Makefile hands over CC, CFLAGS and LAYERS.
#
# A wrong finding is silenced at its line, with the reason next to it:
#   cppcheck     // cppcheck-suppress id
#   clang-tidy   // NOLINT(check-name): reason
#   sizes        SIZE_ALLOWED below
set -u
cd "$(dirname "$0")/../.." || exit 2
: "${CC:=gcc}" "${CFLAGS:=-std=c11 -D_GNU_SOURCE -I. -Wall -Wextra}"
: "${LAYERS:=$(sed -n 's/^LAYERS *:= *//p' Makefile)}"

# FILE:file for a file, FILE:FUNCTION for a function that may be longer than tests/lint/size.awk has it.
SIZE_ALLOWED=""

export LINT_CACHE=build/lint/passed LC_ALL=C
cores=$(nproc 2>/dev/null || echo 2)
started=$SECONDS
failed=0
mkdir -p "$LINT_CACHE" build/lint/cppcheck
find "$LINT_CACHE" -type f -mtime +7 -delete

mapfile -t sources < <(find core cmd -name '*.c' | sort)
mapfile -t every < <(find core cmd tests -name '*.[ch]' -size +0 | sort)
if [ "${#sources[@]}" -eq 0 ]; then
    echo "lint: no sources in core/ and cmd/" >&2
    exit 2
fi

# The compiler's flags a line each, without the version (its quotes do not survive a shell) and
# without what only makes the slow checks slower.
LINT_FLAGS=$(tr ' ' '\n' <<<"$CFLAGS" | grep -vE '^$|^-DROWFERRY_VERSION=|^-O|^-g|FORTIFY|^-Werror$')
LINT_FLAGS+=$'\n-DROWFERRY_VERSION="lint"'
LINT_TOOLS=$({ "$CC" --version && clang-tidy --version; } 2>/dev/null)
export CC LINT_FLAGS LINT_TOOLS

# step NAME COMMAND...: says what failed, with all that it printed
step() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name: ok"
    else
        printf '%s\n' "$output"
        echo "lint: $name: FAILED"
        failed=1
    fi
}

layers() {
    awk -v layers="$LAYERS" -f tests/lint/layers.awk build/lint/code.txt
}

banned() {
    awk -f tests/lint/banned.awk build/lint/code.txt
}

sizes() {
    awk -v allow="$SIZE_ALLOWED" -f tests/lint/size.awk "${every[@]}"
}

# tests/coverage.map has a line for each file of core/, with unit tests that there are.
coverage_map() {
    diff <(sed 's/:.*//' tests/coverage.map) <(find core -name '*.c' | LC_ALL=C sort) |
        sed -n 's|^< \(.*\)|tests/coverage.map: \1 does not exist: delete its line|p
                s|^> \(.*\)|\1: name the unit tests of this file in tests/coverage.map|p' >build/lint/map
    sed 's/[^:]*://' tests/coverage.map | tr ' ' '\n' | sort -u | while read -r test; do
        [ -z "$test" ] || [ -e "tests/unit/$test.c" ] || [ -e "tests/cli/$test" ] ||
            echo "tests/coverage.map: tests/unit/$test.c does not exist"
    done >>build/lint/map
    cat build/lint/map
    [ ! -s build/lint/map ]
}

format() {
    printf '%s\0' "${every[@]}" | xargs -0 -n 16 -P "$cores" clang-format --dry-run -Werror ||
        { echo '`make format` puts that right'; return 1; }
}

cppcheck_all() {
    local flags
    mapfile -t flags < <(grep -E '^-[DI]' <<<"$LINT_FLAGS" | grep -v '^-I/')
    # off: matters of taste, readdir (no two threads share a folder), and what it gets wrong: loop
    # conditions, structs passed by value, comments within macros
    cppcheck --quiet -j "$cores" --cppcheck-build-dir=build/lint/cppcheck --std=c11 --library=posix \
        --library=gnu --enable=warning,style,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=variableScope --suppress=readdirCalled \
        --suppress=knownConditionTrueFalse --suppress=badBitmaskCheck --suppress=shadowFunction \
        --suppress=constParameter --suppress=returnDanglingLifetime \
        --suppress=internalAstError --suppress=unmatchedSuppression \
        --template='{file}:{line}: {message} [{id}]' --error-exitcode=1 "${flags[@]}" core cmd
}

# The long files first, so that the cores end together.
each_source() {
    wc -l "${sources[@]}" | sort -rn | awk '$2 != "total" { print $2 }' |
        xargs -n 1 -P "$cores" tests/lint/file.sh "$1"
}

step 'self-test' tests/lint/selftest.sh
awk -f tests/lint/code.awk "${every[@]}" >build/lint/code.txt
step 'layers' layers
step 'banned functions' banned
step 'sizes' sizes
step 'words' tests/lint/english.sh
step 'links' tests/lint/links.sh
step 'coverage map' coverage_map
step 'clang-format' format
step 'cppcheck' cppcheck_all
step 'gcc -fanalyzer' each_source analyze
step 'clang-tidy' each_source tidy

if [ "$failed" -ne 0 ]; then
    echo "lint: FAILED after $((SECONDS - started)) s"
    exit 1
fi
echo "lint: clean: ${#every[@]} files, $((SECONDS - started)) s"
