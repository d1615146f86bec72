#!/bin/sh
# Says what to do when Node.js is missing or older than package.json's "engines".
set -eu

least='20.19.0'
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "Node.js >= $least and npm are needed and not found. See https://nodejs.org/en/download" >&2
  exit 1
fi
have=$(node -p process.versions.node)
if [ "$(printf '%s\n%s\n' "$least" "$have" | sort -V | head -n 1)" != "$least" ]; then
  echo "Node.js >= $least is needed, this is $have. See https://nodejs.org/en/download" >&2
  exit 1
fi
