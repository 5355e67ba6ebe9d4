#!/usr/bin/env bash
# Are the committed files of the canvas what its sources give? Needs Node 20.19 or newer; changes nothing.
#     editor/check.sh            npm ci, types, build, compare
#     editor/check.sh --write    the same, and the committed files are written anew
set -euo pipefail
cd "$(dirname "$0")"
committed=../nurture/web/static/editor

npm ci --no-audit --no-fund
npm run --silent types
if [ "${1:-}" = --write ]; then
    npm run --silent build
    exit
fi
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
npm run --silent build -- --outDir "$built" --logLevel warn
if grep -nE '"resolved"' package-lock.json; then
    echo "package-lock.json names a registry; npm reads editor/.npmrc, which leaves it out" >&2
    exit 1
fi
if ! diff -rq "$committed" "$built"; then
    echo "nurture/web/static/editor is not what the sources give: run editor/check.sh --write, and commit it" >&2
    exit 1
fi
echo "the canvas is built as committed"
