#!/bin/sh
# Mistakes in a job, planted one at a time: each is refused with exit code 2 and a message that names it.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 1
n=0
refused() { # what the message says, words of submit
  says=$1
  shift
  "$binary" submit "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  if [ $code -ne 2 ] || [ -s "$work/out" ] || ! grep -qF -- "$says" "$work/err" || ! grep -q 'hint: ' "$work/err"; then
    echo "FAILED: submit $*: exit code $code, wanted 2 and '$says' with a hint, got:"
    cat "$work/out" "$work/err"
    exit 1
  fi
  n=$((n + 1))
}
smoke() { # what the message says, target, further words
  says=$1 target=$2
  shift 2
  refused "$says" experiments/smoke.json --target "$target" "$@"
}
search() {
  says=$1 target=$2
  shift 2
  refused "$says" experiments/lr_search.json --target "$target" "$@"
}

# ---- the site's settings
smoke "there is no target 'slrum'" slrum
refused "needs a --target" experiments/smoke.json
smoke "nods is not a known setting" slurm --set nods=4
smoke "slurm.acount is not a known setting" slurm --set slurm.acount=x
smoke "nodes is 0.5" slurm --set nodes=0.5
smoke "--set is 'nodes'" slurm --set nodes
smoke "walltime is 170 s" slurm --set walltime=170s
smoke "walltime is 'soon'" slurm --set walltime=soon
smoke "walltime is '1:99:00'" slurm --set walltime=1:99:00
smoke "makes the job 'Smoke_Test'" slurm --set name=Smoke_Test
smoke "1 x 1 ranks a node are 1 ranks" slurm --set nodes=1 --set ranks_per_node=1
smoke "gives a node 2 cores" slurm --set cores_per_node=2 layouts.threads=4
smoke "memory_per_node_mb is 100 MB" slurm --set memory_per_node_mb=100
smoke "is set by the engine itself" slurm --set env.OMPI_MCA_plm_rsh_args=-q
smoke "is no name of an environment variable" slurm --set 'env={"2ND": "1"}'
smoke "slurm.account is 'a b'" slurm --set 'slurm.account=a b'
smoke "slurm.signal is 'HUP'" slurm --set slurm.signal=HUP
search "the experiment is a search" slurm --set array=true
printf '{"image": "batchlab:latest", "slurm": 3}' >"$work/site.json"
smoke "slurm is a number" slurm --site "$work/site.json"

echo "$n mistakes refused"
