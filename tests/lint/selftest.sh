#!/bin/bash
# Proves that the rules which stand in tests/lint can fail: each bad line below must be found, by
# file, line and words, and nothing else may be.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
mkdir -p core/base core/row core/store core/http core/validate cmd/rowferry tests/unit

cat >core/base/str.h <<'C'
#include <string.h>
C
cat >core/base/bad.c <<'C'
#include "core/row/row.h"
#include "cmd/rowferry/options.h"
#include "bad.h"
/* strcpy(a, b) in a comment, "over
 * two lines: sprintf(a)" */
static const char *text = "strcat(a, b) in quotes \" gets(a)"; // atoi(a)
int f(char *a)
{
    mystrcpy(a);
    s.system(a);
    return '"' + atoi(a);
}
void g(char *a)
{
    sprintf (a, "%d", 1); printf("");
    fputs(a, stderr);
}
C
cat >core/row/row.h <<'C'
#include "core/base/str.h"
C
cat >core/row/late.c <<'C'
#include "core/nowhere/x.h"
#include <sqlite3.h>
C
cat >core/store/db.h <<'C'
#include <sqlite3.h>
C
cat >core/store/fine.c <<'C'
#include "core/store/db.h"
C
cat >core/store/bind.c <<'C'
bool bind(void) { return sqlite3_bind_int64(statement, 2, 3); }
C
cat >core/validate/rules_x.c <<'C'
#include <sqlite3.h>
C
cat >core/http/pool.c <<'C'
#include <curl/curl.h>
#include "core/store/db.h"
C
cat >cmd/rowferry/main.c <<'C'
#include "core/row/row.h"
#include "cmd/genesys-sim/sim.h"
int main(void)
{
    puts(getenv("X"));
    exit(0);
}
C
{
    echo 'static int long_one(void)'
    echo '{'
    yes '    work();' | head -61
    echo '}'
    echo 'static int short_one(void)'
    echo '{'
    yes '    work();' | head -60
    echo '}'
    yes '' | head -675
} >core/row/long.c

mkdir docs
cat >docs/a.md <<'M'
# The `first` heading, with a comma
[here](#the-first-heading-with-a-comma) [there](b.md#two) [up](../core/row/row.h) [web](https://x.example/y.md)
[lost](#the-first) [lost](c.md) [lost](b.md#three) `late.c` `core/row/gone.c` `NAME.c` `core/NAME/x.c` `core/row` `core/gone/`
```
# not a heading, and [not](a-link.md)
```
M
cat >docs/b.md <<'M'
## Two
[not a heading](a.md#not-a-heading-and-nota-linkmd)
M
cat >core/row/cites.c <<'C'
/* docs/b.md#two, bad.c, row.[ch]; docs/b.md#four, gone.c, gone.[ch] */
C

cat >expected <<'E'
docs/a.md:3: there is no heading for docs/a.md#the-first
docs/a.md:3: there is no docs/c.md
docs/a.md:3: there is no heading for docs/b.md#three
docs/a.md:3: there is no core/row/gone.c
docs/a.md:3: there is no core/gone
docs/b.md:2: there is no heading for docs/a.md#not-a-heading-and-nota-linkmd
core/row/cites.c:1: there is no heading for docs/b.md#four
core/row/cites.c:1: there is no file gone.c
core/row/cites.c:1: there is no file gone.h
core/base/bad.c:11: atoi
core/base/bad.c:15: printf
core/base/bad.c:15: sprintf
core/base/bad.c:16: stderr
core/base/bad.c:1: core/base comes before core/row
core/base/bad.c:2: core must not include cmd/rowferry/options.h
core/base/bad.c:3: write the path
core/store/bind.c:1: sqlite3_bind_int64
core/http/pool.c:2: core/store/db.h brings in sqlite3.h
core/row/late.c:1: core/nowhere is not a layer
core/row/late.c:2: sqlite3.h
core/row/long.c:2: long_one has 61 lines
core/row/long.c:802: the file is longer
cmd/rowferry/main.c:2: the two programs
E

mapfile -t files < <(find . -name '*.[ch]' | sed 's|^\./||' | sort)
awk -f "$here/code.awk" "${files[@]}" >code.txt
{
    awk -v layers="base row validate store http" -f "$here/layers.awk" code.txt
    awk -f "$here/banned.awk" code.txt
    awk -f "$here/size.awk" "${files[@]}"
    awk -f "$here/links.awk" <(printf '%s\n' "${files[@]}" docs/?.md) pass=1 docs/?.md pass=2 "${files[@]}" docs/?.md
} >found

status=0
while read -r line; do
    grep -qF "$line" found || { echo "not found: $line"; status=1; }
done <expected
if [ "$(wc -l <found)" -ne "$(wc -l <expected)" ]; then
    echo "found $(wc -l <found) instead of $(wc -l <expected):"
    cat found
    status=1
fi
exit $status
