package registry

import (
	"context"
	"fmt"
	"strconv"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelalias"
	"github.com/cairnml/cairn/internal/webhook"
)

// SetAlias lets an alias name a version, whatever it named before.
func (s *Service) SetAlias(ctx context.Context, name, alias string, version int) (*ent.ModelVersion, error) {
	if err := CheckAlias("alias", alias); err != nil {
		return nil, err
	}
	var out *ent.ModelVersion
	_, err := s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		v, err := c.version(ctx, version)
		if err != nil {
			return err
		}
		out = v
		if err := c.aliasLeaves(ctx, alias); err != nil {
			return err
		}
		c.changed(v.ID)
		err = c.tx.Ent().ModelAlias.Create().SetRegisteredModelID(c.model.ID).SetAlias(alias).SetVersion(version).
			SetUpdatedAt(c.now).SetUpdatedBy(c.by).
			OnConflict(entsql.ConflictColumns(modelalias.FieldRegisteredModelID, modelalias.FieldAlias)).UpdateNewValues().Exec(ctx)
		if err != nil {
			return fmt.Errorf("set alias: %w", err)
		}
		return s.tell(ctx, c.tx, webhook.Told{Event: webhook.AliasCreated, Data: webhook.Alias{
			Name: name, Alias: alias, Version: strconv.Itoa(version),
		}})
	})
	return out, err
}

// aliasLeaves notes that the version which an alias names, if any, changes.
func (c *change) aliasLeaves(ctx context.Context, alias string) error {
	old, err := c.tx.Ent().ModelAlias.Query().Where(modelalias.RegisteredModelID(c.model.ID), modelalias.Alias(alias)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read alias: %w", err)
	}
	v, err := c.version(ctx, old.Version)
	if err == nil {
		c.changed(v.ID)
	}
	return err
}

// DeleteAlias removes an alias. One that is not set is gone already.
func (s *Service) DeleteAlias(ctx context.Context, name, alias string) (*ent.RegisteredModel, error) {
	if err := CheckAlias("alias", alias); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		if err := c.aliasLeaves(ctx, alias); err != nil {
			return err
		}
		n, err := c.tx.Ent().ModelAlias.Delete().Where(modelalias.RegisteredModelID(c.model.ID), modelalias.Alias(alias)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete alias: %w", err)
		}
		if n == 0 {
			return nil
		}
		return s.tell(ctx, c.tx, webhook.Told{Event: webhook.AliasDeleted, Data: webhook.Alias{Name: name, Alias: alias}})
	})
}
