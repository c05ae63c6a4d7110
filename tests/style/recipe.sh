#!/bin/sh
# The optimizer that CONTRIBUTING.md adds compiles without a warning against today's headers, and does not compile when
# its line in the .def list is forgotten. Why: the first thing a contributor types must work.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/lab" && cp -R "$root/lab/base" "$copy/lab" && cp -R "$root/optim" "$copy"
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/CONTRIBUTING.md" >"$copy/optim/signum.c"
grep -q 'OPTIM_TYPE(signum)' "$copy/optim/signum.c" || { echo "CONTRIBUTING.md has no optimizer to add"; exit 1; }

compiles() {
  cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Werror -O1 \
    -I "$copy" -c -o "$copy/signum.o" "$copy/optim/signum.c"
}
if compiles 2>/dev/null; then
  echo "it compiles without its line in optimizers.def"
  exit 1
fi
line=$(grep -o 'OPTIMIZER([a-z]*)' "$root/CONTRIBUTING.md" | head -n 1)
echo "$line" >>"$copy/optim/optimizers.def"
compiles || { echo "the optimizer in CONTRIBUTING.md does not compile"; exit 1; }
