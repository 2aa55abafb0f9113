from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2], "min_samples_leaf": [1, -1]}, cv=3).fit(X, y)
