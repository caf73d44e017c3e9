#!/usr/bin/env bash
# Runs the test of the documents' aws commands. Debian's AWS CLI v2 does not know the KeyValueStore's data plane yet: its
# model is taken from botocore, which the stand-ins' environment has.
set -euo pipefail
cd "$(dirname "$0")/../.."
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
cp -r test/emulators/.venv/lib/python3*/site-packages/botocore/data/cloudfront-keyvaluestore "$data"
gunzip -r "$data"
AWS_DATA_PATH=$data "${GO:-go}" test -tags runbook -count=1 ./test/runbook/...
