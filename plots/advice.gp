# Seconds to the target as a map: replicas to the right, global batch upwards, darker is slower.
# Columns: 1 column, 2 row, 3 global_batch, 5 replicas, 7 extrapolated, 13 seconds, 21 choice, 22 label
name = 'advice'; table = ARG1; svg = ARG2
folder = ARG0[1:strlen(ARG0) - strlen(name.'.gp')]
load folder.'style.gp'

columns = 0; rows = 0; least = 1e300; most = 0; beyond = 0; row_trained = -1
stats table using (columns = $1 + 1 > columns ? $1 + 1 : columns, rows = $2 + 1 > rows ? $2 + 1 : rows, \
    least = $13 < least ? $13 : least, most = $13 > most ? $13 : most, beyond = beyond + $7, \
    row_trained = $7 == 0 && $2 > row_trained ? $2 : row_trained, $13) nooutput
array batches[rows]
array many[columns]
stats table using (batches[int($2) + 1] = $3, many[int($1) + 1] = $5, $13) nooutput

tall = rows * (rows > 12 ? 22 : 30) + 20
below = columns > 9 ? 84 : 60 # tics and label
legend = beyond > 0 ? 118 : 92
height = tall + 30 + below + legend
eval canvas(600, height)
eval axes
set multiplot
unset grid
unset key
set lmargin at screen 0.14
set rmargin at screen 0.97
set tmargin at screen 1 - 38.0 / height
set title 'seconds to the target' offset 0,-0.5 font ',16' tc rgb '#222222'
set bmargin at screen (0.0 + below + legend) / height
set xrange [-0.5 : columns - 0.5]
set yrange [-0.5 : rows - 0.5]
set xtics ()
set ytics ()
do for [i=1:columns] { set xtics add (sprintf('%d', many[i]) i - 1) scale 0 }
do for [i=1:rows] { set ytics add (sprintf('%d', batches[i]) i - 1) scale 0 }
if (columns > 9) { set xtics font ',13' rotate by 45 right }
set xlabel 'replicas' offset 0,(columns > 9 ? 0.2 : 0.3)
set ylabel 'global batch' offset 0.5,0
# light is fast; a colour-blind-safe ramp of one hue
set palette defined (0 '#f7fbff', 0.35 '#9ecae1', 0.7 '#3182bd', 1 '#08306b')
set cbrange [log(least) : (most > least ? log(most) : log(least) + 1)]
unset colorbox
dark(s) = most > least && log(s / least) / log(most / least) > 0.5
size = columns > 12 ? 11 : columns > 9 ? 12 : 14
if (beyond > 0) {
    set arrow 1 from -0.5, row_trained + 0.5 to columns - 0.5, row_trained + 0.5 nohead front lc rgb '#d55e00' lw 1.6 dt (4,3)
}
number_font = sprintf('DejaVu Sans,%d', size)
plot table using 1:2:(0.49):(0.49):(log($13)) with boxxyerror fs solid 1 noborder lc palette, \
     table using (dark($13) ? NaN : $1):2:22 with labels font number_font tc rgb '#202020', \
     table using (dark($13) ? $1 : NaN):2:22 with labels font number_font tc rgb 'white', \
     table using (int($21) % 2 ? $1 + 0.34 : NaN):($2 + 0.28) with points pt 3 ps 0.8 lw 2 lc rgb '#d55e00', \
     table using (int($21 / 2) % 2 ? $1 + 0.34 : NaN):($2 - 0.28) with points pt 13 ps 0.9 lc rgb '#d55e00', \
     table using (int($21 / 4) % 2 ? $1 - 0.34 : NaN):($2 - 0.28) with points pt 7 ps 0.75 lc rgb '#d55e00', \
     table using ($21 > 0 ? $1 : NaN):2:(0.47):(0.47) with boxxyerror lc rgb '#d55e00' lw 2.4 fs empty
unset arrow 1
eval legend_strip(legend - 6, 2, height)
set key notitle horizontal maxcols 1 maxrows 4 samplen 1 width 0
plot 2 notitle, keyentry with points pt 3 ps 0.9 lw 2 lc rgb '#d55e00' title 'fastest', \
     keyentry with points pt 13 ps 1 lc rgb '#d55e00' title 'fastest at >= 80 % efficiency', \
     keyentry with points pt 7 ps 0.8 lc rgb '#d55e00' title 'cheapest', \
     for [i=1:(beyond > 0)] keyentry with lines lc rgb '#d55e00' lw 1.6 dt (4,3) title 'above: beyond the trained batches'
unset multiplot
