#!/bin/bash
# Coverage of core/ by all tests, from a build with PROFILE=cov whose tests have run: a table by
# folder, the lines and branches of each file never taken in build/cov/uncovered.txt, and status 1
# where a folder is below its share (lines, branches) in the table here.
#
# A branch counts as gcc has it: each side of each condition. Left out, with the reason at the line:
#   GCOVR_EXCL_LINE, GCOVR_EXCL_BR_LINE    what cannot happen in a test (allocation fails: mem_ exits)
set -u
cd "$(dirname "$0")/.." || exit 2
lines=98 branches=93 store_branches=90

gcovr --root . --filter core/ --object-directory build/cov --exclude-unreachable-branches \
    --exclude-throw-branches --gcov-ignore-parse-errors --csv build/cov/coverage.csv \
    --json build/cov/coverage.json build/cov/core >build/cov/gcovr.log 2>&1 || { cat build/cov/gcovr.log; exit 2; }

jq -r '.files[] | .file as $f | .lines[] | select(.["gcovr/noncode"] | not)
    | select(.count == 0 or (.branches | map(select(.count == 0)) | length > 0))
    | "\($f):\(.line_number): \(if .count == 0 then "line" else
        "\(.branches | map(select(.count == 0)) | length) of \(.branches | length) branches" end) never taken"' \
    build/cov/coverage.json >build/cov/uncovered.txt

awk -F, -v lines="$lines" -v branches="$branches" -v store="$store_branches" '
    NR == 1 { next }
    { split($1, part, "/"); add(part[1] "/" part[2]); add("core") }
    function add(folder) {
        l[folder] += $2; lc[folder] += $3; b[folder] += $5; bc[folder] += $6
    }
    END {
        for (folder in l) {
            low = 100 * lc[folder] < lines * l[folder] ||
                  100 * bc[folder] < (folder == "core/store" ? store : branches) * b[folder]
            bad += low
            printf "%-14s %6.1f%% of %5d lines  %6.1f%% of %5d branches%s\n", folder,
                100 * lc[folder] / l[folder], l[folder], 100 * bc[folder] / b[folder], b[folder],
                low ? "  BELOW" : "" | "sort"
        }
        close("sort")
        exit bad > 0
    }' build/cov/coverage.csv
