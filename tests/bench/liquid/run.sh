#!/bin/bash
# Render time per message of our Liquid, liquidjs (npm) and ruby-liquid with its C extension (Debian).
#
#   tests/bench/liquid/run.sh build/release/tests/bench/liquid/bench_liquid
#
#   LIQUID_BENCH    folder of the fixtures (../shared/liquid/bench); without it nothing is measured
#   BENCH=quick     three short rounds
#
# Every engine compiles once and renders many times; CPU time counts, and the fastest round of each, because what else the
# machine does (it takes the caches, too) only ever adds. Rounds go through the engines in turn. An engine that is not there, or prints something else for a fixture than
# expected_result.txt (white space and the year aside), is left out of that row and named. The bar: ten times as fast as the faster of the others.
set -u
ours=$1
here=$(cd "$(dirname "$0")" && pwd)
fixtures=${LIQUID_BENCH:-../shared/liquid/bench}
packages=${LIQUID_BENCH_PACKAGES:-build/bench_liquid}
bar=10
if [ "${BENCH:-}" = quick ]; then rounds=3 seconds=0.2; else rounds=5 seconds=0.5; fi

if [ ! -d "$fixtures" ]; then
    echo "skipped: no Liquid fixtures in $fixtures (LIQUID_BENCH)"
    exit 0
fi

if command -v npm >/dev/null && [ ! -d "$packages/node_modules/liquidjs" ]; then
    mkdir -p "$packages"
    npm install --prefix "$packages" --silent --no-audit --no-fund liquidjs >/dev/null 2>&1
fi
export NODE_PATH="$PWD/$packages/node_modules"

engines=(ours)
if command -v node >/dev/null && [ -d "$packages/node_modules/liquidjs" ]; then engines+=(liquidjs); else echo "liquidjs is not installed and cannot be"; fi
if command -v ruby >/dev/null && ruby -e 'require "liquid"' 2>/dev/null; then engines+=(ruby); else echo "ruby-liquid is not installed"; fi

engine() {
    case $1 in
    ours) "$ours" "$2" "$3" ;;
    liquidjs) node "$here/bench_liquidjs.js" "$2" "$3" ;;
    ruby) ruby "$here/bench_ruby.rb" "$2" "$3" ;;
    esac
}

fastest() { sort -n | head -n 1; }

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0
printf '%-8s %12s %14s %12s %8s\n' fixture 'ours us' 'liquidjs us' 'ruby us' ratio
for fixture in "$fixtures"/*/; do
    name=$(basename "$fixture")
    able=()
    for e in "${engines[@]}"; do
        if engine "$e" "$fixture" 0 2>/dev/null | sed "s/$(date +%Y)/2025/g" | diff -qBb - "$fixture/expected_result.txt" >/dev/null; then
            able+=("$e")
        else
            echo "$name: $e does not print what is expected" >&2
            if [ "$e" = ours ]; then status=1; fi
        fi
    done
    for _ in $(seq "$rounds"); do
        for e in "${able[@]}"; do
            engine "$e" "$fixture" "$seconds" 2>/dev/null | cut -d' ' -f1 >>"$results/$name.$e"
        done
    done
    for e in ours liquidjs ruby; do
        if [ -s "$results/$name.$e" ]; then fastest <"$results/$name.$e"; else echo -; fi
    done | paste -s -d' ' | awk -v name="$name" -v bar="$bar" '{
        best = $2 == "-" || ($3 != "-" && $3 < $2) ? $3 : $2
        ratio = best == "-" || $1 == "-" ? "-" : sprintf("%.1f", best / $1)
        mark = ratio == "-" ? "" : ratio >= bar ? "ok" : "BELOW " bar
        printf "%-8s %12s %14s %12s %8s  %s\n", name, $1, $2, $3, ratio, mark
        exit mark ~ /BELOW/ }' || status=1
done
echo "ratio: time of the faster of the others / ours; the bar is $bar"
exit $status
