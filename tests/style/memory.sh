#!/bin/sh
# Memory comes from arenas and goes back with them (DESIGN 7). Why: there is no path on which a free can be forgotten
# or done twice, and every byte of a trial is counted. Allow-list: file, then the reason.
# shellcheck source=tests/style/libstyle.sh
. "$(dirname "$0")/libstyle.sh"

allowed='
lab/base/arena.c the arena itself
'

# shellcheck disable=SC2016 # awk text
check() { # folder
  project_files "$1" | grep -E '^(lab|optim)/.*\.[ch]$' | (cd "$1" && allowed=$allowed xargs awk '
    BEGIN {
      n = split(ENVIRON["allowed"], line, "\n")
      for (i = 1; i <= n; i++) if (split(line[i], word, " ")) allowed[word[1]] = 1
      calls = "(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|free|cfree|strdup|" \
              "strndup|asprintf|vasprintf|getline|open_memstream)[ ]?\\("
    }
    { code = $0; sub(/\/\*.*/, "", code) }
    code ~ /^ ?\*/ { next } # inside a comment
    code ~ calls && !(FILENAME in allowed) { print FILENAME ":" FNR ": use an arena, not" $0 }
    code ~ calls { used[FILENAME] = 1 }
    END { for (file in allowed) if (!(file in used)) print file ": needs no place on the allow-list" }') | report
}

check_project
expect_caught lab/train/planted.c '    free(rows);'
expect_caught optim/planted.c 'static void *room(void) { return malloc(8); }'
expect_caught lab/base/planted.h 'static char *copy(const char *x) { return strdup(x); }'
