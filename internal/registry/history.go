package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/internal/errs"
)

// moves are the actions that bring a version from one stage to another.
var moves = []modelhistory.Action{modelhistory.ActionTRANSITION, modelhistory.ActionROLLBACK, modelhistory.ActionDELETION}

// arrivals are those that bring a version into a stage.
var arrivals = []modelhistory.Action{modelhistory.ActionTRANSITION, modelhistory.ActionROLLBACK}

// record appends an entry to the history, and completes it: its place, the names, who and when, and the hashes.
func (c *change) record(e ent.ModelHistory) {
	m := c.model
	m.HistoryLength++
	e.RegisteredModelID, e.ModelName, e.Sequence = m.ID, m.Name, m.HistoryLength
	e.Principal, e.CreatedAt, e.PreviousHash = c.by, c.now, m.HistoryHead
	e.Hash = entryHash(&e)
	m.HistoryHead = e.Hash
	c.entries = append(c.entries, &e)
}

// insertedAtOnce bounds the entries of one statement by the arguments that it takes.
const insertedAtOnce = 200

func (c *change) insertEntries(ctx context.Context) error {
	for start := 0; start < len(c.entries); start += insertedAtOnce {
		part := c.entries[start:min(start+insertedAtOnce, len(c.entries))]
		creates := make([]*ent.ModelHistoryCreate, len(part))
		for i, e := range part {
			creates[i] = c.tx.Ent().ModelHistory.Create().SetRegisteredModelID(e.RegisteredModelID).SetSequence(e.Sequence).
				SetModelName(e.ModelName).SetAction(e.Action).SetVersion(e.Version).SetFromStage(e.FromStage).SetToStage(e.ToStage).
				SetRestores(e.Restores).SetDetail(e.Detail).SetReason(e.Reason).SetPrincipal(e.Principal).SetCreatedAt(e.CreatedAt).
				SetPreviousHash(e.PreviousHash).SetHash(e.Hash)
		}
		if err := c.tx.Ent().ModelHistory.CreateBulk(creates...).Exec(ctx); err != nil {
			return fmt.Errorf("append to the history: %w", err)
		}
	}
	return nil
}

// entryHash is SHA-256 over all that an entry says, with the hash of the one before. Each field is preceded by its length, so
// that no two entries give the same bytes.
func entryHash(e *ent.ModelHistory) string {
	h := sha256.New()
	text := func(s string) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(s))) // a hash takes all
		h.Write([]byte(s))
	}
	number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) }
	text("cairn model history 1")
	number(int64(e.RegisteredModelID))
	number(e.Sequence)
	text(e.ModelName)
	text(string(e.Action))
	number(int64(e.Version))
	text(e.FromStage)
	text(e.ToStage)
	number(e.Restores)
	text(e.Detail)
	text(e.Reason)
	text(e.Principal)
	number(e.CreatedAt)
	text(e.PreviousHash)
	return hex.EncodeToString(h.Sum(nil))
}

// HistoryPage is some of a model's history.
type HistoryPage struct {
	Entries []*ent.ModelHistory
	HasNext bool
}

// MaxHistory bounds the entries of a page.
const MaxHistory = 1000

// History gives entries of models that have, or had, a name: the newest first, those with sequences before one when that is
// not 0. When several had it one after the other, it is that of the one that has it now, or else of the last that had it.
func (s *Service) History(ctx context.Context, name string, before int64, first int) (HistoryPage, error) {
	if first < 1 || first > MaxHistory {
		return HistoryPage{}, errs.Field("first", "is %d; it is from 1 to %d", first, MaxHistory)
	}
	ids, _, err := s.modelsNamed(ctx, name)
	if err != nil {
		return HistoryPage{}, err
	}
	pages, err := s.HistoriesOf(ctx, ids[:1], before, first)
	return pages[ids[0]], err
}

// modelsNamed gives the ids of the models that have or had a name: the one that has it first, which holds tells, then the newest
// first. NotFound when there is none.
func (s *Service) modelsNamed(ctx context.Context, name string) (ids []int, holds bool, err error) {
	if err := CheckName("name", name); err != nil {
		return nil, false, err
	}
	if ids, err = s.db.Ent().RegisteredModel.Query().Where(registeredmodel.Name(name)).IDs(ctx); err != nil {
		return nil, false, fmt.Errorf("find registered model: %w", err)
	}
	holds = len(ids) > 0
	once, err := s.db.Ent().ModelHistory.Query().Where(modelhistory.ModelName(name)).Order(ent.Desc(modelhistory.FieldRegisteredModelID)).
		GroupBy(modelhistory.FieldRegisteredModelID).Ints(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("find models that had a name: %w", err)
	}
	for _, id := range once {
		if !holds || id != ids[0] {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, false, modelNotFound(&ent.NotFoundError{}, name)
	}
	return ids, holds, nil
}

// StageAt gives the entries by which versions had come into a stage and were in it at a time, in the order in which they came:
// what was in Production then. The model is the one that had the name then, or else the one that has it now; a model that was
// deleted later is found too.
func (s *Service) StageAt(ctx context.Context, name, stage string, at time.Time) ([]*ent.ModelHistory, error) {
	stage, err := ParseStage("stage", stage)
	if err != nil {
		return nil, err
	}
	if stage == StageNone {
		return nil, errs.Field("stage", "the history tells of the stages that versions came into, and None is where they begin")
	}
	ids, holds, err := s.modelsNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	var chosen *ent.ModelHistory
	for i, id := range ids {
		last, err := s.db.Ent().ModelHistory.Query().
			Where(modelhistory.RegisteredModelID(id), modelhistory.CreatedAtLTE(at.UnixMilli())).
			Order(ent.Desc(modelhistory.FieldSequence)).First(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return nil, fmt.Errorf("read history: %w", err)
		}
		switch {
		case err != nil || last.Action == modelhistory.ActionMODEL_DELETION: // it was not there yet, or not any more
		case last.ModelName == name:
			return s.stageAt(ctx, id, stage, last.Sequence)
		case holds && i == 0:
			chosen = last
		}
	}
	if chosen == nil {
		return nil, nil
	}
	return s.stageAt(ctx, chosen.RegisteredModelID, stage, chosen.Sequence)
}

// stageAt gives the arrivals of the versions that were in a stage when the history had so many entries.
func (s *Service) stageAt(ctx context.Context, model int, stage string, length int64) ([]*ent.ModelHistory, error) {
	newest, err := s.db.Ent().ModelHistory.Query().
		Where(modelhistory.RegisteredModelID(model), modelhistory.SequenceLTE(length), modelhistory.ActionIn(moves...)).
		Modify(func(sel *sql.Selector) {
			sel.Select(sql.Max(sel.C(modelhistory.FieldSequence))).GroupBy(sel.C(modelhistory.FieldVersion))
		}).Ints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	sequences := make([]int64, len(newest))
	for i, n := range newest {
		sequences[i] = int64(n)
	}
	var out []*ent.ModelHistory
	for start := 0; start < len(sequences); start += insertedAtOnce {
		part := sequences[start:min(start+insertedAtOnce, len(sequences))]
		found, err := s.db.Ent().ModelHistory.Query().
			Where(modelhistory.RegisteredModelID(model), modelhistory.ToStage(stage), modelhistory.SequenceIn(part...)).All(ctx)
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b *ent.ModelHistory) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return out, nil
}

// lastArrival gives the newest entry before a sequence (0: any) by which a version came into a stage, of those versions alone
// that are in it now when inside; found is false when there is none.
func (c *change) lastArrival(ctx context.Context, stage string, before int64, inside bool) (e *ent.ModelHistory, found bool, err error) {
	query := c.tx.Ent().ModelHistory.Query().Where(modelhistory.RegisteredModelID(c.model.ID), modelhistory.ToStage(stage),
		modelhistory.ActionIn(arrivals...)).Order(ent.Desc(modelhistory.FieldSequence))
	if before > 0 {
		query.Where(modelhistory.SequenceLT(before))
	}
	if inside {
		query.Where(func(sel *sql.Selector) {
			v := sql.Table(modelversion.Table)
			sel.Where(sql.In(sel.C(modelhistory.FieldVersion), sql.Select(v.C(modelversion.FieldVersion)).From(v).Where(sql.And(
				sql.EQ(v.C(modelversion.FieldRegisteredModelID), c.model.ID), sql.EQ(v.C(modelversion.FieldStage), stage)))))
		})
	}
	e, err = query.First(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read history: %w", err)
	}
	return e, true, nil
}

// inStage gives the versions that are in a stage, by number.
func (c *change) inStage(ctx context.Context, stage string) (map[int]*ent.ModelVersion, error) {
	found, err := c.tx.Ent().ModelVersion.Query().
		Where(modelversion.RegisteredModelID(c.model.ID), modelversion.Stage(stage)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read versions in %s: %w", stage, err)
	}
	out := make(map[int]*ent.ModelVersion, len(found))
	for _, v := range found {
		v.Edges.RegisteredModel = c.model
		out[v.Version] = v
	}
	return out, nil
}
