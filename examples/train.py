"""Trains a random forest to read handwritten digits, and says how well it does.

    python examples/train.py --trees 100 --depth 8

It knows nothing of Cairn: `cairn exec -- python examples/train.py` records it as it is.
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--trees", type=int, default=100, help="number of trees")
parser.add_argument(
    "--depth", type=int, default=None, help="the deepest that a tree may grow; as deep as it likes by default"
)
parser.add_argument("--seed", type=int, default=7, help="seed of the forest")
arguments = parser.parse_args()

X, y = load_digits(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)

model = RandomForestClassifier(n_estimators=arguments.trees, max_depth=arguments.depth, random_state=arguments.seed)
model.fit(X_train, y_train)

print(f"accuracy {accuracy_score(y_test, model.predict(X_test)):.4f}")
