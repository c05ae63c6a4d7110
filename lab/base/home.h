/* Where the program's own files are: experiments/, plots/. */
#ifndef LAB_BASE_HOME_H
#define LAB_BASE_HOME_H

#include "lab/base/arena.h"

/* The path of `file` ("plots/curves.gp"). The program's own tree goes first, wherever it was moved
 * to: PREFIX/share/batchlab for PREFIX/bin/batchlab. Then the prefix it was installed to, then
 * `source`, the tree it was built from. The last one when it is in none of them. */
const char *home_file(const char *file, const char *prefix, const char *source, Arena *arena);

#endif
