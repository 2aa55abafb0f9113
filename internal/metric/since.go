package metric

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Appended is what one or more batches of a run added to a series, in the order in which it came.
// Several who follow the run may share it, so it is not changed any more.
type Appended struct {
	RunID string
	Columns
	memo *memo
}

// memo is what was made of columns.
type memo struct {
	once sync.Once
	made any
}

// Once gives what the first call of the function made of these columns, to all that share them.
func (a *Appended) Once(build func() any) any {
	a.memo.once.Do(func() { a.memo.made = build() })
	return a.memo.made
}

// Followed is what was appended to some runs between two cursors.
type Followed struct {
	Series []Appended
	// Incomplete are the runs of which points are missing, since what holds them is damaged. What is missing may be of other keys
	// than were asked for, and of some batches behind Next.
	Incomplete []string
	// Next is the cursor behind it.
	Next Cursor
	// More: there is more behind Next.
	More bool
}

// CheckCursor refuses a cursor that is ahead of what was ever appended to some runs: behind it, what comes would be passed over.
func (r *Reader) CheckCursor(ctx context.Context, runs []*ent.Run, after Cursor) error {
	ids := make(map[int]string, len(runs))
	for _, run := range runs {
		if after[run.RunID] > 0 {
			ids[run.ID] = run.RunID
		}
	}
	if len(ids) == 0 {
		return nil
	}
	heads, err := store.Heads(ctx, r.db.Read(), slices.Collect(maps.Keys(ids)))
	if err != nil {
		return err
	}
	maps.DeleteFunc(ids, func(pk int, id string) bool { return after[id] <= heads[pk] })
	if len(ids) == 0 {
		return nil
	}
	// A replica for queries may be behind: where points are written is asked before anybody is refused.
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		heads, err = store.Heads(ctx, tx, slices.Collect(maps.Keys(ids)))
		return err
	})
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the store
	}
	for pk, id := range ids {
		if head, there := heads[pk]; there && after[id] > head {
			return errs.Field("after", "lies behind the newest points of run %s, as after a restore from a backup: read metricSeries, and go on from its cursor", id)
		}
	}
	return nil
}

var errEnough = errors.New("enough was read")

// Since gives what was appended to some runs behind a cursor. It reads whole batches until it has maxPoints points. Runs without
// news cost one row of one statement for all of them.
func (r *Reader) Since(ctx context.Context, runs []*ent.Run, keys []string, after Cursor, maxPoints int) (Followed, error) {
	next := make(Cursor, len(runs))
	out := Followed{Next: next}
	pks := make([]int, 0, len(runs))
	for _, run := range runs {
		if _, twice := next[run.RunID]; !twice {
			pks = append(pks, run.ID)
			next[run.RunID] = after[run.RunID]
		}
	}
	heads, err := store.Heads(ctx, r.db.Read(), pks)
	if err != nil {
		return Followed{}, err
	}
	want := wanted(keys)
	points := 0
	for _, run := range runs {
		if heads[run.ID] <= next[run.RunID] {
			continue
		}
		if out.More = points >= maxPoints; out.More {
			break
		}
		what := readAhead{run.ID, next[run.RunID], heads[run.ID], maxPoints - points, keysText(keys)}
		found, err := r.shared.get(ctx, what, func() (gathered, error) { return r.newsOf(ctx, run, want, what.after, what.limit) })
		if err != nil {
			return Followed{}, err
		}
		for i := range found.series {
			points += found.series[i].Len()
		}
		out.Series = append(out.Series, found.series...)
		if found.lost > 0 && found.lost <= found.upTo {
			out.Incomplete = append(out.Incomplete, run.RunID)
		}
		next[run.RunID] = found.upTo
		if out.More = found.rest; found.rest {
			break
		}
	}
	return out, nil
}

// newsOf reads what came to a run behind a sequence.
func (r *Reader) newsOf(ctx context.Context, run *ent.Run, want func(string) bool, after int64, limit int) (gathered, error) {
	var f follower
	err := r.db.Read().Snapshot(ctx, func(q store.Querier) error {
		f = follower{want: want, after: after, limit: limit, series: map[string]*piece{}, late: map[string]*piece{}}
		return f.read(ctx, q, r, run.ID)
	})
	if err != nil {
		return gathered{}, err
	}
	columns, upTo, rest, err := f.take()
	out := gathered{upTo: upTo, rest: rest, lost: f.lost, series: make([]Appended, len(columns))}
	for i, c := range columns {
		out.series[i] = Appended{RunID: run.RunID, Columns: c, memo: &memo{}}
	}
	return out, err
}

// follower gathers the points of one run that came behind a sequence, in the order of their batches, until it has enough.
// Where they are folded already, it reads chunks and tails: each point knows the sequence of its batch.
type follower struct {
	want  func(string) bool
	after int64
	limit int

	// series are the points from chunks, late those from tails and pending batches, which came behind them.
	series, late map[string]*piece
	order        []string // keys as they were found
	// complete is the sequence up to which all points are gathered; head the newest one.
	complete, head int64
	// bound is a sequence up to which there are enough: what came behind it is not held.
	bound int64
	// points counts those that are held, seen those that were gone through; trimAt is how many may be held before some of
	// them are let go.
	points, seen, trimAt int
	// lost is the least sequence whose points may be missing, since what holds them is damaged; 0: none.
	lost int64
}

// lose notes that points from a sequence on may be missing.
func (f *follower) lose(sequence int64) {
	if sequence = max(sequence, f.after+1); f.lost == 0 || sequence < f.lost {
		f.lost = sequence
	}
}

func (f *follower) read(ctx context.Context, q store.Querier, r *Reader, runPK int) error {
	s, err := r.source(ctx, q, []int{runPK})
	if err != nil {
		return err
	}
	defer s.tellFaults(ctx)
	heads, err := store.Heads(ctx, q, []int{runPK})
	if err != nil {
		return err
	}
	f.head, f.complete, f.bound = heads[runPK], heads[runPK], heads[runPK]
	f.trimAt = 2 * f.limit
	folded := false
	for _, t := range s.tails[runPK] {
		folded = folded || t.Sequence > f.after
	}
	if folded {
		err := f.readFolded(ctx, s, runPK)
		f.complete = min(f.complete, f.bound)
		return err
	}
	f.complete = f.after
	err = f.readBatches(ctx, s, runPK, func(sequence int64, c Columns) error {
		if f.points >= f.limit && sequence > f.complete {
			return errEnough
		}
		f.complete = sequence
		return f.add(f.late, piece{Columns: c, Sequences: slices.Repeat([]int64{sequence}, c.Len())})
	})
	if !errors.Is(err, errEnough) { // all was read, also batches that had no wanted key
		f.complete = f.head
		return err
	}
	return nil
}

// readBatches calls fn for what of a run is in batches alone.
func (f *follower) readBatches(ctx context.Context, s *source, runPK int, fn func(sequence int64, c Columns) error) error {
	err := s.pending(ctx, []int{runPK}, f.after, f.want, func(_ int, sequence int64, c Columns) error { return fn(sequence, c) })
	for _, sequence := range s.damaged[runPK] {
		f.lose(sequence)
	}
	return err
}

// readFolded goes through all tails and pending batches, and then through chunks in the order of their first batch: when the
// next one begins behind what is enough, all before it is gathered. A run of many series has many points in tails, of which
// only the first ones are held.
func (f *follower) readFolded(ctx context.Context, s *source, runPK int) error {
	if err := f.readTails(ctx, s, runPK); err != nil {
		return err
	}
	err := f.readBatches(ctx, s, runPK, func(sequence int64, c Columns) error {
		return f.add(f.late, piece{Columns: c, Sequences: slices.Repeat([]int64{sequence}, c.Len())})
	})
	if err != nil {
		return err
	}
	chunks, err := store.ChunksBehind(ctx, s.q, runPK, f.after)
	if err != nil {
		return err
	}
	keys, err := f.keysOf(ctx, s.q, runPK)
	if err != nil {
		return err
	}
	for len(chunks) > 0 {
		if before := chunks[0].FirstSequence - 1; f.points >= f.limit && f.within(before) >= f.limit {
			f.complete = before
			return nil
		}
		some := chunks[:min(8, len(chunks))]
		if err := f.readChunks(ctx, s, runPK, some, keys); err != nil {
			return err
		}
		chunks = chunks[len(some):]
	}
	return nil
}

// keysOf gives the keys of a run's wanted series.
func (f *follower) keysOf(ctx context.Context, q store.Querier, runPK int) (map[int]string, error) {
	keys := map[int]string{}
	err := store.EachSeriesHead(ctx, q, []int{runPK}, nil, func(h store.SeriesHead) error {
		if f.want == nil || f.want(h.Key) {
			keys[h.ID] = h.Key
		}
		return nil
	})
	return keys, err
}

func (f *follower) readChunks(ctx context.Context, s *source, runPK int, chunks []store.Chunk, keys map[int]string) error {
	var ids []int64
	for _, c := range chunks {
		if _, ok := keys[c.SeriesID]; ok {
			ids = append(ids, store.ChunkID(c.SeriesID, c.Number))
		}
	}
	return store.EachChunk(ctx, s.q, ids, func(c store.Chunk) error {
		p, err := decodeChunk(c.Payload)
		if err != nil {
			f.lose(c.FirstSequence)
			return s.tolerate(err, runPK, "chunk %d of %q", c.Number, keys[c.SeriesID])
		}
		p.Key = keys[c.SeriesID]
		return f.add(f.series, p)
	})
}

func (f *follower) readTails(ctx context.Context, s *source, runPK int) error {
	var ids []int
	for _, t := range s.tails[runPK] {
		if t.Sequence > f.after {
			ids = append(ids, t.ID)
		}
	}
	return store.EachTail(ctx, s.q, ids, func(id int, payload []byte) error {
		err := decodePack(payload, f.want, func(p piece) error { return f.add(f.late, p) })
		if errors.Is(err, errCorrupt) {
			f.lose(0)
		}
		return s.tolerate(err, runPK, "tail %d", id)
	})
}

// add takes what of a piece came behind the cursor.
func (f *follower) add(to map[string]*piece, p piece) error {
	from, _ := slices.BinarySearch(p.Sequences, f.after+1)
	if f.seen += p.Len() - from; f.seen > MaxReadPoints {
		return errs.Field("after", "lies more than %d points back: read the series again, and go on from their cursor", MaxReadPoints)
	}
	if p = p.cut(from, max(from, p.upTo(f.bound))); p.Len() == 0 {
		return nil
	}
	f.points += p.Len()
	if f.points > f.trimAt {
		defer f.trim()
	}
	if f.series[p.Key] == nil && f.late[p.Key] == nil {
		f.order = append(f.order, p.Key)
	}
	if have := to[p.Key]; have != nil {
		return have.follow(p)
	}
	to[p.Key] = &p
	return nil
}

// trim lets go of the points behind those that are enough.
func (f *follower) trim() {
	f.bound = f.enough(f.bound)
	f.points = 0
	for _, pieces := range []map[string]*piece{f.series, f.late} {
		for _, p := range pieces {
			kept := p.cut(0, p.upTo(f.bound))
			f.points += kept.Len()
			if kept.Len() < p.Len() { // else there is nothing to gain
				kept.Steps, kept.Times, kept.Values = slices.Clone(kept.Steps), slices.Clone(kept.Times), slices.Clone(kept.Values)
				kept.Sequences = slices.Clone(kept.Sequences)
				*p = kept
			}
		}
	}
	f.trimAt = max(f.trimAt, 2*f.points)
}

// enough gives the least sequence up to which there are enough points; at most upTo.
func (f *follower) enough(upTo int64) int64 {
	low, high := f.after+1, upTo
	for low < high {
		if middle := low + (high-low)/2; f.within(middle) >= f.limit {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// upTo counts the points of a series up to a sequence.
func (p *piece) upTo(sequence int64) int {
	if p == nil {
		return 0
	}
	n, _ := slices.BinarySearch(p.Sequences, sequence+1)
	return n
}

// within counts the gathered points up to a sequence.
func (f *follower) within(sequence int64) int {
	n := 0
	for _, key := range f.order {
		n += f.series[key].upTo(sequence) + f.late[key].upTo(sequence)
	}
	return n
}

// take gives the first points that are enough, as whole batches, and the sequence up to which they go.
func (f *follower) take() (news []Columns, upTo int64, more bool, err error) {
	upTo = f.complete
	if f.within(upTo) > f.limit {
		upTo = f.enough(upTo)
	}
	for _, key := range f.order {
		c := Columns{Key: key}
		for _, p := range []*piece{f.series[key], f.late[key]} {
			if n := p.upTo(upTo); n > 0 {
				if err := c.join(p.slice(0, n)); err != nil {
					return nil, 0, false, err
				}
			}
		}
		if c.Len() > 0 {
			news = append(news, c)
		}
	}
	return news, upTo, upTo < f.head, nil
}
