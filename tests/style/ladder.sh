#!/bin/sh
# Includes are written from the root and only point down the ladder (DESIGN 3), and each big library is known to one
# room. Why: a room can be read, tested and replaced without the rooms above it, and a library without the others.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

# shellcheck disable=SC2016 # awk text
check() { # folder
  project_files "$1" | grep -E '^(lab|optim)/.*\.[ch]$' | (cd "$1" && xargs awk '
    function room(path,  part) {
      split(path, part, "/")
      return part[1] == "lab" ? part[1] "/" part[2] : part[1]
    }
    function bad(message) { print FILENAME ":" FNR ": " message }
    function only(home, name) { if (index(FILENAME, home) != 1) bad("only " home " knows " name) }
    BEGIN {
      rung["lab/base"] = 0
      rung["optim"] = rung["lab/data"] = rung["lab/nn"] = rung["lab/comm"] = 1
      rung["lab/train"] = 2
      rung["lab/store"] = 3
      rung["lab/sweep"] = rung["lab/analyze"] = 4
      rung["lab/cli"] = 5
    }
    /^[ \t]*#[ \t]*include[ \t]*["<]/ {
      from = room(FILENAME)
      target = $0
      sub(/^[^"<]*["<]/, "", target)
      sub(/[">].*/, "", target)
      if (!(from in rung))
        bad("this folder has no rung on the ladder")
      else if ($0 ~ /"/) {
        to = room(target)
        if (!(to in rung))
          bad("\"" target "\" is not written from the root")
        else if (to != from && rung[to] >= rung[from])
          bad("\"" target "\" does not lie below " from)
        if (target == "lab/comm/mpi.h")
          only("lab/comm/", target)
      } else if (target ~ /^mpi/) only("lab/comm/", "<" target ">")
      else if (target ~ /^(hdf5|H5)/) {
        if (index(FILENAME, "lab/store/") != 1 && FILENAME != "lab/data/hdf5_array.c")
          bad("HDF5 is known to lab/store (what is written) and lab/data/hdf5_array.c (examples)")
      }
      else if (target ~ /cJSON/) only("lab/base/json.c", "<" target ">")
      else if (target ~ /dnnl/) {
        if (FILENAME != "lab/nn/gemm.c" && FILENAME != "lab/nn/onednn.c")
          bad("oneDNN is known to lab/nn/gemm.c (products) and lab/nn/onednn.c (the rest)")
      }
    }') | report
}

check_project
expect_caught lab/base/planted.c '#include "lab/train/trial.h"'
expect_caught lab/data/planted.h '#include "lab/nn/model.h"'
expect_caught optim/planted.c '#include "lab/comm/comm.h"'
expect_caught lab/sweep/planted.c '#include "lab/analyze/cells.h"'
expect_caught lab/nn/planted.c '#include "model.h"'
expect_caught lab/elsewhere/planted.c '#include "lab/base/arena.h"'
expect_caught lab/train/planted.c '#include <mpi.h>'
expect_caught lab/store/planted.c '#include "lab/comm/mpi.h"'
expect_caught lab/analyze/planted.c '  #  include <hdf5_hl.h>'
expect_caught lab/data/planted.c '#include <hdf5.h>'
expect_caught lab/base/planted.c '#include <cjson/cJSON.h>'
expect_caught lab/train/planted.c '#include <oneapi/dnnl/dnnl.h>'
expect_caught lab/nn/planted.c '#include <dnnl.h>'
