#!/bin/sh
# Installs Debian packages by name, or says which ones are wanted: deps.sh PACKAGE...
set -eu
if ! command -v apt-get >/dev/null 2>&1; then
    echo "This machine has no apt-get. Please install the equivalents of:" >&2
    printf '  %s\n' "$@" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
fi
echo "installing: $*"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q
$sudo apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends "$@"
