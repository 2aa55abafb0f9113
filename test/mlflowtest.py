"""What tests that drive the mlflow client share."""

import pytest
from mlflow.exceptions import MlflowException


def refused(code, *words):
    """Expects an error of a code whose message has all of some words."""

    class Refusal:
        def __enter__(self):
            self.raises = pytest.raises(MlflowException)
            self.caught = self.raises.__enter__()
            return self

        def __exit__(self, *exc):
            swallowed = self.raises.__exit__(*exc)
            assert self.caught.value.error_code == code, self.caught.value
            for word in words:
                assert word in str(self.caught.value)
            return swallowed

    return Refusal()
