/* HTML: the few pieces a report is made of. Everything that comes from a person or a file passes
 * html_text. */
#ifndef LAB_ANALYZE_HTML_H
#define LAB_ANALYZE_HTML_H

#include "lab/analyze/table.h"
#include "lab/base/text.h"

/* A page's beginning, with its one style sheet inside, and its end. */
void html_begin(Text *out, const char *title);
void html_end(Text *out);

/* Text with & < > " ' and control characters made harmless; for content and for quoted attributes.
 */
void html_text(Text *out, const char *raw);

/* <TAG>text</TAG>, text escaped. */
void html_element(Text *out, const char *tag, const char *raw);

/* A table in a container that scrolls sideways by itself, cut at `max_rows` with a line that says
 * so. */
void html_table(Text *out, const Table *table, int max_rows, Arena *arena);

/* An <img> that carries the `n` bytes of an SVG file. */
void html_svg(Text *out, const char *svg, size_t n, const char *alt);

#endif
