"""Cairn's hook for the Trainer of transformers: runs inside the training and sends what it sees to the adapter.

What it changes: train, evaluate and predict, which are watched; training_step and log, whose results and arguments are
told; _save_checkpoint, after which the checkpoint is listed. No callback of ours is among the user's.
"""

import sys

from .training import begin_evaluation, begin_training, checkpointing, logging, stepping


def install(cairn):
    """Called once, right after transformers.trainer has been executed."""
    if cairn.worker:
        return
    trainer = sys.modules["transformers.trainer"].Trainer
    trainer.train = cairn.calls.watched(trainer.train, begin_training)
    for name in ("evaluate", "predict"):
        setattr(trainer, name, cairn.calls.watched(getattr(trainer, name), begin_evaluation))
    trainer.training_step = stepping(trainer.training_step)
    trainer.log = logging(trainer.log)
    if hasattr(trainer, "_save_checkpoint"):
        trainer._save_checkpoint = checkpointing(trainer._save_checkpoint)
