#!/bin/sh
# Puts the jars of a real Apache Kafka into build/kafka/libs (once) and prints that folder. They come from Maven
# Central by way of the local Maven's own settings. Status 0: they are there. Status 77: they cannot be had here; the
# reason is on stderr, beginning with "skipped:".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
libs="$root/build/kafka/libs"
stamp="$libs/.complete"

skip() {
    echo "skipped: $1" >&2
    exit 77
}

if [ -f "$stamp" ] && [ ! "$here/pom.xml" -nt "$stamp" ]; then
    echo "$libs"
    exit 0
fi
command -v java >/dev/null || skip "no Java"
command -v mvn >/dev/null || skip "no Maven"
rm -rf "$libs"
mkdir -p "$libs"
log="$root/build/kafka/maven.log"
if ! mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$libs" \
    >"$log" 2>&1; then
    rm -rf "$libs"
    tail -n 5 "$log" >&2
    skip "no Maven Central"
fi
touch "$stamp"
echo "$libs"
