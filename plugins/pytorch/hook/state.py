"""Which loop goes on, and what was made before it."""

import atexit
import sys
import weakref

from . import cairn, writers
from .loop import Loop
from .observer import Observer

calls = cairn.fits.depth  # asked at each step: of what goes on inside another hook's fit, that hook tells


class State:
    """Of this process. A loop begins with the first loss that goes backward, and ends when an optimizer over other
    parameters is made, when the user opens another run, or when the process ends."""

    def __init__(self):
        self.loop = None
        self.optimizers = []  # weak references to those made since the last loop ended
        self.schedulers = []
        self.observer = None
        self.loader = None  # the DataLoader whose iteration began last
        self._registered = False

    # Asked at each step.

    def loss(self, tensor, frame):
        loop = self.loop
        if loop is None or loop.run_token != cairn.run_token():
            loop = self.open()
        if self.loader is not None:
            loader, self.loader = self.loader, None
            loop.epoch(loader)
        loop.loss(tensor, frame)

    def stepped(self, optimizer):
        loop = self.loop
        if loop is None:  # gradients came by other ways than Tensor.backward
            loop = self.open()
        loop.stepped(optimizer)

    # Asked now and then.

    @cairn.guard
    def clipped(self, norm):
        if self.loop is not None:
            self.loop.clipped(norm)

    @cairn.guard
    def optimizer_made(self, optimizer):
        if calls():
            return
        if self.loop is not None and self.loop.is_over_with(optimizer):
            self.close()
        self.optimizers.append(weakref.ref(optimizer))
        if self.loop is None and self.observer is None:
            self.observer = Observer()

    @cairn.guard
    def scheduler_made(self, scheduler):
        if not calls():
            self.schedulers.append(weakref.ref(scheduler))
            if self.loop is not None:
                self.loop.scheduler_made(scheduler)

    @cairn.guard
    def iterated(self, loader):
        if not calls():
            self.loader = loader

    def writing(self):
        """What is written for TensorBoard now belongs to: the loop. False where that is not recorded."""
        return False if calls() or self.loop is not None and not self.loop.recorded else self.loop

    def open(self):
        self.close()
        seen = self.observer
        self.observer = None
        if seen is not None:
            seen.stop()
        self.loop = Loop(seen, [held() for held in self.schedulers if held() is not None])
        writers.began(self.loop)
        if not self._registered:
            self._registered = True
            atexit.register(self.at_exit)
        return self.loop

    @cairn.guard
    def close(self, error=None):
        if self.loop is None:
            return
        loop, self.loop = self.loop, None
        self.optimizers, self.schedulers = [], []
        loop.end(error)

    @cairn.guard
    def at_exit(self):
        self.close(getattr(sys, "last_value", None))

    @cairn.guard
    def broken(self, error):
        cairn.failed("a step of the loop", error)


state = State()
writers.ask(state.writing)
