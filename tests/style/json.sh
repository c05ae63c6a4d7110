#!/bin/sh
# Every JSON file parses. CMake reads it (it is always there), python3 too when it is installed, because it is
# stricter; the program itself judges experiments in tests/cli.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

strictly='
import json, sys
for file in sys.stdin.read().splitlines():
    try:
        json.load(open(file, encoding="utf-8"))
    except ValueError as error:
        print(f"{file}: {error}")
'

check() { # folder
  project_files "$1" | grep -E '\.(json|ipynb)$' >"${TMPDIR:-/tmp}/json.$$"
  (
    cd "$1" || exit 1
    cmake -DLIST="${TMPDIR:-/tmp}/json.$$" -P "$root/tests/style/json.cmake" 2>&1
    ! command -v python3 >/dev/null || python3 -c "$strictly" <"${TMPDIR:-/tmp}/json.$$"
  ) | report
  set -- $?
  rm -f "${TMPDIR:-/tmp}/json.$$"
  return "$1"
}

check_project
expect_caught experiments/planted.json '{"a": [1, 2}'
expect_caught experiments/empty.json ''
