"""Keras imports TensorFlow, where it is installed, to look whether what it writes down is one of TensorFlow's, on every
backend. That takes seconds and prints. For our work alone it is not imported: nothing can be TensorFlow's that
nobody imported."""

import sys

from . import cairn


class light(cairn.quiet.work):
    """`with light():` is quiet.work in which Keras imports no TensorFlow."""

    def _enter(self):
        super()._enter()
        lazy = getattr(sys.modules.get("keras.src.utils.module_utils"), "tensorflow", None)
        if "tensorflow" not in sys.modules and getattr(lazy, "_available", True) is None:
            lazy._available = False
            self._undo.append(lambda: setattr(lazy, "_available", None))
