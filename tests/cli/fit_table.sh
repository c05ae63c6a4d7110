#!/bin/sh
# `batchlab fit --table`: the published ResNet-50 points (MLPerf reference convergence points, LARS, epochs to the
# target by batch) give the numbers known from ordinary least squares; bad tables give one message each.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
n_bad=0

wrong() {
  echo "WRONG: $1"
  n_bad=$((n_bad + 1))
}

table() { # separator: the oracle in one of its forms
  printf 'global_batch%sexamples_to_target\n' "$1"
  for point in 1632:35.00 3264:35.15 4096:39.88 8192:41.88 13056:45.5 32768:56.0 49152:68.0 58880:80.0 65536:84.5 67840:85.85; do
    printf '%s%s%s\n' "${point%:*}" "$1" "${point#*:}"
  done
}

value() { # name, from the text form in `out`
  awk -v name="$1" '$1 == name { print $2 }' out
}

near() { # name, from, to
  awk -v x="$(value "$1")" -v from="$2" -v to="$3" 'BEGIN { exit !(x != "" && x >= from && x <= to) }' ||
    wrong "$title: $1 is '$(value "$1")', not in $2 .. $3"
}

# ---- the oracle, in every form a table may have
tab=$(printf '\t')
for form in "$tab" ',' ' ' ';'; do
  title="separator '$form'"
  if [ "$form" = ';' ]; then # as our own tables are: units, more columns, comments
    { printf '# a comment\n' && table "$tab" | sed "s/global_batch/series${tab}& [examples]/; 1!s/^/lars${tab}/; 1s/\$/ [epochs]/"; } >oracle.tsv
  else
    table "$form" >oracle.tsv
  fi
  "$binary" fit --table oracle.tsv --weights none >out 2>err || wrong "$title: exit code $?: $(cat err)"
  near E_min 34.40 34.50
  near B_crit 46050 46250
  near R2 0.9905 0.9915
  near B_crit_lo 38000 44000
  near B_crit_hi 49000 56000
  grep -q '^warning: only 1 seed' out || wrong "$title: one seed a batch is not a warning"
  grep -q unidentified out && wrong "$title: it refuses"
done

# ---- JSON: one object, numbers as numbers, unknown bounds null
table "$tab" >oracle.tsv
"$binary" fit --table oracle.tsv --weights none --json >out.json || wrong "exit code $?"
if command -v python3 >/dev/null; then
  read_json() { python3 - "$1"; }
else
  echo "the JSON is not looked into: python3 is not installed"
  read_json() { cat >/dev/null; }
fi
read_json out.json <<'PY' || wrong "the JSON of the oracle"
import json, sys
fit = json.load(open(sys.argv[1]))
assert abs(fit["E_min"] - 34.45) <= 0.05 and abs(fit["B_crit"] - 46150) <= 100 and abs(fit["R2"] - 0.991) < 0.0005
assert abs(fit["S_min"] - fit["E_min"] / fit["B_crit"]) < 1e-12
assert fit["B_crit_lo"] < fit["B_crit"] < fit["B_crit_hi"] and "unidentified" not in fit
assert fit["weights"] == "none" and any("seed" in w for w in fit["warnings"])
PY
printf 'global_batch\texamples_to_target\tseed\n8\t101\t0\n8\t99\t1\n16\t103\t0\n16\t97\t1\n32\t102\t0\n32\t99\t1\n64\t98\t0\n64\t102\t1\n' >flat.tsv
"$binary" fit --table flat.tsv --json >out.json || wrong "an unidentified fit is an answer, not exit code $?"
read_json out.json <<'PY' || wrong "the JSON of a flat table"
import json, sys
fit = json.load(open(sys.argv[1]))
assert fit["B_crit"] is None and fit["B_crit_hi"] is None and isinstance(fit["unidentified"], str)
assert isinstance(fit["E_min"], float) and fit["seeds"] == 2
PY
"$binary" fit --table flat.tsv | grep -q '^unidentified: .*S_min' || wrong "the text of a flat table"

# ---- bad tables: one message, its code, a line and a hint, nothing on stdout
bad() { # code, message, hint, arguments ...
  want=$1 says=$2 hint=$3
  shift 3
  "$binary" fit "$@" >out 2>err
  code=$?
  [ "$code" -eq "$want" ] || wrong "fit $*: exit code $code, not $want"
  grep -v '^  hint' err | grep -qF -- "$says" || { wrong "fit $*: no '$says'" && cat err; }
  grep '^  hint' err | grep -qF -- "$hint" || { wrong "fit $*: no hint '$hint'" && cat err; }
  [ ! -s out ] || wrong "fit $*: stdout is not empty"
  [ "$(grep -c '^batchlab: ' err)" -eq 1 ] || wrong "fit $*: not exactly one message"
}
edited() { # sed edit
  table "$tab" | sed "$1" >case.tsv
  cmp -s case.tsv oracle.tsv && wrong "the edit '$1' changes nothing"
}
bad 66 "cannot read 'absent.tsv'" 'global_batch and examples_to_target' --table absent.tsv
edited 's/4096/4k/' && bad 2 "line 4: global_batch is '4k', not a number" 'write numbers plainly' --table case.tsv
edited 's/39.88/-39.88/' && bad 2 'line 4: examples_to_target is -39.88' 'are counts' --table case.tsv
edited 's/4096/0/' && bad 2 'line 4: global_batch is 0' 'are counts' --table case.tsv
edited 's/4096/NaN/' && bad 2 "line 4: global_batch is 'NaN'" 'write numbers plainly' --table case.tsv
edited '1s/examples_to/example_to/' && bad 2 "no column 'examples_to_target'" "example_to_target'" --table case.tsv
edited '1d' && bad 2 'instead of a header line' 'column names' --table case.tsv
edited '4s/$/\t7/' && bad 2 'line 4 has 3 cells, its header 2' 'one cell a column' --table case.tsv
edited '4,$d' && bad 2 'has 2 global batches' 'at least 3 different batches' --table case.tsv
edited '3,$s/\t.*/\tNaN/' && bad 2 'has 1 global batch at which every run reached' 'at least 3' --table case.tsv
: >case.tsv && bad 2 "'case.tsv' is empty" 'names the columns' --table case.tsv
head -c 100 /dev/zero >case.tsv && bad 2 'holds zero bytes' 'text file' --table case.tsv
bad 2 "no weights 'cv'" '--weights log' --table oracle.tsv --weights cv
bad 2 'not both' 'fit --table' --table oracle.tsv results
bad 2 'go with --table' 'batchlab fit' --json results

[ "$n_bad" -eq 0 ] || exit 1
echo "the oracle in four forms, JSON, and 15 bad tables"
