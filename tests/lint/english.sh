#!/bin/bash
# Checks the words of all text in the given files and folders; without arguments, of the whole
# repository. See english.awk.
cd "$(dirname "$0")/../.." || exit 2
git ls-files -- "$@" | grep -E '\.([chs]|h\.in|md|bats|bash|sh|awk|sql|[15]|1\.in|mjs|json|env|service|socket|timer)$|(^|/)Makefile$' |
    grep -vE '^tests/(lint/english|lint/selftest|golden/|fuzz/corpus/|cli/data/)|^schema/examples/|^sample-batches/' |
    tr '\n' '\0' | xargs -0 awk -f tests/lint/english.awk
