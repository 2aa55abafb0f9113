// Package registry is the core of the model registry: registered models, their versions, stages, aliases and rules, and the
// history of all that happened to them. Both shells, GraphQL and MLflow's REST, are thin layers over it.
//
// Whatever is written to a registered model is written under the lock of its row: so versions are numbered without a gap, of
// two transitions at once one comes first, and the entries of the history make one chain.
package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

// Service is the registry of a database. All methods are safe for concurrent use, also by several replicas, and return
// *errs.Error for what is the caller's fault.
type Service struct {
	db    *store.DB
	hub   *live.Hub
	files *artifact.Service
	hooks *webhook.Service
}

// New makes the service. It reads the files of models from the artifact service.
func New(db *store.DB, hub *live.Hub, files *artifact.Service) *Service {
	return &Service{db: db, hub: hub, files: files}
}

// Tell makes webhooks hear of what happens from now on. It is called before the service is used.
func (s *Service) Tell(hooks *webhook.Service) { s.hooks = hooks }

// tell stores what happened for webhooks, in the transaction that makes it happen.
func (s *Service) tell(ctx context.Context, tx *store.Tx, told ...webhook.Told) error {
	if s.hooks == nil {
		return nil
	}
	return s.hooks.Tell(ctx, tx, told...) //nolint:wrapcheck // wrapped there
}

// tagMap is tags as webhooks are told of them.
func tagMap(tags []tracking.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// change is a write to one registered model, whose row is locked.
type change struct {
	tx    *store.Tx
	model *ent.RegisteredModel
	// now is Unix milliseconds, and never before an earlier change of the model.
	now int64
	by  string
	// entries are what the history gets, in their order.
	entries []*ent.ModelHistory
}

func now() int64 { return time.Now().UnixMilli() }

// changeModel runs fn on the registered model of a name, and stores with its row what fn did to it and what the history got.
// NotFound when there is none.
func (s *Service) changeModel(ctx context.Context, name string, fn func(ctx context.Context, c *change) error) (*ent.RegisteredModel, error) {
	if err := CheckName("name", name); err != nil {
		return nil, err
	}
	var out *ent.RegisteredModel
	err := s.db.WriteFor(ctx, laneOf(name), func(ctx context.Context, tx *store.Tx) error {
		c, err := s.lock(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := fn(ctx, c); err != nil {
			return err
		}
		out = c.model
		return c.save(ctx)
	})
	return out, err
}

// errTried ends a transaction that was only to be tried.
var errTried = errors.New("tried only")

// tryModel is changeModel, of which a dry run keeps nothing.
func (s *Service) tryModel(ctx context.Context, name string, dryRun bool, fn func(ctx context.Context, c *change) error) error {
	_, err := s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		err := fn(ctx, c)
		if err == nil && dryRun {
			err = errTried
		}
		return err
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// laneOf keeps the writes to a model in the order in which they came, and writers of several models from waiting for each
// other in a circle: a group is sorted by it.
func laneOf(name string) string { return "registered-model:" + name }

// lock locks the row of a registered model.
func (s *Service) lock(ctx context.Context, tx *store.Tx, name string) (*change, error) {
	query := tx.Ent().RegisteredModel.Query().Where(registeredmodel.Name(name))
	query.Modify(tx.ForUpdate)
	m, err := query.Only(ctx)
	if err != nil {
		return nil, modelNotFound(err, name)
	}
	c := &change{tx: tx, model: m, now: max(now(), m.UpdatedAt), by: auth.Name(ctx)}
	id := m.ID
	tx.OnCommit(func() { s.hub.Publish(live.Event{RegisteredModelID: id}) })
	return c, nil
}

// save stores the model's row and the new entries of its history.
func (c *change) save(ctx context.Context) error {
	if err := c.insertEntries(ctx); err != nil {
		return err
	}
	m := c.model
	m.UpdatedAt, m.UpdatedBy = c.now, c.by
	err := c.tx.Ent().RegisteredModel.Update().Where(registeredmodel.ID(m.ID)).SetName(m.Name).SetDescription(m.Description).
		SetLifecycleStage(m.LifecycleStage).SetNextVersion(m.NextVersion).SetHistoryLength(m.HistoryLength).SetHistoryHead(m.HistoryHead).
		SetUpdatedAt(m.UpdatedAt).SetUpdatedBy(m.UpdatedBy).Exec(ctx)
	if err != nil {
		return fmt.Errorf("update registered model: %w", err)
	}
	return nil
}

// version gives a version of the model that is not deleted.
func (c *change) version(ctx context.Context, number int) (*ent.ModelVersion, error) {
	v, err := c.tx.Ent().ModelVersion.Query().
		Where(modelversion.RegisteredModelID(c.model.ID), modelversion.Version(number)).Only(ctx)
	if err != nil {
		return nil, versionNotFound(err, c.model.Name, number)
	}
	if v.LifecycleStage != modelversion.LifecycleStageActive {
		return nil, versionNotFound(&ent.NotFoundError{}, c.model.Name, number)
	}
	v.Edges.RegisteredModel = c.model
	return v, nil
}

// touch notes that a version was changed, by whom and when, and gives the update to store what was.
func (c *change) touch(v *ent.ModelVersion) *ent.ModelVersionUpdate {
	v.UpdatedAt, v.UpdatedBy = c.now, c.by
	c.changed(v.ID)
	return c.tx.Ent().ModelVersion.Update().Where(modelversion.ID(v.ID)).SetUpdatedAt(c.now).SetUpdatedBy(c.by)
}

// changed tells those who follow the model that versions changed, by their internal ids.
func (c *change) changed(ids ...int) {
	for _, id := range ids {
		c.tx.ModelVersionChanged(id, c.model.ID)
	}
}

// NameOf gives the name of a version's model; of one that was deleted, the last.
func NameOf(v *ent.ModelVersion) string {
	name, _, _ := strings.Cut(v.Edges.RegisteredModel.Name, "/")
	return name
}

func modelNotFound(err error, name string) error {
	if ent.IsNotFound(err) {
		return errs.Wrap(errs.NotFound, err, "Registered Model with name=%.260s not found", name)
	}
	return fmt.Errorf("read registered model: %w", err)
}

func versionNotFound(err error, name string, version int) error {
	if ent.IsNotFound(err) {
		return errs.Wrap(errs.NotFound, err, "Model Version (name=%.260s, version=%d) not found", name, version)
	}
	return fmt.Errorf("read model version: %w", err)
}
