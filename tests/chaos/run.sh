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

# What measures a rate runs alone.
alone= together=
for program in "$@"; do
    case "$program" in */test_workers) alone="$alone $program" ;; *) together="$together $program" ;; esac
done
passed=0 failed=0 skipped=0
number_of() { tail -n 1 "$log" | sed -n "s/^.*\\b\\([0-9][0-9]*\\) $1.*\$/\\1/p"; }
run() { # jobs, programs
    TEST_JOBS=$1 && shift
    # shellcheck disable=SC2086 # a list of paths without blanks
    TEST_JOBS=$TEST_JOBS TEST_LOG_LINES=${TEST_LOG_LINES:-120} tests/support/run_tests.sh $* >"$log"
    sed '$d' "$log"
    p=$(number_of passed) f=$(number_of failed) s=$(number_of skipped)
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
}
run "${CHAOS_JOBS:-3}" "$together"
run 1 "$alone"
{
    printf 'seed %s, librdkafka %s, libcurl %s, hiredis %s, %s\n' "$CHAOS_SEED" "$(version_of rdkafka)" \
        "$(version_of libcurl)" "$(version_of hiredis)" "$(redis-server --version | sed 's/.*v=\([^ ]*\).*/Redis \1/')"
    sort "$report" | awk -F '\t' '{printf "%-4s %-4s %s: %s\n", $1, $4, $2, $3}'
} | tee "$dir/report.txt"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
