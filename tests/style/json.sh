#!/bin/sh
# Every JSON file parses. CMake reads it (it is always there), python3 too when it is installed, because it is
# stricter; the program itself judges experiments in tests/cli.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

check() { # folder
  project_files "$1" | grep -E '\.(json|ipynb)$' | (
    cd "$1" || exit 1
    while IFS= read -r file; do
      cmake -DFILE="$file" -P "$root/tests/style/json.cmake" >/dev/null 2>&1 || { echo "$file: is not JSON" && continue; }
      ! command -v python3 >/dev/null || python3 -m json.tool "$file" /dev/null 2>&1 | sed "s|^|$file: |"
    done
  ) | report
}

check_project
expect_caught experiments/planted.json '{"a": [1, 2}'
expect_caught experiments/empty.json ''
