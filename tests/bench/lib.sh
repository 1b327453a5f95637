# Functions of run.sh.

progress() { if [ -t 2 ]; then printf '\r\033[K%s' "$1" >&2; elif [ -n "$1" ]; then echo "$1" >&2; fi; }

calc() { awk "BEGIN { $1 }"; }
ratio() { calc "printf \"%.3f\", $1 / ($2 > 0 ? $2 : 1)"; }

# keep NAME VALUE: a value of this round. FAILED spoils the row.
keep() { echo "$2" >>"$dir/row.$1"; }

fail() {
    failures=$((failures + 1))
    progress ""
    echo "FAILED: $1" >&2
    rate=FAILED
    return 1
}

# --- parts --------------------------------------------------------------------------------------------------------------

free_port() {
    while :; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
}

# get PORT PATH: the body of the answer.
get() {
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'GET /%s HTTP/1.0\r\n\r\n' "$2" >&3
    sed '1,/^\r*$/d' <&3
    exec 3<&- 3>&-
}

# wait_for SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# start NAME COMMAND...: its output goes to $dir/NAME; sets $pid.
start() {
    local name=$1
    shift
    "$@" >"$dir/$name" 2>"$dir/$name.err" &
    pid=$!
    pids+=("$pid")
}

stop() { kill "$1" 2>/dev/null && wait "$1" 2>/dev/null; }

stop_all() {
    [ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null
    [ -n "$cluster" ] && "$kafka" stop "$cluster"
    wait
    rm -rf "$dir"
}

start_broker() { # name, topics, partitions, count, members
    start "$1" "$programs/bench_events" serve --topic "$2" --partitions "$3" --count "$4" --members "$5" \
        --config "$dir/fill.properties"
    wait_for 60 test -s "$dir/$1" || { cat "$dir/$1.err" >&2; exit 1; }
    broker=$(cat "$dir/$1")
}

start_sink() { # name, latency in ms
    start "$1" "$programs/bench_sink" --latency-ms "$2"
    wait_for 10 test -s "$dir/$1" || exit 1
    sink=$(cat "$dir/$1")
}

start_all() {
    printf 'compression.codec=lz4\nlinger.ms=20\n' >"$dir/fill.properties"
    printf 'linger.ms=0\n' >"$dir/steady.properties"
    free_port
    redis=$port
    start redis redis-server --port "$redis" --bind 127.0.0.1 --save '' --dir "$dir"
    wait_for 10 sh -c "redis-cli -p $redis ping | grep -q PONG" || { cat "$dir/redis" >&2; exit 1; }
    start_broker broker bench.small,bench.large 8 "$count" 5000
    start_sink sink 0
}

# --- the worker ---------------------------------------------------------------------------------------------------------

start_worker() { # channel, type, group; further settings as NAME=VALUE
    local channel=$1 type=$2 group=$3
    shift 3
    free_port
    listen=$port
    start worker env KAFKA_BROKERS="$broker" KAFKA_TOPICS="bench.$type" KAFKA_TOPIC_PREFIX="run$run" KAFKA_GROUP="$group" \
        REDIS_URL="redis://127.0.0.1:$redis" ENVIRONMENT="run$run" TEMPLATES_DIR="$here/templates" CHANNELS="$channel" \
        EMAIL_FROM=club@example.com SMS_FROM=Larkspur EMAIL_RATE=0 SMS_RATE=0 HTTP_LISTEN="127.0.0.1:$listen" \
        BREVO_API_KEY=xkeysib-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-abcdefghijkl \
        BREVO_URL="http://127.0.0.1:$sink" LOG_LEVEL=warn "$@" "$PERKLINE" worker
    worker=$pid
}

stop_worker() {
    peak_mib=$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$worker/status" 2>/dev/null)
    stop "$worker" || fail "the worker did not end well: $(tail -n 1 "$dir/worker.err")"
}

cpu_ticks() { sed 's/.*) //' "/proc/$worker/stat" | cut -d' ' -f12,13 | tr ' ' '+'; }

sent() { get "$sink" stats | cut -d' ' -f1; }
skipped() { get "$listen" metrics | awk '/^perkline_duplicates_prevented_total/ { sum += $2 } END { print sum + 0 }'; }
is_ready() { get "$listen" readyz | grep -q ready; }

# watch COUNTER COUNT: waits until the counter has COUNT; sets $rate per CPU second, $wall_rate per second.
watch() {
    local counter=$1 most=$2 now first=0 first_ticks=0 begun=0 end=$((SECONDS + 120))
    while :; do
        now=$($counter)
        if [ $first = 0 ] && [ "${now:-0}" -ge $((most / 5)) ]; then
            first=$now first_ticks=$(($(cpu_ticks))) begun=$(date +%s%N)
        fi
        [ "${now:-0}" -ge "$most" ] && break
        if [ $SECONDS -ge $end ] || ! kill -0 "$worker" 2>/dev/null; then
            return 1
        fi
        sleep 0.03
    done
    rate=$(calc "printf \"%.0f\", ($now - $first) * $ticks / ($(($(cpu_ticks))) - $first_ticks)")
    wall_rate=$(calc "printf \"%.0f\", ($now - $first) * 1e9 / ($(date +%s%N) - $begun)")
}

# The sink must have seen each of COUNT events once and in order, and nothing else.
check_books() { # what, count
    local books
    books=$(get "$sink" stats)
    [ "$books" = "$2 0 0 0" ] || fail "$1: messages, duplicates, disorders, malformed are $books, not $2 0 0 0"
}

worker_run() { # channel, type
    run=$((run + 1))
    get "$sink" reset >/dev/null
    start_worker "$1" "$2" "first$run"
    watch sent "$count" || fail "$1 $2: not all was sent: $(tail -n 1 "$dir/worker.err")"
    check_books "$1 $2" "$count"
    stop_worker
}

# The whole topic again, under a new group: all of it is known.
duplicates_run() { # channel, type
    start_worker "$1" "$2" "second$run"
    watch skipped "$count" || fail "duplicates: not all were skipped: $(tail -n 1 "$dir/worker.err")"
    check_books "duplicates" "$count"
    stop_worker
}

# --- the rest -----------------------------------------------------------------------------------------------------------

chain() { # type, bytes of HTML
    local measured cpu_us wall_us
    get "$sink" reset >/dev/null
    read -r measured cpu_us wall_us < <("$programs/bench_chain" --brokers "$broker" --topic "bench.$1" --outcomes chain \
        --url "http://127.0.0.1:$sink/v3/smtp/email" --redis-port "$redis" --count "$count" --skip $((count / 5)) \
        --html-bytes "$2")
    chain_rate=$(calc "printf \"%.0f\", ${measured:-0} * 1e6 / ${cpu_us:-1}")
}

idle_run() {
    local before
    run=$((run + 1))
    start_worker email large first$run KAFKA_START=latest
    wait_for 20 is_ready || fail "idle: the worker is not ready"
    sleep 2
    before=$(($(cpu_ticks)))
    sleep "$seconds"
    keep idle_cpu "$(calc "printf \"%.2f\", ($(($(cpu_ticks))) - $before) * 100 / $ticks / $seconds")"
    keep idle_mib "$(awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$worker/status")"
    stop_worker
}

slow_run() {
    local saved=$sink saved_broker=$broker most=$((seconds * 800))
    run=$((run + 1))
    start_broker broker.one bench.small 1 "$most" 500
    start_sink sink.slow 200
    start_worker email small first$run
    watch sent "$most" || fail "200 ms: not all was sent"
    check_books "200 ms" "$most"
    [ "$rate" = FAILED ] || rate=$wall_rate
    keep slow "$rate"
    stop_worker
    sink=$saved broker=$saved_broker
}

steady() { # rate, seconds, first serial
    get "$sink" reset >/dev/null
    "$programs/bench_events" steady --brokers "$broker" --topic bench.large --rate "$1" --count $(($1 * $2)) --first "$3" \
        --config "$dir/steady.properties" || return 1
    wait_for 20 sh -c ". '$here/lib.sh'; sink=$sink; [ \"\$(sent)\" = $(($1 * $2)) ]"
    check_books "$1/s" $(($1 * $2))
}

keep_latency() { # rate
    local p50 p99 rest
    read -r p50 p99 rest < <(get "$sink" latency)
    keep "p50_$1" "$(calc "printf \"%.1f\", $p50 / 1000")"
    keep "p99_$1" "$(calc "printf \"%.1f\", $p99 / 1000")"
}

# The embedded broker makes fetches wait; only a real one can be timed.
latency_run() {
    local saved=$broker names=bench.large word
    run=$((run + 1))
    cluster=$dir/kafka
    "$kafka" start 1 "$cluster" >"$dir/kafka.log" 2>&1 || { cluster= && tail -n 1 "$dir/kafka.log" >&2 && return; }
    broker=$(cat "$cluster/bootstrap")
    for word in outcomes retry.1m retry.10m retry.1h retry.6h dlq held; do names=$names,run$run.$word; done
    "$programs/bench_events" topics --brokers "$broker" --topic "$names" --partitions 4
    start_worker email large first$run
    wait_for 30 is_ready || fail "Apache Kafka: the worker is not ready: $(tail -n 1 "$dir/worker.err")"
    steady 500 2 0 # to warm up
    steady 200 "$seconds" 10000 && keep_latency 200
    steady 1000 "$seconds" 20000 && keep_latency 1000
    stop_worker
    "$kafka" stop "$cluster"
    cluster=
    broker=$saved
}

# --- the table ----------------------------------------------------------------------------------------------------------

print_head() { printf '\n%-52s %10s %19s %10s\n' "" "median" "range" "bar"; }

# print_row TEXT NAME [BAR]: a negative bar is a ceiling.
print_row() {
    local file=$dir/row.$2
    if [ ! -s "$file" ]; then
        printf '%-52s %10s\n' "$1" "-"
        return
    fi
    if grep -q FAILED "$file"; then
        printf '%-52s %10s\n' "$1" FAILED
        return
    fi
    sort -n "$file" | awk -v text="$1" -v bar="${3:-}" '
        { value[NR] = $1 }
        END {
            median = NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2
            range = NR > 1 ? value[1] " .. " value[NR] : ""
            if (bar != "") {
                limit = bar < 0 ? "<= " (-bar) : ">= " bar
                limit = limit ((bar < 0 ? median <= -bar : median >= bar) ? "" : "  missed")
            }
            printf "%-52s %10s %19s   %s\n", text, median, range, limit
        }'
}
