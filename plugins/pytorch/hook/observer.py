"""Sees the first forward pass of a loop: which module is trained, what it takes and gives, and how its loss is computed."""

import sys
import weakref

from . import cairn

MAX_MODULES = 10_000


class Observer:
    """Listens to all modules until the first loss goes backward. Inner modules are called, and told, before those around
    them.

    Of results their shapes are kept, so that no memory is held that the training would have free; tensors only of the last
    module that has parameters, which is the outermost of those that were called.
    """

    def __init__(self):
        self._modules = {}  # id of module → (weak reference, shape of its result or None), in the order of their last calls
        self._last = 0  # the module whose argument and result are kept
        self._argument = self._result = None
        self._torch = sys.modules["torch"]
        self._handle = sys.modules["torch.nn.modules.module"].register_module_forward_hook(self._called)

    def stop(self):
        self._handle.remove()

    def _called(self, module, args, result):
        try:
            if not _compiling() and self._torch.is_grad_enabled() and len(self._modules) < MAX_MODULES:
                self._note(module, args, result)
        except Exception as error:
            cairn.failed("seeing the model", error)

    def _note(self, module, args, result):
        self._modules.pop(id(module), None)
        shape = tuple(result.shape) if hasattr(result, "shape") else None
        self._modules[id(module)] = weakref.ref(module), shape
        if next(module.parameters(), None) is not None:
            self._last, self._argument, self._result = id(module), args[0] if args else None, result

    def model(self, trained):
        """The module that has most of the trained parameters, given by their ids; of equal ones the outermost. None if none
        has any."""
        best, most = None, 0
        for held, _ in self._modules.values():
            module = held()
            if module is not None:
                count = sum(id(parameter) in trained for parameter in module.parameters())
                if count and count >= most:
                    best, most = module, count
        return best

    def tensors(self, module):
        """The first argument and the result of a module's call, (None, None) if they were not kept."""
        return (self._argument, self._result) if id(module) == self._last else (None, None)

    def criterion(self):
        """The module that computed the loss, None if that was a function."""
        for held, _ in reversed(list(self._modules.values())):
            module = held()
            if module is not None and type(module).__module__ == "torch.nn.modules.loss":
                return module
        return None

    def shape(self, module):
        """The shape of what a module gave, None if it was not called or gave no tensor."""
        return self._modules.get(id(module), (None, None))[1]


def _compiling():
    compiler = sys.modules.get("torch.compiler")
    return compiler is not None and compiler.is_compiling()
