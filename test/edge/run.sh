#!/bin/sh
# The checks of the two CloudFront Functions that need more than Go: eslint for
# the subset of JavaScript, and njs, a stricter engine, through the vectors.
# What is not installed is skipped with a word, and is an error where CI=true.
set -eu
cd "$(dirname "$0")"
functions=../../functions/throttle

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

if command -v njs >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cp world.js vectors.js "$work"
    # The runtime finds its store under this name.
    echo "import world from 'world.js'; export default world;" >"$work/cloudfront"
    for form in written shipped; do
        from=$functions
        [ $form = written ] || from=$functions/shipped
        for failure in open hold; do
            sed -e "s|/\* global FAILURE \*/||" -e "s|FAILURE\([^=]*[!=]==\)|\"$failure\"\1|" "$from/throttle.js" >"$work/throttle.$failure.js"
            echo ';export default handler;' >>"$work/throttle.$failure.js"
        done
        cp "$from/remember.js" "$work/remember.js"
        echo ';export default handler;' >>"$work/remember.js"
        njs -p "$work" "$work/vectors.js" "$PWD/../vectors/edge.json" "$form"
    done
else
    missing njs "the second engine" "Debian's package njs"
fi
