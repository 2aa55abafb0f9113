"""What is trained in a loop, in words."""

import sys
import types

from . import cairn

text = cairn.calls.text
MAX_FRAMES = 12
MAX_VALUES = 2000
MAX_ATTRIBUTES = 100


class Describe:
    @staticmethod
    def start(model, variables):
        tensorflow = sys.modules["tensorflow"]
        facts = {"estimator": "model", "class": "tensorflow.Module", "version": str(tensorflow.__version__), "params": {}}
        if model is not None:
            facts.update(estimator=type(model).__name__, **{"class": type(model).__module__ + "." + type(model).__name__})
        params = facts["params"]
        params["n_trainable_parameters"] = str(sum(count(variable) for variable in variables))
        seed = sys.modules["tensorflow.python.eager.context"].global_seed()
        facts["seeds"] = {"tensorflow": str(seed)} if seed is not None else {}
        return facts

    @staticmethod
    def optimizer(optimizer, number):
        """Name and settings; of a second optimizer and further ones with their number in the names."""
        prefix = "optimizer_" if number == 1 else "optimizer_%d_" % number
        keras = cairn.fits.specialist("keras.Model")
        if keras is not None:
            return keras.optimizer(optimizer, prefix)
        return {prefix + "name": type(optimizer).__name__}

    @staticmethod
    def name_of_data(dataset):
        """The name of the variable in the script, as far as it is one of a module's; else what it is."""
        main = sys.modules.get("__main__")
        for name, value in list(vars(main).items()) if main is not None else ():
            if value is dataset and not name.startswith("_"):
                return name
        return "dataset"


describe = Describe()


def count(variable):
    total = 1
    for size in variable.shape:
        total *= int(size)
    return total


def find_model(variables, frame):
    """The module that has most of the variables, of equal ones that with most layers, among what the frames from here
    outwards hold; None if none has any."""
    wanted = {id(variable) for variable in variables}
    best, most = None, (0, 0)
    seen = set()
    for value in held_by(frame):
        if id(value) in seen or isinstance(value, (type, types.ModuleType)) or not is_module(value):
            continue
        seen.add(id(value))
        try:
            own = value.trainable_variables
            score = sum(id(variable) in wanted for variable in own), len(getattr(value, "layers", None) or ())
        except Exception:  # one that is not built
            continue
        if score[0] and score > most:
            best, most = value, score
    return best


def is_module(value):
    """A tf.Module, a layer or a model of Keras'."""
    return hasattr(type(value), "trainable_variables")


def held_by(frame):
    """What the frames from here outwards hold, what objects of the user's among them hold (self.model), and globals."""
    left, known = MAX_FRAMES, set()
    while frame is not None and left:
        home = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if home not in ("tensorflow", "keras"):
            spaces = [frame.f_locals] if id(frame.f_globals) in known else [frame.f_locals, frame.f_globals]
            known.add(id(frame.f_globals))
            for space in spaces:
                for value in list(space.values())[:MAX_VALUES]:
                    if not isinstance(value, (type, types.ModuleType)):
                        yield value
                        if hasattr(value, "__dict__") and not is_module(value):
                            yield from list(vars(value).values())[:MAX_ATTRIBUTES]
        frame, left = frame.f_back, left - 1
