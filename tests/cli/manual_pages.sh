#!/bin/sh
# Manual pages say what the program does: optim/README.md is what `explain` makes today, and every page has its parts.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}
has() { grep -qF -- "$1" "$work/page" || { cat "$work/page"; fail "$2 does not say: $1"; }; }

command=$(sed -n '1s/^<!-- made by: batchlab \(.*\) -->$/\1/p' "$root/optim/README.md")
[ -n "$command" ] || fail "optim/README.md does not say what made it"
# shellcheck disable=SC2086 # words
"$binary" $command >"$work/README.md" || fail "$command"
diff -u "$root/optim/README.md" "$work/README.md" || fail "the pages changed; batchlab $command >optim/README.md"

optimizers=$("$binary" list optimizers | awk 'NR > 1 { print $1 }')
[ "$(echo "$optimizers" | wc -l)" -ge 9 ] || fail "list optimizers: $optimizers"
for name in $optimizers; do
  "$binary" explain "$name" >"$work/page" || fail "explain $name"
  has "optimizer: $name" "$name"
  has "w = w - " "$name"
  has "When it fails:" "$name"
  has "settings: default (legal)" "$name"
  has "reference: " "$name"
  has "weight_decay" "$name"
  grep -q "^### $(echo "$name" | sed 's/_/\\\\_/g')$" "$root/optim/README.md" || fail "optim/README.md has no $name"
done
"$binary" explain lars >"$work/page"
for text in '0.001 (0 to 1)' 'eta * |w| / (|g| + weight_decay * |w| + eps)' '"split" (one of split, sum, grad_only)' \
  'timm' 'apex-larc' 'simclr' 'nvcaffe' 'lr_placement outside, eps 1e-8, skip wd' '1708.03888'; do
  has "$text" "lars"
done
"$binary" explain lr >"$work/page" || fail "explain lr"
has "lr = base * scaling(k) * schedule(x)" "lr"
has "companion" "lr"
"$binary" explain warmup >"$work/page" || fail "explain warmup"
has '"linear" (one of linear, mlperf, goyal, horovod, constant, quadratic, factor)' "warmup"

"$binary" explain augment >"$work/page" || fail "explain augment"
has "object trial.augment: augment" "augment"
has '(0 to 1024)' "augment"
"$binary" explain search >"$work/page" || fail "explain search"
has "object: search" "search"
has '16 (1 to 10000)' "search"
has "null takes one" "search"
for name in $("$binary" list algorithms | awk 'NR > 1 { print $1 }'); do
  "$binary" explain "$name" >"$work/page" || fail "explain $name"
  has "algorithm: $name" "$name"
done
"$binary" explain halton >"$work/page"
has "1706.02808" "halton"

"$binary" explain --markdown >"$work/page" 2>&1 && fail "explain --markdown without chapters passes"
"$binary" explain --markdown optimisers >/dev/null 2>"$work/page" && fail "explain --markdown optimisers passes"
has "optimisers" "the error"
echo "$(echo "$optimizers" | wc -l) optimizers"
