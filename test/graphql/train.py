"""A training as anyone has it: a linear model that sees the data again and again, its loss logged by the mlflow client.

    python train.py RUN_ID EPOCHS

Prints each epoch and its loss, exactly, as JSON, when the server has it.
"""

import json
import sys

import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

features, classes = load_iris(return_X_y=True)
features = StandardScaler().fit_transform(features)
model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.01, random_state=7)
with mlflow.start_run(run_id=sys.argv[1]):
    mlflow.log_param("eta0", 0.01)
    for epoch in range(int(sys.argv[2])):
        model.partial_fit(features, classes, classes=[0, 1, 2])
        loss = log_loss(classes, model.predict_proba(features))
        mlflow.log_metric("loss", loss, step=epoch)
        mlflow.log_metric("accuracy", model.score(features, classes), step=epoch)
        print(json.dumps([epoch, loss]), flush=True)
