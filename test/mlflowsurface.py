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
# A test of Python is file::function below test/mlflow, one of Go a function of server/mlflow, or package::function. Every
# call has one of Python, which drives the server as its users do.
CALLS = [
    # The tracking of experiments and runs
    ("N", "GET", "/health", "test_surface.py::test_health_and_version"),
    ("N", "GET", "/version", "test_surface.py::test_health_and_version"),
    ("N", "GET", "/api/3.0/mlflow/server-info", "test_calls.py::test_server_info"),
    ("M", "GET", API + "experiments/get-by-name", "test_tracking.py::test_set_experiment_makes_and_finds"),
    ("M", "POST", API + "experiments/create", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "GET", API + "experiments/get", "test_tracking.py::test_default_experiment"),
    ("M", "POST", API + "experiments/search", "test_tracking.py::test_search_experiments"),
    ("M", "GET", API + "experiments/search", "test_calls.py::test_search_experiments_by_get"),
    ("M", "POST", API + "experiments/delete", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/restore", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/update", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/set-experiment-tag", "test_tracking.py::test_experiments_live_and_die"),
    ("M", "POST", API + "experiments/delete-experiment-tag", "test_tracking.py::test_delete_experiment_tag"),
    ("N", "POST", AJAX + "experiments/search-datasets", "test_calls.py::test_search_datasets"),
    ("M", "POST", API + "runs/create", "test_tracking.py::test_run_with_everything"),
    ("M", "GET", API + "runs/get", "test_tracking.py::test_run_with_everything"),
    ("M", "POST", API + "runs/update", "test_tracking.py::test_rename_a_run"),
    ("M", "POST", API + "runs/delete", "test_tracking.py::test_search_runs_views"),
    ("M", "POST", API + "runs/restore", "test_points.py::test_what_is_deleted_is_not_written_to"),
    ("M", "POST", API + "runs/log-metric", "test_tracking.py::test_metric_history"),
    ("M", "POST", API + "runs/log-parameter", "test_tracking.py::test_params_are_written_once"),
    ("M", "POST", API + "runs/set-tag", "test_tracking.py::test_run_with_everything"),
    ("M", "POST", API + "runs/delete-tag", "test_tracking.py::test_delete_tag"),
    ("M", "POST", API + "runs/log-batch", "test_tracking.py::test_log_batch"),
    ("M", "POST", API + "runs/log-inputs", "test_tracking.py::test_log_input"),
    ("M", "POST", API + "runs/outputs", "test_models.py::test_log_and_load_a_model"),
    ("N", "POST", API + "runs/log-model", "test_calls.py::test_models_of_older_clients"),
    ("M", "POST", API + "runs/search", "test_tracking.py::test_search_runs_filters_and_orders"),
    ("M", "GET", API + "metrics/get-history", "test_tracking.py::test_metric_history_in_pages"),
    ("N", "GET", AJAX + "metrics/get-history-bulk", "test_history.py::test_bulk_of_many"),
    ("N", "GET", AJAX + "metrics/get-history-bulk-interval", "test_history.py::test_samples_in_a_range"),
    ("M", "GET", API + "artifacts/list", "test_calls.py::test_list_artifacts_of_a_run"),
    ("N", "POST", API + "artifacts/presigned-upload-url", "test_calls.py::test_urls_past_the_server"),
    ("N", "POST", API + "artifacts/presigned-download-url", "test_calls.py::test_urls_past_the_server"),
    ("N", "POST", AJAX + "upload-artifact", "test_calls.py::test_one_file_of_a_run"),
    ("N", "GET", "/get-artifact", "test_calls.py::test_one_file_of_a_run"),
    ("N", "GET", "/model-versions/get-artifact", "test_calls.py::test_one_file_of_a_model"),
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
    ("N", "GET", AJAX + "logged-models/{id}/artifacts/files", "test_calls.py::test_one_file_of_a_model"),
    # The proxy of artifacts
    ("M", "GET", STORE + "artifacts", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "PUT", STORE + "artifacts/{path}", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "GET", STORE + "artifacts/{path}", "test_artifacts.py::test_log_artifact_and_artifacts"),
    ("M", "DELETE", STORE + "artifacts/{path}", "test_calls.py::test_delete_artifacts"),
    ("N", "POST", STORE + "mpu/create/{path}", "test_calls.py::test_parts_of_a_file"),
    ("N", "POST", STORE + "mpu/complete/{path}", "test_calls.py::test_parts_of_a_file"),
    ("N", "POST", STORE + "mpu/abort/{path}", "test_calls.py::test_parts_of_a_file"),
    ("N", "GET", STORE + "presigned/{path}", "test_multipart.py::test_large_files"),
    # The model registry
    ("M", "POST", API + "registered-models/create", "test_registry.py::test_registered_models"),
    ("M", "GET", API + "registered-models/get", "test_registry.py::test_registered_models"),
    ("M", "PATCH", API + "registered-models/update", "test_registry.py::test_registered_models"),
    ("M", "POST", API + "registered-models/rename", "test_registry.py::test_registered_models"),
    ("M", "DELETE", API + "registered-models/delete", "test_registry.py::test_registered_models"),
    ("M", "GET", API + "registered-models/search", "test_registry.py::test_search"),
    ("M", "POST", API + "registered-models/get-latest-versions", "test_registry.py::test_stages"),
    ("M", "GET", API + "registered-models/get-latest-versions", "test_calls.py::test_latest_versions_by_get"),
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
    ("N", "POST", API + "webhooks", "test_webhooks.py::test_the_story_of_a_webhook"),
    ("N", "GET", API + "webhooks", "test_webhooks.py::test_the_story_of_a_webhook"),
    ("N", "GET", API + "webhooks/{id}", "test_webhooks.py::test_the_story_of_a_webhook"),
    ("N", "PATCH", API + "webhooks/{id}", "test_webhooks.py::test_the_story_of_a_webhook"),
    ("N", "DELETE", API + "webhooks/{id}", "test_webhooks.py::test_the_story_of_a_webhook"),
    ("N", "POST", API + "webhooks/{id}/test", "test_webhooks.py::test_the_story_of_a_webhook"),
]

# How clients say who they are.
HEADERS = [
    ("M", "`Authorization: Bearer`, from `MLFLOW_TRACKING_TOKEN`", "test_credentials.py::test_a_token"),
    ("M", "`Authorization: Basic`, from `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`",
     "test_credentials.py::test_a_token_as_a_password"),
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

# What a server must get right beside the calls, numbered in this order, and how.
POINTS = [
    (
        "Errors are JSON with a code, and each code has its HTTP status",
        "test_points.py::test_codes_and_statuses", "test_points.py::test_mistakes_are_told_for_what_they_are",
        "test_points.py::test_an_alias_that_is_not_set",
        "test_refusals.py::test_unknown_things",
        "test_calls.py::test_paths_that_are_none",
    ),
    (
        "No mistake of a client is a 5xx, which it would send again for minutes",
        "test_points.py::test_mistakes_are_the_clients",
        "test_points.py::test_what_is_no_status_and_no_number",
        "test_points.py::test_a_deleted_experiment_is_not_renamed",
        "test_points.py::test_others_are_archived_for_two_stages",
        "TestRegistryIsAskedWrongly",
    ),
    (
        "Answers have snake_case names, int64 as numbers, and nothing that is empty; unknown members are ignored",
        "test_points.py::test_shape_of_answers",
    ),
    (
        "NaN and the infinities are values, words are not; steps may be negative, times may not",
        "test_tracking.py::test_nan",
        "test_tracking.py::test_infinities",
        "test_points.py::test_words_are_no_numbers",
        "test_points.py::test_steps_and_times",
    ),
    (
        "Params are written once; a batch is stored whole or not at all",
        "test_tracking.py::test_params_are_written_once",
        "test_points.py::test_a_param_twice_in_a_batch",
        "test_refusals.py::test_a_refused_batch_stores_nothing",
        "test_points.py::test_a_batch_is_whole_or_not_there",
    ),
    (
        "Identical points are kept once, several values of a step all; the latest has the greatest step, time and value",
        "test_tracking.py::test_identical_points_are_kept_once",
        "test_points.py::test_the_latest_is_by_step_time_and_value",
    ),
    (
        "Batches, keys, values, names and bodies have bounds",
        "test_points.py::test_bounds_that_hold",
        "test_points.py::test_bounds_of_the_registry_that_hold",
        "test_points.py::test_bounds_refuse",
        "test_points.py::test_a_batch_of_the_longest_values",
        "test_points.py::test_a_body_that_is_too_long",
        "test_points.py::test_a_digest_may_be_a_whole_sha256",
        "test_points.py::test_long_values_are_not_cut_off",
    ),
    ("Keys are clean as paths", "test_points.py::test_keys", "test_refusals.py::test_names"),
    (
        "The filter language, of each kind of thing",
        "test_points.py::test_filters_of_runs",
        "test_points.py::test_filters_of_run_ids",
        "test_points.py::test_filters_that_are_none",
        "test_points.py::test_filters_have_or_and_parentheses",
        "test_points.py::test_filters_compare_params_as_numbers",
        "test_points.py::test_a_quote_in_a_filter_is_doubled",
        "test_points.py::test_filters_of_experiments",
        "test_models.py::test_search_logged_models",
        "test_registry.py::test_search",
    ),
    (
        "Orders, with NaN behind numbers, what is missing last, and ties by time and id",
        "test_points.py::test_orders_of_runs",
        "test_points.py::test_nan_is_behind_numbers_and_nothing_is_last",
        "test_points.py::test_equal_ones_are_ordered_by_time_and_id",
        "test_points.py::test_orders_that_are_none",
        "test_points.py::test_a_field_twice_in_an_order",
    ),
    (
        "Pages with opaque tokens, none on the last",
        "test_points.py::test_pages_of_every_search",
        "test_points.py::test_an_exact_page_is_the_last",
        "test_points.py::test_experiments_are_searched_without_a_bound",
        "test_tracking.py::test_search_runs_in_pages",
    ),
    (
        "Deleted things keep their names, can be restored, and are not written to meanwhile; finished runs are",
        "test_points.py::test_what_is_deleted_is_not_written_to",
        "test_points.py::test_a_finished_run_is_written_to",
        "test_points.py::test_a_deleted_experiment",
        "test_points.py::test_a_restored_experiment_has_the_runs_that_it_had",
    ),
    (
        "A run's name and its tag agree, a run without a name gets one; ids have MLflow's forms",
        "test_points.py::test_a_name_and_its_tag_agree",
        "test_tracking.py::test_run_gets_a_name",
        "test_tracking.py::test_rename_a_run",
        "test_points.py::test_ids_of_experiments",
    ),
    (
        "Tags of clients: user, source, parent, note, images, tables",
        "test_points.py::test_tags_that_clients_set",
        "test_tracking.py::test_nested_runs",
    ),
    (
        "Stages in any case; archiving others for Staging and Production; the newest of each stage",
        "test_registry.py::test_stages",
        "test_points.py::test_others_are_archived_for_two_stages",
    ),
    (
        "Aliases that are no versions and not latest; numbers of versions are not given again",
        "test_registry.py::test_aliases",
        "test_registry.py::test_versions",
    ),
    (
        "The source of a version lies inside of what it names",
        "test_points.py::test_sources_of_versions",
        "test_attacks.py::test_sources_of_versions_stay_inside",
        "test_registry.py::test_what_is_wrong_is_told",
    ),
    (
        "A body that is no JSON is refused, so that no page of another site sends one",
        "test_points.py::test_bodies_of_other_types",
        "TestBodiesThatAreNotJSON",
    ),
]

# Classes of faults that other servers have had, and what shows that Cairn has them not. Paths are refused with 400 under
# both prefixes, with canaries planted outside of the store.
ATTACKS = [
    (
        "A file of the server is read as the source of a version, with or without a run, a model or a tag",
        "test_attacks.py::test_sources_of_versions_stay_inside",
        "TestSourcesOfVersionsStayInside",
    ),
    (
        "A file of the server is read by the artifact location of an experiment",
        "test_attacks.py::test_artifact_locations_stay_inside",
        "TestArtifactLocationsStayInside",
    ),
    (
        "An artifact's path leads out of its root, in any verb and spelling",
        "test_attacks.py::test_artifact_paths_that_leave_their_root",
        "test_attacks.py::test_files_of_a_version_stay_inside",
        "test_attacks.py::test_files_of_a_logged_model_stay_inside",
        "test_attacks.py::test_parts_of_a_file_stay_inside",
        "TestArtifactPathsStayBelowTheirRoot",
        "TestPathsOfOneFileStayInside",
        "internal/artifact::TestNothingLeavesTheRoot",
    ),
    (
        "What is decoded twice deletes outside of the root",
        "test_attacks.py::test_what_is_decoded_twice_deletes_nothing",
        "TestArtifactPathsStayBelowTheirRoot",
    ),
    ("Two names for one object", "test_attacks.py::test_names_of_models_are_no_paths", "TestNamesAreNoPaths"),
    (
        "A page among the artifacts runs in a browser",
        "test_attacks.py::test_a_page_does_not_run",
        "TestArtifactsAreServedSafely",
    ),
    (
        "A route that the authorization forgot",
        "test_credentials.py::test_status_of_a_stranger",
        "TestRolesOfRoutes",
        "TestWebhooksAreTheAdmins",
        "graph::TestRolesNameEveryRootField",
        "server::TestFromTheFirstTokenOnEveryRequestNeedsOne",
    ),
    (
        "Credentials that are set by default, empty or short",
        "test_credentials.py::test_strangers",
        "internal/auth::TestSecrets",
        "server::TestListeningBeyondLoopbackNeedsTokens",
    ),
    (
        "A page of another site sends requests, or comes by another host's name",
        "test_points.py::test_bodies_of_other_types",
        "server::TestForeignPagesAreRefused",
        "server::TestOriginsOnLoopback",
    ),
    (
        "A webhook calls an address of the server's own network, also one that its name gets later",
        "test_webhooks.py::test_a_private_address_is_refused",
        "internal/webhook::TestDialChecksTheAddress",
    ),
    (
        "Long names, deep queries and many aliases of a field take the server's time and memory",
        "test_points.py::test_bounds_refuse",
        "graph::TestLimits",
        "graph::TestLimitsOfTheBody",
    ),
]

# Tests of Python that MLflow's own server fails, each with the reason why Cairn does it otherwise; in brackets, with which
# argument alone.
DIFFERENCES = {
    "test_points.py::test_what_is_no_status_and_no_number": "A status that is none, and `true` as a number, are refused.",
    "test_points.py::test_a_deleted_experiment_is_not_renamed":
        "It is the client's mistake, 400, and not the server's, 500.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[history of no run]":
        "The history of a run that is not there is not empty: it is not found.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[an experiment deleted twice]":
        "It is there, and deleted: 400 says so, as of all else that is done with it. MLflow does not find it.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a taken name]":
        "A name that is taken is told as such, and not as a text of the database.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a blank name]": "A name of blanks cannot be seen.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a run of no experiment]":
        "What is missing is named, and the error is no text of the database.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a model of no run]": "A model is of a run that is there.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a param of a model twice]":
        "The error is no text of the database.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[an output that is none]": "Runs name models that are there.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[an input that is none]": "Runs name models that are there.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a dataset without a digest]":
        "Without a digest nobody can tell one version of data from another.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a model's long name]":
        "Names have 256 characters at most on every database, as MLflow's column has.",
    "test_points.py::test_mistakes_are_told_for_what_they_are[a page of none]":
        "A page of none never ends: MLflow gives it, and a token for the next.",
    "test_points.py::test_others_are_archived_for_two_stages": "It is the client's mistake, 400, and not the server's, 500.",
    "test_points.py::test_a_field_twice_in_an_order": "It is the client's mistake, 400, and not the server's, 500.",
    "test_tracking.py::test_infinities": "±Infinity comes back as it was logged, and not as the greatest number.",
    "test_points.py::test_a_batch_is_whole_or_not_there":
        "A batch is stored whole or not at all, and its error is no text of the database.",
    "test_points.py::test_a_body_that_is_too_long": "MLflow documents 1 MB and takes any length; Cairn takes 4 MiB.",
    "test_points.py::test_a_digest_may_be_a_whole_sha256": "36 characters are not enough for a digest in hex.",
    "test_points.py::test_long_values_are_not_cut_off":
        "What is longer than MLflow keeps is kept, up to 65,536 bytes, and refused beyond: it is not cut off in silence.",
    "test_refusals.py::test_filters_say_where": "The error of a filter names the place in it.",
    "test_points.py::test_filters_that_are_none[metrics.a > 1 AND]": "A filter that ends too early is refused.",
    "test_points.py::test_filters_have_or_and_parentheses": "Filters have OR, NOT and parentheses.",
    "test_points.py::test_filters_compare_params_as_numbers": "Params can be compared as numbers.",
    "test_points.py::test_a_quote_in_a_filter_is_doubled": "A quote inside quotes is written twice.",
    "test_points.py::test_experiments_are_searched_without_a_bound": "A search needs no max_results.",
    "test_points.py::test_a_restored_experiment_has_the_runs_that_it_had":
        "Restoring an experiment restores the runs that its deletion deleted, and not those that were deleted before.",
    "test_calls.py::test_parts_of_a_file": "A folder of files takes large ones in parts, as a bucket does.",
    "test_attacks.py::test_artifact_paths_that_leave_their_root[..%5ccanary]":
        "A backslash leads up on some machines: it is refused on all.",
    "test_attacks.py::test_artifact_paths_that_leave_their_root[a%00b]":
        "What is still encoded after one decoding hides where it leads.",
    "test_attacks.py::test_artifact_paths_that_leave_their_root[%2fetc%2fpasswd]":
        "It is the client's mistake, 400, and not the server's, 500.",
    "test_attacks.py::test_artifact_paths_that_leave_their_root[file:%2f%2f%2fetc%2fpasswd]":
        "It is the client's mistake, 400, and not the server's, 500.",
    "test_attacks.py::test_files_of_a_version_stay_inside": "A backslash leads up on some machines: it is refused on all.",
    "test_attacks.py::test_files_of_a_logged_model_stay_inside":
        "A backslash leads up on some machines: it is refused on all.",
    "test_attacks.py::test_parts_of_a_file_stay_inside": "A folder of files takes large ones in parts, as a bucket does.",
    "test_attacks.py::test_artifact_locations_stay_inside":
        "An experiment's artifacts lie in no folder that a client names.",
    "test_attacks.py::test_names_of_models_are_no_paths": "A name holds nothing that a path or a terminal takes for more.",
    "test_attacks.py::test_a_page_does_not_run": "Pages and pictures with scripts are served as bytes.",
}

# Files, and tests, that ask of Cairn alone.
CAIRN_ONLY = {
    "test_history.py",  # it compares with MLflow's server by itself
    # MLflow's server looks and then writes: now and then it leaves two versions in Production, or gives a number twice.
    "test_registry.py::test_many_register_at_once",
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
    named = [call[-1] for call in (*CALLS, *HEADERS)] + [test for shown in (*POINTS, *ATTACKS) for test in shown[1:]]
    return sorted(set(named))


def missing_tests():
    """Those that are named and not there."""
    gone = []
    for test in [*tests(), *DIFFERENCES]:
        where, _, function = test.partition("[")[0].rpartition("::")
        if where.endswith(".py"):
            files, word = [ROOT / "test" / "mlflow" / where], "def"
        else:
            files, word = (ROOT / (where or "server/mlflow")).glob("*_test.go"), "func"
        if not any(re.search(rf"^{word} {function}\(", file.read_text(), re.MULTILINE) for file in files):
            gone.append(test)
    return gone


def listed(shown):
    return ", ".join(f"`{test}`" for test in shown)


def page():
    """The text of docs/mlflow.md."""
    lines = [
        "# What MLflow's clients can call",
        "",
        "This page is made by `python3 test/mlflowsurface.py > docs/mlflow.md`, and a test checks that it is true.",
        "The tests in Python, in `test/mlflow`, drive the unmodified mlflow client, against Cairn on SQLite, on PostgreSQL",
        "and, with the same assertions, against MLflow's own server. Those in Go are in `server/mlflow`, or in the package",
        "that is named.",
        "",
        "Everything below `/api/` is below `/ajax-api/` too.",
        "M: clients cannot do without; N: user interfaces or a few clients ask for it.",
        "",
        "| call | need | shown by |",
        "|---|---|---|",
    ]
    lines += [f"| {method} `{path}` | {need} | `{test}` |" for need, method, path, test in CALLS]
    lines += [f"| {what} | {need} | `{test}` |" for need, what, test in HEADERS]
    lines += ["", "Not offered, and answered with 501 `NOT_IMPLEMENTED`:", "", "| call | what |", "|---|---|"]
    lines += [f"| `{path}` | {what} |" for path, what in ABSENT]
    lines += ["", "## What else a server must get right", "", "| | | shown by |", "|---|---|---|"]
    lines += [f"| {n} | {what} | {listed(shown)} |" for n, (what, *shown) in enumerate(POINTS, 1)]
    lines += [
        "",
        "## What others' servers have let happen",
        "",
        "Paths are refused with 400 under `/api/` and under `/ajax-api/`. Files planted outside of the store neither come",
        "out nor change.",
        "",
        "| class | shown by |",
        "|---|---|",
    ]
    lines += [f"| {what} | {listed(shown)} |" for what, *shown in ATTACKS]
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
