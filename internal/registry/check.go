package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/internal/store"
)

// Fault is where the history of a registered model, or what follows from it, was changed by others than the registry.
type Fault struct {
	// Model is the name of the registered model.
	Model string `json:"registered_model"`
	// Entry is the sequence of the entry of its history; 0 when the fault is of the model as a whole.
	Entry   int64  `json:"entry,omitempty"`
	Message string `json:"message"`
}

func (f *Fault) String() string {
	if f.Entry == 0 {
		return fmt.Sprintf("registered model %q: %s", f.Model, f.Message)
	}
	return fmt.Sprintf("registered model %q, entry %d of its history: %s", f.Model, f.Entry, f.Message)
}

// MaxFaults bounds the faults that a report names.
const MaxFaults = 1000

// Report is what a check of the registry found.
type Report struct {
	Models  int   `json:"models"`
	Entries int64 `json:"entries"`
	Faults  []Fault
	// More is how many faults there are beyond MaxFaults.
	More int
}

func (r *Report) add(model string, entry int64, format string, args ...any) {
	if len(r.Faults) == MaxFaults {
		r.More++
		return
	}
	r.Faults = append(r.Faults, Fault{model, entry, fmt.Sprintf(format, args...)})
}

// Check reads the histories of all registered models, deleted ones too, and holds each entry against its hash, against the entry
// before it, and the last against the model's row; and the stage of each version against where its history brought it. It reads
// in one snapshot, entry by entry, so that others may write meanwhile.
func Check(ctx context.Context, q *store.Reader) (*Report, error) {
	report := &Report{}
	err := q.Snapshot(ctx, func(q store.Querier) error {
		models, err := checkedModels(ctx, q)
		if err != nil {
			return err
		}
		report.Models = len(models)
		c := &chainCheck{report: report, models: models}
		if err := c.entries(ctx, q); err != nil {
			return err
		}
		return c.stages(ctx, q)
	})
	if err != nil {
		return nil, fmt.Errorf("check the registry: %w", err)
	}
	slices.SortStableFunc(report.Faults, func(a, b Fault) int { return cmp.Compare(a.Model, b.Model) })
	return report, nil
}

// checkedModel is a model's row, and how far its history was read.
type checkedModel struct {
	name   string
	length int64
	head   string
	// read and last are the number of entries and the hash of the last; stages are where they brought each version.
	read   int64
	last   string
	stages map[int]string
	gone   bool // deleted, as the history tells
}

func checkedModels(ctx context.Context, q store.Querier) (map[int]*checkedModel, error) {
	out := map[int]*checkedModel{}
	err := store.EachRow(ctx, q, "SELECT id, name, history_length, history_head FROM registered_models", nil, func(rows *sql.Rows) error {
		var id int
		m := &checkedModel{stages: map[int]string{}}
		err := rows.Scan(&id, &m.name, &m.length, &m.head)
		out[id] = m
		return err
	})
	return out, err
}

type chainCheck struct {
	report *Report
	models map[int]*checkedModel
}

func (c *chainCheck) entries(ctx context.Context, q store.Querier) error {
	orphans := map[int]bool{}
	err := store.EachRow(ctx, q, "SELECT registered_model_id, sequence, model_name, action, version, from_stage, to_stage, restores, detail, "+
		"reason, principal, created_at, previous_hash, hash FROM model_history ORDER BY registered_model_id, sequence, id", nil,
		func(rows *sql.Rows) error {
			var e ent.ModelHistory
			var action string
			err := rows.Scan(&e.RegisteredModelID, &e.Sequence, &e.ModelName, &action, &e.Version, &e.FromStage, &e.ToStage, &e.Restores,
				&e.Detail, &e.Reason, &e.Principal, &e.CreatedAt, &e.PreviousHash, &e.Hash)
			if err != nil {
				return fmt.Errorf("scan history: %w", err)
			}
			e.Action = modelhistory.Action(action)
			c.report.Entries++
			m := c.models[e.RegisteredModelID]
			if m == nil {
				if !orphans[e.RegisteredModelID] {
					orphans[e.RegisteredModelID] = true
					c.report.add(e.ModelName, e.Sequence, "the model's row was removed")
				}
				return nil
			}
			c.entry(m, &e)
			return nil
		})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.models)) {
		m := c.models[id]
		switch {
		case m.read < m.length:
			c.report.add(m.name, m.read+1, "the history ends before it: entries were removed, since the model's row counts %d", m.length)
		case m.read > m.length:
			c.report.add(m.name, m.read, "it is beyond the %d entries that the model's row counts: it was added, or the row changed", m.length)
		case m.last != m.head:
			c.report.add(m.name, m.read, "the model's row names another head of the history")
		}
	}
	return nil
}

// entry holds an entry against the one before it. After a fault the chain is followed from what is there, so that one fault is
// told once.
func (c *chainCheck) entry(m *checkedModel, e *ent.ModelHistory) {
	switch {
	case e.Sequence != m.read+1:
		c.report.add(m.name, m.read+1, "it is missing: entry %d comes next", e.Sequence)
	case entryHash(e) != e.Hash:
		c.report.add(m.name, e.Sequence, "it was changed: its hash is not that of what it says")
	case e.PreviousHash != m.last:
		c.report.add(m.name, e.Sequence, "it does not follow the entry before it: one of the two was replaced or moved")
	}
	m.read, m.last = e.Sequence, e.Hash
	if slices.Contains(moves, e.Action) {
		m.stages[e.Version] = e.ToStage
	}
	m.gone = m.gone || e.Action == modelhistory.ActionMODEL_DELETION
}

// stages holds the stages of versions against their histories.
func (c *chainCheck) stages(ctx context.Context, q store.Querier) error {
	return store.EachRow(ctx, q, "SELECT registered_model_id, version, stage FROM model_versions ORDER BY registered_model_id, version", nil,
		func(rows *sql.Rows) error {
			var model, version int
			var stage string
			if err := rows.Scan(&model, &version, &stage); err != nil {
				return fmt.Errorf("scan versions: %w", err)
			}
			m := c.models[model]
			if m == nil {
				return nil // foreign keys keep it from being so
			}
			want, moved := m.stages[version]
			switch {
			case m.gone:
				want = stageDeleted
			case !moved:
				want = StageNone
			}
			if stage != want {
				c.report.add(m.name, 0, "version %d is in %s, and its history ends in %s", version, stage, want)
			}
			return nil
		})
}
