#!/bin/bash
# Prints how fast 1 GB goes to and from a host, with scp of the same file beside: by
# copy, by template (a gigabyte of text, and a short one that makes a gigabyte), by
# fetch and by unarchive. It needs root on Debian and Go, and brings up a lab of one
# host.
#
# It measures bin/tutti, which it builds if it is missing. RUNS says how often (3).
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${RUNS:-3} size=${SIZE:-1000000000}
if [ "$(id -u)" != 0 ]; then
	echo "bench: left out: hosts to measure on need root (network namespaces, overlay mounts)" >&2
	exit 0
fi
if ! [ -x /usr/bin/time ]; then
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends time >/dev/null
fi
[ -x bin/tutti ] || make build >&2
work=$(mktemp -d)
go build -o "$work/lab" ./e2e/lab
lab() { "$work/lab" -n large "$@"; }
trap 'lab down; rm -rf "$work"' EXIT
lab up 1 >&2
inventory=$(lab inventory)
key=$(sed -n 's/^ansible_ssh_private_key_file=//p' "$inventory")
host=ops@$(sed -n 's/^host1 ansible_host=\([^ ]*\).*/\1/p' "$inventory")
scp=(scp -q -F none -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR)

# A gigabyte of text with a statement now and then.
awk -v size="$size" 'BEGIN {
	for (n = 0; n < size; n += 71) {
		if (n % 71000 == 0) print "{% if true %}host {{ inventory_hostname }}{% endif %}"
		print "a line of the template with nothing in it but text, as there are many."
	}
}' >"$work/text.j2"
echo "{% for i in range($((size / 100000))) %}{% for j in range(1000) %}$(printf 'x%.0s' {1..97})
{% endfor %}{% endfor %}" >"$work/loop.j2"
tar -C "$work" -cf "$work/text.tar" text.j2

task() {
	case $1 in
	copy) echo "copy: {src: $work/text.j2, dest: /tmp/large/copy}" ;;
	template) echo "template: {src: $work/text.j2, dest: /tmp/large/text}" ;;
	'template of a loop') echo "template: {src: $work/loop.j2, dest: /tmp/large/loop}" ;;
	fetch) echo "fetch: {src: /tmp/large/kept, dest: $work/fetched, flat: true}" ;;
	unarchive) echo "unarchive: {src: $work/text.tar, dest: /tmp/large}" ;;
	esac
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
most() { sort -n "$1" | tail -n 1; }

lab exec 1 install -d -m 777 /tmp/large
"${scp[@]}" "$work/text.j2" "$host:/tmp/large/kept"
echo '| 1 GB by | tutti, s | scp, s | of its speed | controller, MB | agent, MB |'
echo '|---|---:|---:|---:|---:|---:|'
for what in copy template 'template of a loop' fetch unarchive; do
	rm -f "$work"/{tutti,scp,controller,agent}
	cat >"$work/play.yml" <<-Y
		- hosts: all
		  gather_facts: false
		  tasks:
		    - $(task "$what")
		    - {shell: "awk '/VmHWM/ {print \"agent=\" \$2}' /proc/\$PPID/status", register: agent}
		    - debug: {msg: "{{ agent.stdout }}"}
	Y
	for ((i = 0; i < runs; i++)); do
		lab exec 1 sh -c 'rm -rf /tmp/large/[!k]*'
		rm -f "$work/fetched"
		/usr/bin/time -f 'measured %e %M' bin/tutti play -i "$inventory" "$work/play.yml" >"$work/out" 2>&1 || { cat "$work/out" >&2 && exit 1; }
		awk '/^measured/ { print $2 }' "$work/out" >>"$work/tutti"
		awk '/^measured/ { print int($3 / 1024) }' "$work/out" >>"$work/controller"
		sed -n 's/.*"agent=\([0-9]*\)".*/\1/p' "$work/out" | awk '{ print int($1 / 1024) }' >>"$work/agent"
		from=$work/text.j2 to=$host:/tmp/large/scp
		[ "$what" != fetch ] || { from=$host:/tmp/large/kept to=$work/fetched && rm -f "$to"; }
		/usr/bin/time -f %e -a -o "$work/scp" "${scp[@]}" "$from" "$to"
	done
	t=$(median "$work/tutti") s=$(median "$work/scp")
	echo "| $what | $t | $s | $(awk -v t="$t" -v s="$s" 'BEGIN { printf "%.2f", s / t }') | $(most "$work/controller") | $(most "$work/agent") |"
done
echo
echo "Medians of $runs runs of each, in turns, on $(nproc) processors that the host shares; memory is the largest peak."
