#!/bin/sh
# The container's entry `batchlab-ranks` carries out what `submit` made for Vertex AI and SageMaker, on this one host: the
# words of the golden jobs, the hosts as the service tells them, the metric as its tuner reads it, 85 when time is up.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
command -v bash >/dev/null || { echo "skipped: no bash" && exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/out" "$work/err" 2>/dev/null
  exit 1
}
mkdir "$work/bin" "$work/config"
ln -s "$binary" "$work/bin/batchlab"
ln -s "$root/lab/sweep/batchlab-ranks" "$work/bin/batchlab-ranks"
export PATH="$work/bin:$PATH" BATCHLAB_RANKS_FOLDER="$work/ranks" OMPI_MCA_rmaps_base_oversubscribe=1
cd "$work" || exit 1

# ---- rank maps
# shellcheck disable=SC2089,SC2090 # JSON, meant literally
export CLUSTER_SPEC='{"cluster": {"workerpool0": ["job-workerpool0-ab-0:2222"], "workerpool1": ["job-workerpool1-ab-0:2222",
  "job-workerpool1-ab-1:2222"]}, "environment": "cloud", "task": {"type": "workerpool1", "index": 1, "trial": "7"}}'
batchlab _hosts vertex >out 2>err || fail "_hosts vertex"
[ "$(tr '\n' ' ' <out)" = "2 job-workerpool0-ab-0 job-workerpool1-ab-0 job-workerpool1-ab-1 " ] || fail "CLUSTER_SPEC: $(cat out)"
CLUSTER_SPEC='{"cluster": {}, "task": {}}' batchlab _hosts vertex >out 2>err && fail "a CLUSTER_SPEC without a chief passes"
hosts='"algo-10", "algo-1", "algo-2", "algo-3", "algo-4", "algo-5", "algo-6", "algo-7", "algo-8", "algo-9"'
echo "{\"current_host\": \"algo-10\", \"hosts\": [$hosts]}" >config/resourceconfig.json
batchlab _hosts sagemaker --folder config >out 2>err || fail "_hosts sagemaker"
[ "$(head -n 3 out | tr '\n' ' ')" = "9 algo-1 algo-2 " ] || fail "resourceconfig.json: $(cat out)"

# ---- a trial of a tuning service, with the words of the golden job and a value as the service adds it
sed -n 's/.*"args": \[\(.*\)\],*$/\1/p' "$root/tests/golden/jobs/vertex-tuning.json" | head -n 1 |
  sed 's/", "/"\n"/g; s|/usr/local/share/batchlab/experiments|'"$root"'/experiments|; s|"/gcs/[^"]*"|"'"$work"'/results"|' |
  sed 's/^"//; s/"$//' >words
[ "$(wc -l <words)" -eq 14 ] || fail "words of the golden job: $(cat words)"
# shellcheck disable=SC2089,SC2090
export CLUSTER_SPEC='{"cluster": {"workerpool0": ["one-workerpool0-0:2222"]}, "task": {"type": "workerpool0", "index": 0}}'
export CLOUD_ML_TRIAL_ID=7 CLOUD_ML_HP_METRIC_FILE="$work/hypertune/output.metrics"
xargs -d '\n' -a words sh -c 'exec batchlab-ranks "$@" --trial.lr.base=0.1' ranks >out 2>err || fail "a trial of the service: exit code $?"
told=$(sed -n 's/^batchlab: examples_to_target = //p' err)
[ -n "$told" ] || fail "the trial tells no metric"
grep -q "\"trial\":\"7\"" "$CLOUD_ML_HP_METRIC_FILE" && grep -q "\"examples_to_target\":\"$told\"" "$CLOUD_ML_HP_METRIC_FILE" ||
  fail "the metric file: $(cat "$CLOUD_ML_HP_METRIC_FILE")"
[ -s results/trial-7/lr_search/report.html ] || fail "the trial has no folder of its own"
batchlab export --json results/trial-7/lr_search | grep -q "\"examples_to_target\": $told" || fail "another number than the run's"
unset CLOUD_ML_TRIAL_ID

# ---- SageMaker's form of it: all words are hyperparameters. The service ends the container, then starts it again.
words='[\"sagemaker\",\"1\",\"1\",\"600\",\"batchlab\",\"run\",\"EXPERIMENT\",\"--results\",\"RESULTS\",\"--tell\",\"valid_accuracy\",\"sweep={}\",\"search=null\",\"seeds=[0]\",\"trial.stop={\\\"epochs\\\": 15}\"]'
printf '{"batchlab": "%s", "trial.lr.base": "0.05", "_tuning_objective_metric": "valid_accuracy"}\n' "$words" |
  sed "s|EXPERIMENT|$root/experiments/lr_search.json|; s|RESULTS|$work/sagemaker|" >config/hyperparameters.json
echo '{"current_host": "algo-1", "hosts": ["algo-1"]}' >config/resourceconfig.json
export BATCHLAB_SAGEMAKER="$work/config"
batchlab-ranks train >out 2>err &
container=$!
tries=300
until [ -n "$(find sagemaker -name journal 2>/dev/null)" ]; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || fail "the trial does not begin"
  sleep 0.1
done
sleep 0.2
kill -TERM $container
wait $container
code=$?
[ $code -eq 85 ] || fail "the container is ended: exit code $code"
batchlab-ranks train >out 2>err || fail "the same again: exit code $?"
grep -q 'goes on after step' err || fail "it does not go on from its checkpoint"
grep -qE '^batchlab: valid_accuracy = [0-9.eE+-]+$' err || fail "no line that the service's pattern finds"
batchlab-ranks vertex 1 >out 2>err
[ $? -eq 2 ] || fail "too few words pass"
echo "two services' forms of a trial"
