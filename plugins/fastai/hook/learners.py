"""What stands in the place of a Learner's own methods. Each calls the original exactly once with the user's arguments."""

import functools

from . import cairn

recorders = {}  # id of a Learner → Recorder of the call that goes on


def telling(original):
    """Learner._call_one: the Learner tells its callbacks an event. We are told last, also where one of them ends the fit."""

    @functools.wraps(original)
    def _call_one(self, event_name):
        try:
            return original(self, event_name)
        finally:
            recorder = recorders.get(id(self))
            if recorder is not None:
                recorder.told(self, event_name)

    return _call_one


def saving(original):
    @functools.wraps(original)
    def save(self, *args, **kwargs):
        file = original(self, *args, **kwargs)
        recorder = recorders.get(id(self))
        if recorder is not None:
            recorder.saved(file)
        return file

    return save


def aside(original):
    """What lr_find tries is no training."""

    @functools.wraps(original)
    def method(*args, **kwargs):
        with cairn.fits.inside():
            return original(*args, **kwargs)

    return method
