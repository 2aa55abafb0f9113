"""Makes modules of the sources of a hook: of the one that defines install, and of those beside it when they are imported."""

import sys
import types
from importlib.machinery import ModuleSpec


class Sources:
    """Finds and loads the modules of one hook, which lie in no file."""

    def __init__(self, package, source, modules):
        self._sources = {package: source}
        self._sources.update(("%s.%s" % (package, name), text) for name, text in modules.items())

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in self._sources else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        where = "<cairn hook %s>" % module.__name__.partition("_cairn_hook_")[2]
        module.__file__ = where
        exec(compile(self._sources[module.__name__], where, "exec"), module.__dict__)  # noqa: S102

    def get_source(self, name):
        return self._sources.get(name)


def load(adapter, source, modules, cairn):
    """The module of an adapter's hook, executed. It and the modules beside it find cairn as `from . import cairn`."""
    name = "_cairn_hook_" + adapter
    sources = Sources(name, source, modules)
    if modules:
        # The last of all: an import that is not a hook's is found before.
        sys.meta_path.append(sources)
    module = types.ModuleType(name)
    module.__spec__ = ModuleSpec(name, sources, is_package=True)
    module.__loader__, module.__package__, module.__path__ = sources, name, []
    module.cairn = cairn
    sys.modules[name] = module
    sources.exec_module(module)
    return module
