#!/bin/sh
# Workers of one group on a real Apache Kafka (three brokers, topics of twelve partitions): sends rise to the limit and stay
# there while workers come and go, a rolling restart under load; a table for each second, then the figures.
#
#   PERKLINE=build/chaos/perkline tests/bench/scaling.sh build/chaos/tests/chaos
#
#   CHAOS_LONG=1   longer steps, five rounds of restarts, a minute of normal work to compare with
#   CHAOS_TEST=a*  one of the tests
#
# Fails when anything is lost, doubled, out of order or over the limit; how fast it went is only shown.
set -u
programs=${1:?"usage: scaling.sh FOLDER-OF-CHAOS-PROGRAMS"}
cluster=tests/support/kafka/kafka_cluster.sh
dir=$(mktemp -d)
trap '"$cluster" stop "$dir/kafka"; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

"$cluster" start 3 "$dir/kafka" >"$dir/start.log" 2>&1 || {
    status=$?
    cat "$dir/start.log" >&2
    exit "$status"
}
KAFKA_BOOTSTRAP=$(cat "$dir/kafka/bootstrap") KAFKA_REPLICAS=3 "$programs/test_scaling"
