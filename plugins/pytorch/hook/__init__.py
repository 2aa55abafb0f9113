"""Cairn's hook for PyTorch: runs inside the training and sends what it sees to the adapter.

A plain loop calls nothing that says "a training begins". It is seen by what each one does: an optimizer is made, losses
go backward, the optimizer steps. What this hook changes: Tensor.backward and the making of optimizers, schedulers and
iterators of DataLoaders, which are told to the loop; torch.save and the scaling of losses, whose arguments are
remembered. A step costs a few microseconds: what is to be sent goes out a few times a second, and values on other devices
than the processor are read late. What it changes in Lightning stands in lightning.py, in SummaryWriters in writers.py.
"""

import sys

from . import lightning, patches, writers
from .state import state


def install(cairn):
    """Called once, right after torch.optim.lr_scheduler has been executed, which needs the optimizers."""
    lightning.install(cairn.worker)
    if cairn.worker:
        return  # of a DataLoader, or of a training that another process leads
    writers.install()
    tensor = sys.modules["torch._tensor"].Tensor
    tensor.backward = patches.backward(tensor.backward)
    optimizers = sys.modules["torch.optim.optimizer"]
    optimizers.register_optimizer_step_post_hook(patches.stepped)
    optimizers.Optimizer.__init__ = patches.after(optimizers.Optimizer.__init__, state.optimizer_made)
    patches.schedulers(sys.modules["torch.optim.lr_scheduler"])
    cairn.after_import("torch.utils.data.dataloader", patches.loaders)
    cairn.after_import("torch.amp.grad_scaler", patches.scalers)
    cairn.after_import("torch.serialization", patches.saving)
    cairn.after_import("torch.nn.utils.clip_grad", patches.clipping)
