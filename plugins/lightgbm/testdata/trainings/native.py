import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = X[:, 0] + 0.3 * rng.normal(size=200)
train_set = lgb.Dataset(X[:150], y[:150])
lgb.train(
    {"objective": "l2", "metric": ["l2", "l1"], "num_leaves": 4, "learning_rate": 0.5, "verbose": -1, "seed": 7},
    train_set,
    60,
    valid_sets=[lgb.Dataset(X[150:], y[150:], reference=train_set)],
    valid_names=["test"],
    callbacks=[lgb.early_stopping(3, verbose=False)],
)
try:
    lgb.train({"objective": "no such", "verbose": -1}, lgb.Dataset(X, y), 2)
except lgb.basic.LightGBMError:
    pass
