#!/bin/sh
# The golden jobs as others judge them: python3-jsonschema with our schemas, python3-botocore with AWS's service models.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
python=/usr/bin/python3
[ -x $python ] || python=$(command -v python3) || { echo "skipped: no python3" && exit 77; }
BATCHLAB_ROOT=$root exec $python "$(dirname "$0")/submit.py"
