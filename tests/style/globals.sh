#!/bin/sh
# No variable outlives its function unless an arena holds it: nothing in the objects' writable sections. Why: two
# trials in one process, or two threads in one step, must not meet in a place that no signature shows. Reads the
# objects, so a missing `const` on a table is found too. Allow-list: object and symbol, then the reason.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

allowed='
launch_worker.c.o stop_flag a signal handler can reach nothing else
h5.c.o library the lock of a library that has its own state
comm.c.o text what MPI says of its version: the same bytes at every call
'

[ -n "${BATCHLAB_BUILD-}" ] || { echo "BATCHLAB_BUILD is not set: run it through ctest"; exit 77; }
command -v objdump >/dev/null || { echo "objdump is not installed"; exit 77; }

check_objects() { # objects and libraries
  objdump -t "$@" | allowed=$allowed awk '
    BEGIN {
      n = split(ENVIRON["allowed"], line, "\n")
      for (i = 1; i <= n; i++) if (split(line[i], word, " ") > 1) allowed[word[1] " " word[2]] = 1
    }
    / file format / { object = $1; sub(/:$/, "", object); sub(/.*\//, "", object) }
    / O \.t?(data|bss)/ && !/\.data\.rel\.ro/ {
      name = $NF
      sub(/\.[0-9]+$/, "", name) # a static inside a function
      if (!((object " " name) in allowed)) print object ": " name " is a variable at file scope, or static in a function"
    }' | report
}

echo "checking the objects in $BATCHLAB_BUILD"
objects=$(find "$BATCHLAB_BUILD" -maxdepth 1 -name '*.a'
  find "$BATCHLAB_BUILD/CMakeFiles/batchlab.dir" -name '*.o')
[ -n "$objects" ] || { echo "there are none"; exit 1; }
# shellcheck disable=SC2086 # a list of files
check_objects $objects || exit 1

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
plant() { # name, code
  printf '%s\n' "$2" >"$scratch/$1.c"
  cc -c -o "$scratch/$1.o" "$scratch/$1.c" || exit 1
}
plant counter 'int count(void); int count(void) { static int n; return ++n; }'
plant table 'const char *names[] = {"a", "b"};'
plant constant 'const char *const names[] = {"a", "b"};'
for planted in counter table; do
  check_objects "$scratch/$planted.o" && { echo "not caught: $planted.c"; exit 1; }
done
check_objects "$scratch/constant.o" || { echo "a constant table is not a variable"; exit 1; }
