package mlflowimport

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// inputs stores what runs read and wrote, as far as it is not there.
func (t *target) inputs(ctx context.Context, s *Source) error {
	if !s.inputs {
		return nil
	}
	for last := ""; ; {
		ids, err := s.runIDs(ctx, last)
		if err != nil || len(ids) == 0 {
			return err
		}
		last = ids[len(ids)-1]
		page, err := s.reads(ctx, ids)
		if err != nil {
			return err
		}
		if len(page) > 0 {
			if err := t.inputsOf(ctx, ids, page); err != nil {
				return err
			}
		}
	}
}

// runIDs gives the ids of the next runs after one.
func (s *Source) runIDs(ctx context.Context, after string) (ids []string, err error) {
	err = store.EachRow(ctx, s.look.Read(), "SELECT run_uuid FROM runs WHERE run_uuid > ? ORDER BY run_uuid LIMIT ?", []any{after, pageRuns},
		func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	return ids, err
}

// reads gives what runs read and wrote, by their ids.
func (s *Source) reads(ctx context.Context, runs []string) (map[string]*tracking.LoadReads, error) {
	out := map[string]*tracking.LoadReads{}
	of := func(run string) *tracking.LoadReads {
		if out[run] == nil {
			out[run] = &tracking.LoadReads{RunID: run}
		}
		return out[run]
	}
	in := store.In(len(runs))
	tags := map[string][]tracking.Tag{}
	err := store.EachRow(ctx, s.look.Read(), "SELECT t.input_uuid, t.name, t.value FROM input_tags t JOIN inputs i ON i.input_uuid = t.input_uuid "+
		"WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id IN "+in+" ORDER BY t.input_uuid, t.name", store.Args(nil, runs),
		func(rows *sql.Rows) error {
			var input string
			var t tracking.Tag
			err := rows.Scan(&input, &t.Key, &t.Value)
			tags[input] = append(tags[input], t)
			return err
		})
	if err != nil {
		return nil, err
	}
	err = store.EachRow(ctx, s.look.Read(), "SELECT i.input_uuid, i.destination_id, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, "+
		"d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' "+
		"AND i.destination_id IN "+in+" ORDER BY i.destination_id, d.name, d.digest", store.Args(nil, runs), func(rows *sql.Rows) error {
		var input, run string
		var read tracking.Input
		d := &read.Dataset
		err := rows.Scan(&input, &run, &d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile)
		read.Tags = tags[input]
		of(run).Inputs = append(of(run).Inputs, read)
		return err
	})
	if err != nil || !s.loggedModels {
		return out, err
	}
	err = store.EachRow(ctx, s.look.Read(), "SELECT source_id, source_type, destination_id, step FROM inputs WHERE (source_type = 'RUN_INPUT' AND "+
		"destination_type = 'MODEL_INPUT' OR source_type = 'RUN_OUTPUT' AND destination_type = 'MODEL_OUTPUT') AND source_id IN "+in+
		" ORDER BY source_id, destination_id", store.Args(nil, runs), func(rows *sql.Rows) error {
		var run, kind string
		var o tracking.Output
		err := rows.Scan(&run, &kind, &o.ModelID, &o.Step)
		if kind == "RUN_INPUT" {
			of(run).Models = append(of(run).Models, o.ModelID)
		} else {
			of(run).Outputs = append(of(run).Outputs, o)
		}
		return err
	})
	return out, err
}

// inputsOf stores what is missing of what runs read and wrote.
func (t *target) inputsOf(ctx context.Context, runs []string, page map[string]*tracking.LoadReads) error {
	there, err := t.known(ctx, runs, page)
	if err != nil {
		return err
	}
	count := &t.report.Inputs
	var load []tracking.LoadReads
	for _, id := range runs {
		from := page[id]
		if from == nil {
			continue
		}
		count.MLflow += int64(len(from.Inputs) + len(from.Models) + len(from.Outputs))
		if err := from.Check(); err != nil {
			t.report.problem("inputs of run", id, fmt.Errorf("are left out: %w", err))
			continue
		}
		if t.db != nil && !there.runs[id] {
			continue // why it is not there, was said before
		}
		missing := t.missing(from, there)
		if n := int64(len(missing.Inputs) + len(missing.Models) + len(missing.Outputs)); n > 0 {
			count.New += n
			load = append(load, missing)
		}
	}
	if t.db == nil || len(load) == 0 {
		return nil
	}
	if err := tracking.LoadInputs(ctx, t.db, load); err != nil {
		return err //nolint:wrapcheck // says which
	}
	for _, l := range load {
		count.Cairn += int64(len(l.Inputs) + len(l.Models) + len(l.Outputs))
	}
	return nil
}

// knownReads is what is there already.
type knownReads struct {
	runs, models map[string]bool
	// reads are those of runs, as datasetKey and modelKey write them.
	reads map[string]bool
}

func datasetKey(run, name, digest, what string) string {
	return fmt.Sprintf("%q %q %q %q", run, name, digest, what)
}

func modelKey(run, model, role string) string { return fmt.Sprintf("%q %q %q", run, model, role) }

// missing gives what is not there of what a run read and wrote, and counts what is.
func (t *target) missing(from *tracking.LoadReads, there knownReads) tracking.LoadReads {
	out := tracking.LoadReads{RunID: from.RunID}
	isThere := func(key string) bool {
		if there.reads[key] {
			t.report.Inputs.Cairn++
		}
		return there.reads[key]
	}
	// A model that is not there was left out before; in a dry run it may be one of those that would come.
	comes := func(model, what string) bool {
		if t.db == nil || there.models[model] {
			return true
		}
		t.report.problem(what+" of run", from.RunID, errs.New(errs.NotFound, "the logged model %s is not there", model))
		return false
	}
	for _, in := range from.Inputs {
		if !isThere(datasetKey(from.RunID, in.Dataset.Name, in.Dataset.Digest, in.Context)) {
			out.Inputs = append(out.Inputs, in)
		}
	}
	for _, id := range from.Models {
		if !isThere(modelKey(from.RunID, id, "input")) && comes(id, "input") {
			out.Models = append(out.Models, id)
		}
	}
	for _, o := range from.Outputs {
		if !isThere(modelKey(from.RunID, o.ModelID, "output")) && comes(o.ModelID, "output") {
			out.Outputs = append(out.Outputs, o)
		}
	}
	return out
}

// known reads what is there of what runs read and wrote.
func (t *target) known(ctx context.Context, runs []string, page map[string]*tracking.LoadReads) (knownReads, error) {
	found := knownReads{runs: map[string]bool{}, models: map[string]bool{}, reads: map[string]bool{}}
	if t.here == nil {
		return found, nil
	}
	var models []string
	for _, p := range page {
		models = append(models, p.Models...)
		for _, o := range p.Outputs {
			models = append(models, o.ModelID)
		}
	}
	text := func(keys []string, query string, note func(a, b, c, d string)) error {
		return store.EachRow(ctx, t.here, query+" IN "+store.In(len(keys)), store.Args(nil, keys), func(rows *sql.Rows) error {
			var a, b, c, d string
			err := rows.Scan(&a, &b, &c, &d)
			note(a, b, c, d)
			return err
		})
	}
	for _, q := range []struct {
		keys  []string
		query string
		note  func(a, b, c, d string)
	}{
		{runs, "SELECT run_id, '', '', '' FROM runs WHERE run_id", func(a, _, _, _ string) { found.runs[a] = true }},
		{runs, "SELECT r.run_id, d.name, d.digest, i.context FROM run_inputs i JOIN runs r ON r.id = i.run_id JOIN datasets d ON d.id = i.dataset_id WHERE r.run_id",
			func(a, b, c, d string) { found.reads[datasetKey(a, b, c, d)] = true }},
		{runs, "SELECT to_id, from_id, role, '' FROM lineage_edges WHERE to_type = 'RUN' AND from_type = 'LOGGED_MODEL' AND role = 'input' AND to_id",
			func(a, b, c, _ string) { found.reads[modelKey(a, b, c)] = true }},
		{runs, "SELECT r.run_id, m.model_id, 'output', '' FROM run_outputs o JOIN runs r ON r.id = o.run_id JOIN logged_models m ON m.id = o.logged_model_id WHERE r.run_id",
			func(a, b, c, _ string) { found.reads[modelKey(a, b, c)] = true }},
	} {
		if err := text(q.keys, q.query, q.note); err != nil {
			return found, err
		}
	}
	const atOnce = 500
	for start := 0; start < len(models); start += atOnce {
		part := models[start:min(start+atOnce, len(models))]
		if err := text(part, "SELECT model_id, '', '', '' FROM logged_models WHERE model_id", func(a, _, _, _ string) { found.models[a] = true }); err != nil {
			return found, err
		}
	}
	return found, nil
}
