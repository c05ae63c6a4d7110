# shellcheck shell=sh
# What the style tests share. A test defines `check FOLDER`, which prints "path:line: what" for each violation it finds
# in the tree there and fails when there is any. It runs on the project, then on a scratch copy in which violations
# are planted one at a time: a check that lets one pass fails itself.

root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}

# The files of the project: what git would commit, or everything but outputs where there is no git.
project_files() { # folder
  (
    cd "$1" || exit 1
    if [ -e .git ] && command -v git >/dev/null; then
      git -c safe.directory='*' ls-files -co --exclude-standard | while IFS= read -r file; do
        [ ! -e "$file" ] || printf '%s\n' "$file" # removed but not yet committed
      done
    elif [ "$1" = "$root" ]; then # no git to say what is ignored: the outputs are
      find . -name .git -prune -o \( -path ./build -o -path './results/*' ! -name README.md \) -prune -o -type f -print |
        sed 's|^\./||'
    else
      find . -name .git -prune -o -path ./build -prune -o -type f -print | sed 's|^\./||'
    fi
  )
}

# Prints the lines of stdin and fails when there are any.
report() {
  awk '{ print; found = 1 } END { exit found }'
}

# Checks the project and makes the scratch copy. A test that is slow sets `slow`: its `check` looks at the file $planted
# alone when that is not empty.
check_project() {
  echo "checking $root"
  check "$root" || exit 1
  copy=$(mktemp -d) || exit 1
  trap 'rm -rf "$copy"' EXIT
  project_files "$root" >"$copy.list"
  tar -C "$root" -cf - -T "$copy.list" | tar -C "$copy" -xf -
  rm -f "$copy.list"
  [ "${slow:-}" ] || check "$copy" || { echo "the check passes on the project but not on its copy"; exit 1; }
}

# Appends text to a file of the copy (made when absent), expects `check` to name that file, and takes it back.
expect_caught() { # file, text
  mkdir -p "$copy/$(dirname "$1")"
  [ ! -f "$copy/$1" ] || cp "$copy/$1" "$copy.kept"
  printf '%s\n' "$2" >>"$copy/$1"
  # shellcheck disable=SC2034 # read by the check
  if found=$(planted=${slow:+$1} && check "$copy"); then
    echo "not caught: '$2' in $1"
    exit 1
  fi
  case $found in
  *"$1"*) echo "caught as planned: $(printf '%s\n' "$found" | grep -F "$1" | head -n 1)" ;;
  *) echo "caught, but $1 is not named: $found" && exit 1 ;;
  esac
  rm -f "$copy/$1"
  [ ! -f "$copy.kept" ] || mv "$copy.kept" "$copy/$1"
}
