import xgboost as xgb
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score

X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = X[::2], X[1::2], y[::2], y[1::2]
model = xgb.XGBClassifier(n_estimators=4, max_depth=2, random_state=3)
model.fit(X_train, y_train, eval_set=[(X_test, y_test)], verbose=False)
print(accuracy_score(y_test, model.predict(X_test)))
