package search

import (
	"context"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
)

// RegistryQuery asks for registered models, or for versions of them, that are not deleted.
type RegistryQuery struct {
	Filter string
	// OrderBy is, when empty, name ASC for models, and for versions last_updated_timestamp DESC, name ASC, version_number DESC.
	OrderBy []string
	// First is the size of the page, 1 to MaxFirst.
	First int
	// After is a cursor that the same query gave; empty for the first page.
	After string
}

// RegisteredModelPage is a page of registered models, with a cursor for each.
type RegisteredModelPage struct {
	Models  []*ent.RegisteredModel
	Cursors []string
	HasNext bool
}

// ModelVersionPage is a page of model versions, each with its model, and with a cursor for each.
type ModelVersionPage struct {
	Versions []*ent.ModelVersion
	Cursors  []string
	HasNext  bool
}

func (r RegistryQuery) prepare(ctx context.Context, s *Searcher, subject Subject) (*query, error) {
	q := &query{subject: subject, identity: []string{subjects[subject].name}}
	if err := q.parse(r.Filter, r.OrderBy); err != nil {
		return nil, err
	}
	name := sortColumn{expr: "r.name", typ: textKey}
	if subject == OfModelVersions {
		name.expr = "m.name"
		if !has(q.order, "last_updated_timestamp") {
			q.ties = append(q.ties, sortColumn{expr: "r.updated_at", typ: integerKey, desc: true})
		}
	}
	if s.db.Postgres() {
		name.expr += ` COLLATE "C"`
	}
	if !has(q.order, "name") {
		q.ties = append(q.ties, name)
	}
	if subject == OfModelVersions && !has(q.order, "version_number") {
		q.ties = append(q.ties, sortColumn{expr: "r.version", typ: integerKey, desc: true})
	}
	if err := q.inView(Active); err != nil {
		return nil, err
	}
	return q, s.chooseDrive(ctx, q)
}

// fewTagged is how many rows with a tag are so few that they are found by it and sorted. Where more have it, rows are read in
// their order until enough of them have it: one of so many does not have to be looked for long.
const fewTagged = 2500

// chooseDrive finds the condition on a tag that the fewest rows meet, if any is met by few.
func (s *Searcher) chooseDrive(ctx context.Context, q *query) error {
	least := fewTagged + 1
	for _, cond := range q.conds() {
		c, ok := cond.(*Comparison)
		if !ok || c.Left.Entity != Tag || c.Op != Equal || !subjects[q.subject].tags.values {
			continue
		}
		var stmt fragment
		stmt.sql("SELECT COUNT(*) FROM (")
		stmt.tagged(subjects[q.subject].tags, c)
		stmt.sql(" LIMIT ")
		stmt.arg(least)
		stmt.sql(") k")
		var n int
		if err := s.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&n); err != nil {
			return fmt.Errorf("count tagged rows: %w", err)
		}
		if n < least {
			least, q.drive = n, c
		}
	}
	return nil
}

// looksUp tells of a condition that few rows meet, which an index finds.
func (s *subject) looksUp(e Expr) bool {
	c, ok := e.(*Comparison)
	return ok && c.Left.Entity == Attribute && (c.Op == Equal || c.Op == In) && slices.Contains(s.lookups, c.Left.Key)
}

// RegisteredModels gives a page of the registered models that match. Errors: Invalid for what is wrong with the query.
func (s *Searcher) RegisteredModels(ctx context.Context, r RegistryQuery) (RegisteredModelPage, error) {
	places, more, err := s.registryPage(ctx, r, OfRegisteredModels)
	if err != nil {
		return RegisteredModelPage{}, err
	}
	page := RegisteredModelPage{HasNext: more}
	page.Models, page.Cursors, err = load(places, func(ids []int) ([]*ent.RegisteredModel, error) {
		return s.db.Ent().RegisteredModel.Query().Where(registeredmodel.IDIn(ids...)).All(ctx)
	}, func(m *ent.RegisteredModel) int { return m.ID })
	return page, err
}

// CountRegisteredModels counts the registered models that match; OrderBy, First and After do not matter.
func (s *Searcher) CountRegisteredModels(ctx context.Context, r RegistryQuery) (int, error) {
	return s.countRegistry(ctx, r, OfRegisteredModels)
}

// ModelVersions gives a page of the model versions that match. Errors: Invalid for what is wrong with the query.
func (s *Searcher) ModelVersions(ctx context.Context, r RegistryQuery) (ModelVersionPage, error) {
	places, more, err := s.registryPage(ctx, r, OfModelVersions)
	if err != nil {
		return ModelVersionPage{}, err
	}
	page := ModelVersionPage{HasNext: more}
	page.Versions, page.Cursors, err = load(places, func(ids []int) ([]*ent.ModelVersion, error) {
		return s.db.Ent().ModelVersion.Query().Where(modelversion.IDIn(ids...)).WithRegisteredModel().All(ctx)
	}, func(v *ent.ModelVersion) int { return v.ID })
	return page, err
}

// CountModelVersions counts the model versions that match; OrderBy, First and After do not matter.
func (s *Searcher) CountModelVersions(ctx context.Context, r RegistryQuery) (int, error) {
	return s.countRegistry(ctx, r, OfModelVersions)
}

func (s *Searcher) registryPage(ctx context.Context, r RegistryQuery, subject Subject) ([]place, bool, error) {
	if err := checkFirst(r.First); err != nil {
		return nil, false, err
	}
	q, err := r.prepare(ctx, s, subject)
	if err != nil {
		return nil, false, err
	}
	return s.page(ctx, q, r.First, r.After)
}

func (s *Searcher) countRegistry(ctx context.Context, r RegistryQuery, subject Subject) (int, error) {
	q, err := r.prepare(ctx, s, subject)
	if err != nil {
		return 0, err
	}
	return s.count(ctx, q)
}
