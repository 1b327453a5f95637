#!/bin/sh
# Runs integration tests against a real Apache Kafka: delivery, crash, group, bad input, topics, replay and capture against a
# single broker, then the group tests and the loss of brokers against three (three copies, two of them in sync). With a
# second folder, that of the chaos programs: workers that come and go while a broker dies, a broker that goes in good order, scaling, a rolling restart, with
# the binary above that folder, and their line of figures.
#
#   PERKLINE=build/asan/perkline tests/integration/kafka_suite.sh build/asan/tests/integration [build/chaos/tests/chaos]
#
# Last line as that of run_tests.sh. When the jars of Kafka cannot be had: one line "skipped: ..." and status 77.
set -u
programs=${1:?"usage: kafka_suite.sh FOLDER-OF-TEST-PROGRAMS [FOLDER-OF-CHAOS-PROGRAMS]"}
chaos=${2:-}
cluster=tests/support/kafka/kafka_cluster.sh
dir=$(mktemp -d)
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

stop() {
    for one in "$dir"/*/bootstrap; do
        [ -f "$one" ] && "$cluster" stop "$(dirname "$one")"
    done
}

# Sets KAFKA_BOOTSTRAP.
start() { # brokers
    "$cluster" start "$1" "$dir/$1" >"$dir/start.log" 2>&1
    status=$?
    if [ "$status" -eq 77 ]; then
        grep '^skipped:' "$dir/start.log"
        exit 77
    elif [ "$status" -ne 0 ]; then
        cat "$dir/start.log"
        echo "0 passed, 1 failed"
        exit 1
    fi
    KAFKA_BOOTSTRAP=$(sed -n 's/^bootstrap.servers=//p' "$dir/start.log")
    KAFKA_REPLICAS=$1
    KAFKA_CLUSTER=$dir/$1
    export KAFKA_BOOTSTRAP KAFKA_REPLICAS
}

run() { # names of test programs; CHAOS_TEST may choose one of their tests
    list=
    for name in "$@"; do list="$list $programs/test_$name"; done
    # shellcheck disable=SC2086 # a list of paths without blanks
    TEST_JOBS=${TEST_JOBS:-2} tests/support/run_tests.sh $list | tee "$dir/run.log"
    last=$(tail -n 1 "$dir/run.log")
    passed=$((passed + $(count passed))) failed=$((failed + $(count failed)))
}

count() { echo "$last" | sed -n "s/.*\\b\\([0-9][0-9]*\\) $1.*/\\1/p" | awk '{n = $1} END {print n + 0}'; }

passed=0 failed=0
start 1
echo "against one broker:"
run delivery crash bad_input group topics replay replay_time capture
"$cluster" stop "$dir/1"
start 3
echo "against three brokers:"
export KAFKA_CLUSTER
run group
run broker_loss # alone: it kills brokers
if [ -n "$chaos" ]; then
    echo "load against three brokers:"
    programs=$chaos PERKLINE=$chaos/../../perkline TEST_JOBS=1 CHAOS_REPORT=$dir/figures
    export PERKLINE CHAOS_REPORT
    CHAOS_TEST='*_come_and_go' run rebalances
    run scaling
    awk -F '\t' '{printf "%-4s %-4s %s: %s\n", $1, $4, $2, $3}' "$dir/figures"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
