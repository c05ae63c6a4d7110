#include "lab/analyze/html.h"

#include "lab/analyze/format.h"

#include <stdint.h>
#include <string.h>

/* clang-format off */
/* Readable at 390 px, on paper and in the dark; figures keep a white card, since their ink is black. */
static const char style[] =
    ":root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--page:#fff;--card:#f6f8fa;--link:#0b5cad;--good:#116329;"
    "--good-bg:#dafbe1;--bad:#a40e26;--bad-bg:#ffebe9;color-scheme:light dark}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3a424c;--page:#0f1317;--card:#181d23;"
    "--link:#79b8ff;--good:#7ee2a8;--good-bg:#12301f;--bad:#ffa198;--bad-bg:#3d1518}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.25rem 1rem 4rem;max-width:58rem;background:var(--page);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;overflow-wrap:anywhere}\n"
    "h1{font-size:1.1rem;margin:0 0 .3rem;color:var(--soft);font-weight:600;letter-spacing:.01em}\n"
    "h2{font-size:1.2rem;margin:2.4rem 0 .6rem}\n"
    "h3{font-size:1.05rem;margin:0 0 .6rem}\n"
    ".question{font-size:1.65rem;line-height:1.25;font-weight:700;margin:0 0 1rem;text-wrap:balance}\n"
    ".answer{font-size:1.15rem;margin:0 0 .6rem}\n"
    "ul{padding-left:1.2rem;margin:.4rem 0}li{margin:.25rem 0}\n"
    ".verdict{border-radius:.5rem;padding:.7rem .9rem;margin:1.2rem 0;background:var(--card);border:1px solid var(--line)}\n"
    ".good{background:var(--good-bg);color:var(--good);border-color:currentColor}\n"
    ".bad{background:var(--bad-bg);color:var(--bad);border-color:currentColor}\n"
    "figure{margin:1.6rem 0;break-inside:avoid}\n"
    "figure img{display:block;width:100%;max-width:42rem;height:auto;background:#fff;border:1px solid var(--line);"
    "border-radius:.5rem;padding:.4rem}\n"
    "figcaption{color:var(--soft);font-size:.92rem;margin-top:.5rem;max-width:42rem}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem;margin:.6rem 0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.88rem;overflow-wrap:normal;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.35rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}\n"
    "tr:last-child td{border-bottom:0}\n"
    "th{background:var(--card);font-weight:600;vertical-align:bottom;white-space:normal;line-height:1.25}th small{display:block;font-weight:400;color:var(--soft)}\n"
    ".t{text-align:left}td.wrap{white-space:normal;text-align:left;overflow-wrap:anywhere}\n"
    "td.wrap:first-child{white-space:nowrap;color:var(--soft)}\n"
    ".note{color:var(--soft);font-size:.92rem}\n"
    "details{border-top:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;font-weight:600}\n"
    "code,pre{font:.88rem/1.5 ui-monospace,'DejaVu Sans Mono',monospace}\n"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.7rem .9rem;white-space:pre-wrap}\n"
    "@media(max-width:30rem){.question{font-size:1.35rem}.answer{font-size:1.05rem}figure{margin:1.6rem -.5rem}}\n"
    "@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--card:#fff;--good:#000;--good-bg:#fff;--bad:#000;"
    "--bad-bg:#fff}body{max-width:none;padding:0;font-size:10pt}details:not([open]){display:none}"
    ".scroll{overflow:visible;border:0}h2,h3{break-after:avoid}tr{break-inside:avoid}#tables{display:none}"
    "figure img{max-height:17cm;object-fit:contain;object-position:left;border:0;padding:0}}\n";
/* clang-format on */

void html_begin(Text *out, const char *title) {
    text_add(out,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    html_text(out, title);
    text_add(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void html_end(Text *out) {
    text_add(out, "</body>\n</html>\n");
}

/* "B = 32" and "20 %" must not break over two lines. */
static bool holds_together(const char *space, const char *start) {
    return space[1] == '%' || space[1] == '=' || (space > start && space[-1] == '=');
}

void html_text(Text *out, const char *raw) {
    for (const char *c = raw; *c; c++) {
        switch (*c) {
        case ' ':
            text_add(out, holds_together(c, raw) ? "&nbsp;" : " ");
            break;
        case '&':
            text_add(out, "&amp;");
            break;
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        case '\'':
            text_add(out, "&#39;");
            break;
        default:
            if ((unsigned char)*c < 0x20 && *c != '\n')
                text_add(out, " ");
            else
                text_add_n(out, c, 1);
        }
    }
}

void html_element(Text *out, const char *tag, const char *raw) {
    size_t name = strcspn(tag, " "); /* "p class=x" closes as p */
    text_add(out, "<%s>", tag);
    html_text(out, raw);
    text_add(out, "</%.*s>\n", (int)name, tag);
}

static void add_head(Text *out, const Table *table) {
    text_add(out, "<thead><tr>");
    for (int c = 0; c < table->n_columns; c++) {
        const TableColumn *column = &table->columns[c];
        text_add(out, column->unit ? "<th>" : "<th class=\"t\">");
        for (const char *n = column->name; *n; n++)
            text_add_n(out, *n == '_' ? " " : n, 1);
        if (column->unit && strcmp(column->unit, "1") != 0 && strcmp(column->unit, "flag") != 0)
            html_element(out, "small", column->unit);
        text_add(out, "</th>");
    }
    text_add(out, "</tr></thead>\n");
}

static void add_value(Text *out, const TableColumn *column, TableValue value, Arena *arena) {
    text_add(out, value.text ? "<td class=\"t\">" : "<td>");
    if (value.text)
        html_text(out, value.text);
    else if (column->unit && strcmp(column->unit, "flag") == 0)
        text_add(out, "%s", value.number != 0 ? "yes" : "no");
    else
        text_add(out, "%s", format_number(value.number, arena));
    text_add(out, "</td>");
}

void html_table(Text *out, const Table *table, int max_rows, Arena *arena) {
    int n = table_rows(table), shown = n < max_rows ? n : max_rows;
    text_add(out, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
    add_head(out, table);
    text_add(out, "<tbody>\n");
    for (int r = 0; r < shown; r++) {
        text_add(out, "<tr>");
        for (int c = 0; c < table->n_columns; c++)
            add_value(out, &table->columns[c], table_at(table, r, c), arena);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n");
    if (shown < n)
        text_add(out, "<p class=\"note\">%d of %d rows; all of them are in tables/%s.tsv.</p>\n",
                 shown, n, table->name);
}

/* Base64, RFC 4648 section 4. */
static void add_base64(Text *out, const unsigned char *bytes, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t word = (uint32_t)bytes[i] << 16;
        if (left > 1)
            word |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            word |= bytes[i + 2];
        char group[4] = {digit[word >> 18], digit[word >> 12 & 63],
                         left > 1 ? digit[word >> 6 & 63] : '=', left > 2 ? digit[word & 63] : '='};
        text_add_n(out, group, 4);
    }
}

void html_svg(Text *out, const char *svg, size_t n, const char *alt) {
    text_add(out, "<img src=\"data:image/svg+xml;base64,");
    add_base64(out, (const unsigned char *)svg, n);
    text_add(out, "\" alt=\"");
    html_text(out, alt);
    text_add(out, "\">\n");
}
