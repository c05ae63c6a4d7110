#!/bin/sh
# What may lie where: the fixed top level, no outputs or data in the repository, plain names, files short enough to be
# read in one sitting, nothing left to do in the text.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

check() { # folder
  {
    project_files "$1" | check_names
    project_files "$1" | check_sizes "$1"
    project_files "$1" | check_texts "$1"
  } | report
}

check_names() {
  while IFS= read -r file; do
    case $file in
    CMakeLists.txt | CMakePresets.json | Dockerfile | README.md | CONTRIBUTING.md | CHANGELOG.md | LICENSE) continue ;;
    .clang-format | .clang-tidy | .editorconfig | .gitignore | .gitattributes | .dockerignore | .ci/* | batchlab) continue ;;
    lab/* | optim/* | experiments/* | plots/* | tests/* | notebooks/*) ;;
    results/README.md) continue ;;
    results/*) echo "$file: results are outputs; git ignores them" && continue ;;
    *) echo "$file: the top level is fixed (DESIGN 3)" ;;
    esac
    case $file in
    *.o | *.a | *.so | *.pyc | *.core | */CMakeCache.txt | *.log | *.tmp | *~ | *.orig | *.rej)
      echo "$file: a build output or a leftover" ;;
    *.h5 | *.gz | *.xz | *.zip | *.tar | *-ubyte | *.npy | *.npz | *.pkl | *.pt | *.parquet)
      [ "${file#notebooks/}" != "$file" ] || echo "$file: data is not committed" ;;
    esac
    case ${file##*/} in
    README.md | CMakeLists.txt) ;;
    *[!a-z0-9_.-]*) echo "$file: names are lower case letters, digits, _ . -" ;;
    *-*.[ch]) echo "$file: names of C files use _" ;;
    esac
  done
}

# 400 lines of C (300 is the aim), 256 KiB of anything.
check_sizes() { # folder
  (cd "$1" && xargs wc -lc) | awk '
    $3 == "total" { next }
    $2 > 262144 { print $3 ": larger than 256 KiB" }
    $3 ~ /\.[ch]$/ && $1 > 400 { print $3 ": " $1 " lines, more than 400; what is its second idea?" }'
}

check_texts() { # folder; the words are split here so that this file does not hold them
  marks='TO''DO|FIX''ME|X''XX|not ''implemented'
  grep -E '\.(c|h|def|sh|md|gp|json|txt|cmake|ipynb|py)$|^batchlab$|^\.ci/' |
    (cd "$1" && xargs grep -nwE "$marks" /dev/null | cut -c1-160 | sed 's/$/  <- do it, or say it in the changelog/')
}

check_project
expect_caught stray.txt 'x'
expect_caught results/run/run.h5 'x'
expect_caught lab/base/arena.o 'x'
expect_caught tests/unit/train-images-idx3-ubyte 'x'
expect_caught lab/base/CamelCase.c 'x'
expect_caught optim/two-words.c 'x'
expect_caught lab/base/arena.h "/* FIX""ME */"
expect_caught lab/base/vec.c "$(yes '/* long */' | head -n 401)"
expect_caught tests/unit/big.json "$(head -c 270000 /dev/zero | tr '\0' '1')"
