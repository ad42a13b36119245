#!/bin/sh
echo spaced "$@"
