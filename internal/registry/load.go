package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// LoadModel is a registered model that comes from another registry, as it stands there.
type LoadModel struct {
	Name, Description    string
	CreatedAt, UpdatedAt int64 // Unix milliseconds
	Tags                 []tracking.Tag
	Versions             []LoadVersion
	// NextVersion is the least number that the next version gets: numbers of deleted ones are not given again.
	NextVersion int
	// Aliases are versions by alias.
	Aliases map[string]int
}

// LoadVersion is a version of such a model. Numbers are kept, with what is missing between them.
type LoadVersion struct {
	CreateVersion
	// Location is where the other registry says that the files lie, for a source that means nothing here. It may be a path of a
	// machine: this server never reads it, and clients on that machine go on reading it.
	Location             string
	Version              int
	Stage                string
	Status               modelversion.Status
	StatusMessage        string
	CreatedAt, UpdatedAt int64
}

// check checks all of the model, and completes it.
func (in *LoadModel) check() (err error) {
	if err := CheckName("name", in.Name); err != nil {
		return err
	}
	if err := checkText("description", in.Description, MaxDescription); err != nil {
		return err
	}
	if in.Tags, err = checkTags(in.Tags); err != nil {
		return err
	}
	slices.SortFunc(in.Versions, func(a, b LoadVersion) int { return a.Version - b.Version })
	last := 0
	numbers := map[int]bool{}
	for i := range in.Versions {
		v := &in.Versions[i]
		v.Name = in.Name
		if v.Version <= last {
			return errs.Field("version", "%d is there twice, or is not positive", v.Version)
		}
		last, numbers[v.Version] = v.Version, true
		if err := v.check(); err != nil {
			return fmt.Errorf("version %d: %w", v.Version, err)
		}
		if v.Stage, err = ParseStage("stage", v.Stage); err != nil {
			return fmt.Errorf("version %d: %w", v.Version, err)
		}
		if err := modelversion.StatusValidator(v.Status); err != nil {
			return errs.Field("status", "%q of version %d is none", v.Status, v.Version)
		}
	}
	for alias, version := range in.Aliases {
		if err := CheckAlias("alias", alias); err != nil {
			return err
		}
		if !numbers[version] {
			return errs.Field("alias", "%q names version %d, which is not there", alias, version)
		}
	}
	return nil
}

// Load stores a registered model with its versions, stages, aliases and tags, all or nothing. The stage of a version is one
// entry of the history, whose reason is given: what led to it is not known here. Exists when the name is taken.
func (s *Service) Load(ctx context.Context, in LoadModel, reason string) error {
	if err := in.check(); err != nil {
		return err
	}
	sources := make([]source, len(in.Versions))
	manifests := make([]manifest, len(in.Versions))
	for i, v := range in.Versions {
		var err error
		if sources[i], err = s.loadSource(ctx, &v); err != nil {
			return fmt.Errorf("version %d: %w", v.Version, err)
		}
		if manifests[i], err = s.readManifest(ctx, sources[i], ""); err != nil {
			return fmt.Errorf("version %d: %w", v.Version, err)
		}
	}
	return s.db.WriteFor(ctx, laneOf(in.Name), func(ctx context.Context, tx *store.Tx) error {
		if err := nameIsFree(ctx, tx, in.Name); err != nil {
			return err
		}
		by := auth.Name(ctx)
		_, err := tx.Ent().RegisteredModel.Create().SetName(in.Name).SetDescription(in.Description).SetCreatedAt(in.CreatedAt).
			SetUpdatedAt(in.UpdatedAt).SetCreatedBy(by).SetUpdatedBy(by).Save(ctx)
		if err != nil {
			return fmt.Errorf("load registered model: %w", err)
		}
		c, err := s.lock(ctx, tx, in.Name)
		if err != nil {
			return err
		}
		if err := setModelTags(ctx, tx, c.model.ID, in.Tags); err != nil {
			return err
		}
		for i := range in.Versions {
			if err := c.load(ctx, &in.Versions[i], sources[i], manifests[i], reason); err != nil {
				return err
			}
		}
		for alias, version := range in.Aliases {
			if err := tx.Ent().ModelAlias.Create().SetRegisteredModelID(c.model.ID).SetAlias(alias).SetVersion(version).
				SetUpdatedAt(c.now).SetUpdatedBy(c.by).Exec(ctx); err != nil {
				return fmt.Errorf("load alias: %w", err)
			}
		}
		c.model.NextVersion = max(c.model.NextVersion, in.NextVersion)
		return c.save(ctx)
	})
}

// loadSource finds out where the files of a version lie: as its source says or, where that names nothing here, where they lay.
func (s *Service) loadSource(ctx context.Context, in *LoadVersion) (source, error) {
	src, err := s.resolveSource(ctx, in.CreateVersion)
	if !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Invalid) {
		return src, err
	}
	at := cmp.Or(in.Location, in.Source)
	for _, here := range []string{"runs:", modelScheme, storeScheme} {
		if strings.HasPrefix(at, here) {
			return source{}, err
		}
	}
	return source{uri: in.Source, location: at, runID: in.RunID}, checkPlain(at)
}

func (c *change) load(ctx context.Context, in *LoadVersion, src source, read manifest, reason string) error {
	row := c.tx.Ent().ModelVersion.Create().SetVersion(in.Version).SetStage(in.Stage).SetStatus(in.Status).SetStatusMessage(in.StatusMessage).
		SetCreatedAt(in.CreatedAt).SetUpdatedAt(in.UpdatedAt)
	if _, err := c.addVersion(ctx, row, in.CreateVersion, src, read); err != nil {
		return err
	}
	c.model.NextVersion = in.Version + 1
	if in.Stage != StageNone {
		c.record(ent.ModelHistory{
			Action: modelhistory.ActionTRANSITION, Version: in.Version, FromStage: StageNone, ToStage: in.Stage, Reason: reason,
		})
	}
	return nil
}
