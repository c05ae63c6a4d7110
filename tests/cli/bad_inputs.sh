#!/bin/sh
# Bad inputs: each gives exactly one message (file, dotted path, hint), the exit code of DESIGN 6, nothing on stdout, and
# leaves nothing behind.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir inputs
n_cases=0
n_bad=0

cat >inputs/good.json <<'JSON'
{
"experiment": "bad",
"question": "Does it complain?",
"trial": {
"dataset": {"name": "blobs", "train": 200, "valid": 50, "test": 50},
"model": {"name": "mlp", "hidden": [4]},
"global_batch": 32,
"mini_batch": 8,
"optimizer": {"name": "momentum", "momentum": 0.9},
"lr": {"base": 0.05, "scaling": "none", "warmup": {"epochs": 1}, "schedule": {"name": "constant"}},
"stop": {"metric": "valid_accuracy", "target": 0.5, "epochs": 1},
"eval": {"every_examples": 100}
},
"sweep": {},
"seeds": 1,
"layouts": {"replicas": [1], "threads": 1, "mode": "verify", "steps": 5}
}
JSON

wrong() { # what is wrong
  echo "WRONG: case $n_cases, $title: $1"
  n_bad=$((n_bad + 1))
}

# Every line is part of the one message; a sanitizer, an assert, a second message or a progress line would stand out.
one_message() {
  [ "$(grep -c '^batchlab: ' err)" -eq 1 ] && ! grep -vq -e '^batchlab: ' -e '^  because ' -e '^  hint: ' err
}

# Runs the program and looks at all that a bad input promises. Patterns are fixed texts.
expect() { # exit code, text of the message, text of the hint, words of the command line ...
  want=$1 says=$2 hint=$3
  shift 3
  n_cases=$((n_cases + 1))
  before=$n_bad
  "$binary" "$@" >out 2>err </dev/null
  code=$?
  [ "$code" -eq "$want" ] || wrong "exit code $code, not $want"
  one_message || wrong "not exactly one message"
  grep -v '^  hint: ' err | grep -qF -- "$says" || wrong "the message does not say: $says"
  grep '^  hint: ' err | grep -qF -- "$hint" || wrong "no hint says: $hint"
  [ ! -s out ] || wrong "stdout is not empty"
  for path in * ../bad ../results; do
    case $path in inputs | out | err) ;; *) [ ! -e "$path" ] || { wrong "it left $path" && rm -rf "./$path"; } ;; esac
  done
  [ "$n_bad" -eq "$before" ] || sed 's/^/    /' err
}

# The message must also name the file.
expect_file() { # file, exit code, message, hint, further words
  file=$1
  shift
  code_=$1 says_=$2 hint_=$3
  shift 3
  expect "$code_" "$says_" "$hint_" run "$file" --results results "$@"
  grep -qF -- "$file" err || { wrong "the message does not name $file" && sed 's/^/    /' err; }
}

# One row is one mistake in the good experiment: exit code | sed edit | text of the message | text of the hint.
while IFS='|' read -r code_wanted edit says hint; do
  case $code_wanted in '' | '#'*) continue ;; esac
  title=$edit
  sed "$edit" inputs/good.json >inputs/case.json
  if cmp -s inputs/good.json inputs/case.json; then
    n_cases=$((n_cases + 1))
    wrong "the edit changes nothing"
    continue
  fi
  expect_file inputs/case.json "$code_wanted" "$says" "$hint"
done <<'TABLE'
# names that are nearly right, at each level; 'lmab' and 'epcohs' swap two letters
2|s/"question"/"qestion"/|qestion is not a known setting|did you mean 'question'?
2|s/"trial"/"trail"/|trail is not a known setting|did you mean 'trial'?
2|s/"global_batch"/"globl_batch"/|trial.globl_batch is not a known setting|did you mean 'global_batch'?
2|s/"optimizer"/"optimiser"/|trial.optimiser is not a known setting|did you mean 'optimizer'?
2|s/"base"/"bsae"/|trial.lr.bsae is not a known setting|did you mean 'base'?
2|s/"epochs": 1}}*,$/"epcohs": 1},/|trial.stop.epcohs is not a known setting|did you mean 'epochs'?
2|s/{"epochs": 1}/{"epohcs": 1}/|trial.lr.warmup.epohcs is not a known setting|did you mean 'epochs'?
2|s/"every_examples"/"every_example"/|trial.eval.every_example is not a known setting|did you mean 'every_examples'?
2|s/"momentum": 0.9/"momentun": 0.9/|trial.optimizer.momentun is not a known setting|did you mean 'momentum'?
2|s/"hidden"/"hiden"/|trial.model.hiden is not a known setting|did you mean 'hidden'?
2|s/"valid": 50/"valdi": 50/|trial.dataset.valdi is not a known setting|did you mean 'valid'?
2|s/"replicas"/"replica"/|layouts.replica is not a known setting|did you mean 'replicas'?
2|s/"threads"/"thread"/|layouts.thread is not a known setting|did you mean 'threads'?
2|s/"question"/"Question"/|Question is not a known setting|did you mean 'question'?
2|s/"sweep": {}/"sweep": {"lr.bsae": [0.1]}/|sweep.lr.bsae[0] is not a known setting|did you mean 'base'?
2|s/"sweep": {}/"sweep": {"lrr.base": [0.1]}/|trial.lrr is not a known setting|did you mean 'lr'?
# kinds that do not exist
2|s/"momentum", "momentum"/"lmab", "momentum"/|trial.optimizer.name is 'lmab', but there is no optimizer 'lmab'|did you mean 'lamb'?
2|s/"blobs"/"blbos"/|trial.dataset.name is 'blbos', but there is no dataset|did you mean 'blobs'?
2|s/"mlp"/"mpl"/|trial.model.name is 'mpl', but there is no model|did you mean 'mlp'?
2|s/"constant"/"cosin"/|trial.lr.schedule.name is 'cosin', but there is no schedule|did you mean 'cosine'?
2|s/"scaling": "none"/"scaling": "liner"/|trial.lr.scaling is 'liner', but there is no scaling|did you mean 'linear'?
2|s/"steps": 5/"collective": "tre"/|layouts.collective is 'tre', but there is no collective|did you mean 'tree'?
2|s/"steps": 5/"bucket_kib": 64, "collective": "ring"/|layouts.bucket_kib asks for buckets, but the collective 'ring' sums whole gradients only|layouts.collective=tree
2|s/"steps": 5/"label": "a-b"/|layouts.label is 'a-b', which stands in folder names and has '-'|letters, digits and _
2|s/"steps": 5/"label": "abcdefghijklmnopqrstuvwxyz"/|layouts.label has 26 characters, but should have 1 to 24|null for none
2|s/"steps": 5/"label": 7/|layouts.label is a number, but should be a text|letters, digits, _
2|s/"steps": 5/"bucket_kib": -1/|layouts.bucket_kib is -1|0 to
2|s/"verify"/"verfiy"/|layouts.mode is 'verfiy'|did you mean 'verify'?
2|s/"valid_accuracy"/"valid_accurracy"/|trial.stop.metric is 'valid_accurracy'|did you mean 'valid_accuracy'?
2|s/"global_batch": 32/"global_batch": 32, "isa": "avx3"/|trial.isa is 'avx3'|did you mean 'avx2'?
2|s/"name": "mlp", //|trial.model lacks the setting 'name'|batchlab list models
2|s/"name": "mlp"/"name": 7/|trial.model.name is a number, but should be the name of a model|batchlab list models
# what must be there
2|/"experiment"/d|lacks the required setting 'experiment'|name
2|/"question"/d|lacks the required setting 'question'|what the report answers
2|s/^"trial": {$/"tri": {/|tri is not a known setting|did you mean 'trial'?
2|/"dataset"/d|trial lacks the required setting 'dataset'|for example
2|/"model"/d|trial lacks the required setting 'model'|for example
2|/"global_batch"/d|trial lacks the required setting 'global_batch'|1 to
2|/"optimizer"/d|trial lacks the required setting 'optimizer'|for example
2|/"lr"/d|trial lacks the required setting 'lr'|for example
2|s/"base": 0.05, //|trial.lr lacks the required setting 'base'|learning rate
2|/"stop"/d|trial lacks the required setting 'stop'|for example
2|s/, "target": 0.5//|trial.stop has metric without target|give both
2|s/"metric": "valid_accuracy", //|trial.stop has target without metric|give both
2|s/"valid_accuracy", "target": 0.5/"valid_top5", "target": 1.5/|trial.stop.target is 1.5|above 0 up to 1
2|s/"valid_accuracy"/"valid_bits_per_byte"/|trial.stop.metric is 'valid_bits_per_byte', but the dataset 'blobs' is no text|valid_loss
2|s/"blobs".*}/"markov"}/|trial.model cannot learn from the dataset 'markov'|use the model 'transformer'
2|s/"mlp", "hidden": \[4\]/"transformer"/|its examples are no texts|'text' or 'markov'
2|s/"blobs".*}/"markov"}/;s/"mlp", "hidden": \[4\]/"transformer", "width": 30/|width 30 is no multiple of heads 4|width 128
2|s/0.5, "epochs": 1/0.5/|trial.stop has no budget|epochs, examples or steps
# types
2|s/"trial": {/"trial": 7, "x": {/|x is not a known setting|known here
2|s/"lr": {.*},$/"lr": 0.1,/|trial.lr is a number, but should be an object|known here: base, base_batch
2|s/"stop": {.*},$/"stop": [1],/|trial.stop is a list, but should be an object|epochs
2|s/"eval": {.*}/"eval": 100/|trial.eval is a number, but should be an object|every_examples
2|s/"warmup": {"epochs": 1}/"warmup": 5/|trial.lr.warmup is a number, but should be an object|{"epochs": 1}
2|s/"base": 0.05/"base": "0.05"/|trial.lr.base is a text, but should be a number|0 to
2|s/"base": 0.05/"base": null/|trial.lr.base is null, but should be a number|0 to
2|s/"global_batch": 32/"global_batch": 32.5/|trial.global_batch is 32.5, but should be an integer|1 to
2|s/"hidden": \[4\]/"hidden": 4/|trial.model.hidden is a number, but should be a list|1 to
2|s/"hidden": \[4\]/"hidden": [4, "x"]/|trial.model.hidden[1] is a text, but should be|1 to
2|s/"mini_batch": 8/"mini_batch": "Auto"/|trial.mini_batch is|"auto"
2|s/"experiment": "bad"/"experiment": 5/|experiment is a number, but should be a text|name
2|s/"layouts": {.*}/"layouts": [1]/|layouts is a list, but should be an object|replicas, threads, 
2|s/"replicas": \[1\]/"replicas": "two"/|layouts.replicas is a text, but should be|1 to
2|s/"seeds": 1/"seeds": "three"/|seeds|a count
2|s/"sweep": {}/"sweep": [32, 64]/|sweep is a list, but should be an object|for example
2|s/"sweep": {}/"sweep": {"zip": {"lr.base": [1]}}/|sweep.zip is an object, but should be a list|for example
2|s/"sweep": {}/"sweep": {"lr.base": 0.1}/|sweep.lr.base is a number, but an axis of the sweep is a list|for example
# ranges
2|s/"global_batch": 32/"global_batch": 0/|trial.global_batch is 0, which is out of range|legal: 1 to
2|s/"base": 0.05/"base": -0.05/|trial.lr.base is -0.05, which is out of range|legal: 0 to
2|s/"momentum": 0.9/"momentum": 1.5/|trial.optimizer.momentum is 1.5, which is out of range|legal: 0 to 1
2|s/"target": 0.5/"target": 97.5/|trial.stop.target is 97.5, which is no accuracy|above 0 up to 1
2|s/"mini_batch": 8/"mini_batch": 0/|trial.mini_batch is 0, which is out of range|legal: 1 to
2|s/"mini_batch": 8/"mini_batch": 12/|trial.mini_batch is 12, which does not divide global_batch 32|that divides global_batch
2|s/"replicas": \[1\]/"replicas": [0]/|layouts.replicas[0] is 0, which is out of range|legal: 1 to
2|s/"replicas": \[1\]/"replicas": []/|layouts.replicas is an empty list|for example
2|s/"replicas": \[1\]/"replicas": [1, 2, 1]/|layouts.replicas[2] stands twice|once
2|s/"replicas": \[1\]/"replicas": [1, 8]/|layouts.replicas has 8 replicas, but no trial of the experiment has more than 4 shards|smaller mini_batch
2|s/"threads": 1/"threads": 0/|layouts.threads is 0, which is out of range|legal: 1 to
2|s/"steps": 5/"steps": 0/|layouts.steps is 0, which is out of range|legal: 1 to
2|s/"seeds": 1/"seeds": "7..3"/|seeds is '7..3', which is an empty|a span
2|s/"seeds": 1/"seeds": "0..99999"/|seeds is '0..99999', which is an empty or too long span|a span
2|s/"seeds": 1/"seeds": "1..x"/|seeds is '1..x', which is no span|a span
2|s/"seeds": 1/"seeds": 0/|seeds|a count
2|s/"seeds": 1/"seeds": -3/|seeds|a count
2|s/"seeds": 1/"seeds": 1.5/|seeds is 1.5, but should be a whole number|a count
2|s/"seeds": 1/"seeds": 1e12/|seeds|10000
2|s/"seeds": 1/"seeds": []/|seeds|a count
2|s/"seeds": 1/"seeds": [1, 7, 1]/|seeds[2] stands twice|once
2|s/"seeds": 1/"seeds": [1, -7]/|seeds[1] is no seed|from 0
2|s/"seeds": 1/"seeds": [1, "99999999999999999999"]/|seeds[1] is no seed|from 0
2|s/{"epochs": 1}/{"epochs": 1, "steps": 10}/|trial.lr.warmup gives 2 lengths|keep one
2|s/{"epochs": 1}/{}/|trial.lr.warmup gives no length|one of
2|s/"hidden": \[4\]/"hidden": [4, 0]/|trial.model.hidden[1] is 0, which is out of range|legal: 1 to
2|s/"train": 200/"train": -1/|trial.dataset.train is -1, which is out of range|legal:
2|s/"optimizer"/"servers": 1, "optimizer"/|trial.servers is not a known setting|did you mean
# searches
2|s/"seeds": 1/"search": {}/|search lacks the required setting 'space'|lr.base
2|s/"seeds": 1/"search": 16/|search is a number, but should be an object|known here: trials
2|s/"seeds": 1/"search": {"space": {}}/|search.space leaves no axis to search|lr.base
2|s/"seeds": 1/"search": {"space": ["lr.base"]}/|search.space is a list, but should be an object of axes|lr.base
2|s/"seeds": 1/"search": {"spaec": {}}/|search.spaec is not a known setting|did you mean 'space'?
2|s/"seeds": 1/"search": {"algorithm": "hal", "space": {"lr.base": {"min": 0.1, "max": 1}}}/|there is no algorithm 'hal'|batchlab list algorithms
2|s/"seeds": 1/"search": {"trials": 0, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.trials is 0, which is out of range|legal: 1 to
2|s/"seeds": 1/"search": {"rerun_seeds": -1, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.rerun_seeds is -1, which is out of range|legal: 0 to
2|s/"seeds": 1/"search": {"space": {"lr.bsae": {"min": 0.1, "max": 1}}}/|search.space.lr.bsae is not a known setting|did you mean 'base'?
2|s/"seeds": 1/"search": {"space": {"optimizer.momentun": {"min": 0.1, "max": 1}}}/|search.space.optimizer.momentun is no setting of the optimizer 'momentum'|did you mean 'optimizer.momentum'?
2|s/"seeds": 1/"search": {"space": {"optimizer.beta1": {"min": 0.1, "max": 1}}}/|search.space.optimizer.beta1 is no setting of the optimizer 'momentum'|"spaces": {"momentum": {"optimizer.beta1": null}}
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 1, "max": 1}}}/|search.space.lr.base.max is 1, which is not above min 1|min < max
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 0, "max": 1, "scale": "log"}}}/|search.space.lr.base.min is 0, which has no logarithm|above 0
2|s/"seeds": 1/"search": {"space": {"optimizer.momentum": {"min": 0.5, "max": 1, "scale": "reverse_log"}}}/|search.space.optimizer.momentum.max is 1, which is not below 1|without 1
2|s/"seeds": 1/"search": {"space": {"optimizer.momentum": {"min": -0.5, "max": 0.9, "scale": "reverse_log"}}}/|search.space.optimizer.momentum.min is -0.5, which is below 0|0 up to 1
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 0.1, "max": 1, "scale": "lin"}}}/|search.space.lr.base.scale is 'lin', which is none of: linear, log, reverse_log|did you mean
2|s/"seeds": 1/"search": {"space": {"lr.base": {"max": 1}}}/|search.space.lr.base lacks the required setting 'min'|smallest
2|s/"seeds": 1/"search": {"space": {"lr.base": {"values": []}}}/|search.space.lr.base.values is empty|for example
2|s/"seeds": 1/"search": {"space": {"lr.base": {"values": [0.1, 0.1]}}}/|search.space.lr.base.values[1] stands twice|once
2|s/"seeds": 1/"search": {"space": {"lr.base": {"values": [0.1], "min": 0}}}/|search.space.lr.base.min stands beside 'values'|keep one
2|s/"seeds": 1/"search": {"space": {"lr.base": {"values": ["fast"]}}}/|search.space.lr.base.values[0] is a text, but should be a number|0 to
2|s/"seeds": 1/"search": {"space": {"optimizer.momentum": {"min": 0.5, "max": 1.5}}}/|search.space.optimizer.momentum.max is 1.5, which is out of the setting's range|0 to 1
2|s/"seeds": 1/"search": {"space": {"lr.schedule": {"min": 0.5, "max": 1.5}}}/|search.space.lr.schedule|
2|s/"seeds": 1/"search": {"space": {"lr.warmup.epochs": {"values": [0, 2]}, "lr.warmup.steps": {"values": [3]}}}/|trial.lr.warmup gives 2 lengths|keep one
2|s/"seeds": 1/"search": {"space": {"mini_batch": {"values": [8, 12]}}}/|in the search's point|that divides global_batch
2|s/"seeds": 1/"search": {"space": {"mini_batch": {"values": [8, 12]}}}/|search.space.mini_batch.values[1] is 12, which does not divide|that divides global_batch
2|s/"seeds": 1/"search": {"space": {"mini_batch": {"min": 8, "max": 16}}}/|search.space.mini_batch has a range, but is no number|give its values
2|s/"seeds": 1/"search": {"space": {"model.name": {"values": ["mlp"]}}}/|search.space.model.name is not a search's to set|lr.base
2|s/"seeds": 1/"search": {"space": {"lr.schedule.name": {"values": ["cosine"]}}}/|search.space.lr.schedule.name is not a search's to set: it is the name of a kind|lr.base
2|s/"seeds": 1/"search": {"space": {"global_batch": {"values": [8, 16]}}}/|search.space.global_batch is not a search's to set: it tells cells apart|lr.base
2|s/"seeds": 1/"search": {"space": {"stop.target": {"min": 0.5, "max": 0.9}}}/|search.space.stop.target is not a search's to set: it changes what is measured|lr.base
2|s/"seeds": 1/"search": {"space": {"trial.lr.base": {"min": 0.5, "max": 0.9}}}/|search.space.trial.lr.base starts with 'trial.'|'lr.base'
2|s/"seeds": 1/"search": {"space": {"lr..base": {"min": 0.5, "max": 0.9}}}/|'lr..base' is not a dotted name|lr.base
2|s/"seeds": 1/"search": {"space": {"lr.schedule": {"values": ["cosine"]}, "lr.schedule.to": {"min": 0.1, "max": 0.2}}}/|search.space.lr.schedule.to lies inside the axis 'lr.schedule'|keep one
2|s/"sweep": {}/"sweep": {"lr.base": [0.1]}, "search": {"space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.space.lr.base is set by sweep.lr.base too|not both
2|s/"sweep": {}/"sweep": {"optimizer": [{"name": "momentum", "momentum": 0.8}]}, "search": {"space": {"optimizer.momentum": {"min": 0.1, "max": 0.9}}}/|search.space.optimizer.momentum is set by sweep.optimizer[0].momentum too|not both
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 0.1, "max": 1, "points": 3}}}/|search.space.lr.base.points is for algorithm grid|search.trials
2|s/"seeds": 1/"search": {"algorithm": "grid", "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.space.lr.base lacks 'points', which a grid needs|1 to
2|s/"seeds": 1/"search": {"algorithm": "grid", "trials": 3, "space": {"lr.base": {"min": 0.1, "max": 1, "points": 3}}}/|search.trials is not for algorithm grid|points
2|s/"seeds": 1/"search": {"algorithm": "grid", "space": {"lr.base": {"min": 0.1, "max": 1, "points": 200}, "optimizer.momentum": {"min": 0.1, "max": 0.9, "points": 200}}}/|search would make more than 10000 points a cell|fewer points
2|s/"seeds": 1/"search": {"spaces": {"lamp": {"lr.base": {"min": 0.1, "max": 1}}}}/|search.spaces.lamp|did you mean 'lamb'?
2|s/"seeds": 1/"search": {"spaces": {"lamb": {"lr.base": {"min": 0.1, "max": 1}}}}/|search.spaces has no space for the optimizer 'momentum'|search.space
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 0.1, "max": 1}}, "spaces": {"momentum": {"lr.base": null}}}/|search.spaces.momentum leaves no axis|lr.base
2|s/"seeds": 1/"search": {"space": {"lr.base": {"min": 0.1, "max": 1}}, "spaces": {"momentum": {"lr.bsae": null}}}/|search.spaces.momentum.lr.bsae is null, but search.space has no such axis|takes an axis
2|s/"seeds": 1/"search": {"goal": {"metric": "valid_los"}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.goal.metric is 'valid_los'|did you mean 'valid_loss'?
2|s/"metric": "valid_accuracy", "target": 0.5, \(.*\)/\1/;s/"seeds": 1/"search": {"goal": {"metric": "examples_to_target"}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.goal.metric is examples_to_target, but the trial has no target|trial.stop.target
2|s/"seeds": 1/"search": {"prune": {"rungs": []}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.rungs is an empty list|for example
2|s/"seeds": 1/"search": {"prune": {}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune lacks the required setting 'rungs'|where points
2|s/"seeds": 1/"search": {"prune": {"rungs": [0.5, 0.5]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.rungs[1] is 0.5 after 0.5|growing
2|s/"seeds": 1/"search": {"prune": {"rungs": [0.5, 100]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.rungs[1] is a count of examples after a fraction|all below 1
2|s/"seeds": 1/"search": {"prune": {"rungs": [0.1]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.rungs[0] is after 32 examples, before the first evaluation after 100|a later rung
2|s/"seeds": 1/"search": {"prune": {"rungs": [1000]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|where the trial ends|before the end
2|s/"seeds": 1/"search": {"prune": {"rule": "mean", "rungs": [0.7]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.rule is 'mean'|did you mean 'median'?
2|s/"seeds": 1/"search": {"prune": {"keep": 0.3, "rungs": [0.7]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.keep is for rule halving|better half
2|s/"seeds": 1/"search": {"prune": {"rule": "halving", "keep": 1, "rungs": [0.7]}, "space": {"lr.base": {"min": 0.1, "max": 1}}}/|search.prune.keep is 1, which is out of range|0.01 to 0.99
2|s/"seeds": 1/"branch": {"at_examples": [64], "examples": 2048}, "search": {"space": {"lr.base": {"min": 0.1, "max": 1}}}/|branch stands beside a search|of its own
# sweeps
2|s/"sweep": {}/"sweep": {"global_batch": [32, 0]}/|trial.global_batch = 0|legal: 1 to
2|s/"sweep": {}/"sweep": {"global_batch": [32, 0]}/|sweep.global_batch[1] is 0, which is out of range|legal: 1 to
2|s/"sweep": {}/"sweep": {"global_batch": [32, 36]}/|trial.global_batch = 36|that divides global_batch
2|s/"sweep": {}/"sweep": {"global_batch": []}/|sweep.global_batch is an empty list|at least one value
2|s/"sweep": {}/"sweep": {"lr": [{"base": 1}], "lr.base": [1]}/|sweep.lr.base is swept twice|"zip"
2|s/"sweep": {}/"sweep": {"lr.base": [1], "zip": [{"lr.base": [1]}]}/|is swept twice, also by 'sweep.lr.base'|"zip"
2|s/"sweep": {}/"sweep": {"zip": [{"lr.base": [1, 2], "global_batch": [32]}]}/|sweep.zip[0].global_batch has 1 values, but 'lr.base' beside it has 2|same length
2|s/"sweep": {}/"sweep": {"zip": [{}]}/|sweep.zip[0]|for example
2|s/"sweep": {}/"sweep": {"zip": [{"lr": [{"base": 1}], "lr.base": [1]}]}/|sweep.zip[0].lr.base touches the same setting as 'lr'|one of them
2|s/"sweep": {}/"sweep": {"trial.lr.base": [1]}/|sweep.trial.lr.base starts with 'trial.'|'lr.base'
2|s/"sweep": {}/"sweep": {"layouts.replicas": [1]}/|sweep.layouts.replicas is not part of a trial|lists
2|s/"sweep": {}/"sweep": {"global_batch.x": [1]}/|sweep.global_batch.x[0] cannot be set: trial.global_batch is a number|object
2|s/"sweep": {}/"sweep": {"lr..base": [1]}/|'lr..base' is not a dotted name|lr.base
2|s/"sweep": {}/"sweep": {"optimizer.name": ["momentum", "lamb"]}/|trial.optimizer.momentum is not a known setting|beta1
# names that would leave the results folder
2|s/"experiment": "bad"/"experiment": "..\/bad"/|experiment is '../bad', which is no usable name|lower-case
2|s/"experiment": "bad"/"experiment": "a\/b"/|experiment is 'a/b', which is no usable name|lower-case
2|s/"experiment": "bad"/"experiment": "Bad"/|experiment is 'Bad', which is no usable name|lower-case
2|s/"experiment": "bad"/"experiment": ""/|experiment is '', which is no usable name|lower-case
2|s/"experiment": "bad"/"experiment": ".bad"/|experiment is '.bad', which is no usable name|lower-case
# JSON
2|s/"base": 0.05/"base": 0.05, "base": 0.1/|trial.lr the key 'base' stands twice|keep one
2|s/"base": 0.05/"base": NaN/|line 10|comments, single quotes and bare words
2|s/"base": 0.05/"base": nan/|line 10|true, false and null
2|s/"base": 0.05/"base": Infinity/|line 10|comments, single quotes and bare words
2|s/"base": 0.05/"base": 1e999/|line 10: a number is too large|1e308
2|s/"base": 0.05/"base": 05/|line 10: a number is malformed|0.5
2|s/"base": 0.05/"base": 1./|line 10: a number has no digits after its point|0.5
2|s/"base": 0.05/"base": 0x10/|line 10|0.5
2|s/"seeds": 1/"seeds": [9007199254740993]/|line 15: an integer beyond 2^53|as a string
2|s/"base": 0.05,/"base": 0.05/|line 10: not valid JSON|comma
2|s/"base": 0.05,/"base": 0.05, \/\/ tuned/|line 10|comments
2|s/"seeds": 1,/"seeds": 1]/|line 15: a closing bracket does not match|bracket
2|s/"question": "/"question": "\\u0000/|line 3: '\u0000' inside a string|remove
2|$d|it ends inside an open bracket|'}'
2|s/complain?"/complain?/|line 3|quote
2|$s/}/} {}/|line 17|one object
# a dataset and a model that do not fit
2|s/"mini_batch": 8/"mini_batch": 8, "workers": 3/|trial.workers is 3, which does not divide 4 shards|same number of shards
2|s/"mini_batch": 8/"mini_batch": 8, "compression": "bf17"/|trial.compression is 'bf17'|did you mean 'bf16'?
2|s/"mini_batch": 8/"mini_batch": 8, "local": {"period": 4}/|trial.local has a period of 4 steps, but there is one worker|trial.workers
2|s/"mini_batch": 8/"mini_batch": 8, "workers": 2, "compression": "bf16", "local": {"period": 4}/|trial.local averages weights, trial.compression 'bf16' compresses gradients|one of the two
2|s/"mini_batch": 8/"mini_batch": 8, "workers": 2, "local": {"period": 4}, "weight_ema": {"half_life_examples": 100}/|trial.local has no weights to average|one of the two
2|s/"mini_batch": 8/"mini_batch": 8, "compression": "sign", "noise": {"preconditioned": true}/|trial.noise needs the mean gradient|take it out
2|s/"mini_batch": 8/"mini_batch": 8, "compression": "sign", "curvature": {"every_examples": 100}/|trial.curvature needs sums of whole gradients|take it out
2|s/"scaling": "none"/"scaling": "adascale"/;s/"mini_batch": 8/"mini_batch": 8, "compression": "sign"/|trial.lr has scaling 'adascale', which follows the noise|sqrt or linear
2|s/"replicas": \[1\]/"replicas": [1, 3]/;s/"mini_batch": 8/"mini_batch": 8, "workers": 2, "compression": "sign"/|layouts.replicas has 3 replicas, but no trial of the experiment has more than 2 shards or workers|replica needs at least one
2|s/"mlp", "hidden": \[4\]/"noisy_quadratic"/|trial.model|noisy_quadratic
2|s/"blobs".*}/"noisy_quadratic"}/|trial.model|dataset
# augmentation
2|s/"mini_batch": 8,/"mini_batch": 8, "augment": {"pad": 4},/|trial.augment is for images, but examples of 'blobs' are plain features|'cifar10'
2|s/"mini_batch": 8,/"mini_batch": 8, "augment": {"padd": 4},/|trial.augment.padd is not a known setting|did you mean 'pad'?
2|s/"mini_batch": 8,/"mini_batch": 8, "augment": {"pad": -1},/|trial.augment.pad is -1, which is out of range|legal: 0 to
2|s/{"name": "blobs"/{"name": "glyphs"/;s/"mini_batch": 8,/"mini_batch": 8, "augment": {"pad": 28},/|trial.augment.pad is 28, but images of 'glyphs' are 28 x 28|0 to 27
2|s/{"name": "blobs"/{"name": "glyphs"/;s/"mini_batch": 8,/"mini_batch": 8, "augment": {"cutout": 56},/|trial.augment.cutout is 56, but images|0 to 55
TABLE

title="data that is not there"
mnist() { # sed edit of the dataset
  sed "s|\"dataset\": .*|\"dataset\": {\"name\": \"mnist\", $1},|" inputs/good.json >inputs/case.json
}
mnist '"path": "nowhere"'
expect_file inputs/case.json 66 "trial.dataset.path" BATCHLAB_DATA
mnist '"path": "/nowhere/mnist"'
expect_file inputs/case.json 66 "trial.dataset.path" "absolute path"
mnist '"path": "inputs/good.json"'
expect_file inputs/case.json 66 "is not a folder" "four IDX files"
mnist '"train": 5'
expect_file inputs/case.json 2 "trial.dataset lacks the required setting 'path'" "folder"

# Ten images of 2 x 2 with labels 0 and 1, and as many test images.
mkdir inputs/data
images() { printf '\000\000\010\003\000\000\000\012\000\000\000\002\000\000\000\0020123456789012345678901234567890123456789'; }
labels() { printf '\000\000\010\001\000\000\000\012\000\001\000\001\000\001\000\001\000\001'; }
whole_data() {
  for half in train t10k; do
    images >inputs/data/$half-images-idx3-ubyte
    labels >inputs/data/$half-labels-idx1-ubyte
  done
}
title="damaged data"
mnist '"path": "data"'
expect_file inputs/case.json 66 "train-images-idx3-ubyte" "the folder must hold"
grep -qF trial.dataset err || wrong "the message does not say trial.dataset"
whole_data
images | head -c 40 >inputs/data/train-images-idx3-ubyte
expect_file inputs/case.json 74 "train-images-idx3-ubyte' is truncated: expected 56 bytes, found 40" "fetch it again"
grep -qF trial.dataset err || wrong "the message does not say trial.dataset"
whole_data
images | head -c 10 >inputs/data/t10k-images-idx3-ubyte
expect_file inputs/case.json 74 "t10k-images-idx3-ubyte' is truncated" "fetch it again"
whole_data
labels >inputs/data/train-images-idx3-ubyte
expect_file inputs/case.json 74 "is not an IDX file of images" "exchanged"
whole_data
echo '<html>not found</html>' >inputs/data/train-labels-idx1-ubyte
expect_file inputs/case.json 74 "is not an IDX file of labels" "error page"
whole_data
mnist '"path": "data", "train": 9, "valid": 5'
expect_file inputs/case.json 2 "trial.dataset.train" "at most 5"
mnist '"path": "data", "valid": 2, "test": 11'
expect_file inputs/case.json 2 "trial.dataset.test" "0 takes them all"
mnist '"path": "data"' # a twelfth of ten is none
expect_file inputs/case.json 2 "trial.dataset.valid" "at least 1"

title="bad photographs" # three records of ten would do
photographs() { # more of the dataset
  sed "s|\"dataset\": .*|\"dataset\": {\"name\": \"cifar10\", \"path\": \"inputs/cifar\"$1},|" inputs/good.json >inputs/case.json
}
records() { head -c "$((3073 * $1))" /dev/zero; }
photographs
expect_file inputs/case.json 66 "trial.dataset.path" BATCHLAB_DATA
mkdir inputs/cifar
expect_file inputs/case.json 66 "there is no './inputs/cifar/data_batch_1.bin'" "cifar-10-binary.tar.gz"
for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
  records 3 >inputs/cifar/$batch.bin
done
records 3 | tr '\000' '\013' >inputs/cifar/data_batch_4.bin
expect_file inputs/case.json 74 "data_batch_4.bin': label 11 of record 0 is out of range" "0 to 9"
records 3 | head -c 9218 >inputs/cifar/data_batch_4.bin
expect_file inputs/case.json 74 "data_batch_4.bin' is truncated" "fetch it again"
grep -qF trial.dataset err || wrong "the message does not say trial.dataset"
: >inputs/cifar/data_batch_4.bin
expect_file inputs/case.json 74 "data_batch_4.bin' is empty" "fetch it again"
records 3 >inputs/cifar/data_batch_4.bin
photographs ', "train": 15'
expect_file inputs/case.json 2 "trial.dataset.train = 15" "at most 14"

title="bad arrays of one's own"
arrays() { # more of the dataset
  sed "s|\"dataset\": .*|\"dataset\": {$1},|" inputs/good.json >inputs/case.json
}
npy() { # header as printf has it, data
  printf '\223NUMPY\001\000v\000%-117s\n' "$1" && printf '%s' "$2"
}
mkdir inputs/arrays
arrays '"name": "npy", "path": "inputs/arrays"'
expect_file inputs/case.json 66 "there is no './inputs/arrays/x.npy'" "numpy.save"
npy "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 2), }" 0123456789abcdefghijklmn >inputs/arrays/x.npy
expect_file inputs/case.json 66 "there is no './inputs/arrays/y.npy'" "numpy.save"
echo 0, 1, 0, 1, 0, 1 >inputs/arrays/y.npy
expect_file inputs/case.json 74 "y.npy' is not an npy file" "numpy.save"
npy "{'descr': '|u1', 'fortran_order': False, 'shape': (12,), }" 01234567890 >inputs/arrays/y.npy
expect_file inputs/case.json 74 "y.npy' is truncated: its header promises 140 bytes, found 139" "write it again"
npy "{'descr': '|u1', 'fortran_order': False, 'shape': (12,), }" 012345678901 >inputs/arrays/y.npy
expect_file inputs/case.json 74 "label 57 out of range: no example has label 1" "without gaps"
npy "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }" 0123456789abcdefghijklmn >inputs/arrays/x.npy
expect_file inputs/case.json 74 "x.npy' has 1 dimensions, shape (6)" "(examples, features)"
arrays '"name": "hdf5", "path": "inputs/arrays"'
expect_file inputs/case.json 66 "is not a file" "one HDF5 file"
arrays '"name": "hdf5", "path": "inputs/good.json"'
expect_file inputs/case.json 74 "is not an HDF5 file" "partly copied"
arrays '"name": "hdf5", "path": "nowhere.h5"'
expect_file inputs/case.json 66 "trial.dataset.path" BATCHLAB_DATA
arrays '"name": "hdf5", "path": "inputs/good.json", "sd": 0'
expect_file inputs/case.json 2 "trial.dataset.sd is 0, which is out of range" "1e-30"

title="bad texts"
text() { # more of the dataset
  sed "s|\"dataset\": .*|\"dataset\": {\"name\": \"text\", \"path\": \"inputs/text\"$1},|;s|\"mlp\", \"hidden\": .4.|\"transformer\"|" \
    inputs/good.json >inputs/case.json
}
text
expect_file inputs/case.json 66 "trial.dataset.path" BATCHLAB_DATA
mkdir inputs/text
expect_file inputs/case.json 66 "is not a file" "one text file"
rmdir inputs/text
: >inputs/text
expect_file inputs/case.json 74 "'./inputs/text' is empty" "fetch it again"
echo "too short for a window" >inputs/text
expect_file inputs/case.json 2 "23 bytes, too few for trial.dataset.context = 128" "at most 7"
text ', "context": 4, "train": 9'
expect_file inputs/case.json 2 "trial.dataset.train = 9" "at most 3"

title="files that are no experiments"
: >inputs/case.json
expect_file inputs/case.json 2 "is empty" "experiments/"
printf '\177ELF\002\001\000\000\377\376' >inputs/case.json
expect_file inputs/case.json 2 "line 1" "JSON"
printf '{"experiment": "\377\376"}' >inputs/case.json
expect_file inputs/case.json 2 "line 1: a string is not valid UTF-8" "UTF-8"
printf '\357\273\277{}' >inputs/case.json
expect_file inputs/case.json 2 "byte order mark" "without BOM"
head -c 1000000 /dev/zero | tr '\0' '[' >inputs/case.json
expect_file inputs/case.json 2 "nested deeper than 64 levels" "bracket"
{ cat inputs/good.json && head -c 1100000 /dev/zero | tr '\0' ' '; } >inputs/case.json
expect_file inputs/case.json 2 "larger than 1 MiB" "experiment"
echo '[]' >inputs/case.json
expect_file inputs/case.json 2 "the top level is a list, but should be an object" "known here: experiment, question"
rm inputs/case.json
expect_file inputs/goood.json 66 "No such file" "did you mean 'inputs/good.json'?"
expect_file inputs/zzzzzzzzzzzz 66 "No such file" "batchlab run"
expect_file inputs 2 "is a folder" "experiment"

title="overrides"
override() { # override, message, hint
  expect 2 "$2" "$3" run inputs/good.json --results results "$1"
  grep -qF 'command line' err || wrong "the message does not say 'command line'"
}
override trial.lr.bsae=1 "trial.lr.bsae is not a known setting" "did you mean 'base'?"
override trail.lr.base=1 "trail is not a known setting" "did you mean 'trial'?"
override trial.lrr.base=1 "trial.lrr is not a known setting" "did you mean 'lr'?"
override trial.lr.base=fast "trial.lr.base is a text, but should be a number" "0 to"
override trial.lr.base=-1 "trial.lr.base is -1, which is out of range" "0 to"
override 'trial.lr={"bsae": 1}' "trial.lr.bsae is not a known setting" "did you mean 'base'?"
override 'layouts.replicas=[1,0]' "layouts.replicas[1] is 0, which is out of range" "1 to"
override seeds=none "seeds" "a count"
override seeds.x=1 "seeds.x cannot be set: seeds is a number" "object"
override experiment=../bad "experiment is '../bad', which is no usable name" "lower-case"
override trial..lr=1 "'trial..lr' is not a dotted name" "trial.lr.base"
override trial.mini_batch=5 "trial.mini_batch is 5, which does not divide global_batch 32" "divides"
override layouts.replicas=64 "layouts.replicas has 64 replicas" "fewer replicas"

title="command lines"
expect 2 "no command 'rnu'" "did you mean 'run'?" rnu
expect 2 "\`batchlab run\` needs" "batchlab run EXPERIMENT.json" run
expect 2 "'b.json' is a second" "batchlab run EXPERIMENT.json" run a.json b.json
expect 2 "has no option '--resluts'" "did you mean '--results'?" run inputs/good.json --resluts x
expect 2 "has no option '-r'" "--help" run inputs/good.json -r
expect 2 "the option '--results' needs a value" "DIR" run inputs/good.json --results
expect 2 "the option '--results' needs a value" "DIR" run inputs/good.json --results --dry-run
expect 2 "the option '--dry-run' takes no value" "--dry-run" run inputs/good.json --dry-run=yes
expect 2 "--rerun 'everything' is no run or trial" "failed, diverged, stale" run inputs/good.json --results results --rerun everything
expect 2 "--start-limit is 'soon'" "seconds above 0" run inputs/good.json --results results --start-limit soon
expect 2 "--targets is '0.9;0.95'" "--targets 0.9,0.95" report results --targets '0.9;0.95'
expect 2 "--targets is '0.9,'" "one to 6 values" fit results --targets 0.9,
expect 2 "--targets is '1,1,1,1,1,1,1': too many" "one to 6 values" plot results --targets 1,1,1,1,1,1,1
expect 2 "--targets does not go with --table" "batchlab fit RESULTS" fit --table x.tsv --targets 0.9
expect 2 "nothing is called 'lmab'" "did you mean 'lamb'?" explain lmab
expect 2 "there is no kind 'optimisers'" "did you mean 'optimizers'?" list optimisers
expect 2 "takes no file" "batchlab run inputs/good.json" demo inputs/good.json
expect 66 "holds no results" "run the experiment first" report inputs/good.json
expect 66 "nowhere" "results folder" export nowhere
expect 66 "holds no results" "experiment" collect inputs

title="a results folder that cannot be"
: >inputs/file
expect 74 "inputs/file" "--results DIR" run inputs/good.json --results inputs/file
expect 74 "/proc/results" "--results DIR" run inputs/good.json --results /proc/results
expect 74 "/dev/null" "--results DIR" run inputs/good.json --results /dev/null
expect 74 "name too long" "--results DIR" run inputs/good.json --results "inputs/$(head -c 5000 /dev/zero | tr '\0' x)"

echo "$n_cases bad inputs, $n_bad wrong"
[ "$n_bad" -eq 0 ] && [ "$n_cases" -ge 40 ]
