"""Records real observations for the adapter's golden tests: python record.py, with the Python of the tests.

Each training below runs with the hook and a test agent. What the hook sent stands in NAME.jsonl afterwards, and the
model files it names in NAME-*.pkl.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "python" / "tests"))

from fake_agent import FakeAgent  # noqa: E402

TRAININGS = {
    "classifier": """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(random_state=7)).fit(X_train, y_train)
accuracy_score(y_test, model.predict(X_test))
model.score(X_test, y_test)
""",
    "regressor": """
import numpy as np
from sklearn.tree import DecisionTreeRegressor
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
model = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, X[:, 0])
try:
    DecisionTreeRegressor(max_depth=-1).fit(X, X[:, 0])
except ValueError:
    pass
""",
    "search": """
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2], "min_samples_leaf": [1, -1]}, cv=3).fit(X, y)
""",
    "cross_validation": """
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score, learning_curve
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=3)
learning_curve(DecisionTreeClassifier(random_state=0), X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0)
""",
}


def record(name, script):
    with tempfile.TemporaryDirectory() as directory:
        agent = FakeAgent(directory)
        path = os.path.join(directory, "train.py")
        Path(path).write_text(script)
        subprocess.run([sys.executable, "-W", "ignore", path], env=agent.environment(), check=True, cwd=directory)
        agent.wait_closed()
        agent.close()
        lines = []
        for message in agent.observations():
            files = {}
            for key, source in message["files"].items():
                files[key] = "%s-%d.pkl" % (name, message["seq"])
                shutil.copyfile(source, HERE / files[key])
            kept = {key: message[key] for key in ("seq", "kind", "time_ms", "fit", "payload")}
            lines.append(json.dumps(dict(kept, files=files)))
    (HERE / (name + ".jsonl")).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for training in TRAININGS.items():
        record(*training)
