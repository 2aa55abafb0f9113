import numpy as np
import xgboost as xgb

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
y = (X[:, 0] + 0.3 * rng.normal(size=80) > 0).astype(int)
dtrain, dtest = xgb.DMatrix(X[:60], y[:60], feature_names=["a", "b", "c"]), xgb.DMatrix(
    X[60:], y[60:], feature_names=["a", "b", "c"]
)
xgb.train(
    {"objective": "binary:logistic", "max_depth": 2, "eta": 0.8, "seed": 7, "eval_metric": ["logloss", "error"]},
    dtrain,
    30,
    evals=[(dtrain, "train"), (dtest, "test")],
    early_stopping_rounds=3,
    verbose_eval=False,
)
try:
    xgb.train({"objective": "no such"}, dtrain, 2)
except xgb.core.XGBoostError:
    pass
