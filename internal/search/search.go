// Package search finds runs, experiments and logged models: the filter language (parsed to a typed tree, checked, and
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

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

const (
	// MaxFirst bounds a page. Shells may allow less.
	MaxFirst = 50_000
	// MaxExperiments bounds the experiments that one query names.
	MaxExperiments = 10_000
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
type Searcher struct{ db *store.DB }

// New makes a searcher.
func New(db *store.DB) *Searcher { return &Searcher{db: db} }

// query is what all searches share.
type query struct {
	subject Subject
	filter  Expr
	order   []OrderTerm
	// where is the condition beside the filter, first in the statement.
	where fragment
	// ties completes the order, so that no two rows are equal in it.
	ties []sortColumn
	// experiments is for the goals of metrics; nil for all.
	experiments   []int
	paramsAsText  bool
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

func checkFirst(first int) error {
	if first < 1 || first > MaxFirst {
		return errs.Field("first", "is %d; it is from 1 to %d", first, MaxFirst)
	}
	return nil
}

// inView restricts a table to a view.
func inView(f *fragment, view View) error {
	switch view {
	case "", Active:
		f.sql("r.lifecycle_stage = 'active'")
	case Deleted:
		f.sql("r.lifecycle_stage = 'deleted'")
	case All:
		f.sql("1 = 1")
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

// page finds the rows after a cursor, and whether there are more.
func (s *Searcher) page(ctx context.Context, q *query, first int, after string) ([]place, bool, error) {
	sub := subjects[q.subject]
	goals, err := loadGoals(ctx, s.db, metricOperands(Best, q.filter, q.order), q.experiments)
	if err != nil {
		return nil, false, err
	}
	arrange := arranger{
		subject: sub, postgres: s.db.Postgres(), goals: goals, paramsAsText: q.paramsAsText, datasets: q.orderDatasets,
	}
	arrange.terms(q.order)
	arrange.columns = append(arrange.columns, q.ties...)
	keys := &arrange.keyset
	identity := fingerprint(append(q.identity, q.filter.String(), orderText(q.order))...)

	var stmt fragment
	stmt.sql("SELECT r.id")
	for i, col := range keys.columns {
		stmt.sql(", ", col.expr, " AS ", keyName(i))
	}
	stmt.sql(" FROM ", sub.table, " r")
	stmt.add(&keys.joins)
	s.writeWhere(&stmt, q, goals)
	if after != "" {
		from, err := keys.decodeCursor(identity, after)
		if err != nil {
			return nil, false, err
		}
		stmt.sql(" AND (")
		keys.afterPlace(&stmt, from)
		stmt.sql(")")
	}
	stmt.sql(" ORDER BY ")
	keys.orderBy(&stmt)
	stmt.sql(" LIMIT ")
	stmt.arg(first + 1)

	places, err := s.places(ctx, &stmt, keys, identity)
	if err != nil {
		return nil, false, err
	}
	if len(places) > first {
		return places[:first], true, nil
	}
	return places, false, nil
}

func (s *Searcher) writeWhere(stmt *fragment, q *query, goals goals) {
	stmt.sql(" WHERE ")
	stmt.add(&q.where)
	if and, ok := q.filter.(*And); ok && len(and.Terms) == 0 {
		return
	}
	c := compiler{subject: subjects[q.subject], postgres: s.db.Postgres(), goals: goals, datasets: q.datasets}
	c.expr(q.filter)
	stmt.sql(" AND (")
	stmt.add(&c.fragment)
	stmt.sql(")")
}

func (s *Searcher) places(ctx context.Context, stmt *fragment, keys *keyset, identity []byte) ([]place, error) {
	rows, err := s.db.Read().QueryContext(ctx, stmt.String(), stmt.args...)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer rows.Close()
	var out []place
	var p place
	values := keys.scanTargets()
	targets := append([]any{&p.id}, values...)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("scan search: %w", err)
		}
		p.cursor = encodeCursor(identity, values)
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return out, nil
}

// count counts the rows that match.
func (s *Searcher) count(ctx context.Context, q *query) (int, error) {
	goals, err := loadGoals(ctx, s.db, metricOperands(Best, q.filter, nil), q.experiments)
	if err != nil {
		return 0, err
	}
	var stmt fragment
	stmt.sql("SELECT COUNT(*) FROM ", subjects[q.subject].table, " r")
	s.writeWhere(&stmt, q, goals)
	var n int
	if err := s.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
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
