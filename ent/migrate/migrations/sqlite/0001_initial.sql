-- create "artifact_references" table
CREATE TABLE `artifact_references` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `location` text NOT NULL, `size` integer NOT NULL, `sha256` text NOT NULL, `created_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `run_id` integer NULL, CONSTRAINT `artifact_references_runs_artifacts` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "artifact_references_location_key" to table: "artifact_references"
CREATE UNIQUE INDEX `artifact_references_location_key` ON `artifact_references` (`location`);
-- create index "artifactreference_run_id" to table: "artifact_references"
CREATE INDEX `artifactreference_run_id` ON `artifact_references` (`run_id`);
-- create index "artifactreference_sha256" to table: "artifact_references"
CREATE INDEX `artifactreference_sha256` ON `artifact_references` (`sha256`);
-- create "batch_clients" table
CREATE TABLE `batch_clients` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `client` text NOT NULL, `last_sequence` integer NOT NULL, `run_id` integer NOT NULL, CONSTRAINT `batch_clients_runs_clients` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "batchclient_run_id_client" to table: "batch_clients"
CREATE UNIQUE INDEX `batchclient_run_id_client` ON `batch_clients` (`run_id`, `client`);
-- create "changes" table
CREATE TABLE `changes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `entity` text NOT NULL, `entity_id` text NOT NULL, `scope` integer NOT NULL, `sequence` integer NOT NULL);
-- create index "changes_sequence_key" to table: "changes"
CREATE UNIQUE INDEX `changes_sequence_key` ON `changes` (`sequence`);
-- create index "change_entity_entity_id" to table: "changes"
CREATE UNIQUE INDEX `change_entity_entity_id` ON `changes` (`entity`, `entity_id`);
-- create index "change_entity_scope_sequence" to table: "changes"
CREATE INDEX `change_entity_scope_sequence` ON `changes` (`entity`, `scope`, `sequence`);
-- create "change_sequence" table
CREATE TABLE `change_sequence` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `value` integer NOT NULL);
-- create "datasets" table
CREATE TABLE `datasets` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `experiment_id` integer NOT NULL, `name` text NOT NULL, `digest` text NOT NULL, `source_type` text NOT NULL, `source` text NOT NULL, `schema` text NULL, `profile` text NULL, `created_at` integer NOT NULL);
-- create index "dataset_experiment_id_name_digest" to table: "datasets"
CREATE UNIQUE INDEX `dataset_experiment_id_name_digest` ON `datasets` (`experiment_id`, `name`, `digest`);
-- create index "dataset_digest" to table: "datasets"
CREATE INDEX `dataset_digest` ON `datasets` (`digest`);
-- create "experiments" table
CREATE TABLE `experiments` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `artifact_location` text NOT NULL, `lifecycle_stage` text NOT NULL DEFAULT ('active'), `purging` bool NOT NULL DEFAULT (false), `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `updated_by` text NOT NULL DEFAULT (''));
-- create index "experiments_name_key" to table: "experiments"
CREATE UNIQUE INDEX `experiments_name_key` ON `experiments` (`name`);
-- create index "experiment_lifecycle_stage_created_at" to table: "experiments"
CREATE INDEX `experiment_lifecycle_stage_created_at` ON `experiments` (`lifecycle_stage`, `created_at`);
-- create "experiment_tags" table
CREATE TABLE `experiment_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `value` text NOT NULL, `experiment_id` integer NOT NULL, CONSTRAINT `experiment_tags_experiments_tags` FOREIGN KEY (`experiment_id`) REFERENCES `experiments` (`id`) ON DELETE CASCADE);
-- create index "experimenttag_experiment_id_key" to table: "experiment_tags"
CREATE UNIQUE INDEX `experimenttag_experiment_id_key` ON `experiment_tags` (`experiment_id`, `key`);
-- create "fingerprints" table
CREATE TABLE `fingerprints` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `code_hash` text NOT NULL DEFAULT (''), `data_hash` text NOT NULL DEFAULT (''), `dependencies_hash` text NOT NULL DEFAULT (''), `seeds_hash` text NOT NULL DEFAULT (''), `command_hash` text NOT NULL DEFAULT (''), `hardware_hash` text NOT NULL DEFAULT (''), `detail` text NOT NULL, `created_at` integer NOT NULL, `run_id` integer NOT NULL, CONSTRAINT `fingerprints_runs_fingerprint` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "fingerprints_run_id_key" to table: "fingerprints"
CREATE UNIQUE INDEX `fingerprints_run_id_key` ON `fingerprints` (`run_id`);
-- create index "fingerprint_code_hash" to table: "fingerprints"
CREATE INDEX `fingerprint_code_hash` ON `fingerprints` (`code_hash`);
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `operation` text NOT NULL, `key` text NOT NULL, `request_hash` text NOT NULL, `result_id` text NOT NULL, `created_at` integer NOT NULL);
-- create index "idempotencykey_operation_key" to table: "idempotency_keys"
CREATE UNIQUE INDEX `idempotencykey_operation_key` ON `idempotency_keys` (`operation`, `key`);
-- create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_created_at` ON `idempotency_keys` (`created_at`);
-- create "leases" table
CREATE TABLE `leases` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `owner` text NOT NULL, `expires_at` integer NOT NULL, `fencing_token` integer NOT NULL);
-- create index "leases_name_key" to table: "leases"
CREATE UNIQUE INDEX `leases_name_key` ON `leases` (`name`);
-- create "lineage_edges" table
CREATE TABLE `lineage_edges` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `from_type` text NOT NULL, `from_id` text NOT NULL, `to_type` text NOT NULL, `to_id` text NOT NULL, `role` text NOT NULL DEFAULT (''), `created_at` integer NOT NULL);
-- create index "lineageedge_from_type_from_id_to_type_to_id_role" to table: "lineage_edges"
CREATE UNIQUE INDEX `lineageedge_from_type_from_id_to_type_to_id_role` ON `lineage_edges` (`from_type`, `from_id`, `to_type`, `to_id`, `role`);
-- create index "lineageedge_to_type_to_id" to table: "lineage_edges"
CREATE INDEX `lineageedge_to_type_to_id` ON `lineage_edges` (`to_type`, `to_id`);
-- create "logged_models" table
CREATE TABLE `logged_models` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `model_id` text NOT NULL, `experiment_id` integer NOT NULL, `source_run_id` text NOT NULL DEFAULT (''), `name` text NOT NULL, `model_type` text NOT NULL DEFAULT (''), `status` text NOT NULL DEFAULT ('PENDING'), `status_message` text NOT NULL DEFAULT (''), `artifact_location` text NOT NULL, `lifecycle_stage` text NOT NULL DEFAULT ('active'), `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''));
-- create index "logged_models_model_id_key" to table: "logged_models"
CREATE UNIQUE INDEX `logged_models_model_id_key` ON `logged_models` (`model_id`);
-- create index "loggedmodel_experiment_id_created_at" to table: "logged_models"
CREATE INDEX `loggedmodel_experiment_id_created_at` ON `logged_models` (`experiment_id`, `created_at`);
-- create index "loggedmodel_source_run_id" to table: "logged_models"
CREATE INDEX `loggedmodel_source_run_id` ON `logged_models` (`source_run_id`);
-- create "logged_model_metrics" table
CREATE TABLE `logged_model_metrics` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `run_id` text NOT NULL, `key` text NOT NULL, `value` real NULL, `timestamp` integer NOT NULL, `step` integer NOT NULL, `dataset_name` text NOT NULL DEFAULT (''), `dataset_digest` text NOT NULL DEFAULT (''), `logged_model_id` integer NOT NULL, CONSTRAINT `logged_model_metrics_logged_models_metrics` FOREIGN KEY (`logged_model_id`) REFERENCES `logged_models` (`id`) ON DELETE CASCADE);
-- create index "loggedmodelmetric_logged_model_id_run_id_key_step_timestamp" to table: "logged_model_metrics"
CREATE INDEX `loggedmodelmetric_logged_model_id_run_id_key_step_timestamp` ON `logged_model_metrics` (`logged_model_id`, `run_id`, `key`, `step`, `timestamp`);
-- create "logged_model_params" table
CREATE TABLE `logged_model_params` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `value` text NOT NULL, `logged_model_id` integer NOT NULL, CONSTRAINT `logged_model_params_logged_models_params` FOREIGN KEY (`logged_model_id`) REFERENCES `logged_models` (`id`) ON DELETE CASCADE);
-- create index "loggedmodelparam_logged_model_id_key" to table: "logged_model_params"
CREATE UNIQUE INDEX `loggedmodelparam_logged_model_id_key` ON `logged_model_params` (`logged_model_id`, `key`);
-- create "logged_model_tags" table
CREATE TABLE `logged_model_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `value` text NOT NULL, `logged_model_id` integer NOT NULL, CONSTRAINT `logged_model_tags_logged_models_tags` FOREIGN KEY (`logged_model_id`) REFERENCES `logged_models` (`id`) ON DELETE CASCADE);
-- create index "loggedmodeltag_logged_model_id_key" to table: "logged_model_tags"
CREATE UNIQUE INDEX `loggedmodeltag_logged_model_id_key` ON `logged_model_tags` (`logged_model_id`, `key`);
-- create "metric_batches" table
CREATE TABLE `metric_batches` (`id` integer NOT NULL, `points` integer NOT NULL, `created_at` integer NOT NULL, `payload` blob NOT NULL, PRIMARY KEY (`id`));
-- create "metric_chunks" table
CREATE TABLE `metric_chunks` (`id` integer NOT NULL, `run_id` integer NOT NULL, `first_sequence` integer NOT NULL, `last_sequence` integer NOT NULL, `step_scale` integer NOT NULL DEFAULT (0), `min_step` integer NOT NULL, `max_step` integer NOT NULL, `summary` blob NOT NULL, `payload` blob NOT NULL, PRIMARY KEY (`id`));
-- create index "metricchunk_run_id_last_sequence" to table: "metric_chunks"
CREATE INDEX `metricchunk_run_id_last_sequence` ON `metric_chunks` (`run_id`, `last_sequence`);
-- create "metric_goals" table
CREATE TABLE `metric_goals` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `goal` text NOT NULL, `experiment_id` integer NOT NULL, CONSTRAINT `metric_goals_experiments_metric_goals` FOREIGN KEY (`experiment_id`) REFERENCES `experiments` (`id`) ON DELETE CASCADE);
-- create index "metricgoal_experiment_id_key" to table: "metric_goals"
CREATE UNIQUE INDEX `metricgoal_experiment_id_key` ON `metric_goals` (`experiment_id`, `key`);
-- create "metric_rollups" table
CREATE TABLE `metric_rollups` (`id` integer NOT NULL, `chunks` integer NOT NULL, `payload` blob NOT NULL, PRIMARY KEY (`id`));
-- create "metric_series" table
CREATE TABLE `metric_series` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `experiment_id` integer NOT NULL, `key` text NOT NULL, `role` text NOT NULL DEFAULT ('RESULT'), `step_scale` integer NOT NULL DEFAULT (0), `count` integer NOT NULL, `nan_count` integer NOT NULL DEFAULT (0), `first_value` real NULL, `first_nan` bool NOT NULL DEFAULT (false), `first_step` integer NOT NULL, `first_time` integer NOT NULL, `last_value` real NULL, `last_nan` bool NOT NULL DEFAULT (false), `last_step` integer NOT NULL, `last_time` integer NOT NULL, `min_value` real NULL, `min_step` integer NOT NULL DEFAULT (0), `max_value` real NULL, `max_step` integer NOT NULL DEFAULT (0), `provisional` bool NOT NULL DEFAULT (false), `run_id` integer NOT NULL, CONSTRAINT `metric_series_runs_series` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "metricseries_run_id_key" to table: "metric_series"
CREATE UNIQUE INDEX `metricseries_run_id_key` ON `metric_series` (`run_id`, `key`);
-- create index "metricseries_search" to table: "metric_series"
CREATE INDEX `metricseries_search` ON `metric_series` (`experiment_id`, `key`, `last_value`, `run_id`, `min_value`, `max_value`);
-- create "metric_tails" table
CREATE TABLE `metric_tails` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `run_id` integer NOT NULL, `first_key` text NOT NULL, `sequence` integer NOT NULL, `points` integer NOT NULL, `payload` blob NOT NULL);
-- create index "metrictail_run_id_first_key" to table: "metric_tails"
CREATE UNIQUE INDEX `metrictail_run_id_first_key` ON `metric_tails` (`run_id`, `first_key`);
-- create "model_aliases" table
CREATE TABLE `model_aliases` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `alias` text NOT NULL, `version` integer NOT NULL, `updated_at` integer NOT NULL, `updated_by` text NOT NULL DEFAULT (''), `registered_model_id` integer NOT NULL, CONSTRAINT `model_aliases_registered_models_aliases` FOREIGN KEY (`registered_model_id`) REFERENCES `registered_models` (`id`) ON DELETE CASCADE);
-- create index "modelalias_registered_model_id_alias" to table: "model_aliases"
CREATE UNIQUE INDEX `modelalias_registered_model_id_alias` ON `model_aliases` (`registered_model_id`, `alias`);
-- create index "modelalias_registered_model_id_version" to table: "model_aliases"
CREATE INDEX `modelalias_registered_model_id_version` ON `model_aliases` (`registered_model_id`, `version`);
-- create "model_history" table
CREATE TABLE `model_history` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `registered_model_id` integer NOT NULL, `sequence` integer NOT NULL, `model_name` text NOT NULL, `action` text NOT NULL, `version` integer NOT NULL, `from_stage` text NOT NULL, `to_stage` text NOT NULL, `restores` integer NOT NULL DEFAULT (0), `detail` text NOT NULL DEFAULT (''), `reason` text NOT NULL DEFAULT (''), `principal` text NOT NULL, `created_at` integer NOT NULL, `previous_hash` text NOT NULL, `hash` text NOT NULL);
-- create index "modelhistory_registered_model_id_sequence" to table: "model_history"
CREATE UNIQUE INDEX `modelhistory_registered_model_id_sequence` ON `model_history` (`registered_model_id`, `sequence`);
-- create index "modelhistory_registered_model_id_to_stage_sequence" to table: "model_history"
CREATE INDEX `modelhistory_registered_model_id_to_stage_sequence` ON `model_history` (`registered_model_id`, `to_stage`, `sequence`);
-- create index "modelhistory_model_name" to table: "model_history"
CREATE INDEX `modelhistory_model_name` ON `model_history` (`model_name`);
-- create "model_manifests" table
CREATE TABLE `model_manifests` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `signature` text NOT NULL DEFAULT (''), `requirements` text NOT NULL DEFAULT (''), `problem` text NOT NULL DEFAULT (''), `model_version_id` integer NOT NULL, CONSTRAINT `model_manifests_model_versions_manifest` FOREIGN KEY (`model_version_id`) REFERENCES `model_versions` (`id`) ON DELETE CASCADE);
-- create index "model_manifests_model_version_id_key" to table: "model_manifests"
CREATE UNIQUE INDEX `model_manifests_model_version_id_key` ON `model_manifests` (`model_version_id`);
-- create "model_rules" table
CREATE TABLE `model_rules` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `stage` text NOT NULL, `kind` text NOT NULL, `key` text NOT NULL DEFAULT (''), `value` text NULL, `goal` text NOT NULL DEFAULT ('MAXIMIZE'), `margin` real NOT NULL DEFAULT (0), `created_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `registered_model_id` integer NOT NULL, CONSTRAINT `model_rules_registered_models_rules` FOREIGN KEY (`registered_model_id`) REFERENCES `registered_models` (`id`) ON DELETE CASCADE);
-- create index "modelrule_registered_model_id_stage_kind_key" to table: "model_rules"
CREATE UNIQUE INDEX `modelrule_registered_model_id_stage_kind_key` ON `model_rules` (`registered_model_id`, `stage`, `kind`, `key`);
-- create "model_versions" table
CREATE TABLE `model_versions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `version` integer NOT NULL, `source` text NOT NULL, `artifact_location` text NOT NULL, `run_id` text NOT NULL DEFAULT (''), `run_link` text NOT NULL DEFAULT (''), `model_id` text NOT NULL DEFAULT (''), `stage` text NOT NULL DEFAULT ('None'), `status` text NOT NULL DEFAULT ('READY'), `status_message` text NOT NULL DEFAULT (''), `description` text NOT NULL DEFAULT (''), `lifecycle_stage` text NOT NULL DEFAULT ('active'), `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `updated_by` text NOT NULL DEFAULT (''), `registered_model_id` integer NOT NULL, CONSTRAINT `model_versions_registered_models_versions` FOREIGN KEY (`registered_model_id`) REFERENCES `registered_models` (`id`) ON DELETE CASCADE);
-- create index "modelversion_registered_model_id_version" to table: "model_versions"
CREATE UNIQUE INDEX `modelversion_registered_model_id_version` ON `model_versions` (`registered_model_id`, `version`);
-- create index "modelversion_registered_model_id_stage_version" to table: "model_versions"
CREATE INDEX `modelversion_registered_model_id_stage_version` ON `model_versions` (`registered_model_id`, `stage`, `version`);
-- create index "modelversion_updated_at" to table: "model_versions"
CREATE INDEX `modelversion_updated_at` ON `model_versions` (`updated_at`);
-- create index "modelversion_run_id" to table: "model_versions"
CREATE INDEX `modelversion_run_id` ON `model_versions` (`run_id`);
-- create index "modelversion_model_id" to table: "model_versions"
CREATE INDEX `modelversion_model_id` ON `model_versions` (`model_id`);
-- create "model_version_tags" table
CREATE TABLE `model_version_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `value` text NOT NULL, `value_prefix` blob NOT NULL, `model_version_id` integer NOT NULL, CONSTRAINT `model_version_tags_model_versions_tags` FOREIGN KEY (`model_version_id`) REFERENCES `model_versions` (`id`) ON DELETE CASCADE);
-- create index "modelversiontag_model_version_id_key" to table: "model_version_tags"
CREATE UNIQUE INDEX `modelversiontag_model_version_id_key` ON `model_version_tags` (`model_version_id`, `key`);
-- create index "modelversiontag_search" to table: "model_version_tags"
CREATE INDEX `modelversiontag_search` ON `model_version_tags` (`key`, `value_prefix`, `model_version_id`);
-- create "params" table
CREATE TABLE `params` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `experiment_id` integer NOT NULL, `key` text NOT NULL, `value` text NOT NULL, `number` real NULL, `value_prefix` blob NOT NULL, `provisional` bool NOT NULL DEFAULT (false), `run_id` integer NOT NULL, CONSTRAINT `params_runs_params` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "param_run_id_key" to table: "params"
CREATE UNIQUE INDEX `param_run_id_key` ON `params` (`run_id`, `key`);
-- create index "param_search" to table: "params"
CREATE INDEX `param_search` ON `params` (`experiment_id`, `key`, `number`, `value_prefix`, `run_id`);
-- create "pending_contents" table
CREATE TABLE `pending_contents` (`id` integer NOT NULL, `location` text NOT NULL, `sha256` text NOT NULL, `created_at` integer NOT NULL, `content` blob NOT NULL, PRIMARY KEY (`id`));
-- create index "pendingcontent_location" to table: "pending_contents"
CREATE INDEX `pendingcontent_location` ON `pending_contents` (`location`);
-- create "plugin_releases" table
CREATE TABLE `plugin_releases` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `version` text NOT NULL, `platform` text NOT NULL, `framework` text NOT NULL, `framework_range` text NOT NULL, `sha256` text NOT NULL, `signature` blob NOT NULL, `signing_key` text NOT NULL, `created_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''));
-- create index "pluginrelease_name_version_platform" to table: "plugin_releases"
CREATE UNIQUE INDEX `pluginrelease_name_version_platform` ON `plugin_releases` (`name`, `version`, `platform`);
-- create "registered_models" table
CREATE TABLE `registered_models` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `description` text NOT NULL DEFAULT (''), `lifecycle_stage` text NOT NULL DEFAULT ('active'), `next_version` integer NOT NULL DEFAULT (1), `history_length` integer NOT NULL DEFAULT (0), `history_head` text NOT NULL DEFAULT (''), `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `updated_by` text NOT NULL DEFAULT (''));
-- create index "registered_models_name_key" to table: "registered_models"
CREATE UNIQUE INDEX `registered_models_name_key` ON `registered_models` (`name`);
-- create index "registeredmodel_updated_at" to table: "registered_models"
CREATE INDEX `registeredmodel_updated_at` ON `registered_models` (`updated_at`);
-- create "registered_model_tags" table
CREATE TABLE `registered_model_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `value` text NOT NULL, `value_prefix` blob NOT NULL, `registered_model_id` integer NOT NULL, CONSTRAINT `registered_model_tags_registered_models_tags` FOREIGN KEY (`registered_model_id`) REFERENCES `registered_models` (`id`) ON DELETE CASCADE);
-- create index "registeredmodeltag_registered_model_id_key" to table: "registered_model_tags"
CREATE UNIQUE INDEX `registeredmodeltag_registered_model_id_key` ON `registered_model_tags` (`registered_model_id`, `key`);
-- create index "registeredmodeltag_search" to table: "registered_model_tags"
CREATE INDEX `registeredmodeltag_search` ON `registered_model_tags` (`key`, `value_prefix`, `registered_model_id`);
-- create "runs" table
CREATE TABLE `runs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `run_id` text NOT NULL, `name` text NOT NULL, `status` text NOT NULL DEFAULT ('RUNNING'), `status_reason` text NOT NULL DEFAULT (''), `start_time` integer NOT NULL, `end_time` integer NULL, `lifecycle_stage` text NOT NULL DEFAULT ('active'), `deleted_at` integer NULL, `deleted_with_experiment` bool NOT NULL DEFAULT (false), `purging` bool NOT NULL DEFAULT (false), `user_id` text NOT NULL DEFAULT (''), `artifact_location` text NOT NULL, `parent_run_id` text NOT NULL DEFAULT (''), `metric_sequence` integer NOT NULL DEFAULT (0), `log_sequence` integer NOT NULL DEFAULT (0), `lease_expires_at` integer NULL, `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `updated_by` text NOT NULL DEFAULT (''), `experiment_id` integer NOT NULL, CONSTRAINT `runs_experiments_runs` FOREIGN KEY (`experiment_id`) REFERENCES `experiments` (`id`) ON DELETE CASCADE);
-- create index "runs_run_id_key" to table: "runs"
CREATE UNIQUE INDEX `runs_run_id_key` ON `runs` (`run_id`);
-- create index "run_list" to table: "runs"
CREATE INDEX `run_list` ON `runs` (`experiment_id`, `lifecycle_stage`, `start_time` DESC, `run_id`);
-- create index "run_experiment_id_name" to table: "runs"
CREATE INDEX `run_experiment_id_name` ON `runs` (`experiment_id`, `name`);
-- create index "run_experiment_id_status" to table: "runs"
CREATE INDEX `run_experiment_id_status` ON `runs` (`experiment_id`, `status`);
-- create index "run_parent_run_id" to table: "runs"
CREATE INDEX `run_parent_run_id` ON `runs` (`parent_run_id`);
-- create index "run_lease_expires_at" to table: "runs"
CREATE INDEX `run_lease_expires_at` ON `runs` (`lease_expires_at`);
-- create "run_inputs" table
CREATE TABLE `run_inputs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `context` text NOT NULL DEFAULT (''), `tags` json NULL, `dataset_id` integer NOT NULL, `run_id` integer NOT NULL, CONSTRAINT `run_inputs_datasets_run_inputs` FOREIGN KEY (`dataset_id`) REFERENCES `datasets` (`id`) ON DELETE CASCADE, CONSTRAINT `run_inputs_runs_inputs` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "runinput_run_id_dataset_id_context" to table: "run_inputs"
CREATE UNIQUE INDEX `runinput_run_id_dataset_id_context` ON `run_inputs` (`run_id`, `dataset_id`, `context`);
-- create index "runinput_dataset_id" to table: "run_inputs"
CREATE INDEX `runinput_dataset_id` ON `run_inputs` (`dataset_id`);
-- create "run_log_chunks" table
CREATE TABLE `run_log_chunks` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `sequence` integer NOT NULL, `stream` text NOT NULL, `created_at` integer NOT NULL, `data` blob NOT NULL, `run_id` integer NOT NULL, CONSTRAINT `run_log_chunks_runs_log_chunks` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "runlogchunk_run_id_sequence" to table: "run_log_chunks"
CREATE UNIQUE INDEX `runlogchunk_run_id_sequence` ON `run_log_chunks` (`run_id`, `sequence`);
-- create "run_outputs" table
CREATE TABLE `run_outputs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `step` integer NOT NULL DEFAULT (0), `logged_model_id` integer NOT NULL, `run_id` integer NOT NULL, CONSTRAINT `run_outputs_logged_models_run_outputs` FOREIGN KEY (`logged_model_id`) REFERENCES `logged_models` (`id`) ON DELETE CASCADE, CONSTRAINT `run_outputs_runs_outputs` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "runoutput_run_id_logged_model_id" to table: "run_outputs"
CREATE UNIQUE INDEX `runoutput_run_id_logged_model_id` ON `run_outputs` (`run_id`, `logged_model_id`);
-- create index "runoutput_logged_model_id" to table: "run_outputs"
CREATE INDEX `runoutput_logged_model_id` ON `run_outputs` (`logged_model_id`);
-- create "run_tags" table
CREATE TABLE `run_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `experiment_id` integer NOT NULL, `key` text NOT NULL, `value` text NOT NULL, `value_prefix` blob NOT NULL, `provisional` bool NOT NULL DEFAULT (false), `run_id` integer NOT NULL, CONSTRAINT `run_tags_runs_tags` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "runtag_run_id_key" to table: "run_tags"
CREATE UNIQUE INDEX `runtag_run_id_key` ON `run_tags` (`run_id`, `key`);
-- create index "runtag_search" to table: "run_tags"
CREATE INDEX `runtag_search` ON `run_tags` (`experiment_id`, `key`, `value_prefix`, `run_id`);
-- create "tokens" table
CREATE TABLE `tokens` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `secret_hash` text NOT NULL, `role` text NOT NULL, `created_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `expires_at` integer NULL, `revoked_at` integer NULL);
-- create index "tokens_name_key" to table: "tokens"
CREATE UNIQUE INDEX `tokens_name_key` ON `tokens` (`name`);
-- create index "tokens_secret_hash_key" to table: "tokens"
CREATE UNIQUE INDEX `tokens_secret_hash_key` ON `tokens` (`secret_hash`);
-- create "webhooks" table
CREATE TABLE `webhooks` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `webhook_id` text NOT NULL, `name` text NOT NULL, `description` text NOT NULL DEFAULT (''), `url` text NOT NULL, `secret` text NOT NULL DEFAULT (''), `events` json NOT NULL, `status` text NOT NULL DEFAULT ('ACTIVE'), `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `created_by` text NOT NULL DEFAULT (''), `updated_by` text NOT NULL DEFAULT (''));
-- create index "webhooks_webhook_id_key" to table: "webhooks"
CREATE UNIQUE INDEX `webhooks_webhook_id_key` ON `webhooks` (`webhook_id`);
-- create index "webhook_status" to table: "webhooks"
CREATE INDEX `webhook_status` ON `webhooks` (`status`);
-- create "webhook_deliveries" table
CREATE TABLE `webhook_deliveries` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `delivery_id` text NOT NULL, `body` text NOT NULL, `attempts` integer NOT NULL DEFAULT (0), `next_at` integer NOT NULL, `created_at` integer NOT NULL, `webhook_row` integer NOT NULL, CONSTRAINT `webhook_deliveries_webhooks_deliveries` FOREIGN KEY (`webhook_row`) REFERENCES `webhooks` (`id`) ON DELETE CASCADE);
-- create index "webhook_deliveries_delivery_id_key" to table: "webhook_deliveries"
CREATE UNIQUE INDEX `webhook_deliveries_delivery_id_key` ON `webhook_deliveries` (`delivery_id`);
-- create index "webhookdelivery_next_at" to table: "webhook_deliveries"
CREATE INDEX `webhookdelivery_next_at` ON `webhook_deliveries` (`next_at`);
-- create index "webhookdelivery_webhook_row_id" to table: "webhook_deliveries"
CREATE INDEX `webhookdelivery_webhook_row_id` ON `webhook_deliveries` (`webhook_row`, `id`);
-- The counter behind changes.
INSERT INTO `change_sequence` (`id`, `value`) VALUES (1, 0);
-- The experiment of runs that name none; MLflow's clients expect it under this id and name.
INSERT INTO `experiments` (`id`, `name`, `artifact_location`, `created_at`, `updated_at`) VALUES (0, 'Default', 'mlflow-artifacts:/0', unixepoch() * 1000, unixepoch() * 1000);
