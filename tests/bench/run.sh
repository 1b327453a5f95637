#!/bin/bash
# Measures the worker at its main job and prints one table. `make bench` calls it with the programs of this folder.
#
#   PERKLINE=build/release/perkline tests/bench/run.sh build/release/tests/bench/bench_*
#   BENCH=quick ...    one round with fewer events
#
# CPU is user + system of all threads of the worker, from /proc, after the first fifth of the events. The provider
# (bench_sink) keeps the books: a run in which an event is missing, came twice or overtook another of its member is no
# measurement, and its row says FAILED. bench_chain runs in turn with the worker; ratios are of runs next to each other.
set -u
programs=$(dirname "$1")
here=$(cd "$(dirname "$0")" && pwd)
kafka="$here/../support/kafka/kafka_cluster.sh"
dir=$(mktemp -d)
pids=() cluster=
if [ "${BENCH:-}" = quick ]; then rounds=1 count=20000 seconds=3; else rounds=3 count=50000 seconds=8; fi
ticks=$(getconf CLK_TCK)
run=0
failures=0

. "$here/lib.sh"
trap stop_all EXIT
trap 'exit 1' INT TERM

start_all

for round in $(seq $rounds); do
    progress "round $round of $rounds: e-mail, 10 KB"
    chain large 10240
    worker_run email large
    keep large "$rate" && keep large_ratio "$(ratio "$rate" "$chain_rate")" && keep chain_large "$chain_rate"
    keep peak_mib "$peak_mib"
    progress "round $round of $rounds: the same again"
    duplicates_run email large
    keep duplicates "$rate"
    progress "round $round of $rounds: e-mail, 0.5 KB"
    chain small 512
    worker_run email small
    keep small "$rate" && keep small_ratio "$(ratio "$rate" "$chain_rate")" && keep chain_small "$chain_rate"
    progress "round $round of $rounds: SMS"
    worker_run sms small
    keep sms "$rate"
done
progress "idle"
idle_run
progress "one partition, provider that takes 200 ms"
slow_run
progress "latency on Apache Kafka"
latency_run
progress ""

print_head
print_row "e-mail of 10 KB, messages per CPU second" large 12000
print_row "  the libraries alone (bench_chain)" chain_large
print_row "  worker / libraries" large_ratio
print_row "e-mail of 0.5 KB, messages per CPU second" small
print_row "  the libraries alone (bench_chain)" chain_small
print_row "  worker / libraries" small_ratio
print_row "SMS, messages per CPU second" sms
print_row "duplicates skipped per CPU second" duplicates 60000
print_row "200 ms provider, one partition: sends per second" slow 500
print_row "event to request at 200/s, p50 ms" p50_200
print_row "event to request at 200/s, p99 ms" p99_200
print_row "event to request at 1000/s, p50 ms" p50_1000
print_row "event to request at 1000/s, p99 ms" p99_1000 -25
print_row "memory at work, most, MiB" peak_mib -64
print_row "memory idle, MiB" idle_mib -64
print_row "CPU idle, % of a core" idle_cpu -1
[ "$failures" = 0 ]
