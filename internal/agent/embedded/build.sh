#!/bin/sh
# Builds the agents that `go build -tags embedagents` puts into tutti. They do
# without HTTP/2, which no module needs, to be smaller.
set -eu
cd "$(dirname "$0")"
for arch in amd64 arm64; do
	out=agent-linux-$arch
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -tags nethttpomithttp2 -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$out" ../../../cmd/tutti-agent
	sha256sum "$out" | cut -d' ' -f1 >"$out.sha256"
	gzip -9 -n -f "$out"
done
