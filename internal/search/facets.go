package search

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Bounds of facets and aggregates.
const (
	// MaxLookedAt bounds the matching runs that the facets of a filtered set are of.
	MaxLookedAt = 1_000_000
	// MaxFacets bounds a page of keys, values or groups.
	MaxFacets = 1000
	// MaxKeyCount bounds how far the runs of a key are counted where the set is a whole experiment.
	MaxKeyCount = 1_000_000
	// maxScope is how many experiments are looked at by their indexes; the facets of more are those of the newest runs.
	maxScope = 1000
	// lookTime is how long one look at the runs may take, and maxLooks how many are taken at a time. Each holds a connection and
	// a processor for as long: the other connections are for those who ask for a page.
	lookTime = 30 * time.Second
	maxLooks = 2
)

// Facets looks at the runs that a query finds from many sides: which keys they have, which values of a key, from where to
// where. It is safe for concurrent use. OrderBy, First and After of the query do not matter.
//
// Of a whole experiment (no filter, no deleted runs), what is asked is read from the indexes of the keys. Of a filtered set
// the runs are found once, at most so many, the newest first; what is asked is then looked up for these.
type Facets struct {
	s       *Searcher
	runs    RunsQuery
	q       *query
	maxRuns int

	once sync.Once
	set  lookSet
	err  error
}

// lookSet is the runs that are looked at.
type lookSet struct {
	// whole: all runs of the scope that are in the view; else ids are the runs.
	whole bool
	scope []int
	// gone: some runs of the scope are deleted and do not count.
	gone bool
	ids  []int
	// complete: no matching run was left out.
	complete bool
}

// Facets prepares to look at the runs of a query, at most maxRuns of them where the query has a filter. Errors: Invalid for
// what is wrong with the query.
func (s *Searcher) Facets(r RunsQuery, maxRuns int) (*Facets, error) {
	if maxRuns < 1 || maxRuns > MaxLookedAt {
		return nil, errs.Field("maxRuns", "is %d; it is from 1 to %d", maxRuns, MaxLookedAt)
	}
	r.OrderBy = nil
	q, err := r.prepare()
	if err != nil {
		return nil, err
	}
	return &Facets{s: s, runs: r, q: q, maxRuns: maxRuns}, nil
}

// Runs is how many runs the facets are of.
func (f *Facets) Runs(ctx context.Context) (n int, err error) {
	err = f.look(ctx, func(ctx context.Context) error {
		if n = len(f.set.ids); f.set.whole {
			n, err = f.s.count(ctx, f.q)
		}
		return err
	})
	return n, err
}

// Complete tells whether these are all that match.
func (f *Facets) Complete(ctx context.Context) (complete bool, err error) {
	err = f.look(ctx, func(context.Context) error {
		complete = f.set.complete
		return nil
	})
	return complete, err
}

// look finds the set, which happens once, and then calls do. Both together are bounded in time.
func (f *Facets) look(ctx context.Context, do func(context.Context) error) error {
	return f.s.look(ctx, lookTime, func(ctx context.Context) error {
		f.once.Do(func() {
			// Should the search panic, Do counts as done: this is what the others then find.
			f.err = errors.New("the runs to look at were not found")
			f.set, f.err = f.find(ctx)
		})
		if f.err != nil {
			return f.err
		}
		return do(ctx)
	})
}

func (f *Facets) find(ctx context.Context) (lookSet, error) {
	set, err := f.s.wholeSet(ctx, f.runs, f.q)
	if err != nil || set.whole {
		return set, err
	}
	return f.s.listedSet(ctx, f.q, f.maxRuns)
}

// wholeSet is the set of a query that leaves out no run of its experiments but deleted ones; its whole is false for others.
func (s *Searcher) wholeSet(ctx context.Context, r RunsQuery, q *query) (lookSet, error) {
	if and, ok := q.filter.(*And); !ok || len(and.Terms) > 0 || r.TopLevel || r.View == Deleted {
		return lookSet{}, nil
	}
	scope, known, err := s.scopeOf(ctx, r.Experiments, maxScope)
	if err != nil || !known {
		return lookSet{}, err
	}
	set := lookSet{whole: true, complete: true, scope: scope}
	if r.View == All {
		return set, nil
	}
	var stmt fragment
	stmt.sql("SELECT r.id FROM runs r WHERE ")
	inScope(s.db, &stmt, "r.experiment_id", scope)
	stmt.sql(" AND r.lifecycle_stage = 'deleted' LIMIT 1")
	err = store.EachRow(ctx, s.db.Read(), stmt.String(), stmt.args, func(*sql.Rows) error {
		set.gone = true
		return nil
	})
	if err != nil {
		return lookSet{}, fmt.Errorf("look for deleted runs: %w", err)
	}
	return set, nil
}

// listedSet is the runs of a query by their ids, at most so many, the newest first.
func (s *Searcher) listedSet(ctx context.Context, q *query, most int) (lookSet, error) {
	f, candidates, err := s.setsOf(ctx, q, max(s.pieces.counted, most+1))
	if err != nil {
		return lookSet{}, err
	}
	if best, ok := smallest(candidates, most+1); ok { // all of them are listed: which are the newest does not matter
		var stmt fragment
		stmt.sql("SELECT r.id")
		f.fromSmallest(&stmt, candidates, best)
		set := lookSet{ids: []int{}, complete: true}
		if err := store.EachRow(ctx, s.db.Read(), stmt.String(), stmt.args, scanInto(&set.ids)); err != nil {
			return lookSet{}, fmt.Errorf("list runs: %w", err)
		}
		slices.Sort(set.ids) // they are looked up in the order of the tables
		return set, nil
	}
	places, more, err := s.page(ctx, q, most, "")
	if err != nil {
		return lookSet{}, err
	}
	set := lookSet{ids: make([]int, len(places)), complete: !more}
	for i, p := range places {
		set.ids[i] = p.id
	}
	return set, nil
}

// scopeOf gives the experiments of a query, or all there are; known is false when these are more than so many.
func (s *Searcher) scopeOf(ctx context.Context, experiments []int, most int) (scope []int, known bool, err error) {
	if experiments != nil {
		return experiments, len(experiments) <= most, nil
	}
	return listExperiments(ctx, s.db, most)
}

// inScope is the condition that a column is one of the experiments. Of one experiment it says so plainly: the database then
// sees that the index has all else in order.
func inScope(db *store.DB, f *fragment, column string, scope []int) {
	if len(scope) == 1 {
		f.sql(column, " = ")
		f.arg(scope[0])
		return
	}
	condition, arg := store.AnyOf(db, column, scope)
	f.sql(condition)
	f.args = append(f.args, arg)
}

// rows begins a FROM of the rows of a key, with the alias d; conditions may follow with AND.
func (f *Facets) rows(out *fragment, t keyed, key string) {
	if !f.set.whole {
		f.s.fromIDs(out, f.set.ids)
		out.sql(f.s.db.Guide().Join(t.table, "d", "d."+t.owner+" = m.id AND d.key = ?"), " WHERE 1 = 1")
		out.args = append(out.args, key)
		return
	}
	out.sql(" FROM ", t.table, " d WHERE ")
	inScope(f.s.db, out, "d.experiment_id", f.set.scope)
	out.sql(" AND d.key = ")
	out.arg(key)
	f.s.notGone(out, f.set, "d.run_id")
}

// runRows writes a FROM of the runs themselves, with the alias r.
func (f *Facets) runRows(out *fragment) {
	if f.set.whole {
		out.sql(" FROM runs r WHERE ")
		out.add(&f.q.where)
		return
	}
	f.s.fromIDs(out, f.set.ids)
	out.sql(f.s.db.Guide().Join("runs", "r", "r.id = m.id"))
}

// fromIDs writes a FROM of runs that are named, with the alias m.
func (s *Searcher) fromIDs(out *fragment, ids []int) {
	table, arg := s.db.IDRows(ids)
	out.sql(" FROM ", table, " m")
	out.args = append(out.args, arg)
}

// notGone leaves out the deleted runs of a whole set.
func (s *Searcher) notGone(out *fragment, set lookSet, column string) {
	if !set.gone {
		return
	}
	var gone fragment
	gone.sql("SELECT x.id FROM runs x WHERE ")
	inScope(s.db, &gone, "x.experiment_id", set.scope)
	gone.sql(" AND x.lifecycle_stage = 'deleted'")
	out.sql(" AND ", s.db.NotAmong(column, gone.String()))
	out.args = append(out.args, gone.args...)
}

// look bounds how long a look at many runs takes, and how many are taken at a time: the others wait for their turn.
func (s *Searcher) look(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := s.inTurn(bounded, do)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return errs.New(errs.Exhausted, "the runs could not be looked at within %s, for which %d looks at a time are taken: "+
			"ask for fewer experiments, filter them, or try again later", most, maxLooks)
	}
	return err
}

func (s *Searcher) inTurn(ctx context.Context, do func(context.Context) error) error {
	select {
	case s.looks <- struct{}{}:
		defer func() { <-s.looks }()
		return do(ctx)
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // said by look
	}
}

func checkFacets(first int) error {
	if first < 1 || first > MaxFacets {
		return errs.Field("first", "is %d; it is from 1 to %d", first, MaxFacets)
	}
	return nil
}

// spot is a place in a list of keys, values or groups: what it is ordered by first, and the texts that make it the only one.
type spot struct {
	class  byte
	number float64
	texts  []*string
}

// cursor writes a spot for a query. The number is exact.
func (p spot) cursor(query []byte) string {
	buf := append(append([]byte{cursorVersion}, query...), p.class)
	buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(p.number))
	for _, text := range p.texts {
		if text == nil {
			buf = binary.AppendUvarint(buf, 0)
			continue
		}
		buf = binary.AppendUvarint(buf, uint64(len(*text))+1)
		buf = append(buf, *text...)
	}
	return base64.RawURLEncoding.EncodeToString(buf)
}

// readSpot reads a cursor of a list whose spots have so many texts. It is used for comparisons only, so a forged one can do
// no more than name another place.
func readSpot(query []byte, cursor string, texts int) (spot, error) {
	if len(cursor) > maxCursorBytes {
		return spot{}, badCursor("the cursor is too long")
	}
	buf, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(buf) < 1+len(query)+9 || buf[0] != cursorVersion {
		return spot{}, badCursor("this is not a cursor")
	}
	buf = buf[1:]
	if !bytes.Equal(buf[:len(query)], query) {
		return spot{}, badCursor("the cursor is of another query")
	}
	buf = buf[len(query):]
	p := spot{class: buf[0], number: math.Float64frombits(binary.LittleEndian.Uint64(buf[1:])), texts: make([]*string, texts)}
	buf = buf[9:]
	for i := range p.texts {
		size, n := binary.Uvarint(buf)
		if n <= 0 || size > uint64(len(buf)-n)+1 {
			return spot{}, badCursor("the cursor is damaged")
		}
		buf = buf[n:]
		if size == 0 {
			continue
		}
		text := string(buf[:size-1])
		if invalidText(text) >= 0 {
			return spot{}, badCursor("the cursor is damaged")
		}
		p.texts[i], buf = &text, buf[size-1:]
	}
	if len(buf) > 0 || math.IsNaN(p.number) {
		return spot{}, badCursor("the cursor is damaged")
	}
	return p, nil
}

// readTextSpot reads a cursor of a list whose spots have one text, which is there. Without a cursor the spot is nil.
func readTextSpot(query []byte, cursor string) (*spot, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // the list begins at its beginning
	}
	p, err := readSpot(query, cursor, 1)
	if err != nil {
		return nil, err
	}
	if p.texts[0] == nil {
		return nil, badCursor("the cursor is damaged")
	}
	return &p, nil
}

// cursorOf is what a cursor of these facets is bound to.
func (f *Facets) cursorOf(what ...string) []byte {
	return fingerprint(append(append([]string{"facets", f.q.filter.String()}, f.q.identity...), what...)...)
}
