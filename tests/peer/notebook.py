"""notebook.py executed NOTEBOOK TABLES | searched NOTEBOOK N_SEEDS: what the notebook showed, or does.

The first looks at what nbconvert kept of a run: no error, two figures that are not empty, and the critical batches that the
report's tables have. The second runs the cells as a program, on a study with a search.
"""

import base64
import contextlib
import csv
import io
import json
import re
import sys


def code_cells(path):
    with open(path, encoding="utf-8") as file:
        return [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]


def check_figure(png):
    import matplotlib.image
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)))
    height, width = pixels.shape[:2]
    assert width > 500 and height > 300, pixels.shape
    colours = {tuple(pixel) for pixel in pixels[:, :, :3].reshape(-1, 3)[::7].round(2).tolist()}
    assert len(colours) > 20, "an empty figure"


def table(folder, name):
    with open(f"{folder}/{name}.tsv", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    return [dict(zip((word.split(" ")[0] for word in rows[0]), row)) for row in rows[1:]]


def check_answers(text, tables):
    """The same curve by another program: B_crit to the grid of the notebook, inside its interval."""
    known = 0
    for row in table(tables, "critical_batch"):
        if row["estimator"] != "hyperbola fit":
            continue
        said = re.search(rf"^{row['series']}: B_crit = (\S+) \(90 % interval (\S+) to (\S+)\)$", text, re.M)
        if float(row["batch"]) != float(row["batch"]):
            assert re.search(rf"^{row['series']}: .*(unidentified|fewer than three)", text, re.M), text
            continue
        batch, low, high = (float(word) for word in said.groups())
        assert abs(batch / float(row["batch"]) - 1) < 0.01, (batch, row["batch"])
        assert low < float(row["batch"]) < high
        assert 0.5 < low / float(row["batch_low"]) < 2 and 0.5 < high / float(row["batch_high"]) < 2
        known += 1
    assert known > 0, "no line has a known critical batch: nothing was compared"
    missed = [row for row in table(tables, "cells") if int(row["missed"]) > 0]
    assert missed, "no run missed: nothing was left out"
    return known


def executed(path, tables):
    cells, text, figures = code_cells(path), "", 0
    assert all(cell["execution_count"] for cell in cells)
    for output in (output for cell in cells for output in cell["outputs"]):
        assert output["output_type"] != "error" and output.get("name") != "stderr", output
        if output["output_type"] == "stream":
            text += "".join(output["text"])
        elif "image/png" in output.get("data", {}):
            check_figure(output["data"]["image/png"])
            figures += 1
    assert figures == 2, figures
    for words in ("/steps/noise_scale", "[examples]", "/eval/valid_accuracy", "'experiment': 'plain'"):
        assert words in text, words
    print(f"notebook: {len(cells)} cells, {figures} figures, {check_answers(text, tables)} critical batches as the report's")


def searched(path, n_seeds):
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in code_cells(path):
            source = "".join(cell["source"]).replace("study.close()", "")
            exec(source, names)  # the notebook is ours
    cells = names["lines"]["momentum"]
    assert sorted(cells) == [32, 128, 512], sorted(cells)
    for batch, runs in cells.items():
        assert len(runs) == int(n_seeds), (batch, len(runs))
        assert all(json.loads(run.attrs["search"])["role"] == "rerun" for run in runs)
    print("searched: only reruns of the winners count")


if __name__ == "__main__":
    {"executed": executed, "searched": searched}[sys.argv[1]](*sys.argv[2:])
