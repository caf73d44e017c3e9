#!/bin/sh
# A second check of the two CloudFront Functions' subset of JavaScript: eslint.
# What is not installed is skipped with a word, and is an error where CI=true.
set -eu
cd "$(dirname "$0")"

missing() {
    if [ "${CI:-}" = true ]; then
        echo "test/edge: $1 is not installed, and CI runs every check" >&2
        exit 1
    fi
    echo "test/edge: skipped $2: $1 is not installed ($3)"
}

if command -v npm >/dev/null; then
    # Once per lock file: npm ci takes everything away first.
    if ! cmp -s package-lock.json node_modules/.of 2>/dev/null; then
        npm ci --silent
        cp package-lock.json node_modules/.of
    fi
    npm run --silent lint
    echo "eslint: both functions keep to the runtime's subset"
else
    missing npm eslint "Node 20.19 or newer"
fi
