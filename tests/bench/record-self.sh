#!/bin/sh
# Records Refit at work on its example and writes what the top-level slo.toml calls its sources:
#
#   tests/bench/self/refit.perf.txt.zst   the samples, as `perf script` would print them, with file:line and inlined frames
#   tests/bench/self/requests.jsonl.zst   what Refit logged of each command and frame (REFIT_REQUEST_LOG)
#
# Needs perf, zstd and the right to record (root, or kernel.perf_event_paranoid at 1 or below).
# REPEAT, HERTZ and WHAT can be set from outside; a p99 with an interval needs 368 runs of each command.
set -eu

cd "$(dirname "$0")/../.."
repeat=${REPEAT:-370} hertz=${HERTZ:-99} what=${WHAT:-rank scan first-frame key-to-frame}
target=${CARGO_TARGET_DIR:-target}
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p tests/bench/self "$work/logs"

cargo build --release --locked --bins
built() { cargo bench --locked --bench "$1" --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\)).*/\1/p'; }
bench=$(built numbers)
as_text=$(built as_text)
[ -x "$bench" ] && [ -x "$as_text" ] || { echo "the benches do not build: cargo bench --no-run" >&2; exit 1; }

REFIT_REQUEST_LOG="$work/logs/{pid}.jsonl" perf record -q -k mono -e cpu-clock -F "$hertz" --call-graph dwarf,8192 \
    -o "$work/perf.data" -- "$bench" --repeat "$repeat" $what

"$as_text" "$work/perf.data" "$(realpath "$target")/release/refit" >"$work/all.txt"
sed -E \
    -e "s#$(realpath "$target")/#/build/refit/target/#g" \
    -e "s#$here/#/build/refit/#g" \
    -e 's#/[^ ]*/registry/src/[^/]*/#/build/.cargo/registry/src/index/#g' \
    -e 's#/[^ ]*/lib/rustlib/src/#/build/rust/#g' "$work/all.txt" >"$work/refit.perf.txt"

zstd -q -19 --long=27 -f "$work/refit.perf.txt" -o tests/bench/self/refit.perf.txt.zst
cat "$work"/logs/*.jsonl | zstd -q -19 -f -o tests/bench/self/requests.jsonl.zst
ls -l tests/bench/self
echo "slo.toml names both: commit = \"$(git rev-parse HEAD)\", recorded = $(date -u +%Y-%m-%dT%H:%M:%SZ)"
