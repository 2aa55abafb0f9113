import lightgbm as lgb
import numpy as np

X = np.random.default_rng(0).normal(size=(90, 3))
lgb.cv({"num_leaves": 4, "verbose": -1, "metric": "l2"}, lgb.Dataset(X, X[:, 0]), num_boost_round=4, nfold=3, stratified=False)
