# The common look of every figure. A script is called as
#     gnuplot -d -c plots/NAME.gp tables/NAME.tsv figures/NAME.svg
# and begins with `name`, `table`, `svg` and `folder` (arguments do not reach a loaded file). Tables have one header
# line; columns are known by number. Texts from the table are drawn as they are (noenhanced).

set datafile separator tab
set datafile columnheaders
set datafile missing 'NaN'
set encoding utf8

# eval canvas(width, height) opens the figure; the end of its name says which kind of file. A phone shows 600 units on
# 360 pixels, so letters are large. A unit is two pixels of PNG and 1/100 inch of PDF.
canvas_svg(width, height) = sprintf("set terminal svg size %d,%d dynamic noenhanced rounded background rgb 'white' \
font 'DejaVu Sans,17' name 'batchlab_%s'; set output svg", width, height, name)
canvas_png(width, height) = sprintf("set terminal pngcairo size %d,%d noenhanced rounded background rgb 'white' \
font 'DejaVu Sans,17' fontscale 1.4 linewidth 2 dashlength 1.8 pointscale 3.4; set output svg", 2 * width, 2 * height)
canvas_pdf(width, height) = sprintf("set terminal pdfcairo size %gin,%gin noenhanced rounded background rgb 'white' \
font 'DejaVu Sans,17' fontscale 0.52 linewidth 1.4 dashlength 1.8 pointscale 1.25; set output svg", width / 100.0, height / 100.0)
kind = svg[strlen(svg)-2:*]
canvas(width, height) = kind eq 'png' ? canvas_png(width, height) : kind eq 'pdf' ? canvas_pdf(width, height) : canvas_svg(width, height)

# Lines 1..8: things of different kind. Colour-blind-safe colours (podo without black), and every line has its own dash
# and mark, so that it can be told on paper too.
set linetype 1 lc rgb '#0072b2' lw 2.4 dt 1         pt 7  ps 0.75
set linetype 2 lc rgb '#d55e00' lw 2.4 dt (14,5)    pt 5  ps 0.7
set linetype 3 lc rgb '#009e73' lw 2.4 dt (7,4)     pt 9  ps 0.9
set linetype 4 lc rgb '#cc79a7' lw 2.4 dt (14,4,3,4) pt 13 ps 0.9
set linetype 5 lc rgb '#b8860b' lw 2.4 dt (3,3)     pt 11 ps 0.9
set linetype 6 lc rgb '#56b4e9' lw 2.4 dt (10,3,3,3,3,3) pt 15 ps 0.9
set linetype 7 lc rgb '#4d4d4d' lw 2.4 dt 1         pt 4  ps 0.8
set linetype 8 lc rgb '#7b3294' lw 2.4 dt (5,5)     pt 6  ps 0.8

# Lines 11..18: the same thing at growing size (global batches), from light to dark in equal steps of lightness.
ordered = '#f0a01e #e8743b #d64a5c #b42e7b #86218f #571f90 #2b1a78 #0d0d38'
array mark[8] = [6, 4, 8, 10, 12, 14, 7, 5]
do for [i=1:8] { set linetype 10+i lc rgb word(ordered, i) lw 2.2 pt mark[i] ps 0.6 }

# Linetype of the k-th of n ordered lines: the whole range of lightness, whatever n is.
ordered_line(k, n) = n < 2 ? 16 : 11 + int((k - 1) * 7.0 / (n - 1) + 0.5)

# eval axes: the frame of a plot; again after a legend has switched it off.
axes = "set border 3 lc rgb '#444444' lw 1; set grid lt 1 lc rgb '#e4e4e4' lw 1 dt solid; \
set xtics nomirror out scale 0.6 textcolor rgb '#222222' font ',15'; \
set ytics nomirror out scale 0.6 textcolor rgb '#222222' font ',15'"
eval axes
set key textcolor rgb '#222222' samplen 2.6 spacing 1.15

# 1500 -> "1.5k", for tics that must stay short.
short(x) = x >= 1e6 ? sprintf('%gM', x / 1e6) : x >= 1e3 ? sprintf('%gk', x / 1e3) : sprintf('%g', x)

# eval decades('x', from, to): tics of a logarithmic axis at 1, 10, 100, ..., with 2 and 5 between when it is short (names
# beside each other need more room than names above each other), and evenly spaced ones within half a decade.
decade_step(axis, from, to) = to / from < (axis eq 'x' ? 20 : 300) ? 3 : 1
full_decades(axis, from, to) = sprintf("set %stics () ; do for [e=%d:%d] { set %stics add (short(10.0**e) 10.0**e); \
if (%d == 3) { set %stics add (short(2*10.0**e) 2*10.0**e, short(5*10.0**e) 5*10.0**e) } }", \
    axis, int(floor(log10(from))), int(ceil(log10(to))), axis, decade_step(axis, from, to), axis)
part_decade(axis, from, to, step) = sprintf("set %stics (); do for [e=0:9] { tic = (floor(%.12g) + e) * %.12g; \
if (tic > 0) { set %stics add (short(tic) tic) } }", axis, from / step, step, axis)
decades(axis, from, to) = to > from && to / from < 4 ? part_decade(axis, from, to, nice(to - from, axis eq 'x' ? 2 : 4)) : full_decades(axis, from, to)

# Room beside the data on a logarithmic axis; more when all of it is one value, so that a tic is in sight.
pad(from, to) = to > from ? 1.1 : 5

# Step of about n tics over a linear axis of this length: 1, 2 or 5 times a power of ten.
nice_(x, p) = x / p < 1.5 ? p : x / p < 3.5 ? 2 * p : x / p < 7.5 ? 5 * p : 10 * p
nice(length, n) = length <= 0 ? 1 : nice_(1.0 * length / n, 10.0**floor(log10(1.0 * length / n)))

# Panels side by side, placed in units from the bottom: eval place(column, columns, top, height of the plot, of the canvas).
place(column, columns, top, tall, height) = sprintf("set lmargin at screen %g; set rmargin at screen %g; \
set tmargin at screen %g; set bmargin at screen %g", \
    columns == 1 ? 0.145 : column == 0 ? 0.145 : 0.605, columns == 1 ? 0.955 : column == 0 ? 0.495 : 0.955, \
    (top - 25) / height, (top - 25 - tall) / height)

# "momentum, scaling sqrt" on two lines, for the width of a panel.
fit(text, n) = strlen(text) > n ? text[1:n-1].'…' : text
wrap(text) = strstrt(text, ', ') ? fit(text[1:strstrt(text, ', ')], 28)."\n".fit(text[strstrt(text, ', ')+2:*], 28) : fit(text, 28)

# The legend of all panels: an empty plot over the canvas' width, `rows` entries tall and a line for its title, whose
# upper edge is at `top`; draw it with `plot 2 notitle, keyentry ...`.
legend_tall(rows) = 36 + 28 * rows
legend_strip(top, rows, height) = sprintf("unset title; unset xlabel; unset ylabel; unset tics; unset border; unset grid; \
unset logscale; unset arrow; unset label; unset object; set xrange [0:1]; set yrange [0:1]; \
set lmargin at screen 0.02; set rmargin at screen 0.98; set tmargin at screen %g; set bmargin at screen %g; \
set key at screen 0.5,%g center top horizontal Left reverse samplen 1.6 width -0.5 font ',15'", \
    1.0 * top / height, 1.0 * (top - legend_tall(rows)) / height, (top - 2.0) / height)
