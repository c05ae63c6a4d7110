#!/bin/sh
# What `submit` makes of smoke.json for every target is what tests/golden/jobs holds, byte for byte (BATCHLAB_UPDATE=1 writes
# it anew), it runs this program's own command line, and a share does its trials and no others.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 1

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/err" | sed 's/^/  stderr: /'
  exit 1
}
n=0
same() { # golden file, words of submit
  golden=$root/tests/golden/jobs/$1
  shift
  "$binary" submit "$@" --set walltime=2h >"$work/job" 2>"$work/err" || fail "submit $*: exit code $?"
  [ -z "$BATCHLAB_UPDATE" ] || cp "$work/job" "$golden"
  diff -u "$golden" "$work/job" || fail "submit $* makes another job; BATCHLAB_UPDATE=1 when that is meant"
  n=$((n + 1))
}
host() { # golden file, words
  file=$1
  shift
  same "$file" experiments/smoke.json --set program=/opt/batchlab/bin/batchlab "$@"
}
host local.sh --target local
host local_array.sh --target local --set array=true
host slurm.sh --target slurm --set slurm.account=physics --set slurm.partition=batch --set cores_per_node=64
host slurm_array.sh --target slurm --set array=true --set parallel=4 seeds=2 'trial.stop={"epochs": 3}' \
  --set 'slurm.setup=module load openmpi' --set 'env={"OMP_WAIT_POLICY": "passive", "NOTE": "it'\''s here"}'
# More trials than an array may have elements: elements share them.
host slurm_split.sh --target slurm --set array=true --set slurm.max_array_size=5 --set nodes=2 --set lead_s=300

host pbs.sh --target pbs --set pbs.queue=batch --set nodes=2
host pbs_array.sh --target pbs --set array=true
same mpijob.json experiments/smoke.json --target mpijob --set nodes=2 --set cores_per_node=4 --set data=/results/data
same trainjob.json experiments/smoke.json --target trainjob --set nodes=2 --set kubernetes.namespace=lab
same vertex.json experiments/smoke.json --target vertex --set nodes=2 --set vertex.nfs_server=10.0.0.2 --set vertex.spot=true
same vertex-tuning.json experiments/lr_search.json --target vertex-tuning 'sweep={}' --set vertex.bucket=lab
same sagemaker.json experiments/smoke.json --target sagemaker --set nodes=2 --set sagemaker.spot=true --set 'env={"A": "b"}'
same sagemaker-tuning.json experiments/lr_search.json --target sagemaker-tuning 'sweep={}' --set name=lr-search
same awsbatch.json experiments/smoke.json --target awsbatch --set nodes=4 --set awsbatch.file_system=fs-0123456789abcdef0
grid='search={"algorithm": "grid", "space": {"lr.base": {"min": 0.01, "max": 1, "scale": "log", "points": 3}, "optimizer.momentum": {"values": [0.9, 0.5]}}}'
same vertex-tuning_grid.json experiments/lr_search.json --target vertex-tuning 'sweep={}' "$grid"
same sagemaker-tuning_grid.json experiments/lr_search.json --target sagemaker-tuning 'sweep={}' --set name=grid "$grid"
for target in $("$binary" list targets | awk 'NR > 1 { print $1 }'); do # with no further word
  file=experiments/smoke.json
  case $target in *-tuning) file='experiments/lr_search.json sweep={} --set name=x' ;; esac
  # shellcheck disable=SC2086 # words
  "$binary" submit $file --target "$target" --out "$work/plain" 2>"$work/err" || fail "submit --target $target: exit code $?"
  [ "$(wc -l <"$work/plain")" -gt 5 ] || fail "--target $target makes nothing"
done

# Every word of the command line is one that `run` knows: it plans what was submitted.
sed -n 's/^command=(\/opt\/batchlab\/bin\/batchlab \(.*\))$/\1/p' "$root/tests/golden/jobs/slurm_array.sh" |
  sed 's|"$SLURM_ARRAY_TASK_ID/8"|5/8|' >"$work/words"
eval "\"$binary\" $(cat "$work/words") --dry-run --json" >"$work/plan" 2>"$work/err" || fail "run does not know: $(cat "$work/words")"
grep -q '"trials": 1,' "$work/plan" || fail "an element has one trial"
for job in tests/golden/jobs/*[!d].json; do # from the word behind "run" on; those of a grid hold JSON in JSON
  sed -n 's/.*"batchlab", "run", \(.*\)\],*$/\1/p; s/.*\\"batchlab\\",\\"run\\",\(.*\)\]".*/\1/p' "$job" | head -n 1 |
    sed 's/\\"/"/g; s/", *"/\n/g' | sed '1s/^"//; $s/"$//; s|^/usr/local/share/batchlab/|'"$root"'/|' >"$work/words"
  [ "$(wc -l <"$work/words")" -ge 4 ] || fail "no command in $job"
  xargs -d '\n' -a "$work/words" "$binary" run --dry-run --json >"$work/plan" 2>"$work/err" || fail "run does not know the words of $job"
done
sed -n 's/^command=(\/opt\/batchlab\/bin\/batchlab \(.*\))$/\1/p' "$root/tests/golden/jobs/slurm_array.sh" >"$work/words"
"$binary" run experiments/smoke.json seeds=2 --config "$(sed 's/.*--config \([0-9a-f]*\).*/\1/' "$work/words")" --dry-run >"$work/out" 2>"$work/err" &&
  fail "another config than the submitted one is accepted"
grep -q 'is not what was submitted' "$work/err" || fail "another config: no word about it"

# Shares: disjoint, together everything, one config; the last one reports.
for share in 0/5 1/5 2/5 3/5 4/5; do
  "$binary" plan experiments/smoke.json --share $share --json >"$work/plan" 2>"$work/err" || fail "plan --share $share"
  sed -n 's/.*"run_id": "\(.*\)",/\1/p' "$work/plan"
done | sort >"$work/shares"
"$binary" plan experiments/smoke.json --json | sed -n 's/.*"run_id": "\(.*\)",/\1/p' | sort >"$work/whole"
cmp -s "$work/shares" "$work/whole" || fail "five shares are not the whole"
set -- "$root/experiments/smoke.json" seeds=1 layouts.replicas=1 'trial.stop={"steps": 4}'
cd "$work" || exit 1
for share in 1/3 0/3 2/3; do
  "$binary" run "$@" --share $share >"$work/out" 2>"$work/err" || fail "run --share $share: exit code $?"
  [ "$share" = 2/3 ] || [ ! -s "$work/out" ] || fail "share $share reports before all is done"
done
[ "$(cat "$work/out")" = results/smoke/report.html ] || fail "the last share does not report"
[ "$("$binary" export results/smoke | wc -l)" -eq 9 ] || fail "four trials with two runs each"

# --check leaves nothing behind, and tells what the engine's client says where there is one.
mkdir "$work/bin" "$work/tmp"
printf '#!/bin/sh\n[ "$1" = --test-only ] && grep -q "^#SBATCH --requeue" "$2"\n' >"$work/bin/sbatch"
chmod +x "$work/bin/sbatch"
ls >"$work/before"
PATH="$work/bin:$PATH" TMPDIR="$work/tmp" "$binary" submit "$root/experiments/smoke.json" --target slurm --check >"$work/out" 2>"$work/err" || fail "--check"
grep -q 'ok, and so says sbatch --test-only' "$work/err" && [ ! -s "$work/out" ] || fail "--check does not ask sbatch"
ls | cmp -s - "$work/before" && [ -z "$(ls "$work/tmp")" ] || fail "--check leaves files"
rm "$work/bin/sbatch"

# --now without an engine says so; with one that refuses, too.
PATH="$work/bin:/bin:/usr/bin" SLURM_CONF=/nonexistent "$binary" submit "$root/experiments/smoke.json" --target local --now --results now >"$work/out" 2>"$work/err" ||
  fail "submit --target local --now: exit code $?"
[ -s now/smoke/report.html ] && [ "$(cat "$work/out")" = now/smoke/report.html ] || fail "local --now makes no report"
printf '#!/bin/sh\necho refused >&2\nexit 1\n' >"$work/bin/sbatch"
chmod +x "$work/bin/sbatch"
PATH="$work/bin:$PATH" "$binary" submit "$root/experiments/smoke.json" --target slurm --now --out job.sh >"$work/out" 2>"$work/err"
[ $? -eq 2 ] && grep -q 'sbatch refused the job' "$work/err" && [ ! -s "$work/out" ] || fail "a refused job is not said"
rm "$work/bin/sbatch"
PATH="$work/bin" "$binary" submit "$root/experiments/smoke.json" --target slurm --now --out job.sh >"$work/out" 2>"$work/err"
[ $? -eq 66 ] && grep -q "there is no 'sbatch' here" "$work/err" || fail "a missing client is not said"
cmp -s job.sh "$work/job" && fail "another experiment makes the same job"
echo "$n jobs as they were"
