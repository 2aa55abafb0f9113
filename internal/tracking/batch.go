package tracking

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
)

// maxClient bounds the name of a batch's sender, in bytes.
const maxClient = 64

// Batch is what is stored of a run as a whole or not at all.
type Batch struct {
	RunID   string
	Columns []metric.Columns
	Params  []Param
	Tags    []Tag
	// Client and Sequence name the batch: a batch whose Sequence is not beyond the client's last changes nothing. Empty: the
	// batch has no name.
	Client   string
	Sequence int64
	// Models are points that were measured of a logged model.
	Models []ModelMetric
}

// BatchResult says what became of a batch.
type BatchResult struct {
	// Stored is false when the batch had been stored before.
	Stored bool
	// Sequence is that of the run's newest metric batch.
	Sequence int64
}

func (b *Batch) check() error {
	var err error
	if b.Columns, err = mergeColumns(b.Columns); err != nil {
		return err
	}
	if len(b.Params) > MaxParams {
		return errs.Field("params", "has %d params: at most %d go into one batch", len(b.Params), MaxParams)
	}
	if err := checkParams(b.Params); err != nil {
		return err
	}
	if err := checkTags("tags", b.Tags); err != nil {
		return err
	}
	for i, t := range b.Tags {
		if t.Key == tagRunName {
			if err := checkName(fmt.Sprintf("tags[%d].value", i), t.Value, MaxRunName); err != nil {
				return err
			}
		}
	}
	if len(b.Models) > MaxModelMetrics {
		return errs.Field("metrics", "has %d points of logged models: at most %d go into one batch", len(b.Models), MaxModelMetrics)
	}
	for i := range b.Models {
		if err := b.Models[i].check(); err != nil {
			return err
		}
	}
	if (b.Client == "") != (b.Sequence == 0) || b.Sequence < 0 {
		return errs.Field("sequence", "client and sequence go together; sequences are 1, 2, 3 …")
	}
	if len(b.Client) > maxClient {
		return errs.Field("client", "has %d bytes: at most %d are allowed", len(b.Client), maxClient)
	}
	return CheckText("client", b.Client)
}

// mergeColumns checks columns and joins those of the same key.
func mergeColumns(columns []metric.Columns) ([]metric.Columns, error) {
	merged, err := metric.Merge(columns)
	if err != nil {
		return nil, err
	}
	for i := range merged {
		if err := CheckKey("metrics.key", merged[i].Key); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func checkParams(params []Param) error {
	seen := make(map[string]bool, len(params))
	for i, p := range params {
		field := fmt.Sprintf("params[%d]", i)
		if err := CheckKey(field+".key", p.Key); err != nil {
			return err
		}
		if err := checkValue(field+".value", p.Key, p.Value); err != nil {
			return err
		}
		if seen[p.Key] {
			return errs.Field(field+".key", "Duplicate parameter keys have been submitted: %q; send each once", p.Key)
		}
		seen[p.Key] = true
	}
	return nil
}

// storedParam is a param as it is in the database.
type storedParam struct {
	value string
	// provisional: an autolog adapter wrote it, and a value of the user's own replaces it. So no call of the user's fails
	// because of what was recorded on the side, whichever came first.
	provisional bool
}

// newParams gives the params that are to be written, by key: new ones, and the user's own where an adapter's stand.
func newParams(ctx context.Context, tx *store.Tx, runPK int, runID string, params []Param) ([]Param, error) {
	if len(params) == 0 {
		return nil, nil
	}
	stored, err := loadParams(ctx, tx, runPK, params)
	if err != nil {
		return nil, err
	}
	write := make([]Param, 0, len(params))
	for i, p := range params {
		old, ok := stored[p.Key]
		switch {
		case !ok, old.provisional && !p.KeepExisting:
			write = append(write, p)
		case old.value != p.Value && !p.KeepExisting:
			return nil, &errs.Error{Kind: errs.Invalid, Field: fmt.Sprintf("params[%d].value", i), Message: fmt.Sprintf(
				"Changing param values is not allowed. Param with key=%q was already logged with value=%.200q for run ID=%q. Attempted logging new value %.200q.",
				p.Key, old.value, runID, p.Value)}
		}
	}
	slices.SortFunc(write, func(a, b Param) int { return cmp.Compare(a.Key, b.Key) })
	return write, nil
}

func loadParams(ctx context.Context, tx *store.Tx, runPK int, params []Param) (map[string]storedParam, error) {
	keys := make([]string, len(params))
	for i, p := range params {
		keys[i] = p.Key
	}
	stored := map[string]storedParam{}
	for _, part := range store.Parts(keys) {
		err := store.EachRow(ctx, tx, "SELECT key, value, provisional FROM params WHERE run_id = ? AND key IN "+store.In(len(part)),
			store.Args([]any{runPK}, part), func(rows *sql.Rows) error {
				var key string
				var p storedParam
				err := rows.Scan(&key, &p.value, &p.provisional)
				stored[key] = p
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("look up params: %w", err)
		}
	}
	return stored, nil
}

// number is the value of a param as a number, where it is one.
func number(text string) *float64 {
	if f, ok := store.Number(text); ok {
		return &f
	}
	return nil
}

const rowsPerInsert = 100

func writeParams(ctx context.Context, tx *store.Tx, r store.LockedRun, params []Param) error {
	for part := range slices.Chunk(params, rowsPerInsert) {
		args := make([]any, 0, 7*len(part))
		for _, p := range part {
			args = append(args, r.PK, r.ExperimentID, p.Key, p.Value, number(p.Value), store.ValuePrefix(p.Value), p.KeepExisting)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO params (run_id, experiment_id, key, value, number, value_prefix, provisional) VALUES "+
			store.Tuples(len(part), 7)+" ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, number = excluded.number, "+
			"value_prefix = excluded.value_prefix, provisional = excluded.provisional", args...); err != nil {
			return fmt.Errorf("store params: %w", err)
		}
	}
	return nil
}

func upsertTags(ctx context.Context, tx *store.Tx, runPK, experimentID int, tags []Tag) error {
	for part := range slices.Chunk(SortTags(tags), rowsPerInsert) {
		args := make([]any, 0, 6*len(part))
		for _, t := range part {
			args = append(args, runPK, experimentID, t.Key, t.Value, store.ValuePrefix(t.Value), t.KeepExisting)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO run_tags (run_id, experiment_id, key, value, value_prefix, provisional) VALUES "+
			store.Tuples(len(part), 6)+" ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, "+
			"value_prefix = excluded.value_prefix, provisional = excluded.provisional"+
			" WHERE run_tags.provisional OR NOT excluded.provisional", args...); err != nil {
			return fmt.Errorf("store tags: %w", err)
		}
	}
	return nil
}

// setTags stores tags, and what two of them mean for the run itself.
func setTags(ctx context.Context, tx *store.Tx, r store.LockedRun, tags []Tag) error {
	for _, t := range tags {
		var column string
		switch t.Key {
		case tagRunName:
			column = "name"
		case tagParentRunID:
			if !isHex(t.Value, 32) {
				continue // a tag like any other: no run has such an id
			}
			column = "parent_run_id"
		default:
			continue
		}
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET "+column+" = ? WHERE id = ?", t.Value, r.PK); err != nil {
			return fmt.Errorf("update run: %w", err)
		}
	}
	return upsertTags(ctx, tx, r.PK, r.ExperimentID, tags)
}

// SetTag sets a tag of an active run.
func (s *Service) SetTag(ctx context.Context, runID, key, value string) error {
	_, err := s.LogBatch(ctx, Batch{RunID: runID, Tags: []Tag{{Key: key, Value: value}}})
	return err
}
