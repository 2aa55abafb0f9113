package registry

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// source is where a version comes from.
type source struct {
	// uri is what the version keeps as its source: what was named or, where that may name another one later, what it named.
	uri string
	// location is where its files lie.
	location       string
	runID, modelID string
}

const storeScheme = "mlflow-artifacts:"

// schemePattern is what a URI begins with; one letter is a drive.
var schemePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:/`)

// resolveSource finds what a version is registered from.
func (s *Service) resolveSource(ctx context.Context, in CreateVersion) (source, error) {
	src := source{uri: in.Source, runID: in.RunID, modelID: in.ModelID}
	var err error
	switch {
	case strings.HasPrefix(in.Source, "runs:"):
		err = s.fromRun(ctx, in.Source, &src)
	case strings.HasPrefix(in.Source, modelScheme):
		err = s.fromModel(ctx, in.Source, &src)
	case strings.HasPrefix(in.Source, storeScheme):
		err = s.fromStore(ctx, in.Source, &src)
	case in.isPrompt():
		src.location = in.Source
	default:
		src.location, err = in.Source, checkRemote(in.Source)
	}
	if err == nil && src.modelID != "" && src.runID == "" {
		src.runID, err = s.sourceRun(ctx, src.modelID)
	}
	return src, err
}

// promptSources are what MLflow's clients give as the source of a prompt, which has its text in a tag, and no files.
var promptSources = []string{"dummy-source", "prompt-template"}

// isPrompt tells whether a version is one of MLflow's prompts. Their tag alone opens no other source.
func (in *CreateVersion) isPrompt() bool {
	is := false
	for _, t := range in.Tags {
		if t.Key == "mlflow.prompt.is_prompt" {
			is = strings.EqualFold(t.Value, "true") // the last counts
		}
	}
	return is && slices.Contains(promptSources, in.Source)
}

// agree says that what the source tells is what the caller tells, if anything.
func agree(field, told string, found string) error {
	switch told {
	case "", found:
		return nil
	}
	if found == "" {
		return errs.Field(field, "is %s, and the source is of none", told)
	}
	return errs.Field(field, "is %s, and the source is of %s", told, found)
}

// fromRun reads runs:/RUN/PATH. The files lie among the run's artifacts or, as clients of MLflow 3 store them, with the run's
// logged model of that name.
func (s *Service) fromRun(ctx context.Context, uri string, src *source) error {
	id, within, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(uri, "runs:"), "/"), "/")
	id, err := tracking.ParseRunID(id)
	if err != nil {
		return errs.Field("source", "%.300q names no run: write runs:/RUN/PATH, with the 32 hex digits of a run", uri)
	}
	within = strings.TrimRight(within, "/")
	if within, err = artifact.CleanPath(within); err != nil {
		return errs.Field("source", "%s", err.Error())
	}
	if err := agree("run_id", src.runID, id); err != nil {
		return err
	}
	r, err := s.db.Ent().Run.Query().Where(run.RunID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return errs.Wrap(errs.NotFound, err, "Run with id=%s not found", id)
	}
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	if r.LifecycleStage != run.LifecycleStageActive {
		return errs.New(errs.Conflict, "The run %s is deleted: restore it before registering what it made", id)
	}
	src.runID, src.location = id, r.ArtifactLocation+"/"+within
	m, err := s.db.Ent().LoggedModel.Query().Where(loggedmodel.SourceRunID(id), loggedmodel.Name(within),
		loggedmodel.LifecycleStageEQ(loggedmodel.LifecycleStageActive)).Order(ent.Desc(loggedmodel.FieldCreatedAt, loggedmodel.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read logged models: %w", err)
	}
	if has, err := s.hasFiles(ctx, src.location); err != nil || has {
		return err
	}
	if err := agree("model_id", src.modelID, m.ModelID); err != nil {
		return err
	}
	src.modelID, src.location = m.ModelID, m.ArtifactLocation
	return nil
}

// hasFiles tells whether there is a file below a location of this server's store.
func (s *Service) hasFiles(ctx context.Context, location string) (bool, error) {
	root, err := artifact.Root(location)
	if err != nil {
		return false, nil //nolint:nilerr // it is in no store of ours
	}
	found, _, err := s.files.List(ctx, root, "", 1)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list files of the model: %w", err)
	}
	return len(found) > 0, nil
}

// fromModel reads models:/m-…, a logged model, or a URI of another version, whose files it then shares.
func (s *Service) fromModel(ctx context.Context, uri string, src *source) error {
	if id, err := tracking.ParseModelID(strings.TrimLeft(strings.TrimPrefix(uri, modelScheme), "/")); err == nil {
		m, err := s.loggedModel(ctx, id)
		if err != nil {
			return err
		}
		if err := agree("model_id", src.modelID, id); err != nil {
			return err
		}
		if src.runID != "" && m.SourceRunID != "" {
			if err := agree("run_id", src.runID, m.SourceRunID); err != nil {
				return err
			}
		}
		src.modelID, src.location = id, m.ArtifactLocation
		return nil
	}
	ref, err := ParseURI(uri)
	if err != nil {
		return errs.Field("source", "%s", err.Error())
	}
	v, err := s.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	if err := agree("run_id", src.runID, v.RunID); err != nil {
		return err
	}
	if err := agree("model_id", src.modelID, v.ModelID); err != nil {
		return err
	}
	src.uri = modelScheme + "/" + ref.Name + "/" + strconv.Itoa(v.Version)
	src.location, src.runID, src.modelID = v.ArtifactLocation, v.RunID, v.ModelID
	return nil
}

// loggedModel gives a logged model that is not deleted.
func (s *Service) loggedModel(ctx context.Context, id string) (*ent.LoggedModel, error) {
	m, err := s.db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(id), loggedmodel.LifecycleStageEQ(loggedmodel.LifecycleStageActive)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, errs.Wrap(errs.NotFound, err, "Logged model with ID %q not found", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read logged model: %w", err)
	}
	return m, nil
}

// sourceRun gives the run that wrote a logged model; "" when it is not known, as of a model of another server.
func (s *Service) sourceRun(ctx context.Context, modelID string) (string, error) {
	found, err := s.db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(modelID)).Select(loggedmodel.FieldSourceRunID).Strings(ctx)
	if err != nil {
		return "", fmt.Errorf("read logged model: %w", err)
	}
	return strings.Join(found, ""), nil
}

// fromStore reads a location in this server's store. It must lie among the artifacts of a run or a logged model: of the one
// that the caller names, or else of the one whose id it has.
func (s *Service) fromStore(ctx context.Context, uri string, src *source) error {
	root, err := artifact.Root(strings.TrimRight(uri, "/"))
	if err != nil {
		return errs.Field("source", "%s", err.Error())
	}
	parts := strings.Split(root, "/")
	for i := len(parts) - 1; i > 0; i-- {
		if parts[i] != "artifacts" {
			continue
		}
		at := storeScheme + "/" + strings.Join(parts[:i+1], "/")
		runs, err := s.db.Ent().Run.Query().Where(run.RunID(parts[i-1]), run.ArtifactLocation(at)).Select(run.FieldRunID).Strings(ctx)
		if err != nil {
			return fmt.Errorf("find the run of a source: %w", err)
		}
		models, err := s.db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(parts[i-1]), loggedmodel.ArtifactLocation(at)).
			Select(loggedmodel.FieldModelID).Strings(ctx)
		if err != nil {
			return fmt.Errorf("find the logged model of a source: %w", err)
		}
		switch {
		case len(runs) > 0:
			src.location = storeScheme + "/" + root
			err := agree("run_id", src.runID, runs[0])
			src.runID = runs[0]
			return err
		case len(models) > 0:
			src.location = storeScheme + "/" + root
			err := agree("model_id", src.modelID, models[0])
			src.modelID = models[0]
			return err
		}
	}
	return errs.Field("source", "%.300q lies among the artifacts of no run and no logged model", uri)
}

// checkRemote judges the URI of files that lie elsewhere. The server never reads them; clients do, so it must be plain where
// they lie. A path of a machine is none of their machines': what is a file of this server's would be read by whoever may
// register.
func checkRemote(uri string) error {
	if !schemePattern.MatchString(uri) || strings.HasPrefix(strings.ToLower(uri), "file:") {
		return errs.Field("source", "Invalid model version source: %.300q. It is the path of a file on one machine; upload the model to a run, and register runs:/RUN/PATH", uri)
	}
	return checkPlain(uri)
}

// checkPlain says that a URI or a path, decoded however often, goes nowhere up and holds nothing that hides where it goes.
func checkPlain(uri string) error {
	for decoded := uri; ; {
		if strings.ContainsFunc(decoded, unicode.IsControl) || strings.Contains(decoded, `\`) ||
			slices.Contains(strings.FieldsFunc(decoded, func(r rune) bool { return r == '/' || r == '?' || r == '#' }), "..") {
			return errs.Field("source", "Invalid model version source: %.300q. It holds .., \\ or a control character, perhaps encoded", uri)
		}
		next := artifact.DecodeOnce(decoded)
		if next == decoded {
			return nil
		}
		decoded = next
	}
}
