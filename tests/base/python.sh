#!/bin/sh
# Runs a Python test with Debian's Python, which has Debian's protobuf and grpcio.
exec /usr/bin/python3 -B "$@"
