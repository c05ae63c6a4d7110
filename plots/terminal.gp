# The metric against the examples seen, in characters, for `batchlab watch --plot`.
# The table: a line "columns rows runs", then a block a run: its name, then examples and value.
table = ARG1; picture = ARG2
stats table index 0 using 1 name 'columns' nooutput
stats table index 0 using 2 name 'rows' nooutput
stats table index 0 using 3 name 'runs' nooutput
array apart[runs_max] # of the letters on a line
do for [i=1:runs_max] {
    stats table index i using 1 name 'points' nooutput
    apart[i] = ceil(points_records / 8.0)
}
set terminal dumb columns_max, rows_max
set output picture
set key outside below left Left reverse noenhanced maxrows 3 spacing 1
set xlabel 'examples' offset 0,0.5
set format x '%.1s%c'
set format y '%g'
set tics nomirror
set border 3
plot for [i=1:runs_max] table index i using 1:2 with linespoints pointinterval apart[i] title columnheader(1)
