#!/bin/bash
# make mutants: plants the bugs of this folder one at a time in a copy of the tree, builds, runs the tests that should catch
# each, and prints a table. A mutant is caught when a test that passes without it fails with it.
#
#   MUTANTS="a b"  only mutants whose name contains one of the words
#   MUTANT_JOBS=N  compilers at once (all processors)
#   MUTANTS_QUICK=1  not those that need a run of the whole system (*_in_a_run)
#
# With --check nothing is built: it only names mutants that cannot be planted any more (make lint).
#
# A file NAME.mutant: what: (in a sentence), file:, one test: line or more (a program below tests/, then a name for CHAOS_TEST,
# or @ and a name for CHAOS_POINT), then the text to replace, which must be there exactly once, and what replaces it.
# Last line: "N passed, N failed"; status 1 when any mutant lives, or is of no use any more.
set -u
cd "$(dirname "$0")/../../.." || exit 1
mutants=tests/chaos/mutants
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
tree=$work/tree
jobs=${MUTANT_JOBS:-$(nproc)}
caught=0 lived=0

field() { sed -n "s/^$2: //p" "$1"; }

tests_of() { # mutant file
    if [ -n "${MUTANTS_QUICK:-}" ]; then
        field "$1" test | grep -v '^chaos/'
    else
        field "$1" test
    fi
}

build() { # programs
    make -C "$tree" --no-print-directory -j"$jobs" VARIANT=chaos build/chaos/perkline "$@" >"$work/build.log" 2>&1
}

run_test() { # "program pattern": status of the program
    local program pattern
    read -r program pattern <<<"$1"
    (
        cd "$tree" || exit 1
        export PERKLINE=build/chaos/perkline
        case "$pattern" in
        '') ;;
        @*) export CHAOS_POINT=${pattern#@} ;;
        *) export CHAOS_TEST=$pattern ;;
        esac
        timeout 300 "build/chaos/tests/$program" >"$work/test.log" 2>&1
    )
}

program_of() { echo "build/chaos/tests/${1%% *}"; }

# Replaces the old text by the new in $tree; says why when that cannot be done.
apply() { # mutant file
    perl -0777 -e '
        my ($mutant, $tree) = @ARGV;
        open(my $m, "<", $mutant) or die; my $text = <$m>;
        my ($path) = $text =~ /^file: (.*)$/m or die "no file: line\n";
        my ($old, $new) = $text =~ /^--- old\n(.*?)\n--- new\n(.*?)\n?--- end\n/ms or die "no text to replace\n";
        open(my $f, "<", "$tree/$path") or die "$path is not there\n"; my $source = <$f>; close($f);
        my $count = () = $source =~ /\Q$old\E/g;
        die "its text stands $count times in $path, and not once: write it anew\n" if $count != 1;
        $source =~ s/\Q$old\E/$new/;
        open($f, ">", "$tree/$path") or die; print $f $source;' "$1" "$tree"
}

report() { printf '%-40s %-8s %s\n' "$1" "$2" "$3"; }

mutate() { # mutant file
    local name file test verdict=""
    name=$(basename "$1" .mutant)
    file=$(field "$1" file)
    if ! problem=$(apply "$1" 2>&1); then
        report "$name" BROKEN "$problem"
        lived=$((lived + 1))
        return
    fi
    mapfile -t tests < <(tests_of "$1")
    # shellcheck disable=SC2046 # one word for each
    if ! build $(for test in "${tests[@]}"; do program_of "$test"; done); then
        verdict="BROKEN it does not compile: $(grep -m 1 'error' "$work/build.log")"
    fi
    for test in "${tests[@]}"; do
        [ -n "$verdict" ] && break
        if ! run_test "$test"; then verdict="caught by $test"; fi
    done
    cp "$file" "$tree/$file"
    touch "$tree/$file"
    case "$verdict" in
    caught*) caught=$((caught + 1)) && report "$name" caught "${verdict#caught }: $(field "$1" what)" ;;
    BROKEN*) lived=$((lived + 1)) && report "$name" BROKEN "${verdict#BROKEN }" ;;
    *) lived=$((lived + 1)) && report "$name" LIVES "$(field "$1" what)" ;;
    esac
}

mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done |
    xargs -0 cp --parents -t "$tree"
chosen=()
is_wanted() { # mutant file
    [ -n "${MUTANTS:-}" ] || return 0
    for word in $MUTANTS; do case "$1" in *"$word"*) return 0 ;; esac done
    return 1
}
for mutant in "$mutants"/*.mutant; do
    is_wanted "$mutant" || continue
    case "${MUTANTS_QUICK:+quick}$mutant" in quick*_in_a_run.mutant) continue ;; esac
    [ -f "$mutant" ] && chosen+=("$mutant")
done
if [ "${1:-}" = --check ]; then
    for mutant in "${chosen[@]}"; do
        problem=$(apply "$mutant" 2>&1) || echo "$mutant: $problem"
        cp "$(field "$mutant" file)" "$tree/$(field "$mutant" file)"
    done
    exit 0
fi
mapfile -t all_tests < <(for mutant in "${chosen[@]}"; do tests_of "$mutant"; done | sort -u)

# Without mutants everything passes, or a failure would prove nothing.
# shellcheck disable=SC2046
if ! build $(for test in "${all_tests[@]}"; do program_of "$test"; done); then
    tail -n 20 "$work/build.log"
    echo "0 passed, 1 failed"
    exit 1
fi
for test in "${all_tests[@]}"; do
    if ! run_test "$test"; then
        tail -n 40 "$work/test.log"
        echo "$test fails without any mutant"
        echo "0 passed, 1 failed"
        exit 1
    fi
done
for mutant in "${chosen[@]}"; do mutate "$mutant"; done
echo "$caught passed, $lived failed"
[ "$lived" -eq 0 ] && [ "$caught" -gt 0 ]
