#!/bin/sh
# Builds clientgo/, the program that plays scripts to client-go, from the modules that its go.mod and go.sum pin.
#
# It goes into a cache outside the checkout, with the sources that it was built from beside it: while these are the
# checkout's, nothing is built. Exit codes: 0 it is there; 3 not built, since Go is missing or too old (one line says
# so); else the build failed.
set -eu

version=0.37.2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/clientgo
folder=${XDG_CACHE_HOME:-$HOME/.cache}/informers/client-go-v$version

sources() { cat "$here/main.go" "$here/go.mod" "$here/go.sum"; }

if [ -x "$folder/play" ] && sources | cmp -s - "$folder/play.sources"; then
    echo "the program that plays scripts to client-go is in $folder"
    exit 0
fi

. "$(dirname -- "$0")/../go.sh"
need_go "the comparison with client-go"

mkdir -p "$folder"
trap 'rm -f "$folder/.play.$$"' EXIT
trap 'exit 130' INT TERM
echo "building $folder/play"
started=$(date +%s)
(cd "$here" && go build -mod=readonly -trimpath -ldflags '-s -w' -o "$folder/.play.$$" .)
# In this order: sources that are current vouch for the program beside them.
rm -f "$folder/play.sources"
mv "$folder/.play.$$" "$folder/play"
sources >"$folder/play.sources"
echo "built it in $(($(date +%s) - started)) s"
