package mlflowimport

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// imported is the reason in the history of what this import brought.
const imported = "imported from MLflow"

// inDefault restricts a query to the workspace that is read.
func (s *Source) inDefault() string {
	if s.workspaces {
		return " AND workspace = 'default'"
	}
	return ""
}

// model reads a registered model with all that belongs to it.
func (s *Source) model(ctx context.Context, name string) (m registry.LoadModel, err error) {
	m = registry.LoadModel{Name: name, Aliases: map[string]int{}}
	location := "''"
	if s.locations {
		location = "COALESCE(storage_location, '')"
	}
	byNumber := map[int]*registry.LoadVersion{}
	var versions []*registry.LoadVersion
	var tags []tracking.Tag
	each := func(query string, scan func(*sql.Rows) error) {
		if err == nil {
			err = store.EachRow(ctx, s.look.Read(), query+" WHERE name = ?"+s.inDefault(), []any{name}, scan)
		}
	}
	each("SELECT COALESCE(description, ''), COALESCE(creation_time, 0), COALESCE(last_updated_time, 0) FROM registered_models",
		func(rows *sql.Rows) error { return rows.Scan(&m.Description, &m.CreatedAt, &m.UpdatedAt) })
	each("SELECT key, COALESCE(value, '') FROM registered_model_tags", func(rows *sql.Rows) error {
		var t tracking.Tag
		err := rows.Scan(&t.Key, &t.Value)
		tags = append(tags, t)
		return err
	})
	each("SELECT version, COALESCE(description, ''), COALESCE(creation_time, 0), COALESCE(last_updated_time, 0), COALESCE(current_stage, 'None'), "+
		"COALESCE(source, ''), "+location+", COALESCE(run_id, ''), COALESCE(run_link, ''), COALESCE(status, 'READY'), COALESCE(status_message, '') FROM model_versions",
		func(rows *sql.Rows) error {
			v := &registry.LoadVersion{}
			var status string
			err := rows.Scan(&v.Version, &v.Description, &v.CreatedAt, &v.UpdatedAt, &v.Stage, &v.Source, &v.Location, &v.RunID, &v.RunLink, &status, &v.StatusMessage)
			v.Status = modelversion.Status(status)
			versions, byNumber[v.Version] = append(versions, v), v
			return err
		})
	each("SELECT version, key, COALESCE(value, '') FROM model_version_tags", func(rows *sql.Rows) error {
		var number int
		var t tracking.Tag
		err := rows.Scan(&number, &t.Key, &t.Value)
		if v := byNumber[number]; v != nil {
			v.Tags = append(v.Tags, t)
		}
		return err
	})
	if !s.aliases {
		return s.completed(m, tags, versions), err
	}
	each("SELECT alias, version FROM registered_model_aliases", func(rows *sql.Rows) error {
		var alias string
		var version int
		err := rows.Scan(&alias, &version)
		m.Aliases[alias] = version
		return err
	})
	return s.completed(m, tags, versions), err
}

// completed puts a model together.
func (s *Source) completed(m registry.LoadModel, tags []tracking.Tag, versions []*registry.LoadVersion) registry.LoadModel {
	m.Tags = tags
	for _, v := range versions {
		m.NextVersion = max(m.NextVersion, v.Version+1)
		if v.Stage == deletedStage {
			continue
		}
		v.CreatedAt = cmp.Or(v.CreatedAt, m.CreatedAt)
		v.UpdatedAt = cmp.Or(v.UpdatedAt, v.CreatedAt)
		m.Versions = append(m.Versions, *v)
	}
	return m
}

// deletedStage is how MLflow keeps the number of a deleted version.
const deletedStage = "Deleted_Internal"

// has tells whether a table has a column.
func (s *Source) has(ctx context.Context, column, table string) bool {
	_, err := s.count(ctx, "SELECT COUNT("+column+") FROM "+table+" WHERE 1 = 0")
	return err == nil
}

// names gives the names of the next registered models after one.
func (s *Source) names(ctx context.Context, after string) (names []string, err error) {
	err = store.EachRow(ctx, s.look.Read(), "SELECT name FROM registered_models WHERE name > ?"+s.inDefault()+" ORDER BY name LIMIT ?",
		[]any{after, pageRuns}, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			names = append(names, name)
			return err
		})
	return names, err
}

// registeredModels stores the registered models whose names are not there, and compares the others.
func (t *target) registeredModels(ctx context.Context, s *Source) error {
	if s.workspaces {
		others, err := s.count(ctx, "SELECT COUNT(*) FROM registered_models WHERE workspace <> 'default'")
		if err != nil {
			return err
		}
		if others > 0 {
			t.report.problem("registered models", "of other workspaces", errs.New(errs.Unsupported, "%d are left out: Cairn has no workspaces", others))
		}
	}
	for last := ""; ; {
		names, err := s.names(ctx, last)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			m, err := s.model(ctx, name)
			if err != nil {
				return err
			}
			if err := t.registeredModel(ctx, m); err != nil {
				return fmt.Errorf("registered model %q: %w", name, err)
			}
		}
		last = names[len(names)-1]
	}
}

// registeredModel stores a model, or compares it with that of its name.
func (t *target) registeredModel(ctx context.Context, m registry.LoadModel) error {
	report := t.report
	versions := int64(len(m.Versions))
	report.Models.MLflow++
	report.Versions.MLflow += versions
	found, same, err := there(ctx, t.here, m)
	switch {
	case err != nil:
		return err
	case found && same < versions:
		report.problem("registered model", m.Name, errs.New(errs.Exists, "it is there, with %d of its %d versions; nothing of it was changed", same, versions))
		fallthrough
	case found:
		report.Models.Cairn++
		report.Versions.Cairn += same
		return nil
	}
	if t.models != nil {
		if err := t.models.Load(ctx, m, imported); err != nil {
			if errs.Is(err, errs.Internal) || errs.Is(err, errs.Unavailable) {
				return err //nolint:wrapcheck // wrapped by the caller
			}
			report.problem("registered model", m.Name, fmt.Errorf("is left out: %w", err))
			return nil
		}
		report.Models.Cairn++
		report.Versions.Cairn += versions
	}
	report.Models.New++
	report.Versions.New += versions
	return nil
}

// there tells whether there is a model of the name, and how many of the versions are there as they were registered.
func there(ctx context.Context, here store.Querier, m registry.LoadModel) (found bool, same int64, err error) {
	if here == nil {
		return false, 0, nil
	}
	sources := map[int]string{}
	for _, v := range m.Versions {
		sources[v.Version] = v.Source
	}
	err = store.EachRow(ctx, here, "SELECT COALESCE(v.version, 0), COALESCE(v.source, '') FROM registered_models m LEFT JOIN model_versions v "+
		"ON v.registered_model_id = m.id WHERE m.name = ?", []any{m.Name}, func(rows *sql.Rows) error {
		var version int
		var source string
		err := rows.Scan(&version, &source)
		found = true
		if was, ok := sources[version]; ok && was == source {
			same++
		}
		return err
	})
	return found, same, err
}
