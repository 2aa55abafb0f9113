package registry

import (
	"context"
	"fmt"
	"strconv"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelalias"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/ent/registeredmodeltag"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

// CreateModel is what a new registered model is made of.
type CreateModel struct {
	Name, Description string
	Tags              []tracking.Tag
	IdempotencyKey    string
}

// CreateModel makes a registered model. Exists when the name is taken; that of a deleted model is free.
func (s *Service) CreateModel(ctx context.Context, in CreateModel) (*ent.RegisteredModel, error) {
	request := in
	if err := CheckName("name", in.Name); err != nil {
		return nil, err
	}
	if err := checkText("description", in.Description, MaxDescription); err != nil {
		return nil, err
	}
	var err error
	if in.Tags, err = checkTags(in.Tags); err != nil {
		return nil, err
	}
	var out *ent.RegisteredModel
	err = s.db.WriteFor(ctx, laneOf(in.Name), func(ctx context.Context, tx *store.Tx) error {
		text, err := store.Once(ctx, tx, "createRegisteredModel", in.IdempotencyKey, request, func() (string, error) {
			m, err := s.insertModel(ctx, tx, in)
			if err != nil {
				return "", err
			}
			return strconv.Itoa(m.ID), nil
		})
		if err != nil {
			return err
		}
		id, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("idempotency key of a registered model: %w", err)
		}
		if out, err = tx.Ent().RegisteredModel.Get(ctx, id); err != nil {
			return modelNotFound(err, in.Name)
		}
		tx.OnCommit(func() { s.hub.Publish(live.Event{RegisteredModelID: id}) })
		return nil
	})
	return out, err
}

// insertModel makes a model. Where another replica took its name since this one looked, the unique violation makes the store run
// the request again, which then finds it.
func (s *Service) insertModel(ctx context.Context, tx *store.Tx, in CreateModel) (*ent.RegisteredModel, error) {
	if err := nameIsFree(ctx, tx, in.Name); err != nil {
		return nil, err
	}
	t, by := now(), auth.Name(ctx)
	m, err := tx.Ent().RegisteredModel.Create().SetName(in.Name).SetDescription(in.Description).SetCreatedAt(t).SetUpdatedAt(t).
		SetCreatedBy(by).SetUpdatedBy(by).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("create registered model: %w", err)
	}
	if err := setModelTags(ctx, tx, m.ID, in.Tags); err != nil {
		return nil, err
	}
	return m, s.tell(ctx, tx, webhook.Told{Event: webhook.ModelCreated, Data: webhook.Model{
		Name: in.Name, Tags: tagMap(in.Tags), Description: webhook.Text(in.Description),
	}})
}

// nameIsFree fails with Exists when a model has the name.
func nameIsFree(ctx context.Context, tx *store.Tx, name string) error {
	taken, err := tx.Ent().RegisteredModel.Query().Where(registeredmodel.Name(name)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("look up registered model: %w", err)
	}
	if taken {
		return errs.New(errs.Exists, "Registered Model (name=%.260s) already exists", name)
	}
	return nil
}

// Model gives the registered model of a name. NotFound when there is none, or it is deleted.
func (s *Service) Model(ctx context.Context, name string) (*ent.RegisteredModel, error) {
	if err := CheckName("name", name); err != nil {
		return nil, err
	}
	m, err := s.db.Ent().RegisteredModel.Query().Where(registeredmodel.Name(name)).Only(ctx)
	if err != nil {
		return nil, modelNotFound(err, name)
	}
	return m, nil
}

// RenameModel gives a model another name. Its versions, aliases, rules and history stay its own.
func (s *Service) RenameModel(ctx context.Context, name, newName string) (*ent.RegisteredModel, error) {
	if err := CheckName("newName", newName); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		if newName == name {
			return nil
		}
		if err := nameIsFree(ctx, c.tx, newName); err != nil {
			return err
		}
		c.model.Name = newName
		c.record(ent.ModelHistory{Action: modelhistory.ActionRENAMING, Detail: name})
		return c.allChanged(ctx)
	})
}

// allChanged tells those who follow the model that each of its versions changed.
func (c *change) allChanged(ctx context.Context) error {
	ids, err := c.tx.Ent().ModelVersion.Query().Where(modelversion.RegisteredModelID(c.model.ID),
		modelversion.LifecycleStageEQ(modelversion.LifecycleStageActive)).Order(ent.Asc(modelversion.FieldVersion)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	c.changed(ids...)
	return nil
}

// DescribeModel sets the description of a model.
func (s *Service) DescribeModel(ctx context.Context, name, description string) (*ent.RegisteredModel, error) {
	if err := checkText("description", description, MaxDescription); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(_ context.Context, c *change) error {
		c.model.Description = description
		return nil
	})
}

// SetModelTags sets tags of a model.
func (s *Service) SetModelTags(ctx context.Context, name string, tags []tracking.Tag) (*ent.RegisteredModel, error) {
	tags, err := checkTags(tags)
	if err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		return setModelTags(ctx, c.tx, c.model.ID, tags)
	})
}

func setModelTags(ctx context.Context, tx *store.Tx, model int, tags []tracking.Tag) error {
	for _, t := range tags {
		err := tx.Ent().RegisteredModelTag.Create().SetRegisteredModelID(model).SetKey(t.Key).SetValue(t.Value).
			SetValuePrefix(store.ValuePrefix(t.Value)).
			OnConflict(entsql.ConflictColumns(registeredmodeltag.FieldRegisteredModelID, registeredmodeltag.FieldKey)).
			UpdateValue().UpdateValuePrefix().Exec(ctx)
		if err != nil {
			return fmt.Errorf("set tag of registered model: %w", err)
		}
	}
	return nil
}

// DeleteModelTag removes a tag of a model. One that is not set is gone already.
func (s *Service) DeleteModelTag(ctx context.Context, name, key string) (*ent.RegisteredModel, error) {
	if err := tracking.CheckKey("key", key); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		_, err := c.tx.Ent().RegisteredModelTag.Delete().
			Where(registeredmodeltag.RegisteredModelID(c.model.ID), registeredmodeltag.Key(key)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete tag of registered model: %w", err)
		}
		return nil
	})
}

// DeleteModel deletes a model with all its versions and aliases. Its name is free then. Its history stays.
func (s *Service) DeleteModel(ctx context.Context, name, reason string) (*ent.RegisteredModel, error) {
	if err := checkText("reason", reason, MaxReason); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		if err := c.allChanged(ctx); err != nil {
			return err
		}
		c.record(ent.ModelHistory{Action: modelhistory.ActionMODEL_DELETION, Reason: reason})
		err := c.tx.Ent().ModelVersion.Update().Where(modelversion.RegisteredModelID(c.model.ID)).
			SetLifecycleStage(modelversion.LifecycleStageDeleted).SetStage(stageDeleted).SetUpdatedAt(c.now).SetUpdatedBy(c.by).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete versions: %w", err)
		}
		if _, err := c.tx.Ent().ModelAlias.Delete().Where(modelalias.RegisteredModelID(c.model.ID)).Exec(ctx); err != nil {
			return fmt.Errorf("delete aliases: %w", err)
		}
		c.model.LifecycleStage = registeredmodel.LifecycleStageDeleted
		c.model.Name += "/" + strconv.Itoa(c.model.ID)
		return nil
	})
}
