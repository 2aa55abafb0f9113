"""What stands in the place of PyTorch's own functions. Each calls the original exactly once with the user's arguments."""

import functools
import sys

from . import cairn
from .checkpoints import checkpoint
from .state import calls, state


def backward(original):
    @functools.wraps(original)
    def backward(tensor, *args, **kwargs):
        result = original(tensor, *args, **kwargs)
        if not calls():
            try:
                state.loss(tensor, sys._getframe(1))
            except Exception as error:
                state.broken(error)
        return result

    return backward


def stepped(optimizer, args, kwargs):
    """After each step of each optimizer; PyTorch calls it by itself."""
    if not calls():
        try:
            state.stepped(optimizer)
        except Exception as error:
            state.broken(error)


def after(original, told):
    """original, and then told(self)."""

    @functools.wraps(original)
    def method(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        told(self)
        return result

    return method


def schedulers(module):
    base = getattr(module, "LRScheduler", None) or module._LRScheduler  # the latter up to PyTorch 1.13
    base.__init__ = after(base.__init__, state.scheduler_made)


def loaders(module):
    module.DataLoader.__iter__ = after(module.DataLoader.__iter__, state.iterated)


def scalers(module):
    original = module.GradScaler.scale

    @functools.wraps(original)
    def scale(self, outputs, *args, **kwargs):
        scaled = original(self, outputs, *args, **kwargs)
        remember_unscaled(outputs, scaled)
        return scaled

    module.GradScaler.scale = scale


@cairn.guard
def remember_unscaled(loss, scaled):
    if hasattr(loss, "detach") and scaled is not loss:
        scaled._cairn_unscaled = loss.detach()


def saving(module):
    original = module.save

    @functools.wraps(original)
    def save(obj, f, *args, **kwargs):
        result = original(obj, f, *args, **kwargs)
        checkpoint(f)
        return result

    module.save = save
    cairn.patch.everywhere(original, save)


def clipping(module):
    original = module.clip_grad_norm_

    @functools.wraps(original)
    def clip_grad_norm_(*args, **kwargs):
        norm = original(*args, **kwargs)
        if not calls():
            state.clipped(norm)
        return norm

    module.clip_grad_norm_ = clip_grad_norm_
    cairn.patch.everywhere(original, clip_grad_norm_)
