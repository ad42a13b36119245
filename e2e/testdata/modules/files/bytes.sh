#!/bin/sh
printf "no newline"; printf "\303\251\n\n\n"; printf "\377\n" >&2
