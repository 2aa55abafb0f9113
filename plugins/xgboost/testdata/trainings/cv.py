import numpy as np
import xgboost as xgb

X = np.random.default_rng(0).normal(size=(60, 3))
data = xgb.DMatrix(X, X[:, 0])
xgb.cv({"max_depth": 2, "eta": 0.5}, data, num_boost_round=4, nfold=3, seed=1)
