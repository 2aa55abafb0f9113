"""Searches 12 combinations of parameters for the forest that reads handwritten digits best.

    python examples/grid_search.py

It knows nothing of Cairn: `cairn exec -- python examples/grid_search.py` records it as it is, each candidate as a run
of its own below the search.
"""

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split

X, y = load_digits(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)

search = GridSearchCV(
    RandomForestClassifier(random_state=7),
    {"n_estimators": [20, 60], "max_depth": [4, 8, 16], "max_features": ["sqrt", 0.3]},
    cv=3,
)
search.fit(X_train, y_train)

print(f"best of {len(search.cv_results_['params'])} candidates: {search.best_params_}")
print(f"accuracy {accuracy_score(y_test, search.predict(X_test)):.4f}")
