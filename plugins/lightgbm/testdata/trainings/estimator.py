import lightgbm as lgb
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score

X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = X[::2], X[1::2], y[::2], y[1::2]
model = lgb.LGBMClassifier(n_estimators=4, num_leaves=4, random_state=3, verbose=-1)
model.fit(X_train, y_train, eval_set=[(X_test, y_test)])
print(accuracy_score(y_test, model.predict(X_test)))
