#!/bin/sh
# Runs the chaos tests, some at once, and prints a table of their figures: id, what, figures, pass or FAIL.
#
#   PERKLINE=build/chaos/perkline tests/chaos/run.sh PROGRAM...
#
#   CHAOS_SEED=N   seed of the run (1)         CHAOS_LONG=1      the long forms
#   TESTS=word     only some programs          CHAOS_TEST=name   only some tests of a program, with * and ?
#
# The table stays in the folder of the binary as report.txt. Last line as that of run_tests.sh.
set -u
report=$(mktemp)
log=$(mktemp)
trap 'rm -f "$report" "$log"' EXIT INT TERM
export CHAOS_REPORT="$report" CHAOS_SEED="${CHAOS_SEED:-1}"
dir=$(dirname "${PERKLINE:?"PERKLINE must name the program under test"}")

version_of() { pkg-config --modversion "$1" 2>/dev/null || echo unknown; }

TEST_JOBS=${TEST_JOBS:-3} TEST_LOG_LINES=${TEST_LOG_LINES:-120} tests/support/run_tests.sh "$@" >"$log"
status=$?
sed '$d' "$log"
{
    printf 'seed %s, librdkafka %s, libcurl %s, hiredis %s, %s\n' "$CHAOS_SEED" "$(version_of rdkafka)" \
        "$(version_of libcurl)" "$(version_of hiredis)" "$(redis-server --version | sed 's/.*v=\([^ ]*\).*/Redis \1/')"
    sort "$report" | awk -F '\t' '{printf "%-4s %-4s %s: %s\n", $1, $4, $2, $3}'
} | tee "$dir/report.txt"
tail -n 1 "$log"
exit $status
