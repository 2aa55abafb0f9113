"""Cairn's hook for TensorFlow: runs inside the training and sends what it sees to the adapter.

A loop of the user's own is seen by what each one does: gradients of a loss are taken of a tape, in the open or inside a
tf.function. What this hook changes: GradientTape.gradient, calls of tf.functions and iterators of tf.data, which are told to
the loop; Keras' optimizers and metrics, which tell of learning rates and of values that the user reads; and tf.summary,
whose scalars are metrics. No graph is changed: nothing of ours stands in a tf.function. What goes on inside a fit of Keras
is told by Keras' hook.
"""

import sys

from . import patches


def install(cairn):
    """Called once, right after tensorflow.python.eager.backprop has been executed."""
    if cairn.worker or not patches.leads():
        return
    tape = sys.modules["tensorflow.python.eager.backprop"].GradientTape
    tape.gradient = patches.gradient(tape.gradient)
    for module, patch in (
        ("tensorflow.python.eager.polymorphic_function.polymorphic_function", patches.functions),
        ("tensorflow.python.data.ops.dataset_ops", patches.datasets),
        ("tensorflow.python.ops.summary_ops_v2", patches.summaries),
        ("keras.src.optimizers.base_optimizer", patches.optimizers),
        ("keras.src.metrics.metric", patches.metrics),
    ):
        cairn.after_import(module, patch)
