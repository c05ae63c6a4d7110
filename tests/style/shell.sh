#!/bin/sh
# Every shell script passes shellcheck. Why: an unquoted path with a space in it is found here, not by a user.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }

slow=yes planted=
check() { # folder
  (
    cd "$1" || exit 1
    if [ "$planted" ]; then echo "$planted"; else project_files .; fi | while IFS= read -r file; do
      case $file in
      *.sh) echo "$file" ;;
      *) head -c 20 "$file" | LC_ALL=C grep -aqE '^#!.*[/ ](ba|da)?sh' && echo "$file" ;;
      esac
    done | xargs shellcheck --severity=warning --external-sources --source-path="$PWD" --format=gcc
  ) | report
}

check_project
# shellcheck disable=SC2016 # planted text, not to be expanded
expect_caught tests/cli/planted.sh '#!/bin/sh
cd $1/x
rm -rf "$HOME/$unknown"'
