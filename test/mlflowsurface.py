#!/usr/bin/env python3
"""What MLflow's clients ask of a server, and which test shows that Cairn gives it. docs/mlflow.md is made of this:

    python3 test/mlflowsurface.py > docs/mlflow.md

test_surface.py checks that the page is current, that the tests are there, and that a server has the calls.
Standard library only.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

API, AJAX, STORE = "/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/", "/api/2.0/mlflow-artifacts/"

# Need: M, a client of machine learning cannot do without; N, a user interface or a few clients ask for it.
# A test of Python is file::function below test/mlflow, one of Go a function of server/mlflow.
CALLS = [
    # The tracking of experiments and runs
    ("N", "GET", "/health", "test_surface.py::test_health_and_version"),
    ("N", "GET", "/version", "test_surface.py::test_health_and_version"),
    ("N", "GET", "/api/3.0/mlflow/server-info", "TestRoutes"),
    ("M", "GET", API + "experiments/get-by-name", "test_tracking.py::test_set_experiment_makes_and_finds"),
    ("M", "POST", API + "experiments/create", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "GET", API + "experiments/get", "test_tracking.py::test_default_experiment"),
    ("M", "POST", API + "experiments/search", "test_tracking.py::test_search_experiments"),
    ("M", "GET", API + "experiments/search", "TestSearchExperiments"),
    ("M", "POST", API + "experiments/delete", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/restore", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/update", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/set-experiment-tag", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/delete-experiment-tag", "test_tracking.py::test_delete_experiment_tag"),
    ("N", "POST", AJAX + "experiments/search-datasets", "TestSearchDatasets"),
    ("M", "POST", API + "runs/create", "test_tracking.py::test_run_with_everything"),
    ("M", "GET", API + "runs/get", "test_tracking.py::test_run_with_everything"),
    ("M", "POST", API + "runs/update", "test_tracking.py::test_rename_a_run"),
    ("M", "POST", API + "runs/delete", "test_tracking.py::test_search_runs_views"),
    ("M", "POST", API + "runs/restore", "TestRunsLiveAndDie"),
    ("M", "POST", API + "runs/log-metric", "test_tracking.py::test_metric_history"),
    ("M", "POST", API + "runs/log-parameter", "test_tracking.py::test_params_are_written_once"),
    ("M", "POST", API + "runs/set-tag", "test_tracking.py::test_run_with_everything"),
    ("M", "POST", API + "runs/delete-tag", "test_tracking.py::test_delete_tag"),
    ("M", "POST", API + "runs/log-batch", "test_tracking.py::test_log_batch"),
    ("M", "POST", API + "runs/log-inputs", "test_tracking.py::test_log_input"),
    ("M", "POST", API + "runs/outputs", "test_models.py::test_log_and_load_a_model"),
    ("N", "POST", API + "runs/log-model", "TestModelsOfOlderClientsAreKeptInATag"),
    ("M", "POST", API + "runs/search", "test_tracking.py::test_search_runs_filters_and_orders"),
    ("M", "GET", API + "metrics/get-history", "test_tracking.py::test_metric_history_in_pages"),
    ("N", "GET", AJAX + "metrics/get-history-bulk", "test_history.py::test_bulk_of_many"),
    ("N", "GET", AJAX + "metrics/get-history-bulk-interval", "test_history.py::test_samples_in_a_range"),
    ("M", "GET", API + "artifacts/list", "TestArtifactsUpAndDown"),
    ("N", "POST", API + "artifacts/presigned-upload-url", "test_multipart.py::test_large_files"),
    ("N", "POST", API + "artifacts/presigned-download-url", "test_multipart.py::test_large_files"),
    ("N", "POST", AJAX + "upload-artifact", "TestOneFile"),
    ("N", "GET", "/get-artifact", "TestOneFile"),
    ("N", "GET", "/model-versions/get-artifact", "TestOneFile"),
    # Logged models
    ("M", "POST", API + "logged-models", "test_models.py::test_log_and_load_a_model"),
    ("M", "GET", API + "logged-models/{id}", "test_models.py::test_log_and_load_a_model"),
    ("M", "PATCH", API + "logged-models/{id}", "test_models.py::test_logged_models_by_hand"),
    ("M", "POST", API + "logged-models/search", "test_models.py::test_search_logged_models"),
    ("M", "PATCH", API + "logged-models/{id}/tags", "test_models.py::test_logged_models_by_hand"),
    ("N", "DELETE", API + "logged-models/{id}", "test_models.py::test_logged_models_by_hand"),
    ("N", "DELETE", API + "logged-models/{id}/tags/{key}", "test_models.py::test_logged_models_by_hand"),
    ("N", "POST", API + "logged-models/{id}/params", "test_models.py::test_logged_models_by_hand"),
    ("N", "GET", API + "logged-models/{id}/artifacts/directories", "test_models.py::test_log_and_load_a_model"),
    ("N", "GET", AJAX + "logged-models/{id}/artifacts/files", "TestOneFile"),
    # The proxy of artifacts
    ("M", "GET", STORE + "artifacts", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "PUT", STORE + "artifacts/{path}", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "GET", STORE + "artifacts/{path}", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "DELETE", STORE + "artifacts/{path}", "TestArtifactsUpAndDown"),
    ("N", "POST", STORE + "mpu/create/{path}", "TestUploadInParts"),
    ("N", "POST", STORE + "mpu/complete/{path}", "TestUploadInParts"),
    ("N", "POST", STORE + "mpu/abort/{path}", "TestUploadInParts"),
    ("N", "GET", STORE + "presigned/{path}", "TestUploadInPartsToBucket"),
    # The model registry
    ("M", "POST", API + "registered-models/create", "test_registry.py::test_registered_models"),
    ("M", "GET", API + "registered-models/get", "test_registry.py::test_registered_models"),
    ("M", "PATCH", API + "registered-models/update", "test_registry.py::test_registered_models"),
    ("M", "POST", API + "registered-models/rename", "test_registry.py::test_registered_models"),
    ("M", "DELETE", API + "registered-models/delete", "test_registry.py::test_registered_models"),
    ("M", "GET", API + "registered-models/search", "test_registry.py::test_search"),
    ("M", "POST", API + "registered-models/get-latest-versions", "test_registry.py::test_stages"),
    ("M", "GET", API + "registered-models/get-latest-versions", "TestStages"),
    ("M", "POST", API + "registered-models/set-tag", "test_registry.py::test_registered_models"),
    ("M", "DELETE", API + "registered-models/delete-tag", "test_registry.py::test_registered_models"),
    ("M", "POST", API + "registered-models/alias", "test_registry.py::test_aliases"),
    ("M", "DELETE", API + "registered-models/alias", "test_registry.py::test_aliases"),
    ("M", "GET", API + "registered-models/alias", "test_registry.py::test_aliases"),
    ("M", "POST", API + "model-versions/create", "test_registry.py::test_register_and_load"),
    ("M", "GET", API + "model-versions/get", "test_registry.py::test_versions"),
    ("M", "PATCH", API + "model-versions/update", "test_registry.py::test_versions"),
    ("M", "DELETE", API + "model-versions/delete", "test_registry.py::test_versions"),
    ("M", "GET", API + "model-versions/search", "test_registry.py::test_search"),
    ("M", "POST", API + "model-versions/set-tag", "test_registry.py::test_versions"),
    ("M", "DELETE", API + "model-versions/delete-tag", "test_registry.py::test_versions"),
    ("M", "POST", API + "model-versions/transition-stage", "test_registry.py::test_stages"),
    ("M", "GET", API + "model-versions/get-download-uri", "test_registry.py::test_versions"),
    ("N", "POST", API + "webhooks", "TestWebhooks"),
    ("N", "GET", API + "webhooks", "TestWebhooks"),
    ("N", "GET", API + "webhooks/{id}", "TestWebhooks"),
    ("N", "PATCH", API + "webhooks/{id}", "TestWebhooks"),
    ("N", "DELETE", API + "webhooks/{id}", "TestWebhooks"),
    ("N", "POST", API + "webhooks/{id}/test", "TestWebhookTestCall"),
]

# Calls that Cairn does not offer; it says so with 501.
ABSENT = [
    (
        "/api/3.0/mlflow/traces/search",
        "tracing, and what is for language models alone: evaluation datasets, scorers, prompt optimization",
    ),
    (API + "gateway/endpoints/list", "the gateway to language models"),
    (API + "workspaces", "workspaces"),
]

# What a server must get right beside the calls, and how.
POINTS = [
    (
        "Errors are JSON with a code; each code has its HTTP status",
        "test_refusals.py::test_unknown_things",
        "TestRegistryIsAskedWrongly",
    ),
    (
        "No mistake of a client is a 5xx, which it would send again for minutes",
        "TestRegistryIsAskedWrongly",
        "TestRolesOfRoutes",
    ),
    (
        "Answers have snake_case names and int64 as numbers; unknown members are ignored",
        "TestModelVersions",
        "TestReaderReads",
    ),
    (
        "NaN and the infinities are values, words are not",
        "test_tracking.py::test_nan_and_infinities",
        "test_refusals.py::test_raw_requests",
    ),
    (
        "Params are written once; a batch is stored whole or not at all",
        "test_tracking.py::test_params_are_written_once",
        "test_refusals.py::test_a_refused_batch_stores_nothing",
    ),
    (
        "Identical points are kept once, several values of a step all",
        "test_tracking.py::test_identical_points_are_kept_once",
        "test_tracking.py::test_metric_history_keeps_what_is_hard",
    ),
    ("Batches, keys and values have bounds", "TestLogBatchRefusesWhatIsWrong", "TestRegistryIsAskedWrongly"),
    ("Keys are clean as paths", "test_refusals.py::test_names"),
    (
        "The filter language, of each kind of thing",
        "test_tracking.py::test_search_runs_filters_and_orders",
        "test_models.py::test_search_logged_models",
        "test_registry.py::test_search",
    ),
    (
        "Orders, their ties, and NaN behind numbers",
        "test_tracking.py::test_search_runs_filters_and_orders",
        "TestSearchRuns",
    ),
    (
        "Pages with opaque tokens, none on the last",
        "test_tracking.py::test_search_runs_in_pages",
        "test_registry.py::test_search",
    ),
    (
        "Deleted things can be restored, and are not written to meanwhile",
        "test_tracking.py::test_experiments_live_and_die",
        "TestRunsLiveAndDie",
    ),
    (
        "A run's name and its tag agree; a run without a name gets one",
        "test_tracking.py::test_run_gets_a_name",
        "test_tracking.py::test_rename_a_run",
    ),
    ("Tags of clients: user, source, git, parent", "test_tracking.py::test_nested_runs"),
    (
        "Stages in any case; archiving others for Staging and Production; the newest of each stage",
        "test_registry.py::test_stages",
        "TestStages",
    ),
    (
        "Aliases that are no versions and not latest; numbers of versions are not given again",
        "test_registry.py::test_aliases",
        "test_registry.py::test_versions",
    ),
    (
        "The source of a version lies inside of what it names",
        "test_registry.py::test_what_is_wrong_is_told",
        "TestSourcesOfVersionsStayInside",
    ),
    (
        "A body that is no JSON is refused, so that no page of another site sends one",
        "test_refusals.py::test_raw_requests",
        "TestBodiesThatAreNotJSON",
    ),
]

# Tests of Python that MLflow's own server fails, each with the reason why Cairn does it otherwise; in brackets, with which
# argument alone.
DIFFERENCES = {
    "test_refusals.py::test_filters": "The error of a filter names the parameter and the place in it.",
    "test_refusals.py::test_artifact_paths_that_leave_their_root[..%5ccanary]":
        "A backslash leads up on some machines: it is refused on all.",
    "test_refusals.py::test_artifact_paths_that_leave_their_root[a%00b]":
        "What is still encoded after one decoding hides where it leads.",
    "test_tracking.py::test_nan_and_infinities": "±Infinity comes back as it was logged, and not as the greatest number.",
    "test_tracking.py::test_search_runs_filters_and_orders": "Filters have OR, NOT and parentheses.",
    "test_tracking.py::test_experiments_live_and_die":
        "Restoring an experiment restores the runs that its deletion deleted, and not those that were deleted before.",
}

# Files, and tests, that ask of Cairn alone.
CAIRN_ONLY = {
    "test_history.py",  # it compares with MLflow's server by itself
    "test_surface.py",
}


def cairn_only(item):
    """Whether a test of pytest is one of them."""
    return not CAIRN_ONLY.isdisjoint((item.path.name, f"{item.path.name}::{item.originalname}"))


def difference(item):
    """Why MLflow's own server fails a test of pytest; None when it should not."""
    for test, why in DIFFERENCES.items():
        function, _, argument = test.partition("[")
        if function == f"{item.path.name}::{item.originalname}" and item.name.endswith(argument):
            return why
    return None


def tests():
    """All tests that are named, each once."""
    named = [call[3] for call in CALLS] + [test for point in POINTS for test in point[1:]]
    return sorted(set(named))


def missing_tests():
    """Those that are named and not there."""
    go = "".join(path.read_text() for path in (ROOT / "server" / "mlflow").glob("*_test.go"))
    gone = []
    for test in [*tests(), *DIFFERENCES]:
        file, _, function = test.partition("[")[0].rpartition("::")
        source = (ROOT / "test" / "mlflow" / file).read_text() if file else go
        word = "def" if file else "func"
        if not re.search(rf"^{word} {function}\(", source, re.MULTILINE):
            gone.append(test)
    return gone


def page():
    """The text of docs/mlflow.md."""
    lines = [
        "# What MLflow's clients can call",
        "",
        "This page is made by `python3 test/mlflowsurface.py > docs/mlflow.md`, and a test checks that it is true.",
        "The tests in Python, in `test/mlflow`, drive the unmodified mlflow client, against Cairn on SQLite, on PostgreSQL",
        "and, with the same assertions, against MLflow's own server. Those in Go are in `server/mlflow`.",
        "",
        "Everything below `/api/` is below `/ajax-api/` too.",
        "M: clients cannot do without; N: user interfaces or a few clients ask for it.",
        "",
        "| call | need | shown by |",
        "|---|---|---|",
    ]
    lines += [f"| {method} `{path}` | {need} | `{test}` |" for need, method, path, test in CALLS]
    lines += ["", "Not offered, and answered with 501 `NOT_IMPLEMENTED`:", "", "| call | what |", "|---|---|"]
    lines += [f"| `{path}` | {what} |" for path, what in ABSENT]
    lines += ["", "## What else a server must get right", "", "| | shown by |", "|---|---|"]
    lines += [f"| {what} | {', '.join(f'`{test}`' for test in shown)} |" for what, *shown in POINTS]
    lines += [
        "",
        "## Where MLflow's server does otherwise",
        "",
        "These tests are expected to fail against it.",
        "",
        "| test | why Cairn is not like it |",
        "|---|---|",
    ]
    lines += [f"| `{test}` | {why} |" for test, why in DIFFERENCES.items()]
    lines += ["", "More of the registry: [The model registry](registry.md#what-mlflow-does-otherwise).", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
