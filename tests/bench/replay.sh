#!/bin/bash
# Measures a dry run of perkline replay: a file of events of 418 bytes each, one process, Redis not asked. CPU is user +
# system of all its threads. A run that does not count every event is no measurement, and its row says FAILED.
#
#   PERKLINE=build/release/perkline tests/bench/replay.sh build/release/tests/bench/bench_events
#   BENCH=quick ...    a tenth of the events
set -u
events=${1:?"usage: replay.sh BENCH_EVENTS"}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
if [ "${BENCH:-}" = quick ]; then count=100000; else count=1000000; fi
failures=0

# run EVENTS WHAT COUNT SETTING...: sets $rate (events per CPU second) and $peak_mib; WHAT of the report must be COUNT.
run() {
    local n=$1 what=$2 want=$3 cpu peak got
    shift 3
    head -n "$n" "$dir/events" >"$dir/part"
    env "$@" bash -c '
        "$PERKLINE" replay --input "$0/part" --offline --json >"$0/report" 2>/dev/null &
        pid=$!
        while [ -r /proc/$pid/status ]; do
            sed -n "s/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p" /proc/$pid/status >"$0/peak.new" 2>/dev/null
            [ -s "$0/peak.new" ] && mv "$0/peak.new" "$0/peak"
            sleep 0.1
            kill -0 $pid 2>/dev/null || break
        done
        wait $pid
        times >"$0/cpu"' "$dir" # the second line: of its children
    cpu=$(sed -n '2s/[ms]/ /gp' "$dir/cpu" | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }')
    peak=$(cat "$dir/peak")
    got=$(grep -o "\"$what\":[0-9]*" "$dir/report" | head -n 1 | cut -d: -f2)
    rate=$(awk -v n="$n" -v cpu="$cpu" 'BEGIN { printf "%.0f", n / cpu }')
    peak_mib=$((peak / 1024))
    if [ "${got:-none}" != "$want" ]; then
        rate=FAILED peak_mib=FAILED failures=$((failures + 1))
    fi
}

row() { printf '%-58s %12s %8s %10s\n' "$1" "$rate" "$2" "$peak_mib MiB"; }

"$events" lines --topic bench.small --count "$count" --members 100000 >"$dir/events"
printf '%-58s %12s %8s %10s\n' "dry run of $count events of 418 bytes" "events/CPU s" "bar" "memory"
run "$count" send "$count" TEMPLATES_DIR="$here/templates" CHANNELS=email
row "each an e-mail" 20000
run "$count" send "$((2 * count))" TEMPLATES_DIR="$here/templates"
row "each an e-mail and an SMS" ""
run "$count" unknown_type "$count"
row "none that a flow asks for" 80000
run "$((count / 10))" unknown_type "$((count / 10))"
row "none that a flow asks for, a tenth of the events" ""
exit "$failures"
