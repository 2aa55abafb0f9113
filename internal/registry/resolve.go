package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelalias"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/internal/errs"
)

// Ref names a version of a registered model. It is read and resolved the same way everywhere: of a URI of models, of the
// arguments of a query, and of a request of MLflow's.
type Ref struct {
	Name string
	// One of these says which version; Latest, the one with the highest number.
	Version int
	Stage   string // the newest version in it
	Alias   string
	Latest  bool
}

const modelScheme = "models:"

// ParseURI reads models:/NAME/3, models:/NAME/Production, models:/NAME@ALIAS or models:/NAME/latest. Errors: Invalid for
// anything else, also for models:/m-…, which names a logged model.
func ParseURI(uri string) (Ref, error) {
	rest, ok := strings.CutPrefix(uri, modelScheme)
	rest = strings.TrimLeft(rest, "/")
	name, which, slash := strings.Cut(rest, "/")
	ref := Ref{Name: name}
	switch {
	case !ok || rest == "":
		return Ref{}, badURI(uri)
	case !slash:
		at := strings.LastIndexByte(rest, '@')
		if at < 0 {
			return Ref{}, badURI(uri)
		}
		ref.Name, ref.Alias = rest[:at], rest[at+1:]
		if ref = ref.clear(); ref.Latest {
			break
		}
		if err := CheckAlias("uri", ref.Alias); err != nil {
			return Ref{}, err
		}
	case which == "" || strings.Contains(which, "/"):
		return Ref{}, badURI(uri)
	case isDigits(which):
		n, err := strconv.Atoi(which)
		if err != nil || n < 1 || int64(n) > maxVersion {
			return Ref{}, badURI(uri)
		}
		ref.Version = n
	case strings.EqualFold(which, "latest"):
		ref.Latest = true
	default:
		stage, err := ParseStage("uri", which)
		if err != nil {
			return Ref{}, err
		}
		ref.Stage = stage
	}
	return ref, CheckName("uri", ref.Name)
}

// maxVersion is the greatest number that MLflow's clients know.
const maxVersion = 1<<31 - 1

func badURI(uri string) error {
	return errs.Field("uri", "%.300q names no model version: write models:/NAME/VERSION, models:/NAME/STAGE, models:/NAME@ALIAS or models:/NAME/latest", uri)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// clear reads the alias that stands for the newest version in each client's eyes: models:/NAME@latest.
func (r Ref) clear() Ref {
	if strings.EqualFold(r.Alias, "latest") && !r.Latest {
		r.Alias, r.Latest = "", true
	}
	return r
}

func (r Ref) check() error {
	if err := CheckName("name", r.Name); err != nil {
		return err
	}
	ways := 0
	for _, given := range []bool{r.Version != 0, r.Stage != "", r.Alias != "", r.Latest} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errs.New(errs.Invalid, "name the version of %.260q in one way: by its number, a stage, an alias, or as the latest", r.Name)
	case r.Version < 0 || int64(r.Version) > maxVersion:
		return errs.Field("version", "is %d; versions are numbered from 1 on", r.Version)
	case r.Alias != "":
		return CheckAlias("alias", r.Alias)
	}
	return nil
}

// ErrNoAlias is the cause where a model is there and has no such alias, for shells that tell it from a model that is not there.
var ErrNoAlias = errors.New("the model has no such alias")

// Resolve finds the version that a reference names. NotFound when there is none.
func (s *Service) Resolve(ctx context.Context, ref Ref) (*ent.ModelVersion, error) {
	ref = ref.clear()
	if err := ref.check(); err != nil {
		return nil, err
	}
	query := s.db.Ent().ModelVersion.Query().Where(modelversion.LifecycleStageEQ(modelversion.LifecycleStageActive)).
		Order(ent.Desc(modelversion.FieldVersion))
	m, err := s.db.Ent().RegisteredModel.Query().Where(registeredmodel.Name(ref.Name)).Only(ctx)
	if err != nil {
		return nil, modelNotFound(err, ref.Name)
	}
	query.Where(modelversion.RegisteredModelID(m.ID))
	what := "version"
	switch {
	case ref.Alias != "":
		a, err := s.db.Ent().ModelAlias.Query().Where(modelalias.RegisteredModelID(m.ID), modelalias.Alias(ref.Alias)).Only(ctx)
		if ent.IsNotFound(err) {
			return nil, errs.Wrap(errs.NotFound, ErrNoAlias, "Registered model alias %s not found: %.260q has none of this name", ref.Alias, m.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("read alias: %w", err)
		}
		query.Where(modelversion.Version(a.Version))
	case ref.Stage != "":
		stage, err := ParseStage("stage", ref.Stage)
		if err != nil {
			return nil, err
		}
		query.Where(modelversion.Stage(stage))
		what = "version in " + stage
	case ref.Version != 0:
		query.Where(modelversion.Version(ref.Version))
	}
	v, err := query.First(ctx)
	switch {
	case ent.IsNotFound(err) && ref.Version != 0:
		return nil, versionNotFound(err, m.Name, ref.Version)
	case ent.IsNotFound(err):
		return nil, errs.Wrap(errs.NotFound, err, "Registered Model with name=%.260s has no %s", m.Name, what)
	case err != nil:
		return nil, fmt.Errorf("read model version: %w", err)
	}
	v.Edges.RegisteredModel = m
	return v, nil
}

// Version gives a version by its number. NotFound when there is none, or it is deleted.
func (s *Service) Version(ctx context.Context, name string, version int) (*ent.ModelVersion, error) {
	if version < 1 {
		return nil, errs.Field("version", "is %d; versions are numbered from 1 on", version)
	}
	return s.Resolve(ctx, Ref{Name: name, Version: version})
}
