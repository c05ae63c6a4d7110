#!/bin/sh
# A real sweep over two and three hosts (network namespaces with limited links, MPI over TCP), started by plain mpirun with a
# host file: the runs say how many hosts they had, and every digest is the one of a single process, whole gradients or buckets.
# What was measured on one number of hosts is measured again on another one, in the same folder.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

cat >"$work/lan.json" <<'JSON'
{
  "experiment": "lan",
  "question": "Do hosts agree?",
  "trial": {
    "dataset": {"name": "blobs"},
    "model": {"name": "mlp", "hidden": [64, 48]},
    "global_batch": 96, "mini_batch": 8,
    "optimizer": {"name": "lars"},
    "lr": {"base": 1.0},
    "stop": {"steps": 40},
    "eval": {"every_examples": 2000}
  },
  "sweep": {"global_batch": [96, 128]},
  "layouts": {"replicas": [1, 2, 3, 5], "steps": 30}
}
JSON

fail() {
  echo "FAILED: $*"
  cat "$work/out" "$work/err"
  exit 1
}

lan() { # hosts, slots a host, command
  hosts=$1 slots=$2
  shift 2
  rm -f "$work/hostfile"
  for i in $(seq "$hosts"); do
    echo "10.77.0.$i slots=$slots" >>"$work/hostfile"
  done
  sh "$root/tests/tools/lan.sh" "$hosts" 1gbit timeout 120 "$@" >"$work/out" 2>"$work/err"
  code=$?
  [ "$code" -ne 77 ] || {
    cat "$work/out"
    exit 77
  }
  [ "$code" -eq 0 ] || fail "$hosts hosts: exit code $code"
}

over_hosts() { # hosts, slots a host, ranks, overrides
  hosts=$1 slots=$2 ranks=$3
  shift 3
  lan "$hosts" "$slots" mpirun --hostfile "$work/hostfile" -n "$ranks" \
    "$binary" run "$work/lan.json" --results "$work/$hosts" "$@"
}

driver_over_hosts() { # overrides; mpirun finds the hosts in its environment
  OMPI_MCA_orte_default_hostfile="$work/hostfile" lan 2 1 "$binary" run "$work/lan.json" "$@"
}

# Runs of two replicas, what they are called behind the trial.
two_replicas() { # folder
  find "$1/lan/runs" -name '*-r2t1*' | sed 's/.*-r2t1//' | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ';'
}

on_one_host() {
  mpirun --allow-run-as-root --oversubscribe -n 2 "$binary" run "$work/lan.json" --results "$work/2" "$@" >"$work/out" 2>"$work/err" ||
    fail "two ranks on one host: exit code $?"
}

over_hosts 2 1 2
[ "$(two_replicas "$work/2")" = '2 -h2-v30;' ] || fail "ids of two hosts: $(two_replicas "$work/2")"
"$binary" plan "$work/lan.json" --results "$work/2" --json >"$work/plan" 2>"$work/err" || fail "plan"
grep -A 12 'r2t1-h2-v30"' "$work/plan" | grep -c '"done": true' >"$work/n"
[ "$(cat "$work/n")" -eq 2 ] || fail "a login node does not see what two hosts did: $(cat "$work/plan")"
on_one_host
[ "$(two_replicas "$work/2")" = '2 -h2-v30;2 -v30;' ] || fail "on one host after two: $(two_replicas "$work/2")"
on_one_host layouts.label=again
[ "$(two_replicas "$work/2")" = '2 -h2-v30;2 -lagain-v30;2 -v30;' ] || fail "under a label: $(two_replicas "$work/2")"
"$binary" status "$work/2/lan" >"$work/out" 2>"$work/err"
code=$?
[ "$code" -eq 3 ] || fail "status: exit code $code, and three and five replicas are left under this label"
grep -q '^lan: 6 of 10 runs done (12 budget_spent), 0 running, 6 of other layouts' "$work/out" || fail "status of a label"
[ "$(find "$work/2/lan/runs" -name '*-r1t1' | wc -l)" -eq 2 ] || fail "the two trials are trained once"
# The driver of `run` hears from its workers where they are.
"$binary" run "$work/lan.json" 'layouts.replicas=[1,2]' --results "$work/driven" >"$work/out" 2>"$work/err" || fail "driver"
[ "$(two_replicas "$work/driven")" = '2 -v30;' ] || fail "driver on one host: $(two_replicas "$work/driven")"
driver_over_hosts 'layouts.replicas=[1,2]' --results "$work/driven"
[ "$(two_replicas "$work/driven")" = '2 -h2-v30;2 -v30;' ] || fail "driver on two hosts: $(two_replicas "$work/driven")"
driver_over_hosts 'layouts.replicas=[1,2]' --results "$work/driven"
[ "$(two_replicas "$work/driven")" = '2 -h2-v30;2 -v30;' ] || fail "again: $(two_replicas "$work/driven")"
"$binary" run "$work/lan.json" 'layouts.replicas=[1,2]' --results "$work/driven" >"$work/out" 2>"$work/err" || fail "driver"
grep -q 'all 6 runs are done already$' "$work/err" || fail "nothing was left"

# What two hosts began one host ends, with the bits of a run that nobody disturbed.
set -- layouts.mode=full 'layouts.replicas=[2]' 'sweep.global_batch=[96]' trial.stop.steps=4000 layouts.checkpoint_s=0.2
over_hosts 2 1 2 "$@" layouts.max_seconds=0.7 --results "$work/moved"
[ "$(two_replicas "$work/moved")" = '1 -h2;' ] || fail "interrupted on two hosts: $(two_replicas "$work/moved")"
on_one_host "$@" --results "$work/moved"
grep -q ' goes on after step' "$work/err" || fail "it started again"
on_one_host "$@" --results "$work/still"
"$binary" export "$work/moved/lan" --json >"$work/moved.json" 2>"$work/err" || fail "export"
"$binary" export "$work/still/lan" --json >"$work/still.json" 2>"$work/err" || fail "export"
digest=$(sed -n 's/.*"trajectory_sha256": "\([0-9a-f]*\)".*/\1/p' "$work/still.json")
grep -q "\"trajectory_sha256\": \"${digest:-none}\"" "$work/moved.json" || fail "it ends with other bits"

over_hosts 3 2 5
over_hosts 3 2 5 layouts.bucket_kib=1 'layouts.replicas=[2,3,5]'
"$binary" run "$work/lan.json" 'layouts.replicas=[1]' --results "$work/1" >"$work/out" 2>"$work/err" || fail "one process"

# mode hosts replicas global_batch digest
rows() { # folder
  "$binary" export "$1" 2>"$work/err" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) { sub(" .*", "", $i); at[$i] = i } next }
    { print $at["mode"], $at["hosts"], $at["replicas"], $at["global_batch"], $at["trajectory_sha256"], $at["run_id"] }' | sort
}
rows "$work/1/lan" | awk '$1 == "verify" { print $4, $5 }' | sort -u >"$work/wanted"
[ "$(wc -l <"$work/wanted")" -eq 2 ] || fail "two batches, two digests"
rows "$work/2/lan" | awk '$1 == "verify" { print $2, $3 }' | sort | uniq -c | awk '{ print $1, $2, $3 }' | tr '\n' ';' >"$work/layouts"
[ "$(cat "$work/layouts")" = '4 1 1;4 1 2;2 2 2;' ] || fail "layouts of two and one host: $(cat "$work/layouts")"
for hosts in 2 3; do
  rows "$work/$hosts/lan" >"$work/rows"
  awk '$1 == "verify" { print $4, $5 }' "$work/rows" | sort -u | cmp -s - "$work/wanted" ||
    fail "$hosts hosts: other digests: $(cat "$work/rows")"
done
awk '$1 == "verify" { print $2, $3 }' "$work/rows" | sort -u | tr '\n' ';' >"$work/layouts"
[ "$(cat "$work/layouts")" = '1 1;1 2;2 3;3 5;' ] || fail "layouts: $(cat "$work/layouts")"
[ "$(awk '$1 == "verify" && $6 ~ /-b1-/' "$work/rows" | wc -l)" -eq 6 ] || fail "three layouts of two trials in buckets"
echo "2 and 3 hosts, 1 to 5 replicas, whole gradients and buckets: the same digests as one process, each number of hosts measured"
