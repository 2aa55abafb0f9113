"""Records real observations for an adapter's golden tests, with the Python whose frameworks are to be recorded:

    PYTHON tools/record.py ADAPTER [TRAINING ...]

Each plugins/ADAPTER/testdata/trainings/NAME.py runs with the hooks of all adapters and a test agent. What the adapter's hook
sent stands in testdata/NAME.jsonl afterwards, and the files that it names in NAME-*.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python" / "tests"))

from fake_agent import FakeAgent, all_hooks  # noqa: E402


def record(adapter, script):
    data = script.parents[1]
    for old in data.glob(script.stem + "-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as directory:
        agent = FakeAgent(directory, hooks=all_hooks())
        shutil.copyfile(script, os.path.join(directory, "train.py"))
        subprocess.run([sys.executable, "-W", "ignore", "train.py"], env=agent.environment(), check=True, cwd=directory)
        agent.wait_closed()
        agent.close()
        sent = [message for message in agent.observations() if message["adapter"] == adapter]
        lines = [json.dumps(line(message, script.stem, data)) for message in sent]
    (data / (script.stem + ".jsonl")).write_text("\n".join(lines) + "\n")
    for warning in agent.of("warn"):
        print(f"{script.name}: {warning['message']}", file=sys.stderr)


def line(message, name, data):
    files = {}
    for key, source in message["files"].items():
        files[key] = "%s-%d%s" % (name, message["seq"], Path(key).suffix)
        shutil.copyfile(source, data / files[key])
    return dict({key: message[key] for key in ("seq", "kind", "time_ms", "fit", "payload")}, files=files)


def main(adapter, *wanted):
    scripts = sorted((ROOT / "plugins" / adapter / "testdata" / "trainings").glob("*.py"))
    for script in scripts:
        if not wanted or script.stem in wanted:
            record(adapter, script)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
