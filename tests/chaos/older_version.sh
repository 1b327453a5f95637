#!/bin/sh
# Prints the path of an older version's binary, built from this repository's history (once): what runs beside this version
# while it is rolled out, and after it was rolled back. Status 77, with the reason on stderr: the history is not here.
set -u
commit=97d215bc8a4199f095b853e4d1ea3db382a4cf4b # of 0.1.0's development; once there are releases, the one before this
root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$root/build/older/$commit
binary=$dir/build/chaos/perkline

if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
if ! git -C "$root" cat-file -e "$commit^{commit}" 2>/dev/null; then
    echo "skipped: no commit $commit in this clone" >&2
    exit 77
fi
mkdir -p "$dir" && git -C "$root" archive "$commit" | tar -x -C "$dir" || exit 1
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s -C "$dir" -j2 VARIANT=chaos build/chaos/perkline >"$dir/log" 2>&1 || {
    tail -n 20 "$dir/log" >&2
    exit 1
}
echo "$binary"
