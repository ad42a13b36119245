#!/bin/sh
# Runs the tests that need real hosts, where that is possible: as root on
# Debian or one of its relatives. It installs what they need. Elsewhere it says
# what it leaves out, and why.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "lab: left out: the tests on real hosts need root (network namespaces, overlay mounts)"
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "lab: left out: the tests on real hosts need apt-get, to build a Debian root"
	exit 0
fi
missing=
for pair in debootstrap:debootstrap ip:iproute2 ssh:openssh-client ssh-keygen:openssh-client dpkg-deb:dpkg-dev etcd:etcd-server; do
	command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
	echo "lab: installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# shellcheck disable=SC2086 # a list of words
	RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null # nothing is to be started
fi
# What was different on a first try only is told at the end.
TUTTI_TEST_CHANCE=$(mktemp)
export TUTTI_TEST_CHANCE
trap 'cat "$TUTTI_TEST_CHANCE"; rm -f "$TUTTI_TEST_CHANCE"' EXIT
go test -tags lab -count=1 -timeout 50m $(go list -tags lab -f '{{if or .TestGoFiles .XTestGoFiles}}{{range .TestGoFiles}}{{if eq . "lab_test.go"}}{{$.ImportPath}}{{end}}{{end}}{{range .XTestGoFiles}}{{if eq . "lab_test.go"}}{{$.ImportPath}}{{end}}{{end}}{{end}}' ./...)
