#!/bin/sh
# Compares our Liquid with ruby-liquid on random cases: run.sh LIQUID_BATCH COUNT SEED
# Status 1 when they differ without a known reason (reasons.rb). DIFF_KEEP=dir keeps the batch and the results.
set -eu
batch_program=$1 count=$2 seed=$3
here=$(dirname "$0")
export TZ=UTC LC_ALL=C.UTF-8

if ! command -v ruby >/dev/null || ! ruby -e 'require "liquid"' 2>/dev/null; then
    echo "skipped: ruby-liquid is not installed (apt-get install ruby ruby-liquid)"
    exit 0
fi
if [ -n "${DIFF_KEEP:-}" ]; then
    dir=$DIFF_KEEP
    mkdir -p "$dir"
else
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
fi
ruby "$here/generate.rb" "$count" "$seed" >"$dir/batch"
ruby "$here/reference.rb" <"$dir/batch" >"$dir/reference"
"$batch_program" <"$dir/batch" >"$dir/ours"
ruby "$here/compare.rb" "$dir/batch" "$dir/reference" "$dir/ours"
