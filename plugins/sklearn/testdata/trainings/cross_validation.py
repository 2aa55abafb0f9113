from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score, learning_curve
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=3)
learning_curve(DecisionTreeClassifier(random_state=0), X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0)
