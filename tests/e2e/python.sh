#!/bin/sh
# Runs a Python test with Debian's Python, which has Debian's grpcio.
exec /usr/bin/python3 -B "$@"
