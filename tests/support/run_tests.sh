#!/bin/sh
# Runs test programs, several at once (most of their time is waiting), shows what a failing one printed, and counts.
# Last line: "N passed, N failed" (", N skipped" when any was). Status 1 when any failed.
#
#   TESTS=word        only programs whose path contains the word
#   TEST_JOBS=N       how many at once (4)
#   TEST_LOG_LINES=N  how much of a failing program's output is shown (60)
set -u
passed=0 failed=0 skipped=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT INT TERM

for program in "$@"; do
    case "$program" in *"${TESTS:-}"*) printf '%s\n' "$program" ;; esac
done >"$logs/programs"
tr '\n' '\0' <"$logs/programs" | xargs -0 -r -n 1 -P "${TEST_JOBS:-4}" sh -c '
    log="$0/$(printf %s "$1" | tr / _)"
    "$1" >"$log" 2>&1
    echo $? >"$log.status"' "$logs"

while read -r program; do
    log="$logs/$(printf %s "$program" | tr / _)"
    status=$(cat "$log.status" 2>/dev/null || echo none)
    count() { sed -n "s/^\\[  $1 *\\] \\(tests: \\)*\\([0-9]*\\) test(s).*/\\2/p" "$log" | awk '{n += $1} END {print n + 0}'; }
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    if [ "$status" != 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$status" != 0 ]; then
        printf '  FAIL  %s (status %s)\n' "$program" "$status"
        # What a failed test leaves allocated says nothing: its assertion does.
        sed -e '/^\[ RUN/d' -e '/^\[       OK/d' -e '/ERROR: LeakSanitizer/,$d' "$log" | tail -n "${TEST_LOG_LINES:-60}"
        [ "$f" -eq 0 ] || grep -q 'FAILED' "$log" || tail -n "${TEST_LOG_LINES:-60}" "$log"
    elif [ "$p" -eq 0 ] && [ "$s" -eq 0 ]; then
        printf '  FAIL  %s ran no test\n' "$program"
        failed=$((failed + 1))
    else
        printf '  ok    %s (%s)\n' "${program#*/tests/}" "$p"
        sed -n -e '/^\[  SKIPPED \] tests: /d' -e 's/^\[  SKIPPED \] \([a-z].*\)/        skipped: \1/p' "$log" | sort -u
    fi
done <"$logs/programs"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
