/* Manual pages: what a kind says of itself, as text or as Markdown. */
#ifndef LAB_CLI_PAGE_H
#define LAB_CLI_PAGE_H

#include "lab/cli/kinds.h"

void page_print(const Kind *kind, const char *noun, Arena *arena);
void page_print_markdown(const Kind *kind, Arena *arena);

/* The `lr` object and its `warmup`, as if they were kinds: [0] and [1]. */
enum { PAGE_LR_N = 2 };
void page_lr(Kind pages[PAGE_LR_N]);
/* The `search` object and trial.augment, likewise. */
Kind page_search(void);
Kind page_augment(void);

#endif
