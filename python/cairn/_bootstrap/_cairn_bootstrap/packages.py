"""The packages of this environment, read from the names of their metadata directories: a hundred times faster than
importlib.metadata, which parses each."""

import os
import re
import sys

# Packages whose distribution has another name, or one of several.
_DISTRIBUTIONS = {
    "sklearn": ("scikit-learn",),
    "cv2": ("opencv-python", "opencv-python-headless"),
    "PIL": ("pillow",),
    "yaml": ("pyyaml",),
    "skimage": ("scikit-image",),
    "pytorch_lightning": ("pytorch-lightning",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos"),
}

MAX_PACKAGES = 5000


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed():
    """{canonical name: (version, metadata directory)}; the first on sys.path wins, as for imports."""
    found = {}
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")
        except OSError:
            continue
        for name in names:
            stem, dot, kind = name.rpartition(".")
            if kind not in ("dist-info", "egg-info") or not dot:
                continue
            package, _, version = stem.partition("-")
            version = version.partition("-py")[0] if kind == "egg-info" else version
            if version:
                found.setdefault(canonical(package), (version, os.path.join(entry, name)))
            if len(found) >= MAX_PACKAGES:
                return found
    return found


def distribution_of(package, known=None):
    """Name and version of the distribution that a top-level package most likely comes from, ("", "") if none fits.

    known: what installed() gives, for callers that ask often.
    """
    known = installed() if known is None else known
    for name in _DISTRIBUTIONS.get(package, (package,)):
        version, _ = known.get(canonical(name), ("", ""))
        if version:
            return name, version
    return "", ""


def facts():
    """{"packages": ["name==version", …], "direct": [{name, url, editable}, …]}, both sorted by name."""
    listed, direct = [], []
    for name, (version, directory) in sorted(installed().items()):
        listed.append("%s==%s" % (name, version))
        try:
            with open(os.path.join(directory, "direct_url.json"), encoding="utf-8") as file:
                text = file.read(65536)
        except OSError:
            continue
        import json

        try:
            origin = json.loads(text)
            info = origin.get("dir_info") or {}
            revision = (origin.get("vcs_info") or {}).get("commit_id", "")
            direct.append(
                {
                    "name": name,
                    "url": _without_credentials(str(origin.get("url", ""))),
                    "editable": bool(info.get("editable")),
                    "revision": str(revision),
                }
            )
        except (ValueError, AttributeError):
            continue
    return {"packages": listed, "direct": direct}


def _without_credentials(url):
    return re.sub(r"//[^/@]*@", "//", url)
