// Package search finds runs, experiments, logged models, registered models and their versions: the filter language (parsed to a typed tree, checked, and
// compiled to SQL for both databases), orders, and pages that stay whole while rows are written.
//
// The language is MLflow's, with OR, NOT, parentheses, numbers for params, IN for every type, IS NULL for metrics, and
// first(), last(), min(), max() and best() of a metric:
//
//	metrics.acc > 0.9 and params.model = 'forest' and (tags.`my tag` is null or status in ('FAILED', 'KILLED'))
//	best(metrics.loss) < 0.1 or not (params.depth >= 3)
package search

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

const (
	// MaxFirst bounds a page. Shells may allow less.
	MaxFirst = 50_000
	// MaxExperiments bounds the experiments that one query names.
	MaxExperiments = 10_000
	// searchTime is how long a page or a count may take: a filter may have a hundred patterns, each of which is tried at every
	// place of the values of every run.
	searchTime = 30 * time.Second
)

// View says whether deleted ones are wanted. Its zero value is Active.
type View string

// The views.
const (
	Active  View = "ACTIVE"
	Deleted View = "DELETED"
	All     View = "ALL"
)

// DatasetFilter names a dataset that a metric was measured on; an empty digest stands for every digest.
type DatasetFilter struct{ Name, Digest string }

// Searcher searches a database. It is safe for concurrent use.
type Searcher struct {
	db     *store.DB
	pieces pieces
	// looks has an element for each look at many runs that is taken.
	looks chan struct{}
	// most is searchTime, but in tests.
	most time.Duration
}

// pieces says how much is read at once where runs are read in order.
type pieces struct {
	// least and most bound the rows of one statement; each piece is larger than the one before.
	least, most int
	// sorted is the least where the database sorts for each piece.
	sorted int
	// counted bounds how far the sets of conditions are counted: where each has more runs, to look at all costs little more.
	counted int
}

// New makes a searcher.
func New(db *store.DB) *Searcher {
	return &Searcher{
		db: db, pieces: pieces{least: 256, most: 65_536, sorted: 4096, counted: 200_000}, looks: make(chan struct{}, maxLooks),
		most: searchTime,
	}
}

// query is what all searches share.
type query struct {
	subject Subject
	filter  Expr
	order   []OrderTerm
	// where is the condition beside the filter, first in the statement; also are conditions in the filter's words.
	where fragment
	also  []Expr
	// ties completes the order, so that no two rows are equal in it.
	ties []sortColumn
	// experiments is for the goals of metrics; nil for all.
	experiments []int
	// stages are the lifecycle stages that are searched.
	stages       []string
	paramsAsText bool
	// drive is the condition on a tag that few rows meet, from which they are found; nil when there is none.
	drive         *Comparison
	datasets      []DatasetFilter
	orderDatasets map[int]DatasetFilter
	// identity is what a cursor is bound to, beside filter and order.
	identity []string
}

// parse reads the filter and the order.
func (q *query) parse(filter string, orderBy []string) error {
	var err error
	if q.filter, err = Parse(q.subject, filter); err != nil {
		return err
	}
	q.order, err = ParseOrder(q.subject, orderBy)
	return err
}

// conds are the conditions that all have to hold.
func (q *query) conds() []Expr { return append(slices.Clone(q.also), conjuncts(q.filter)...) }

func checkFirst(first int) error {
	if first < 1 || first > MaxFirst {
		return errs.Field("first", "is %d; it is from 1 to %d", first, MaxFirst)
	}
	return nil
}

// inView restricts the search to a view.
func (q *query) inView(view View) error {
	switch view {
	case "", Active:
		q.stages = []string{"active"}
		q.where.sql("r.lifecycle_stage = 'active'")
	case Deleted:
		q.stages = []string{"deleted"}
		q.where.sql("r.lifecycle_stage = 'deleted'")
	case All:
		q.stages = []string{"active", "deleted"}
		q.where.sql("1 = 1")
	default:
		return errs.Field("view", "is %.40q; it is ACTIVE, DELETED or ALL", string(view))
	}
	return nil
}

// inExperiments restricts a table to experiments: nil stands for all, an empty list for none.
func inExperiments(f *fragment, experiments []int) error {
	if experiments == nil {
		return nil
	}
	if len(experiments) > MaxExperiments {
		return errs.Field("experiments", "names %d; at most %d are allowed", len(experiments), MaxExperiments)
	}
	f.sql(" AND r.experiment_id IN ")
	argList(f, experiments)
	return nil
}

func experimentsText(experiments []int) string {
	if experiments == nil {
		return "all"
	}
	sorted := slices.Clone(experiments)
	slices.Sort(sorted)
	var b strings.Builder
	for _, id := range slices.Compact(sorted) {
		b.WriteString(strconv.Itoa(id))
		b.WriteByte(',')
	}
	return b.String()
}

// place is a row of a page: its internal id and its cursor.
type place struct {
	id     int
	cursor string
}

// inTime bounds how long a search takes.
func (s *Searcher) inTime(ctx context.Context, search func(context.Context) error) error {
	until := time.Now().Add(s.most)
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := search(bounded)
	// A connection that is being made can see the end of the time before the context tells of it.
	if err != nil && !time.Now().Before(until) && ctx.Err() == nil {
		return errs.Wrap(errs.Exhausted, err, "the search took longer than %s, which is all that one may take: search fewer experiments, "+
			"or add a condition that few meet; a LIKE reads every value, and one with many %% every place of it", s.most)
	}
	return err
}

// page finds the rows after a cursor, and whether there are more.
func (s *Searcher) page(ctx context.Context, q *query, first int, after string) (places []place, more bool, err error) {
	err = s.inTime(ctx, func(ctx context.Context) error {
		places, more, err = s.findPage(ctx, q, first, after)
		return err
	})
	return places, more, err
}

func (s *Searcher) findPage(ctx context.Context, q *query, first int, after string) ([]place, bool, error) {
	f, err := s.newFinder(ctx, q)
	if err != nil {
		return nil, false, err
	}
	identity := fingerprint(append(q.identity, q.filter.String(), orderText(q.order))...)
	p := part{conds: q.conds(), limit: first + 1}
	if after != "" {
		if p.after, err = f.columns(0, false).decodeCursor(identity, after); err != nil {
			return nil, false, err
		}
	}
	find := f.find
	if q.subject != OfRuns {
		find = f.all
	}
	rows, err := find(ctx, p)
	if err != nil {
		return nil, false, err
	}
	more := len(rows) > first
	rows = rows[:min(len(rows), first)]
	places := make([]place, 0, len(rows))
	seen := make(map[int]bool, len(rows))
	for _, row := range rows {
		// A page may take several statements: a row that is moved between them would stand on it twice.
		if !seen[row.id] {
			seen[row.id] = true
			places = append(places, place{id: row.id, cursor: encodeCursor(identity, row.keys)})
		}
	}
	return places, more, nil
}

func (s *Searcher) writeWhere(stmt *fragment, q *query, goals goals) {
	stmt.sql(" WHERE ")
	stmt.add(&q.where)
	f := finder{Searcher: s, q: q, sub: subjects[q.subject], guide: s.db.Guide(), goals: goals}
	f.wherever(stmt, " AND ", q.conds(), anyRow)
}

// loadChunk is how many rows are loaded in one statement: below the bind limits, and of few lengths, so that statements
// can be kept prepared.
const loadChunk = 500

// load fetches the rows of a page by their ids, in its order. A row that was removed meanwhile is left out, with its
// cursor.
func load[T any](
	places []place, fetch func(ids []int) ([]T, error), id func(T) int,
) (rows []T, cursors []string, err error) {
	byID := make(map[int]T, len(places))
	for chunk := range slices.Chunk(places, loadChunk) {
		ids := make([]int, len(chunk))
		for i, p := range chunk {
			ids[i] = p.id
		}
		found, err := fetch(ids)
		if err != nil {
			return nil, nil, fmt.Errorf("load page: %w", err)
		}
		for _, row := range found {
			byID[id(row)] = row
		}
	}
	rows, cursors = make([]T, 0, len(places)), make([]string, 0, len(places))
	for _, p := range places {
		if row, ok := byID[p.id]; ok {
			rows, cursors = append(rows, row), append(cursors, p.cursor)
		}
	}
	return rows, cursors, nil
}
