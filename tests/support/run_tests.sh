#!/bin/sh
# Runs test programs one after the other, shows what a failing one printed, and counts.
# Last line: "N passed, N failed" (", N skipped" when any was). Status 1 when any failed.
# TESTS=word runs only programs whose path contains the word.
set -u
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "$@"; do
    case "$program" in *"${TESTS:-}"*) ;; *) continue ;; esac
    "$program" >"$log" 2>&1
    status=$?
    count() { sed -n "s/^\\[  $1 *\\] \\([0-9]*\\) test(s).*/\\1/p" "$log" | awk '{n += $1} END {print n + 0}'; }
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$status" -ne 0 ]; then
        printf '  FAIL  %s (status %s)\n' "$program" "$status"
        grep -v -e '^\[ RUN' -e '^\[       OK' "$log" | tail -n "${TEST_LOG_LINES:-60}"
    elif [ "$p" -eq 0 ] && [ "$s" -eq 0 ]; then
        printf '  FAIL  %s ran no test\n' "$program"
        failed=$((failed + 1))
    else
        printf '  ok    %s (%s)\n' "${program#*/tests/}" "$p"
        sed -n 's/^\[  SKIPPED \] \([a-z].*\)/        skipped: \1/p' "$log" | sort -u
    fi
done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
