import numpy as np
from sklearn.tree import DecisionTreeRegressor
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
model = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, X[:, 0])
try:
    DecisionTreeRegressor(max_depth=-1).fit(X, X[:, 0])
except ValueError:
    pass
