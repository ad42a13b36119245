#!/bin/sh
echo "{\"changed\": false, \"msg\": \"from json\"}"
