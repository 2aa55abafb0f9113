"""The training that is timed: RandomForest fits on iris, with nothing added to the code.

    python train.py FITS            plain, or under `cairn exec`
    python train.py FITS --mlflow   with mlflow.sklearn.autolog()

Prints the seconds of each fit as JSON on its last line.
"""

import json
import sys
import time

if "--mlflow" in sys.argv:
    import mlflow

    # MLflow's default format, skops, refuses tree ensembles and logs no model.
    mlflow.sklearn.autolog(serialization_format="cloudpickle")

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

X, y = load_iris(return_X_y=True)
seconds = []
for seed in range(int(sys.argv[1])):
    forest = RandomForestClassifier(n_estimators=50, max_depth=8, random_state=seed)
    began = time.perf_counter()
    forest.fit(X, y)
    seconds.append(time.perf_counter() - began)
print(json.dumps(seconds))
