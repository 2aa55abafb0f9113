"""What a run or a model came from, and what came of it."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from cairn._errors import NotFoundError
from cairn._frames import chosen, ids_of, table
from cairn._query import ask

MAX_NODES = 1000
DIRECTIONS = ("upstream", "downstream", "both")

MODEL = "modelId name sourceRunId"
VERSION = "name version stage runId loggedModel { %s }" % MODEL
RUN = """runId name status parent { runId name status } inputs { dataset { id name digest } context }
  modelInputs { %s } outputs { model { %s } } loggedModels { %s }""" % (MODEL, MODEL, MODEL)


class Node(NamedTuple):
    """A thing in a lineage: `kind` is dataset, run, model (a logged model) or version (of a registered model).

    `id` is unique in the lineage: a run's and a logged model's own, "NAME/VERSION" of a version, the global id of a dataset.
    `name` is for people; `detail` is a run's status, a version's stage, a dataset's digest.
    """

    id: str
    kind: str
    name: str
    detail: str


class Edge(NamedTuple):
    """`source` came before `target`: `kind` is input (with the context, such as "input:train"), output, registered or
    child.
    """

    source: str
    target: str
    kind: str


class Lineage(NamedTuple):
    """Nodes by id, in the order in which they were reached, and the edges between them. `cut` is true where there is
    more.
    """

    nodes: dict[str, Node]
    edges: list[Edge]
    cut: bool

    def frame(self, frame: str = "auto") -> Any:
        """A table with a row for each edge: source, source_kind, source_name, kind, target, target_kind, target_name."""
        ends = [(self.nodes[edge.source], edge.kind, self.nodes[edge.target]) for edge in self.edges]
        columns = {
            "source": [source.id for source, _, _ in ends],
            "source_kind": [source.kind for source, _, _ in ends],
            "source_name": [source.name for source, _, _ in ends],
            "kind": [kind for _, kind, _ in ends],
            "target": [target.id for _, _, target in ends],
            "target_kind": [target.kind for _, _, target in ends],
            "target_name": [target.name for _, _, target in ends],
        }
        return table(chosen(frame), columns)


def lineage(
    of: Any, *, direction: str = "both", depth: int = 5, max_nodes: int = MAX_NODES, timeout: float = 30.0
) -> Lineage:
    """What a run or a model was made from (upstream), and what was made from it (downstream).

    of is a run (its id, or a Run), a logged model (its id, "m-…"), or a version of a registered model as a URI:
    "models:/iris/3", "models:/iris@champion". Upstream of a version are its logged model and the run that made it, and of a
    run its datasets, the models that it read with the runs that made those, and the run above it. Downstream of a run are
    the models that it wrote, and of those the versions that were registered from them. depth is how many steps are gone, 0
    to 20, and max_nodes how many nodes come at most; `cut` of the result says that there are more. It asks the server once
    for each run or model, with timeout in seconds.

    Raises NotFoundError for a run or a model that is not there, ValueError for arguments that are none, and as cairn.query.
    """
    if direction not in DIRECTIONS:
        raise ValueError("direction must be one of %s, not %r" % (", ".join(DIRECTIONS), direction))
    if not 0 <= depth <= 20:
        raise ValueError("depth must be 0 to 20, not %r" % (depth,))
    search = _Search(direction, max_nodes, timeout)
    search.begin(of)
    search.go(depth)
    return Lineage(search.nodes, list(dict.fromkeys(search.edges)), search.cut)


class _Search:
    def __init__(self, direction: str, max_nodes: int, timeout: float) -> None:
        self.up, self.down = direction != "downstream", direction != "upstream"
        self.max_nodes, self.timeout = max_nodes, timeout
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.cut = False
        self._versions: dict[str, dict[str, Any]] = {}
        self._models: dict[str, dict[str, Any]] = {}
        # What is to be looked at, with how far it is from the beginning and whether what lies up and down of it is wanted.
        self._next: deque[tuple[str, int, bool, bool]] = deque()

    def begin(self, of: Any) -> None:
        if isinstance(of, str) and of.startswith("models:/"):
            version = self._ask("query($uri: String!) { modelVersion(uri: $uri) { %s } }" % VERSION, uri=of)["modelVersion"]
            if version is None:
                raise NotFoundError("no version of a model is %s" % of, "NOT_FOUND", "of")
            first = self._version(version)
        elif isinstance(of, str) and of.startswith("m-"):
            model = self._ask("query($id: ID!) { loggedModel(id: $id) { %s } }" % MODEL, id=of)["loggedModel"]
            if model is None:
                raise NotFoundError("no logged model has the id %s" % of, "NOT_FOUND", "of")
            first = self._model(model)
        else:
            (run_id,) = ids_of(of)
            run = self._ask("query($id: ID!) { run(id: $id) { runId name status } }", id=run_id)["run"]
            if run is None:
                raise NotFoundError("Run with id=%s not found" % run_id, "NOT_FOUND", "of")
            first = self._run(run)
        self._next.append((first, 0, self.up, self.down))

    def go(self, depth: int) -> None:
        looked = set()
        while self._next:
            node, far, up, down = self._next.popleft()
            if (node, up, down) in looked:
                continue
            looked.add((node, up, down))
            kind = self.nodes[node].kind
            if kind == "dataset":
                continue
            if far == depth:
                self.cut = True
                continue
            {"run": self._of_run, "model": self._of_model, "version": self._of_version}[kind](node, far + 1, up, down)

    def _of_run(self, run_id: str, far: int, up: bool, down: bool) -> None:
        run = self._ask("query($id: ID!) { run(id: $id) { %s } }" % RUN, id=run_id)["run"]
        if run is None:
            return
        if up:
            for one in run["inputs"]:
                dataset = one["dataset"]
                node = self._node(Node(dataset["id"], "dataset", dataset["name"], dataset["digest"]))
                self._link(node, run_id, "input:" + one["context"] if one["context"] else "input", node, far, up=True)
            for model in run["modelInputs"]:
                node = self._model(model)
                self._link(node, run_id, "input", node, far, up=True)
            if run["parent"]:
                node = self._run(run["parent"])
                self._link(node, run_id, "child", node, far, up=True)
        if down:
            for model in [one["model"] for one in run["outputs"]] + run["loggedModels"]:
                node = self._model(model)
                self._link(run_id, node, "output", node, far, down=True)
            # Clients of MLflow before 3 register what no logged model is of.
            for version in self._registered(run_id):
                if not version["loggedModel"]:
                    node = self._version(version)
                    self._link(run_id, node, "registered", node, far, down=True)

    def _of_model(self, model_id: str, far: int, up: bool, down: bool) -> None:
        made_by = self._models[model_id]["sourceRunId"]
        if up and made_by:
            run = self._ask("query($id: ID!) { run(id: $id) { runId name status } }", id=made_by)["run"]
            if run:
                node = self._run(run)
                self._link(node, model_id, "output", node, far, up=True)
        if down and made_by:
            for version in self._registered(made_by):
                if version["loggedModel"] and version["loggedModel"]["modelId"] == model_id:
                    node = self._version(version)
                    self._link(model_id, node, "registered", node, far, down=True)

    def _of_version(self, version_id: str, far: int, up: bool, down: bool) -> None:
        version = self._versions[version_id]
        if up and version["loggedModel"]:
            node = self._model(version["loggedModel"])
            self._link(node, version_id, "registered", node, far, up=True)
        elif up and version["runId"]:
            run = self._ask("query($id: ID!) { run(id: $id) { runId name status } }", id=version["runId"])["run"]
            if run:
                node = self._run(run)
                self._link(node, version_id, "registered", node, far, up=True)

    def _registered(self, run_id: str) -> list[dict[str, Any]]:
        text = (
            """query($filter: String!) { modelVersions(filter: $filter, first: 1000) {
          pageInfo { hasNextPage } edges { node { %s } } } }"""
            % VERSION
        )
        page = self._ask(text, filter="run_id = '%s'" % run_id)["modelVersions"]
        self.cut = self.cut or page["pageInfo"]["hasNextPage"]
        return [edge["node"] for edge in page["edges"]]

    def _link(
        self,
        source: str | None,
        target: str | None,
        kind: str,
        reached: str | None,
        far: int,
        up: bool = False,
        down: bool = False,
    ) -> None:
        if source and target and reached:
            self.edges.append(Edge(source, target, kind))
            self._next.append((reached, far, up, down))

    def _node(self, node: Node) -> str | None:
        """The node's id; None where there are too many."""
        if node.id not in self.nodes:
            if len(self.nodes) >= self.max_nodes:
                self.cut = True
                return None
            self.nodes[node.id] = node
        return node.id

    def _run(self, run: dict[str, Any]) -> Any:
        return self._node(Node(run["runId"], "run", run["name"], run["status"]))

    def _model(self, model: dict[str, Any]) -> Any:
        self._models[model["modelId"]] = model
        return self._node(Node(model["modelId"], "model", model["name"], ""))

    def _version(self, version: dict[str, Any]) -> Any:
        name = "%s/%d" % (version["name"], version["version"])
        self._versions[name] = version
        return self._node(Node(name, "version", version["name"], version["stage"]))

    def _ask(self, text: str, **variables: Any) -> dict[str, Any]:
        return ask(text, variables, self.timeout)
