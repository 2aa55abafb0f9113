package registry

import (
	"context"
	"fmt"
	"strconv"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/lineageedge"
	"github.com/cairnml/cairn/ent/modelalias"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/modelversiontag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

// CreateVersion is what a new version is made of.
type CreateVersion struct {
	Name string
	// Source is runs:/RUN/PATH, models:/LOGGED_MODEL, models:/NAME/VERSION and the like, or the URI of where the files lie.
	Source string
	// RunID of the run that made the model, when the source does not say it: perhaps of another server, with RunLink to it.
	RunID, RunLink string
	// ModelID of the logged model, when the source does not say it.
	ModelID     string
	Description string
	Tags        []tracking.Tag
	// Signature is MLflow's, as JSON or as in the file MLmodel: for sources whose files this server cannot read.
	Signature string
	// CreateModel makes the registered model when there is none.
	CreateModel    bool
	IdempotencyKey string
}

func (in *CreateVersion) check() error {
	if err := CheckName("name", in.Name); err != nil {
		return err
	}
	if err := checkText("source", in.Source, MaxSource); err != nil {
		return err
	}
	if in.Source == "" {
		return errs.Field("source", "name what to register: runs:/RUN/PATH, models:/LOGGED_MODEL, or the URI of the model's files")
	}
	for _, id := range []struct {
		value *string
		parse func(string) (string, error)
	}{{&in.RunID, tracking.ParseRunID}, {&in.ModelID, tracking.ParseModelID}} {
		if *id.value == "" {
			continue
		}
		parsed, err := id.parse(*id.value)
		if err != nil {
			return err
		}
		*id.value = parsed
	}
	if err := checkText("run_link", in.RunLink, MaxSource); err != nil {
		return err
	}
	var err error
	if in.Tags, err = checkTags(in.Tags); err != nil {
		return err
	}
	return checkText("description", in.Description, MaxDescription)
}

// CreateVersion registers a version, under the next number of its model. Its signature and requirements are read from its files
// where they lie in this server's store. NotFound when there is no such model, run or logged model.
func (s *Service) CreateVersion(ctx context.Context, in CreateVersion) (*ent.ModelVersion, error) {
	request := in
	if err := in.check(); err != nil {
		return nil, err
	}
	src, err := s.resolveSource(ctx, in)
	if err != nil {
		return nil, err
	}
	read, err := s.readManifest(ctx, src, in.Signature)
	if err != nil {
		return nil, err
	}
	var out *ent.ModelVersion
	err = s.db.WriteFor(ctx, laneOf(in.Name), func(ctx context.Context, tx *store.Tx) error {
		made, err := store.Once(ctx, tx, "createModelVersion", in.IdempotencyKey, request, func() (string, error) {
			v, err := s.insertVersion(ctx, tx, in, src, read)
			if err != nil {
				return "", err
			}
			return strconv.Itoa(v.ID), nil
		})
		if err != nil {
			return err
		}
		id, err := strconv.Atoi(made)
		if err != nil {
			return fmt.Errorf("idempotency key of a model version: %w", err)
		}
		if out, err = tx.Ent().ModelVersion.Query().Where(modelversion.ID(id)).WithRegisteredModel().Only(ctx); err != nil {
			return fmt.Errorf("read model version: %w", err)
		}
		return nil
	})
	return out, err
}

func (s *Service) insertVersion(ctx context.Context, tx *store.Tx, in CreateVersion, src source, read manifest) (*ent.ModelVersion, error) {
	c, err := s.lock(ctx, tx, in.Name)
	if errs.Is(err, errs.NotFound) && in.CreateModel {
		// Another replica may make it between the look for it and this.
		if _, err = s.insertModel(ctx, tx, CreateModel{Name: in.Name}); err == nil || errs.Is(err, errs.Exists) {
			c, err = s.lock(ctx, tx, in.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	row := tx.Ent().ModelVersion.Create().SetVersion(c.model.NextVersion).SetCreatedAt(c.now).SetUpdatedAt(c.now)
	c.model.NextVersion++
	v, err := c.addVersion(ctx, row, in, src, read)
	if err != nil {
		return nil, err
	}
	if v.ModelID != "" {
		if err := tracking.AddModelVersion(ctx, tx, v.ModelID, in.Name, v.Version); err != nil {
			return nil, err //nolint:wrapcheck // wrapped there
		}
	}
	err = s.tell(ctx, tx, webhook.Told{Event: webhook.VersionCreated, Data: webhook.Version{
		Name: in.Name, Version: strconv.Itoa(v.Version), Source: in.Source, RunID: webhook.Text(v.RunID), Tags: tagMap(in.Tags),
		Description: webhook.Text(in.Description),
	}})
	if err != nil {
		return nil, err
	}
	return v, c.save(ctx)
}

// addVersion stores a version with all that belongs to it. row has its number, its times, and its stage if it is in one.
func (c *change) addVersion(ctx context.Context, row *ent.ModelVersionCreate, in CreateVersion, src source, read manifest) (*ent.ModelVersion, error) {
	v, err := row.SetRegisteredModelID(c.model.ID).SetSource(src.uri).
		SetArtifactLocation(src.location).SetRunID(src.runID).SetRunLink(in.RunLink).SetModelID(src.modelID).
		SetDescription(in.Description).SetCreatedBy(c.by).SetUpdatedBy(c.by).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("create model version: %w", err)
	}
	if err := insertManifest(ctx, c.tx, v.ID, read); err != nil {
		return nil, err
	}
	if err := setVersionTags(ctx, c.tx, v.ID, in.Tags); err != nil {
		return nil, err
	}
	c.changed(v.ID)
	return v, addLineage(ctx, c.tx, v)
}

// insertManifest stores what the files of a version say, if anything.
func insertManifest(ctx context.Context, tx *store.Tx, versionID int, read manifest) error {
	if read == (manifest{}) {
		return nil
	}
	err := tx.Ent().ModelManifest.Create().SetModelVersionID(versionID).SetSignature(read.signature).SetRequirements(read.requirements).
		SetProblem(read.problem).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store what the model's files say: %w", err)
	}
	return nil
}

// addLineage says what a version was made of: its logged model, which leads to the run, or else the run.
func addLineage(ctx context.Context, tx *store.Tx, v *ent.ModelVersion) error {
	from, id := lineageedge.FromTypeLOGGED_MODEL, v.ModelID
	if id == "" {
		from, id = lineageedge.FromTypeRUN, v.RunID
	}
	if id == "" {
		return nil
	}
	return tracking.AddEdge(ctx, tx, from, id, lineageedge.ToTypeMODEL_VERSION, strconv.Itoa(v.ID), "version")
}

// changeVersion runs fn on a version, and gives it as it is then.
func (s *Service) changeVersion(ctx context.Context, name string, version int,
	fn func(ctx context.Context, c *change, v *ent.ModelVersion, update *ent.ModelVersionUpdate) error,
) (*ent.ModelVersion, error) {
	var out *ent.ModelVersion
	_, err := s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		v, err := c.version(ctx, version)
		if err != nil {
			return err
		}
		out = v
		update := c.touch(v)
		if err := fn(ctx, c, v, update); err != nil {
			return err
		}
		if err := update.Exec(ctx); err != nil {
			return fmt.Errorf("update model version: %w", err)
		}
		return nil
	})
	return out, err
}

// DescribeVersion sets the description of a version.
func (s *Service) DescribeVersion(ctx context.Context, name string, version int, description string) (*ent.ModelVersion, error) {
	if err := checkText("description", description, MaxDescription); err != nil {
		return nil, err
	}
	return s.changeVersion(ctx, name, version, func(_ context.Context, _ *change, v *ent.ModelVersion, update *ent.ModelVersionUpdate) error {
		v.Description = description
		update.SetDescription(description)
		return nil
	})
}

// SetVersionTags sets tags of a version.
func (s *Service) SetVersionTags(ctx context.Context, name string, version int, tags []tracking.Tag) (*ent.ModelVersion, error) {
	tags, err := checkTags(tags)
	if err != nil {
		return nil, err
	}
	return s.changeVersion(ctx, name, version, func(ctx context.Context, c *change, v *ent.ModelVersion, _ *ent.ModelVersionUpdate) error {
		told := make([]webhook.Told, len(tags))
		for i, t := range tags {
			told[i] = webhook.Told{Event: webhook.VersionTagSet, Data: webhook.Tag{
				Name: name, Version: strconv.Itoa(version), Key: t.Key, Value: &t.Value,
			}}
		}
		if err := s.tell(ctx, c.tx, told...); err != nil {
			return err
		}
		return setVersionTags(ctx, c.tx, v.ID, tags)
	})
}

func setVersionTags(ctx context.Context, tx *store.Tx, version int, tags []tracking.Tag) error {
	for _, t := range tags {
		err := tx.Ent().ModelVersionTag.Create().SetModelVersionID(version).SetKey(t.Key).SetValue(t.Value).
			SetValuePrefix(store.ValuePrefix(t.Value)).
			OnConflict(entsql.ConflictColumns(modelversiontag.FieldModelVersionID, modelversiontag.FieldKey)).
			UpdateValue().UpdateValuePrefix().Exec(ctx)
		if err != nil {
			return fmt.Errorf("set tag of model version: %w", err)
		}
	}
	return nil
}

// DeleteVersionTag removes a tag of a version. One that is not set is gone already.
func (s *Service) DeleteVersionTag(ctx context.Context, name string, version int, key string) (*ent.ModelVersion, error) {
	if err := tracking.CheckKey("key", key); err != nil {
		return nil, err
	}
	return s.changeVersion(ctx, name, version, func(ctx context.Context, c *change, v *ent.ModelVersion, _ *ent.ModelVersionUpdate) error {
		n, err := c.tx.Ent().ModelVersionTag.Delete().
			Where(modelversiontag.ModelVersionID(v.ID), modelversiontag.Key(key)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete tag of model version: %w", err)
		}
		if n == 0 {
			return nil
		}
		return s.tell(ctx, c.tx, webhook.Told{Event: webhook.VersionTagDeleted, Data: webhook.Tag{
			Name: name, Version: strconv.Itoa(version), Key: key,
		}})
	})
}

// DeleteVersion deletes a version, and the aliases that name it. Its number is not given again.
func (s *Service) DeleteVersion(ctx context.Context, name string, version int, reason string) (*ent.RegisteredModel, error) {
	if err := checkText("reason", reason, MaxReason); err != nil {
		return nil, err
	}
	v, err := s.changeVersion(ctx, name, version, func(ctx context.Context, c *change, v *ent.ModelVersion, update *ent.ModelVersionUpdate) error {
		c.record(ent.ModelHistory{
			Action: modelhistory.ActionDELETION, Version: version, FromStage: v.Stage, ToStage: stageDeleted, Reason: reason,
		})
		v.LifecycleStage, v.Stage = modelversion.LifecycleStageDeleted, stageDeleted
		update.SetLifecycleStage(v.LifecycleStage).SetStage(v.Stage)
		_, err := c.tx.Ent().ModelAlias.Delete().
			Where(modelalias.RegisteredModelID(c.model.ID), modelalias.Version(version)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete aliases: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v.Edges.RegisteredModel, nil
}
