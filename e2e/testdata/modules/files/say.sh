#!/bin/sh
echo "$# words"
for w; do echo "<$w>"; done
echo "dir $(pwd) GREETING=$GREETING" 
echo complaint >&2
test -z "$STATUS" || exit "$STATUS"
