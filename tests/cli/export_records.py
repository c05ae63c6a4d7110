"""export_records.py NAME [what=value ...]: rcps_NAME.json and logs/NAME against NAME.tsv, all of one folder.

The files are read as MLPerf's checker reads them: a record's "Epochs to converge"; of a log the batch, the benchmark, the
epoch of the last evaluation before a run_stop that says success.
"""

import csv
import glob
import json
import math
import sys

MLPERF_KEYS = ["Benchmark", "Creator", "When", "Platform", "Precision", "BS", "Hyperparams", "Epochs to converge"]
LOG_KEYS = ["namespace", "time_ms", "event_type", "key", "value", "metadata"]


def read_tsv(path):
    with open(path, encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    names = [name.split(" ")[0] for name in rows[0]]
    return [dict(zip(names, row)) for row in rows[1:]]


def read_log(path):
    """{key: value}, epochs to converge (None: it did not)."""
    values, epoch, converged, last_ms = {}, None, None, 0
    for text in open(path, encoding="utf-8"):
        assert text.startswith(":::MLLOG "), text
        line = json.loads(text[len(":::MLLOG "):])
        assert list(line) == LOG_KEYS, list(line)
        assert line["event_type"] in ("POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END")
        assert isinstance(line["time_ms"], int) and line["time_ms"] >= last_ms > -1
        assert "run_stop" not in values, "something after run_stop"
        last_ms = line["time_ms"]
        assert line["key"] == "eval_accuracy" or line["key"] not in values, line["key"]
        values[line["key"]] = line["value"]
        if line["key"] == "eval_accuracy":
            assert "run_start" in values
            epoch = line["metadata"]["epoch_num"]
            assert math.isclose(epoch * values["train_samples"], line["metadata"]["samples_count"])
        if line["key"] == "run_stop":
            status = line["metadata"]["status"]
            assert status == "success" or "outcome" in line["metadata"]
            converged = epoch if status == "success" else None
    assert "run_stop" in values
    return values, converged


def trials_of(record, runs, points):
    """{seed: its row of the TSV}: full runs of the record's optimizer and batch."""
    optimizer = record["Settings"]["optimizer"]["name"]
    rows = [row for row in runs if row["mode"] == "full" and int(row["global_batch"]) == record["BS"]
            and row["optimizer"] == optimizer and row["trial_id"] not in points]
    assert len({row["seed"] for row in rows}) == len(rows), "a seed twice"
    return {row["seed"]: row for row in rows}


def check_record(name, record, runs, points):
    keys = list(record)
    assert keys[:len(MLPERF_KEYS)] == MLPERF_KEYS, keys
    assert name == f"{record['Benchmark']}_ref_{record['BS']}", name
    assert record["Hyperparams"]["opt_name"] and record["Hyperparams"]["opt_base_learning_rate"] > 0
    trials = trials_of(record, runs, points)
    reached = {seed: row for seed, row in trials.items() if row["outcome"] == "reached"}
    assert set(record["Seeds"]) == set(reached), (record["Seeds"], list(reached))
    assert len(record["Seeds"]) == len(record["Epochs to converge"]) == len(record["Examples to converge"]) > 0
    for seed, epochs, examples, digest in zip(record["Seeds"], record["Epochs to converge"],
                                              record["Examples to converge"], record["Trajectories"]):
        assert examples == float(reached[seed]["examples_to_target"])
        assert math.isclose(epochs * record["Examples per epoch"], examples)
        assert digest == reached[seed]["trajectory_sha256"]
    assert {one["seed"] for one in record["Not converged"]} == set(trials) - set(reached)
    assert record["When"] == max(row["end_utc"] for row in trials.values())
    return trials


def check_logs(folder, record, trials):
    found = {}
    files = sorted(glob.glob(f"{folder}/result_*.txt"))
    assert files[0].endswith("result_0.txt") and len(files) == len(trials), files
    for path in files:
        values, converged = read_log(path)
        assert values["global_batch_size"] == record["BS"]
        assert values["submission_benchmark"] == record["Benchmark"]
        assert values["opt_base_learning_rate"] == record["Hyperparams"]["opt_base_learning_rate"]
        found[str(values["seed"])] = converged
    listed = dict(zip(record["Seeds"], record["Epochs to converge"]))
    assert found == {seed: listed.get(seed) for seed in trials}, (found, listed)


def check_wanted(records, what, value):
    by_batch = {record["BS"]: record for record in records.values()}
    if what == "records":
        assert len(records) == int(value), list(records)
    elif what == "seeds":
        assert all(len(r["Seeds"]) + len(r["Not converged"]) == int(value) for r in records.values())
    elif what == "list":
        batch, epochs = value.split(":")
        assert by_batch[int(batch)]["Epochs to converge"] == [float(x) for x in epochs.split(",")]
    elif what == "missed":
        batch, seed, outcome = value.split(":")
        missed = by_batch[int(batch)]["Not converged"]
        assert [(one["seed"], one["outcome"]) for one in missed] == [(seed, outcome)], missed
        assert 0 < missed[0]["epochs"] <= 3
    elif what == "rate":
        optimizer, batch, rate = value.split(":")
        rates = [r["Hyperparams"]["opt_base_learning_rate"] for r in records.values()
                 if r["BS"] == int(batch) and r["Settings"]["optimizer"]["name"] == optimizer]
        assert rates == [float(rate)], rates
    else:
        assert what == "points", what


def main(name, *wanted):
    wanted = [word.split("=", 1) for word in wanted]
    tables = [value for what, value in wanted if what == "points"]
    points = {row["trial_id"] for table in tables for row in read_tsv(table)}
    assert bool(points) == bool(tables)
    runs = read_tsv(f"{name}.tsv")
    with open(f"rcps_{name}.json", encoding="utf-8") as file:
        records = json.load(file)
    for key, record in records.items():
        check_logs(f"logs/{name}/{key}", record, check_record(key, record, runs, points))
    for what, value in wanted:
        check_wanted(records, what, value)
    if points:
        assert all("reruns" in record["Chosen"] for record in records.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
