#!/bin/sh
# Builds FerretDB, a server that speaks MongoDB's protocol, into .ci/servers/. Does nothing when it is there already.
# Needs Go >= 1.24 and the Go module proxy. Prints the path of the binary.
set -eu

version=v1.24.2
sum='h1:trrUU0LbmusMbyubhPS1IELncvrIwKrsRT2LW1UUWCw='

servers=$(cd "$(dirname "$0")/.." && pwd)/.ci/servers
binary=$servers/ferretdb-$version

if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi

go=$(command -v go || echo /usr/local/go/bin/go)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
found=$("$go" mod download -json "github.com/FerretDB/FerretDB@$version")
source=$(echo "$found" | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
if [ "$(echo "$found" | sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p')" != "$sum" ]; then
  echo "FerretDB $version is not the pinned source: $found" >&2
  exit 1
fi

# Not `go install`: the module lacks build/version/version.txt, and the package panics without it.
cp -R "$source" source
chmod -R u+w source
cd source
echo "$version" > build/version/version.txt
CGO_ENABLED=0 "$go" build -buildvcs=false -trimpath -tags ferretdb_no_postgresql -o "$work/ferretdb" ./cmd/ferretdb >&2

"$work/ferretdb" --version | grep -q "^version: $version$"
mkdir -p "$servers"
mv "$work/ferretdb" "$binary.$$"
mv "$binary.$$" "$binary"
echo "$binary"
