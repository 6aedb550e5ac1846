#!/bin/sh
# What record.c writes, read by Python's protobuf.
set -eu
protoc -Iproto -I/usr/include --python_out="$TEST_TMPDIR" proto/okta/connector/v1/*.proto
tests/record/record_dump "$TEST_TMPDIR"
exec /usr/bin/python3 -B tests/record/record_python_test.py "$TEST_TMPDIR"
