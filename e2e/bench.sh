#!/bin/bash
# Prints the table of measured speed: each playbook of e2e/bench through tutti,
# through ansible-playbook, and through ansible-playbook with Mitogen, in turns, on
# ten hosts of a lab that it brings up and takes down. It needs root on Debian, Go,
# and the others to compare with (Debian's ansible-core and ansible-mitogen); without
# them it measures tutti alone.
#
# It measures bin/tutti, which it builds if it is missing.
# Arguments name the playbooks, if not all are wanted: files of e2e/bench without
# their .yml. "modules" are those of the ten modules that playbooks use most, each
# with twenty tasks of one module that find everything as it is to be.
# RUNS and SLOW_RUNS say how often tutti and ansible-playbook run (5 and 2).
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-5} slow=${SLOW_RUNS:-2}
books=(tenbyten debug local copies loops facts python)
[ $# = 0 ] || books=("$@")
[ "$*" != modules ] || books=(modules/{file,template,command,set_fact,service,shell,package,copy,stat,user})
if [ "$(id -u)" != 0 ]; then
	echo "bench: left out: hosts to measure on need root (network namespaces, overlay mounts)" >&2
	exit 0
fi
if ! [ -x /usr/bin/time ]; then
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends time >/dev/null
fi
[ -x bin/tutti ] || make build >&2
ansible=$(command -v /usr/bin/ansible-playbook || true)
mitogen=$(ls -d /usr/lib/python3/dist-packages/ansible_mitogen 2>/dev/null || true)
work=$(mktemp -d)
go build -o "$work/lab" ./e2e/lab
lab() { "$work/lab" -n bench "$@"; }
trap 'lab down; rm -rf "$work"' EXIT
lab up 10 >&2
inventory=$(lab inventory)
export ANSIBLE_PIPELINING=1 ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_FORKS=10

# measure NAME COMMAND... notes wall and CPU seconds under the name. A peer that
# fails (Mitogen cannot run every module) has no figures.
measure() {
	local name=$1 begin=$EPOCHREALTIME end
	shift
	if ! /usr/bin/time -f '%U %S %M' -o "$work/time" "$@" >"$work/out" 2>&1 </dev/null; then
		echo "bench: $* failed:" >&2
		case $name in
		*.tutti) cat "$work/out" >&2 && exit 1 ;;
		*) grep -m 1 -E 'fatal|ERROR' "$work/out" | cut -c 1-300 >&2 && return ;;
		esac
	fi
	end=$EPOCHREALTIME # finer than what time tells
	awk -v b="$begin" -v e="$end" '{ wall = e - b } END { print wall, $1 + $2, $3 / 1024 }' "$work/time" >>"$work/$name"
}

# median NAME COLUMN, or nothing if nothing was measured.
median() {
	[ -s "$work/$1" ] || return 0
	awk -v c="$2" '{ print $c }' "$work/$1" | sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

side_by_side() {
	local key host
	key=$(sed -n 's/^ansible_ssh_private_key_file=//p' "$inventory")
	for host in $(sed -n 's/^host[0-9]* ansible_host=\([^ ]*\).*/\1/p' "$inventory"); do
		ssh -F none -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "ops@$host" true &
	done
	wait
}
export -f side_by_side
export inventory

# times NAME PEER is how many times as fast as the peer tutti is.
times() {
	awk -v a="$(median "$1.$2" 1)" -v t="$(median "$1.tutti" 1)" 'BEGIN { if (a != "") printf "%.0f", a / (t > 0 ? t : 0.01) }'
}

echo '| playbook | tutti, s | its CPU, s | its memory, MB | ansible-playbook, s | its CPU, s | times as fast | with Mitogen, s | its CPU, s | times as fast |'
echo '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
for path in "${books[@]}"; do
	book=${path##*/} file=e2e/bench/$path.yml
	tutti=(bin/tutti play -i "$inventory" "$file")
	"${tutti[@]}" >/dev/null # the agents get there, and everything is as it is to be
	for ((i = 0; i < runs; i++)); do
		measure "$book.tutti" "${tutti[@]}"
		if [ -n "$ansible" ] && ((i < slow)); then
			measure "$book.ansible" "$ansible" -i "$inventory" "$file"
			if [ -n "$mitogen" ]; then
				measure "$book.mitogen" env ANSIBLE_STRATEGY=mitogen_linear "$ansible" -i "$inventory" "$file"
			fi
		fi
	done
	printf '| %s | %s | %s | %.0f | %s | %s | %s | %s | %s | %s |\n' "$book" "$(median "$book.tutti" 1)" "$(median "$book.tutti" 2)" "$(median "$book.tutti" 3)" \
		"$(median "$book.ansible" 1)" "$(median "$book.ansible" 2)" "$(times "$book" ansible)" "$(median "$book.mitogen" 1)" "$(median "$book.mitogen" 2)" "$(times "$book" mitogen)"
done
for ((i = 0; i < runs; i++)); do
	measure ssh bash -c side_by_side
	bin/tutti play -i "$inventory" e2e/bench/forget.yml >/dev/null
	measure first bin/tutti play -i "$inventory" e2e/bench/first.yml
	measure again bin/tutti play -i "$inventory" e2e/bench/first.yml
done
echo
echo "One ping on ten hosts: $(median again 1) s, and $(median first 1) s where the agent has to be put there first."
echo "Ten times \`ssh host true\` side by side: $(median ssh 1) s."
echo "Medians of $runs runs of tutti and $slow of the others (pipelining, 10 forks), in turns, on $(nproc) processors that the hosts share."
rm -rf /tmp/tutti-bench-local
