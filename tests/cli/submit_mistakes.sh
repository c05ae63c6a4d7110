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
smoke "cannot be: 'mpijob' has no array" mpijob --set array=true
smoke "has no search" vertex-tuning
search "tunes one cell, but the sweep has 8" vertex-tuning

# ---- the object itself, edited by hand
edited() { # what the message says, job in tests/golden/jobs, sed script that makes the mistake
  sed "$3" "$root/tests/golden/jobs/$2.json" >"$work/job.json"
  cmp -s "$work/job.json" "$root/tests/golden/jobs/$2.json" && echo "FAILED: '$3' changes nothing in $2" && exit 1
  refused "$1" --target "${2%_grid}" --check --file "$work/job.json"
}
edited "Wrker is no field" mpijob 's/"Worker"/"Wrker"/'
edited "Launcher.replicas is 2" mpijob 's/"replicas": 1,/"replicas": 2,/'
edited "Worker.replicas is 0" mpijob '/"Worker"/,$s/"replicas": 2/"replicas": 0/'
edited "cleanPodPolicy is \"Runing\"" mpijob 's/"Running"/"Runing"/'
edited "restartPolicy is \"Always\"" mpijob '0,/"Never"/s//"Always"/'
edited "its last pod would be" mpijob \
  's/"batchlab-smoke"/"batchlab-smoke-of-a-very-long-name-that-somebody-thought-up"/'
edited "name is 'batchlab_smoke'" mpijob 's/"batchlab-smoke"/"batchlab_smoke"/'
edited "slotsPerWorker is a number, but should be of type integer" mpijob 's/"slotsPerWorker": [0-9]*/"slotsPerWorker": 2.5/'
edited "lacks the required field 'image'" mpijob '/"image"/d'
edited "cpu is '4 cores'" mpijob 's/"cpu": "4"/"cpu": "4 cores"/'
edited "apiVersion is \"kubeflow.org/v1\"" mpijob 's|kubeflow.org/v2beta1|kubeflow.org/v1|'
edited "numNodes is 0" trainjob 's/"numNodes": 2/"numNodes": 0/'
edited "runtimeReference is no field" trainjob 's/"runtimeRef"/"runtimeReference"/'
edited "is not 1, but pool 0 is the chief" vertex '0,/"replicaCount": 1/s//"replicaCount": 3/'
edited "is another machine than the chief's" vertex '0,/"n2-highcpu-16"/s//"c3-standard-8"/'
edited "timeout is '2h'" vertex 's/"7200s"/"2h"/'
edited "replicas is no field" vertex 's/"replicaCount"/"replicas"/'
edited "goal is \"minimize\"" vertex-tuning 's/"MINIMIZE"/"minimize"/'
edited "algorithm is \"GRID\"" vertex-tuning 's/"RANDOM_SEARCH"/"GRID"/'
edited "cannot be searched on a grid" vertex-tuning 's/"RANDOM_SEARCH"/"GRID_SEARCH"/'
edited "the scale is logarithmic" vertex-tuning 's/"minValue": 0.003/"minValue": 0/'
edited "minValue is above maxValue" vertex-tuning 's/"minValue": 0.003/"minValue": 30/'
edited "parallelTrialCount is above maxTrialCount" vertex-tuning 's/"parallelTrialCount": 4/"parallelTrialCount": 40/'
edited "maxTrials is no field" vertex-tuning 's/"maxTrialCount"/"maxTrials"/'
edited "is not above the value before it" vertex-tuning_grid 's/\[0.01, 0.1, 1\]/[0.01, 0.01, 1]/'
edited "has 2 value specs" vertex-tuning 's/"scaleType": "UNIT_LOG_SCALE"/"discreteValueSpec": {"values": [1]}/'
edited "TrainingJobName is 'smoke job'" sagemaker 's/"TrainingJobName": ".*"/"TrainingJobName": "smoke job"/'
edited "RoleArn is 'batchlab'" sagemaker 's/"arn:aws:iam.*"/"batchlab"/'
edited "MaxWaitTimeInSeconds is below" sagemaker 's/"MaxWaitTimeInSeconds": 14400/"MaxWaitTimeInSeconds": 60/'
edited "MaxWaitTimeInSeconds is for spot" sagemaker 's/"EnableManagedSpotTraining": true/"EnableManagedSpotTraining": false/'
edited "MaximumRetryAttempts is 31" sagemaker 's/"MaximumRetryAttempts": 30/"MaximumRetryAttempts": 31/'
edited "MinValue is a number" sagemaker-tuning 's/"0.003"/0.003/'
edited "the scale is logarithmic" sagemaker-tuning 's/"0.003"/"0"/'
edited "HyperParameterTuningJobName has length 33" sagemaker-tuning 's/"lr-search"/"lr-search-xxxxxxxxxxxxxxxxxxxxxxx"/'
edited "cannot be searched on a grid" sagemaker-tuning 's/"Random"/"Grid"/'
edited "Type is \"minimize\"" sagemaker-tuning 's/"Minimize"/"minimize"/'
edited "leave out the nodes from 3 on" awsbatch 's/"0:3"/"0:2"/'
edited "attempts is 11" awsbatch 's/"attempts": 10/"attempts": 11/'
edited "type is \"container\"" awsbatch 's/"multinode"/"container"/'
edited "value is a number" awsbatch 's/"value": "1"/"value": 1/'

echo "$n mistakes refused"
