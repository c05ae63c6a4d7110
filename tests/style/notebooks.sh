#!/bin/sh
# Notebooks are committed without what they printed: outputs are large, go stale, and make every execution a change.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

# Jupyter writes each of these keys on a line of its own; a notebook without line ends cannot be checked, or reviewed.
check() { # folder
  project_files "$1" | grep '\.ipynb$' | (
    cd "$1" || exit 1
    while IFS= read -r file; do
      grep -nE '"outputs": *[^][:space:]]*\[ *[^] ]|"outputs": *\[ *$|"outputs":.*"outputs":' "$file" |
        sed "s|^\([0-9]*\):.*|$file:\1: an output is committed|"
      grep -nE '"execution_count": *[0-9]' "$file" | sed "s|^\([0-9]*\):.*|$file:\1: an execution count is committed|"
    done
  ) | report
}

check_project
expect_caught notebooks/printed.ipynb '   "outputs": [
    {"output_type": "stream"}
   ],'
expect_caught notebooks/printed.ipynb '   "outputs": [{"output_type": "stream"}],'
expect_caught notebooks/counted.ipynb '   "execution_count": 3,'
expect_caught notebooks/one_line.ipynb '{"cells": [{"outputs": []}, {"outputs": []}]}'
