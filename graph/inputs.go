package graph

import (
	"context"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// The functions of this file decode the inputs of mutations, and objects' ids, for the core.

func onRun(ctx context.Context, id string, do func(context.Context, string) (*ent.Run, error)) (*ent.Run, error) {
	runID, err := parsed(tracking.ParseRunID, "runId", id)
	if err != nil {
		return nil, err
	}
	return do(ctx, runID)
}

func onExperiment(ctx context.Context, id string, do func(context.Context, int) (*ent.Experiment, error)) (*ent.Experiment, error) {
	number, err := parsed(tracking.ParseExperimentID, "experimentId", id)
	if err != nil {
		return nil, err
	}
	return do(ctx, number)
}

// setTag is a batch of one tag.
func (r *Resolver) setTag(ctx context.Context, id, key, value string) (*ent.Run, error) {
	_, err := r.Tracking.LogBatch(ctx, tracking.Batch{RunID: id, Tags: []tracking.Tag{{Key: key, Value: value}}})
	if e, ok := err.(*errs.Error); ok { //nolint:errorlint // the core gives it bare
		e.Field = strings.TrimPrefix(e.Field, "tags[0].")
	}
	return r.changed(ctx, id, err)
}

// changed gives a run as it is after a change that gives none.
func (r *Resolver) changed(ctx context.Context, id string, err error) (*ent.Run, error) {
	if err != nil {
		return nil, err
	}
	return r.Tracking.Run(ctx, id)
}

func (r *Resolver) createRun(ctx context.Context, in model.CreateRunInput) (*ent.Run, error) {
	out := tracking.CreateRun{
		ExperimentName: valueOr(in.ExperimentName, ""), RunID: valueOr(in.RunID, ""), Name: valueOr(in.Name, ""),
		ParentRunID: valueOr(in.ParentRunID, ""), UserID: valueOr(in.UserID, ""), StartTime: valueOr(in.StartTime, 0),
		Tags: tags(in.Tags), LeaseSeconds: valueOr(in.LeaseSeconds, 0), IdempotencyKey: valueOr(in.IdempotencyKey, ""),
	}
	if in.ExperimentID != nil {
		if in.ExperimentName != nil {
			return nil, errs.Field("experimentName", "names the experiment a second time: give experimentId or experimentName")
		}
		id, err := parsed(tracking.ParseExperimentID, "experimentId", *in.ExperimentID)
		if err != nil {
			return nil, err
		}
		out.ExperimentID = &id
	}
	return r.Tracking.CreateRun(ctx, out)
}

func (r *Resolver) finishRun(ctx context.Context, in model.FinishRunInput) (*ent.Run, error) {
	if in.Status == run.StatusRUNNING || in.Status == run.StatusSCHEDULED {
		return nil, errs.Field("status", "%s does not end a run: it is FINISHED, FAILED or KILLED", in.Status)
	}
	return onRun(ctx, in.RunID, func(ctx context.Context, id string) (*ent.Run, error) {
		return r.Tracking.UpdateRun(ctx, tracking.UpdateRun{RunID: id, Status: &in.Status, StatusReason: in.Reason, EndTime: in.EndTime})
	})
}

func (r *Resolver) appendRunLog(ctx context.Context, in model.AppendRunLogInput) (int64, error) {
	id, err := parsed(tracking.ParseRunID, "runId", in.RunID)
	if err != nil {
		return 0, err
	}
	return r.Tracking.AppendRunLog(ctx, tracking.AppendRunLog{
		RunID: id, Stream: runlogchunk.Stream(in.Stream), Text: in.Text, Time: valueOr(in.Time, 0),
		Client: valueOr(in.Client, ""), Sequence: valueOr(in.Sequence, 0),
	})
}

func (r *Resolver) recordFingerprint(ctx context.Context, in model.RecordFingerprintInput) (*ent.Fingerprint, error) {
	id, err := parsed(tracking.ParseRunID, "runId", in.RunID)
	if err != nil {
		return nil, err
	}
	return r.Tracking.RecordFingerprint(ctx, id, ent.Fingerprint{
		CodeHash: in.CodeHash, DataHash: in.DataHash, DependenciesHash: in.DependenciesHash, SeedsHash: in.SeedsHash,
		CommandHash: in.CommandHash, HardwareHash: in.HardwareHash, Detail: in.Detail,
	})
}

func inputs(in []*model.DatasetInput) []tracking.Input {
	out := make([]tracking.Input, len(in))
	for i, d := range in {
		out[i] = tracking.Input{Context: d.Context, Dataset: tracking.Dataset{
			Name: d.Name, Digest: d.Digest, SourceType: d.SourceType, Source: d.Source, Schema: d.Schema, Profile: d.Profile,
		}, Tags: tags(d.Tags)}
	}
	return out
}

func (r *Resolver) createLoggedModel(ctx context.Context, in model.CreateLoggedModelInput) (*ent.LoggedModel, error) {
	out := tracking.CreateLoggedModel{
		ModelID: valueOr(in.ModelID, ""), Name: in.Name, ModelType: in.ModelType,
		Params: params(in.Params), Tags: tags(in.Tags), IdempotencyKey: valueOr(in.IdempotencyKey, ""),
	}
	var err error
	if in.SourceRunID != nil {
		if out.SourceRunID, err = parsed(tracking.ParseRunID, "sourceRunId", *in.SourceRunID); err != nil {
			return nil, err
		}
	}
	if in.ExperimentID != nil {
		id, err := parsed(tracking.ParseExperimentID, "experimentId", *in.ExperimentID)
		if err != nil {
			return nil, err
		}
		out.ExperimentID = &id
	}
	return r.Tracking.CreateLoggedModel(ctx, out)
}

// updateExperiment changes what is given; with nothing given it only reads.
func (r *Resolver) updateExperiment(ctx context.Context, in model.UpdateExperimentInput) (*ent.Experiment, error) {
	return onExperiment(ctx, in.ExperimentID, func(ctx context.Context, id int) (*ent.Experiment, error) {
		if in.Name == nil {
			return r.Tracking.Experiment(ctx, id)
		}
		return r.Tracking.RenameExperiment(ctx, id, *in.Name)
	})
}

func (r *Resolver) findExperiment(ctx context.Context, id, name *string) (*ent.Experiment, error) {
	switch {
	case (id == nil) == (name == nil):
		return nil, errs.Field("id", "name the experiment either by id or by name")
	case name != nil:
		return r.Tracking.ExperimentByName(ctx, *name)
	}
	number, err := parsed(tracking.ParseExperimentID, "id", *id)
	if err != nil {
		return nil, err
	}
	return r.Tracking.Experiment(ctx, number)
}

func (r *Resolver) findRun(ctx context.Context, id string) (*ent.Run, error) {
	runID, err := parsed(tracking.ParseRunID, "id", id)
	if err != nil {
		return nil, err
	}
	return r.Tracking.Run(ctx, runID)
}

func (r *Resolver) findModel(ctx context.Context, id string) (*ent.LoggedModel, error) {
	modelID, err := parsed(tracking.ParseModelID, "id", id)
	if err != nil {
		return nil, err
	}
	return r.Tracking.LoggedModel(ctx, modelID)
}

// node finds any object by its global id.
func (r *Resolver) node(ctx context.Context, id string) (model.Node, error) {
	switch prefix, rest, _ := strings.Cut(id, ":"); prefix + ":" {
	case experimentPrefix:
		return asNode(r.findExperiment(ctx, &id, nil))
	case runPrefix:
		return asNode(r.findRun(ctx, id))
	case modelPrefix:
		return asNode(r.findModel(ctx, id))
	case datasetPrefix:
		number, err := parseDatasetID(id)
		if err != nil {
			return nil, err
		}
		return asNode(r.Tracking.Dataset(ctx, number))
	case registeredModelPrefix:
		return asNode(r.findRegisteredModel(ctx, id))
	case modelVersionPrefix:
		return asNode(r.findModelVersion(ctx, id))
	case webhookPrefix:
		if err := auth.Require(ctx, roles["Query.webhook"]); err != nil {
			return nil, err
		}
		return asNode(r.Webhooks.Get(ctx, rest))
	case tokenPrefix:
		return asNode(r.findToken(ctx, rest))
	}
	return nil, errs.Field("id", "%.60q is not a global id: it begins with experiment:, run:, model:, dataset:, registeredModel:, modelVersion:, webhook: or token:", id)
}

// asNode gives an object as a node, and nothing where there is none: a nil pointer in an interface would be something.
func asNode[T any, P interface {
	*T
	model.Node
}](object P, err error) (model.Node, error) {
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // null is GraphQL's word for none
	}
	if err != nil {
		return nil, err
	}
	return object, nil
}

// findToken gives a token to who may see tokens.
func (r *Resolver) findToken(ctx context.Context, name string) (*ent.Token, error) {
	if err := auth.Require(ctx, roles["Query.tokens"]); err != nil {
		return nil, err
	}
	all, err := r.Auth.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, errs.New(errs.NotFound, "no token is named %q", name)
}

func (r *Resolver) viewer(ctx context.Context) (*model.Viewer, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return nil, errs.New(errs.Unauthenticated, "nobody is asking")
	}
	return &model.Viewer{Principal: p.Name, Role: p.Role, ServerVersion: r.options.Version}, nil
}

func (r *Resolver) createToken(ctx context.Context, in model.CreateTokenInput) (*model.CreatedToken, error) {
	made, secret, err := r.Auth.CreateTokenOnce(ctx, valueOr(in.IdempotencyKey, ""), in.Name, in.Role, in.ExpiresAt)
	if err != nil {
		return nil, err
	}
	return &model.CreatedToken{Token: made, Secret: textOrNull(secret)}, nil
}
