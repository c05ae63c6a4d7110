"""hdf5_readers.py STUDY RUN: what a person with h5py, pandas or xarray finds in our files.

The columns are written down here once more, from DESIGN 4, and the numbers from the formulas of
tests/unit/fixture_store.h: nothing is taken from the program under test.
"""

import sys

import h5py
import numpy as np

STEPS = ("step examples global_batch lr train_loss grad_norm noise_trace noise_sqnorm noise_scale "
         "sample_s compute_s reduce_s noise_s update_s step_s").split()
EVAL = "step examples valid_loss valid_accuracy test_loss test_accuracy wall_s".split()
LAYERS = "weight_norm grad_norm trust_ratio noise_scale".split()
INTEGERS = {"step", "examples", "global_batch"}
ATTRIBUTES = ("schema_version trial_id config outcome global_batch mini_batch replicas threads seed "
              "optimizer model dataset n_weights noise_unit mode steps_run resumed_from "
              "oversubscribed trajectory_sha256 weights_sha256").split()
SUMMARY = ("steps_to_target examples_to_target seconds_to_target final_valid_accuracy "
           "best_valid_accuracy final_test_accuracy test_accuracy_at_best_valid "
           "final_valid_loss").split()
PROVENANCE = ("git_commit compiler flags cpu hosts mpi blas_config blas_core onednn hdf5 binding "
              "start_utc end_utc remark").split()


def check_series(group, names, n):
    """Every column: shape, type, unit, meaning and scale."""
    for name in names:
        data = group[name]
        assert data.shape[0] == n, (name, data.shape)
        assert data.dtype == ("<i8" if name in INTEGERS else "<f8"), name
        assert isinstance(data.attrs["units"], str) and data.attrs["units"], name
        assert (data.attrs["units"] == "s") == name.endswith("_s"), name
        assert isinstance(data.attrs["long_name"], str) and data.attrs["long_name"], name
        if name == "step":
            assert h5py.h5ds.is_scale(data.id), name
        else:
            assert data.dims[0]["step"] == group["step"], name
    assert set(names) <= set(group), group.name


def check_run(run, n_steps, n_evals, n_layers, n_digests):
    for name in ATTRIBUTES:
        assert name in run.attrs, name
    assert isinstance(run.attrs["config"], str) and run.attrs["config"].startswith("{")
    assert run.attrs["outcome"] == "diverged" and run.attrs["mode"] == "verify"
    assert run.attrs["seed"] == 2**64 - 1 and run.attrs["oversubscribed"] == 0
    for name in SUMMARY:
        assert run["summary"].attrs[name].dtype == "<f8", name
    assert np.isnan(run["summary"].attrs["steps_to_target"])
    assert run["summary"].attrs["best_valid_accuracy"] == 1 / 3
    for name in PROVENANCE:
        assert name in run["provenance"].attrs, name
    check_series(run["steps"], STEPS, n_steps)
    check_series(run["eval"], EVAL, n_evals)
    layers = run["layers"]
    check_series(layers, LAYERS, n_evals)
    for name in LAYERS:
        assert layers[name].shape == (n_evals, n_layers), name
        assert layers[name].dims[1]["name"] == layers["name"], name
    assert list(layers["step"][:]) == list(run["eval/step"][:])
    expected = ["layer1.weight", "gr\u00f6\u00df"][:n_layers]
    assert list(layers["name"].asstr()[:]) == expected
    check_digests(run["digests"], n_digests)


def check_digests(digests, n):
    assert digests["step"].shape == digests["sha256"].shape == (n,)
    assert all(len(text) == 64 for text in digests["sha256"].asstr()[:])
    assert digests["sha256"].dims[0]["step"] == digests["step"]


def check_numbers(run, n_steps):
    i = np.arange(n_steps)
    assert (run["steps/step"][:] == i + 1).all()
    assert (run["steps/lr"][:] == 0.1 / (i + 1)).all()
    assert np.isnan(run["steps/noise_trace"][:]).all() and np.isinf(run["steps/noise_scale"][:]).all()
    assert (np.signbit(run["steps/train_loss"][:]) == (i % 2 == 1)).all()
    assert list(run["eval/valid_accuracy"][:]) == [0.5, 0.75]
    assert run["layers/noise_scale"][1, 0] == 100 and np.isnan(run["layers/trust_ratio"][0, 1])


def check_pandas(path):
    try:
        import pandas
    except ImportError:
        return "pandas is not installed: skipped"
    with h5py.File(path) as file:
        steps = file["runs/long/steps"]
        frame = pandas.DataFrame({name: steps[name][:] for name in STEPS}).set_index("step")
    assert len(frame) == 5000 and frame.loc[10, "lr"] == 0.1 / 10
    return "pandas: a frame of 5000 steps"


def check_xarray(path, engine, module):
    try:
        import xarray
        __import__(module)
    except ImportError:
        return f"xarray with {engine} is not installed: skipped"
    for run, n in (("long", 5000), ("short", 5), ("empty", 0)):
        with xarray.open_dataset(path, group=f"runs/{run}/steps", engine=engine) as steps:
            assert dict(steps.sizes) == {"step": n}, (engine, run, steps.sizes)
            assert set(STEPS) <= set(steps.variables) and "step" in steps.coords
            assert steps["lr"].attrs["units"] == "1"
            if n:
                assert float(steps["lr"].sel(step=4)) == 0.1 / 4
        with xarray.open_dataset(path, group=f"runs/{run}/layers", engine=engine) as layers:
            assert set(layers["weight_norm"].dims) == {"step", "name"}, (engine, run)
            if n:
                assert float(layers["noise_scale"].sel(name="layer1.weight", step=4)) == 100
        for group in ("eval", "digests"):
            with xarray.open_dataset(path, group=f"runs/{run}/{group}", engine=engine) as rows:
                rows.load()
        with xarray.open_dataset(path, group=f"runs/{run}", engine=engine) as root:
            assert root.attrs["outcome"] == "diverged" and root.attrs["optimizer"] == "lamb"
    return f"xarray with {engine}: every group opens"


def main(study, single):
    with h5py.File(study) as file:
        assert file.attrs["experiment"] == "study" and set(file["runs"]) == {"empty", "long", "short"}
        check_run(file["runs/empty"], 0, 0, 0, 0)
        check_run(file["runs/long"], 5000, 2, 2, 2)
        check_run(file["runs/short"], 5, 2, 2, 2)
        check_numbers(file["runs/long"], 5000)
        assert file["runs/long/steps/lr"].compression == "gzip"
        assert file["runs/short/steps/lr"].chunks is None
    with h5py.File(single) as file:
        check_run(file, 5, 2, 2, 2)
        check_numbers(file, 5)
    print("h5py: every column, unit and scale")
    print(check_pandas(study))
    print(check_xarray(study, "h5netcdf", "h5netcdf"))
    print(check_xarray(study, "netcdf4", "netCDF4"))


if __name__ == "__main__":
    main(*sys.argv[1:])
