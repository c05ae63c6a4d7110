#!/bin/sh
# Every command as a person uses it: help, the small ones on their own, and those that work on a finished experiment.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/here" && cd "$work/here" || exit 1

fail() {
  echo "FAILED: $*"
  sed 's/^/  stdout: /' "$work/out" | tail -n 20
  sed 's/^/  stderr: /' "$work/err" | tail -n 20
  exit 1
}
# Runs and expects exit code 0; words are also what a failure is called.
run() {
  "$binary" "$@" >"$work/out" 2>"$work/err" </dev/null || fail "batchlab $* leaves with $?"
}
says() { # fixed text, in what
  grep -qF -- "$1" "$work/out" || fail "$2 does not say '$1'"
}
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || python=
parses() { # what
  if [ -n "$python" ]; then
    "$python" -m json.tool "$work/out" >/dev/null || fail "$1 is not JSON"
  else
    command -v jq >/dev/null || { echo "neither python3 nor jq: '$1' is not parsed" && return; }
    jq . "$work/out" >/dev/null || fail "$1 is not JSON"
  fi
}

# ---- help
run --help
says "usage: batchlab COMMAND" "the usage"
cp "$work/out" "$work/usage"
run list commands
commands=$(awk 'NR > 1 { print $1 }' "$work/out")
n=0
for command in $commands; do
  grep -q "^  $command " "$work/usage" || fail "the usage does not list '$command'"
  run "$command" --help
  [ -s "$work/out" ] && [ ! -s "$work/err" ] || fail "$command --help prints nothing, or on stderr"
  head -n 1 "$work/out" | grep -q "^batchlab $command" || fail "$command --help does not begin with its usage"
  cp "$work/out" "$work/help"
  run explain "$command"
  cmp -s "$work/help" "$work/out" || fail "explain $command is not its help"
  n=$((n + 1))
done
[ "$n" -ge 10 ] || fail "only $n commands"
[ -z "$(ls -A)" ] || fail "--help leaves files"
"$binary" >"$work/out" 2>"$work/err"
[ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q usage: "$work/err" || fail "no command: usage on stderr and exit code 2"

# ---- version: one line that says what was built
version=$(sed -n 's/^project(batchlab VERSION \([0-9.]*\) .*/\1/p' "$root/CMakeLists.txt" | sed 's/\./\\./g')
for word in --version version -V; do
  run "$word"
  [ "$(wc -l <"$work/out")" -eq 1 ] && [ ! -s "$work/err" ] || fail "$word is not one line"
  grep -qE "^batchlab $version, commit ([0-9a-f]{12}(-dirty)?|unknown), (Release|Debug|RelWithDebInfo)( with sanitizers)?$" \
    "$work/out" || fail "$word does not say version, commit and build type"
done

# ---- list, explain
run list --json
parses "list --json"
for kinds in optimizers schedules scalings models datasets collectives; do
  run list "$kinds"
  says "$kinds" "list $kinds"
  for name in $(awk 'NR > 1 { print $1 }' "$work/out"); do
    run explain "$name"
    says ": $name" "explain $name"
    [ "$(wc -l <"$work/out")" -ge 2 ] || fail "explain $name says nothing"
    n=$((n + 1))
  done
done
[ "$n" -ge 25 ] || fail "only $n commands and kinds"
run explain momentum
says "0.9 (0 to 1)" "explain momentum" # the current default and range

# ---- plan, with layouts that a trial cannot carry
cat >"$work/small.json" <<'JSON'
{
  "experiment": "small",
  "question": "Do the commands work?",
  "trial": {
    "dataset": {"name": "blobs"},
    "model": {"name": "mlp", "hidden": [16]},
    "global_batch": 32,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.05},
    "stop": {"metric": "valid_accuracy", "target": 0.9, "epochs": 10}
  },
  "sweep": {"global_batch": [32, 128], "zip": [{"optimizer": ["momentum", "lamb"], "lr.base": [0.05, 0.01]}]},
  "seeds": 2,
  "layouts": {"replicas": [1, 2], "steps": 20}
}
JSON
run plan "$work/small.json" trial.mini_batch=8 'layouts.replicas=[1,8]'
says "skipped" "plan"
says "replicas 8, threads 1: only 4 shards" "plan"
says "to do" "plan"
says "left: at most" "plan"
run plan "$work/small.json" trial.mini_batch=8 'layouts.replicas=[1,8]' --json
parses "plan --json"
says '"shards": 4' "plan --json"
run run "$work/small.json" --dry-run
grep -v '^left:' "$work/out" >"$work/dry" # estimates are measured
run plan "$work/small.json"
grep -v '^left:' "$work/out" | cmp -s - "$work/dry" || fail "run --dry-run shows something else than plan"
[ -z "$(ls -A)" ] || fail "plan and --dry-run leave files"

# ---- run, from another folder than the file's and the program's
run run "$work/small.json" seeds=1
report=$(tail -n 1 "$work/out")
[ "$report" = results/small/report.html ] && [ -s "$report" ] || fail "the last line of stdout is no report: '$report'"
grep -q '</html>' "$report" || fail "the report does not end"
run plan "$work/small.json" seeds=1
grep -q 'to do' "$work/out" && fail "plan after run: something is to do"
begin=$(date +%s%N)
run run "$work/small.json" seeds=1
took=$((($(date +%s%N) - begin) / 1000000))
[ "$took" -lt 3000 ] || fail "run again took $took ms"
grep -q 'done already' "$work/err" || fail "run again does not say that all is done"
[ "$(tail -n 1 "$work/out")" = "$report" ] || fail "run again: the last line is no report"
run run "$work/small.json" # more seeds, same folder
grep -q '24 runs, 12 to do' "$work/err" || fail "more seeds: the first one's runs are not kept"
! LC_ALL=C grep -q "$(printf '\033')" "$work/err" || fail "escape sequences where there is no terminal"

# ---- what works on results: by folder and by experiment file, here and from elsewhere
for command in fit plot report collect; do
  run "$command" results/small
  [ -e "$(tail -n 1 "$work/out")" ] || fail "$command: its last line is no path: $(tail -n 1 "$work/out")"
  run "$command" "$work/small.json"
done
[ -n "$(ls results/small/tables/*.tsv results/small/figures/*.svg)" ] || fail "no tables or figures"
for command in fit plot report; do
  run "$command" results/small --targets 0.55,0.7
  cut -f3 results/small/tables/target_fits.tsv | sort -u | tr '\n' ' ' | grep -q '^0.55 0.7 0.9 ' || fail "$command --targets: not 0.55, 0.7 and the runs' own 0.9"
done
grep -q '>55 %<' results/small/figures/targets.svg || fail "report --targets: the figure does not show 55 %"
"$binary" report results/small --targets 0.7,0.99 >"$work/out" 2>"$work/err"
[ $? -eq 2 ] && grep -q 'harder than the runs. own, valid_accuracy 0.9' "$work/err" && grep -q 'legal: above 0 to 0.9;' "$work/err" || fail "a target that the runs never tried"
run report results/small
grep -q '0\.55' results/small/tables/target_fits.tsv && fail "a report without --targets still shows those of the last one"
run export results/small
[ "$(wc -l <"$work/out")" -eq 25 ] || fail "export: not a header and 24 runs"
run export --json results/small
parses "export --json"
cp "$work/out" "$work/before"
(cd / && "$binary" export --json "$work/here/results/small/" >"$work/out" 2>"$work/err") || fail "export from elsewhere"
cmp -s "$work/before" "$work/out" || fail "export from elsewhere differs"

# ---- collect makes every HDF5 file anew
find results -name '*.h5' | sort >"$work/files"
[ "$(wc -l <"$work/files")" -eq 25 ] || fail "not 24 run.h5 and small.h5"
find results -name '*.h5' -exec rm {} +
run collect results/small
find results -name '*.h5' | sort | cmp -s - "$work/files" || fail "collect does not restore every file"
if command -v h5dump >/dev/null; then
  while read -r file; do
    h5dump -H "$file" >/dev/null 2>"$work/err" || fail "h5dump cannot open $file"
  done <"$work/files"
  h5dump -H results/small/small.h5 | grep -c 'GROUP "steps"' | grep -qx 24 || fail "small.h5 does not hold 24 runs"
else
  echo "h5dump is not installed: files are not opened"
fi
run export --json results/small
cmp -s "$work/before" "$work/out" || fail "export after collect differs"

# ---- NO_COLOR, on a terminal
if command -v script >/dev/null; then
  NO_COLOR=1 TERM=xterm script -qec "'$binary' run '$work/small.json' --results colours seeds=1" /dev/null >"$work/out" 2>"$work/err" </dev/null ||
    fail "run on a terminal"
  ! LC_ALL=C grep -q "$(printf '\033')\[[0-9;]*m" "$work/out" || fail "colours in spite of NO_COLOR"
  tail -n 1 "$work/out" | grep -q 'report.html' || fail "run on a terminal: the last line is no report"
else
  echo "script is not installed: NO_COLOR is not tried"
fi
echo "$n names, and every command, as they should be"
