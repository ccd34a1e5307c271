#!/bin/sh
# Records the service under load and writes what slo.toml calls its sources:
#
#   perf/authorize.perf.txt.zst   the samples, as `perf script` prints them, with file:line and inlined frames
#   perf/requests.jsonl.zst       what the service logged of each request
#
# Needs perf, zstd and the right to record (root, or kernel.perf_event_paranoid at 1 or below).
# REQUESTS, RATE, SEED, HERTZ and PORT can be set from outside.
set -eu

cd "$(dirname "$0")"
requests=${REQUESTS:-4000} rate=${RATE:-26} seed=${SEED:-1} hertz=${HERTZ:-199} port=${PORT:-18080}
target=${CARGO_TARGET_DIR:-target}
here=$(pwd)
work=$(mktemp -d)
mkdir -p perf

cargo build --release --locked --bins

# Call stacks are copied whole (dwarf): frame pointers would lose the caller of every function of libc, which is
# where copies spend their time. Building a regular expression needs deep frames, hence 32 KiB of stack.
# -k mono: the clock of the request log.
perf record -q -k mono -e cpu-clock -F "$hertz" --call-graph dwarf,32768 -o "$work/perf.data" -- \
    "$target/release/gateway" --port "$port" --data "$work/data" --request-log "$work/requests.jsonl" &
recorder=$!
trap 'kill "$recorder" 2>/dev/null || true; rm -rf "$work"' EXIT
sleep 2

"$target/release/load" --port "$port" --requests "$requests" --rate "$rate" --seed "$seed"

# The service is the recorder's only child; when it ends, perf writes its file.
kill "$(ps -o pid= --ppid "$recorder" | tr -d ' ')"
wait "$recorder" || true

# Of the standard library and of dependencies the inlined frames and the lines are dropped: the symbol that they were
# inlined into stays, and the text is a fifth as long. Folders of this machine become those of a build.
perf script -i "$work/perf.data" --ns --inline --full-source-path \
    -F comm,pid,tid,time,period,event,ip,sym,symoff,dso,srcline 2>/dev/null |
    sed -E \
        -e "s#$(realpath "$target")/#/build/target/#g" \
        -e "s#$here/#/build/payment-gateway/#g" |
    awk -v note="# payment-gateway: $requests requests at $rate/s, seed $seed, cpu-clock at $hertz Hz" '
        BEGIN { print note; print "#" }
        /^\t/ { if (frame != "") print frame; frame = $0; next }
        /^  / {
            ours = /^  \/build\/payment-gateway\//
            if (ours || !/ \(inlined\)$/) print frame
            if (ours) print
            frame = ""
            next
        }
        { if (frame != "") print frame; frame = ""; print }
    ' >"$work/authorize.perf.txt"

# A window of 2 MiB stays in the cache of a core: one as long as the text makes reading it slower than all else.
zstd -q -19 --zstd=wlog=21 -f "$work/authorize.perf.txt" -o perf/authorize.perf.txt.zst
zstd -q -19 -f "$work/requests.jsonl" -o perf/requests.jsonl.zst
ls -l perf
echo "slo.toml names both: recorded = $(date -u +%Y-%m-%dT%H:%M:%SZ)"
