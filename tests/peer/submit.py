"""Golden jobs against others' judges: jsonschema for our own schemas, botocore's service models for AWS.
With BATCHLAB_CRDS=FOLDER (CRD files of kubeflow, YAML) MPIJobs and TrainJobs against those too."""
import glob
import json
import os
import sys

root = os.environ["BATCHLAB_ROOT"]
jobs = os.path.join(root, "tests/golden/jobs")
n = {"schema": 0, "botocore": 0, "crd": 0}


def load(path):
    with open(path) as file:
        return json.load(file)


def fail(text):
    print("FAILED:", text)
    sys.exit(1)


def target_of(path):
    return os.path.basename(path)[:-len(".json")].split("_")[0]


def check_schemas():
    import jsonschema
    for path in sorted(glob.glob(jobs + "/*.json")):
        schema = load(f"{root}/lab/sweep/specs/{target_of(path)}.json")
        jsonschema.Draft202012Validator.check_schema(schema)
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(load(path)))
        if errors:
            fail(f"{path}: {errors[0].message}")
        broken = load(path)
        broken["planted"] = 1
        if not list(jsonschema.Draft202012Validator(schema).iter_errors(broken)):
            fail(f"{path}: an unknown field passes the schema")
        n["schema"] += 1


def check_botocore():
    import botocore.session
    from botocore.validate import ParamValidator
    session = botocore.session.get_session()
    calls = {"sagemaker": ("sagemaker", "CreateTrainingJob"),
             "sagemaker-tuning": ("sagemaker", "CreateHyperParameterTuningJob"),
             "awsbatch": ("batch", "RegisterJobDefinition")}
    for path in sorted(glob.glob(jobs + "/*.json")):
        if target_of(path) not in calls:
            continue
        service, call = calls[target_of(path)]
        shape = session.get_service_model(service).operation_model(call).input_shape
        report = ParamValidator().validate(load(path), shape)
        if report.has_errors():
            fail(f"{path}: {report.generate_report()}")
        check_values(load(path), shape, path)
        broken = load(path)
        broken["planted"] = 1
        if not ParamValidator().validate(broken, shape).has_errors():
            fail(f"{path}: an unknown field passes botocore")
        n["botocore"] += 1


def check_values(value, shape, place):
    """Enumerations, patterns and greatest lengths, which botocore leaves to the service. Its file is of 2022: newer
    instance types are not in it."""
    import re
    if shape.type_name == "structure":
        for key, child in value.items():
            check_values(child, shape.members[key], f"{place}.{key}")
    elif shape.type_name == "list":
        for child in value:
            check_values(child, shape.member, place)
    elif shape.type_name == "map":
        for child in value.values():
            check_values(child, shape.value, place)
    elif shape.type_name == "string":
        names = getattr(shape, "enum", None)
        if names and shape.name != "TrainingInstanceType" and value not in names:
            fail(f"{place}: '{value}' is none of {names}")
        pattern = shape.metadata.get("pattern")
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern.rstrip("$"), value):
            fail(f"{place}: '{value}' does not match {pattern}")
    if "max" in shape.metadata:
        size = value if isinstance(value, (int, float)) else len(value)
        if size > shape.metadata["max"]:
            fail(f"{place}: {size} is above {shape.metadata['max']}")


def strict(schema):
    """A CRD's schema as JSON Schema that knows no other fields."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    out = {k: v for k, v in schema.items() if not k.startswith("x-") and k not in ("nullable", "default", "format")}
    if "properties" in out:
        out["properties"] = {k: strict(v) for k, v in out["properties"].items()}
        out.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = strict(out[key])
    return out


def check_crds(folder):
    import jsonschema
    import yaml
    kinds = {}
    for path in glob.glob(folder + "/*.yaml"):
        with open(path) as file:
            for crd in yaml.safe_load_all(file):
                if crd and crd.get("kind") == "CustomResourceDefinition":
                    kinds[crd["spec"]["names"]["kind"]] = crd["spec"]["versions"]
    for name in ("mpijob", "trainjob"):
        job = load(f"{jobs}/{name}.json")
        for version in kinds.get(job["kind"], []):
            if version["name"] != job["apiVersion"].split("/")[1]:
                continue
            schema = strict(version["schema"]["openAPIV3Schema"])
            for key, kind in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
                schema["properties"][key] = {"type": kind}  # of every object, whether its CRD says so or not
            jsonschema.validate(job, schema)
            n["crd"] += 1


for name, check in (("jsonschema", check_schemas), ("botocore", check_botocore)):
    try:
        check()
    except ImportError:
        print(f"python3-{name} is not installed: its part is left out")
if os.environ.get("BATCHLAB_CRDS"):
    check_crds(os.environ["BATCHLAB_CRDS"])
if sum(n.values()) == 0:
    print("skipped: neither python3-jsonschema nor python3-botocore is installed")
    sys.exit(77)
print(", ".join(f"{count} by {name}" for name, count in n.items()))
