#!/bin/sh
# The wrapper script, on a small project of its own: what it builds and when, what it installs, what it leaves alone.
# dpkg-query and apt-get are stand-ins that keep their records in $work, so nothing is ever installed by this test.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tree="$work/a tree" # the space is part of the test
mkdir -p "$tree/lab" "$tree/optim" "$work/stubs" "$work/elsewhere"
cp "$root/batchlab" "$root/CMakePresets.json" "$tree"
real_cmake=$(command -v cmake)

fail() {
  echo "FAILED: $*"
  sed 's/^/  stdout: /' "$work/out"
  sed 's/^/  stderr: /' "$work/err"
  exit 1
}

# Runs the wrapper from another folder; its streams and exit code are kept.
run() {
  (cd "$work/elsewhere" && PATH="$work/stubs:$PATH" "$tree/batchlab" "$@" >"$work/out" 2>"$work/err" </dev/null)
  code=$?
}
expect_code() { [ "$code" -eq "$1" ] || fail "$2: exit code $code, not $1"; }
expect_out() { [ "$(cat "$work/out")" = "$1" ] || fail "$2: stdout is not '$1'"; }
expect_err() { grep -qF -- "$1" "$work/err" || fail "$2: stderr does not say '$1'"; }
expect_quiet() { [ ! -s "$work/err" ] || fail "$1: stderr is not empty"; }

stub() { # name; the body comes from stdin
  { echo '#!/bin/sh' && echo "work='$work'" && cat; } >"$work/stubs/$1"
  chmod +x "$work/stubs/$1"
}
stub cmake <<END
case \$1 in --build) echo begin >>"\$work/builds" ;; esac
"$real_cmake" "\$@"
code=\$?
case \$1 in --build) echo end >>"\$work/builds" ;; esac
exit \$code
END
stub dpkg-query <<'END'
for name; do :; done # the last argument
grep -qx "$name" "$work/absent" || printf installed
END
stub apt-get <<'END'
echo "apt-get $*" >>"$work/apt"
case $1 in
update) : >"$work/lists" ;;
install) [ -e "$work/lists" ] && : >"$work/absent" ;;
esac
END
: >"$work/absent"
: >"$work/builds"
: >"$work/apt"
n_builds() { grep -c begin "$work/builds"; }

cat >"$tree/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(small C)
add_executable(batchlab lab/main.c)
target_compile_definitions(batchlab PRIVATE HERE="${PROJECT_SOURCE_DIR}")
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME absent COMMAND sh -c "echo no such thing here; exit 77")
set_tests_properties(good absent PROPERTIES SKIP_RETURN_CODE 77 LABELS sanitize)
add_test(NAME chosen COMMAND sh -c "test ! -e bad")
END
program() { # greeting
  cat >"$tree/lab/main.c" <<END
#include <stdio.h>
int main(int n, char **word) {
    printf("$1 %s\\n", HERE);
    for (int i = 1; i < n; i++)
        printf("[%s]\\n", word[i]);
    return n == 2 && word[1][0] == '7' ? 7 : 0;
}
END
}

echo "a first call builds, and stdout is the program's alone"
program hello
# shellcheck disable=SC2016 # the dollar must arrive
run "two words" '$HOME'
expect_code 0 first
expect_out "hello $tree
[two words]
[\$HOME]" first
expect_err "configuring build/release" first
expect_err "building build/release 100 %" first
[ -s "$tree/build/release/build.log" ] || fail "no build.log"

echo "a second call is silent, builds nothing, and passes the exit code on"
before=$(n_builds)
run 7
expect_code 7 second
expect_quiet second
[ "$(n_builds)" = "$before" ] || fail "a build without a change"

echo "the overhead of a call without changes is below 0.3 s (best of five)"
best=999999
for _ in 1 2 3 4 5; do
  begin=$(date +%s%N)
  run
  spent=$((($(date +%s%N) - begin) / 1000))
  [ $spent -ge $best ] || best=$spent
done
echo "  $best us"
[ $best -lt 300000 ] || fail "it took $best us"

echo "a link to it is as good"
ln -s "../a tree/batchlab" "$work/elsewhere/first" && ln -s "$work/elsewhere/first" "$work/second"
out=$(cd / && PATH="$work/stubs:$PATH" "$work/second") || fail "through links"
[ "$out" = "hello $tree" ] || fail "through links: $out"

echo "a changed source is built again, a new or removed file is looked at"
program changed
run
expect_out "changed $tree" changed
before=$(n_builds)
: >"$tree/optim/new.h"
run
[ "$(n_builds)" -gt "$before" ] || fail "a new file went unseen"
expect_quiet "a build with nothing to do"
rm "$tree/optim/new.h"
before=$(n_builds)
run
[ "$(n_builds)" -gt "$before" ] || fail "a removed file went unseen"

mkdir -p "$tree/.git/logs"
: >"$tree/.git/logs/HEAD"
before=$(n_builds)
run
[ "$(n_builds)" -gt "$before" ] || fail "a commit went unseen"
rm -r "$tree/.git"

echo "a compile error is shown, and mending it is enough"
echo 'int main(void) { return undeclared_thing; }' >"$tree/lab/main.c"
run
expect_code 1 "compile error"
expect_out "" "compile error"
expect_err undeclared_thing "compile error"
expect_err build.log "compile error"
run
expect_code 1 "compile error again"
program mended
run
expect_out "mended $tree" mended

echo "inside a rank it only execs"
program later
for name in OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID; do
  export $name=0
  run x
  expect_out "mended $tree
[x]" "$name"
  expect_quiet "$name"
  run test
  expect_code 2 "test in a rank"
  unset $name
done
mv "$tree/build" "$work/build.aside"
OMPI_COMM_WORLD_RANK=1 run
expect_code 66 "a rank without a program"
[ ! -e "$tree/build" ] || fail "a rank has built"
mv "$work/build.aside" "$tree/build"

echo "--no-install names what is missing and installs nothing"
echo libcjson-dev >"$work/absent"
run --no-install demo
expect_code 66 --no-install
expect_err libcjson-dev --no-install
[ ! -s "$work/apt" ] || fail "apt-get was called"
echo "any gnuplot will do"
echo gnuplot-nox >"$work/absent"
run --no-install
expect_code 0 gnuplot
expect_out "later $tree" gnuplot

echo "only what is missing is installed; lists are fetched only when that fails"
program installed
printf 'libcjson-dev\ncmake\n' >"$work/absent"
run
expect_code 0 install
expect_err "installing cmake libcjson-dev" install
[ "$(sed 's/ -.*-remove//' "$work/apt")" = "apt-get install cmake libcjson-dev
apt-get update -q
apt-get install cmake libcjson-dev" ] || fail "calls were: $(cat "$work/apt")"
program again
echo zlib1g-dev >"$work/absent"
: >"$work/apt"
run
[ "$(sed 's/ -.*-remove//' "$work/apt")" = "apt-get install zlib1g-dev" ] || fail "calls were: $(cat "$work/apt")"

echo "somebody else than root needs sudo"
stub id </dev/null
echo 'echo 1000' >>"$work/stubs/id"
# shellcheck disable=SC2016 # text of a script
printf 'echo "sudo $*" >>"$work/apt"\nexec "$@"\n' | stub sudo
program sudo
echo zlib1g-dev >"$work/absent"
: >"$work/apt"
run
expect_code 0 sudo
grep -q '^sudo env .*apt-get install .*zlib1g-dev' "$work/apt" || fail "no sudo: $(cat "$work/apt")"
rm "$work/stubs/sudo"
if ! command -v sudo >/dev/null; then
  program nosudo
  echo zlib1g-dev >"$work/absent"
  run
  expect_code 66 "without sudo"
  expect_err "as root: apt-get install --no-install-recommends zlib1g-dev" "without sudo"
fi
rm "$work/stubs/id"
: >"$work/absent"

echo "two at once build one after the other"
program twice
: >"$work/builds"
(cd "$work/elsewhere" && PATH="$work/stubs:$PATH" "$tree/batchlab" >"$work/other" 2>/dev/null) &
run
wait
expect_out "twice $tree" "two at once"
[ "$(cat "$work/other")" = "twice $tree" ] || fail "the other one: $(cat "$work/other")"
[ "$(uniq "$work/builds" | wc -l)" -eq "$(wc -l <"$work/builds")" ] || fail "two builds at the same time"

echo "a copied tree is built for its own place"
cp -a "$tree" "$work/copy"
tree=$work/copy
run
expect_out "twice $tree" "copied tree"

echo "test: both suites, their sum, and an exit code"
run test
expect_code 0 test
[ "$(tail -n 1 "$work/out")" = "3 passed, 0 failed, 2 skipped" ] || fail "the last line of test"
grep -q '^100% tests passed' "$work/out" || fail "ctest's own lines are missing"
grep -qx 'skipped absent: no such thing here' "$work/out" || fail "no reason for the skipped test"
: >"$tree/build/release/bad"
run test
expect_code 3 "a failing test"
[ "$(tail -n 1 "$work/out")" = "2 passed, 1 failed, 2 skipped" ] || fail "the last line of a failing test"
run test -R good
expect_code 0 "test with arguments"
[ "$(tail -n 1 "$work/out")" = "2 passed, 0 failed, 0 skipped" ] || fail "the last line of a selection"
echo "all is well"
