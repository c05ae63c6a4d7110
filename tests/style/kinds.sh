#!/bin/sh
# One file + one line (DESIGN 3): a line NAME(kind) of a .def list, whose kinds are defined by a macro NAME_TYPE (or, for
# OPTIMIZER, OPTIM_TYPE), belongs to exactly one file beside the list, which carries the kind's name and defines nothing
# else. Why: whoever looks for a kind finds it by its name, and whoever adds one has a whole file to copy.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

# Reads the headers first, then the sources, then the lists.
# shellcheck disable=SC2016 # awk text
check() { # folder
  project_files "$1" | grep -E '^(lab|optim)/.*\.(c|h|def)$' |
    awk '{ print (/h$/ ? 1 : /c$/ ? 2 : 3), $0 }' | sort | cut -d' ' -f2 | (cd "$1" && xargs awk '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    function inside(text) { sub(/^[^(]*\(/, "", text); sub(/\).*/, "", text); return text }
    FILENAME ~ /h$/ && /^#define [A-Z]+_TYPE\(/ {
      sub(/_TYPE.*/, "", $2)
      type[folder(FILENAME), ++n_types[folder(FILENAME)]] = $2
    }
    FILENAME ~ /c$/ && /^[A-Z]+_TYPE\([a-z0-9_]+\)/ {
      if (defines[FILENAME]++)
        print FILENAME ":" FNR ": a second kind in one file"
      macro = $0
      sub(/_TYPE.*/, "", macro)
      key = folder(FILENAME) " " macro " " inside($0)
      if (key in file)
        print FILENAME ":" FNR ": " file[key] " defines " inside($0) " too"
      file[key] = FILENAME
    }
    FILENAME ~ /def$/ && /^[A-Z]+\([a-z0-9_]+\)/ {
      list = $0
      sub(/\(.*/, "", list)
      for (i = 1; i <= n_types[folder(FILENAME)]; i++) {
        macro = type[folder(FILENAME), i]
        if (index(list, macro) != 1)
          continue
        key = folder(FILENAME) " " macro " " inside($0)
        if (!(key in file))
          print FILENAME ":" FNR ": no file defines " macro "_TYPE(" inside($0) ")"
        else if (index(file[key], inside($0)) == 0)
          print file[key] ": defines " inside($0) " and should carry its name"
      }
    }') | report
}

check_project
expect_caught optim/optimizers.def 'OPTIMIZER(planted)'
expect_caught lab/data/datasets.def 'DATASET(planted)'
expect_caught optim/sgd.c 'OPTIM_TYPE(planted) = {'
expect_caught optim/zz.c 'OPTIM_TYPE(sgd) = {'
