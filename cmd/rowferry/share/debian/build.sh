#!/bin/sh
# Makes a Debian package of what `make install` put into a folder: build.sh ROOT VERSION OUT
# (OUT/rowferry_VERSION_ARCHITECTURE.deb). Errors of lintian are errors of this script.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$1" && pwd) version=$2 out=$3
architecture=$(dpkg --print-architecture)
package=$out/rowferry_${version}_$architecture.deb

written=$(dpkg-parsechangelog -l "$here/changelog" -S Version)
if [ "$written" != "$version" ]; then
    echo "$here/changelog has version $written, the Makefile has $version: add an entry to the changelog" >&2
    exit 1
fi
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l "$here/changelog" -S Timestamp)
export SOURCE_DATE_EPOCH

strip --remove-section=.comment --remove-section=.note "$root/usr/bin/rowferry"
gzip -9n "$root"/usr/share/man/man?/*
doc=$root/usr/share/doc/rowferry
gzip -9nc "$here/changelog" >"$doc/changelog.gz"
{
    cat "$here/copyright.in"
    sed -n '/^Permission/,$s/^$/./;/^Permission/,$s/^/ /p' "$here/../../../../LICENSE"
} >"$doc/copyright"
mkdir -p "$root/etc/rowferry/schema"
cp "$doc/examples/rowferry.env" "$root/etc/rowferry/rowferry.env"

# dpkg-shlibdeps wants to be where a source package is
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/debian"
printf 'Source: rowferry\n\nPackage: rowferry\nArchitecture: any\n' >"$scratch/debian/control"
libraries=$(cd "$scratch" && dpkg-shlibdeps -O "$root/usr/bin/rowferry" | sed -n 's/^shlibs:Depends=//p')

mkdir "$root/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@LIBRARIES@/$libraries/" \
    -e "s/@SIZE@/$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)/" \
    "$here/control.in" >"$root/DEBIAN/control"
cp "$here/conffiles" "$root/DEBIAN/"
install -m 755 "$here/postinst" "$here/prerm" "$here/postrm" "$root/DEBIAN/"
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

dpkg-deb --root-owner-group --build "$root" "$package"
lintian --fail-on error "$package"
