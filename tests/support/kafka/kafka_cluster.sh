#!/bin/sh
# A real Apache Kafka for tests: N brokers in KRaft mode (each also a controller) on free ports of loopback, with
# everything they write below DIR.
#
#   kafka_cluster.sh start N DIR       format, start, wait until ready; prints bootstrap.servers=...
#   kafka_cluster.sh stop DIR          end all brokers (their data stay)
#   kafka_cluster.sh kill DIR ID       kill -9 one broker (IDs count from 1)
#   kafka_cluster.sh end DIR ID        end one broker in good order
#   kafka_cluster.sh restart DIR ID    start one again with its data, wait until ready
#   kafka_cluster.sh topics DIR ...    Kafka's own topic tool: --list, --create --topic T --partitions 4, ...
#   kafka_cluster.sh groups DIR ...    Kafka's own tool for consumer groups
#
# Status 77 with "skipped: ..." on stderr when the jars cannot be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cluster_id=cGVya2xpbmUtdGVzdC1jMQ # 16 bytes, base64
ready_s=90

fail() {
    echo "kafka_cluster.sh: $1" >&2
    exit 1
}

usage() {
    sed -n '5,11s/^# *//p' "$0" >&2
    exit 2
}

find_jars() {
    libs=$("$here/kafka_jars.sh") || exit $?
}

exec_java() {
    exec java -Xmx384m -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel="${log_level:-warn}" \
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
        -cp "$libs/*" "$@"
}

run_java() {
    (exec_java "$@")
}

# Sets $port to one that nobody listens on and that this script has not given out.
next=$((20000 + ($$ * 37) % 10000))
take_port() {
    while :; do
        next=$((next + 1))
        hex=$(printf '%04X' "$next")
        grep -qi ":$hex [0-9A-F]*:[0-9A-F]* 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
    done
    port=$next
}

write_properties() { # id, count, voters, port, controller port
    copies=$(($2 < 3 ? $2 : 3))
    cat >"$dir/$1/server.properties" <<EOF
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$3
listeners=PLAINTEXT://127.0.0.1:$4,CONTROLLER://127.0.0.1:$5
advertised.listeners=PLAINTEXT://127.0.0.1:$4
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/$1/data
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=$copies
min.insync.replicas=$((copies > 2 ? 2 : 1))
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$copies
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.threads=1
num.network.threads=2
num.io.threads=4
EOF
}

# A process that nobody has waited for yet is dead, too.
is_alive() {
    [ -f "$dir/$1/pid" ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$(cat "$dir/$1/pid")/status" 2>/dev/null
}

launch() { # id
    : >"$dir/$1/log"
    (log_level=info && exec_java kafka.Kafka "$dir/$1/server.properties") >"$dir/$1/log" 2>&1 </dev/null &
    echo $! >"$dir/$1/pid"
}

wait_ready() { # id
    end=$(($(date +%s) + ready_s))
    until grep -q 'Kafka Server started' "$dir/$1/log"; do
        if ! is_alive "$1" || [ "$(date +%s)" -ge "$end" ]; then
            tail -n 20 "$dir/$1/log" >&2
            fail "broker $1 did not start (log: $dir/$1/log)"
        fi
        sleep 0.2
    done
}

all_ids() {
    for properties in "$dir"/*/server.properties; do
        [ -f "$properties" ] && basename "$(dirname "$properties")"
    done
}

start_cluster() { # count
    find_jars
    mkdir -p "$dir"
    voters='' bootstrap='' ports=''
    for id in $(seq "$1"); do
        take_port && client=$port
        take_port
        voters="$voters${voters:+,}$id@127.0.0.1:$port"
        bootstrap="$bootstrap${bootstrap:+,}127.0.0.1:$client"
        ports="$ports $id:$client:$port"
    done
    for row in $ports; do
        id=${row%%:*} rest=${row#*:}
        rm -rf "${dir:?}/$id"
        mkdir -p "$dir/$id"
        write_properties "$id" "$1" "$voters" "${rest%%:*}" "${rest#*:}"
        run_java kafka.tools.StorageTool format -t "$cluster_id" -c "$dir/$id/server.properties" \
            >"$dir/$id/format.log" 2>&1 || { cat "$dir/$id/format.log" >&2; fail "cannot format the storage of $id"; }
    done
    echo "$bootstrap" >"$dir/bootstrap"
    for id in $(all_ids); do launch "$id"; done
    for id in $(all_ids); do wait_ready "$id"; done
    echo "bootstrap.servers=$bootstrap"
}

stop_cluster() {
    for id in $(all_ids); do
        is_alive "$id" && kill -TERM "$(cat "$dir/$id/pid")"
    done
    end=$(($(date +%s) + 30))
    for id in $(all_ids); do
        while is_alive "$id" && [ "$(date +%s)" -lt "$end" ]; do sleep 0.2; done
        is_alive "$id" && kill -KILL "$(cat "$dir/$id/pid")"
        rm -f "$dir/$id/pid"
    done
    return 0
}

run_tool() { # class, arguments
    find_jars
    class=$1
    shift
    run_java "$class" --bootstrap-server "$(cat "$dir/bootstrap")" "$@"
}

set_dir() {
    [ -n "${1:-}" ] || usage
    mkdir -p "$1" && dir=$(cd "$1" && pwd)
}

need_broker() {
    [ -f "$dir/${1:-none}/server.properties" ] || fail "no broker \"${1:-}\" in $dir"
}

command=${1:-}
[ $# -gt 0 ] && shift
case "$command" in
start)
    case "${1:-}" in [1-9]) ;; *) usage ;; esac
    set_dir "${2:-}"
    start_cluster "$1"
    ;;
stop)
    set_dir "${1:-}"
    stop_cluster
    ;;
kill)
    set_dir "${1:-}"
    need_broker "${2:-}"
    is_alive "$2" || fail "broker $2 does not run"
    kill -KILL "$(cat "$dir/$2/pid")"
    while is_alive "$2"; do sleep 0.05; done
    ;;
end)
    set_dir "${1:-}"
    need_broker "${2:-}"
    is_alive "$2" || fail "broker $2 does not run"
    kill -TERM "$(cat "$dir/$2/pid")"
    while is_alive "$2"; do sleep 0.05; done
    ;;
restart)
    set_dir "${1:-}"
    need_broker "${2:-}"
    is_alive "$2" && fail "broker $2 runs"
    find_jars
    launch "$2"
    wait_ready "$2"
    ;;
topics | groups)
    set_dir "${1:-}"
    shift
    [ -f "$dir/bootstrap" ] || fail "no cluster in $dir"
    if [ "$command" = topics ]; then
        run_tool org.apache.kafka.tools.TopicCommand "$@"
    else
        run_tool org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@"
    fi
    ;;
*) usage ;;
esac
