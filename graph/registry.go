package graph

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/tracking"
)

// The functions of this file decode what is asked of the registry.

// versionRef reads a reference to a version.
func versionRef(in model.ModelVersionRef) (registry.Ref, error) {
	if in.URI != nil {
		if in.Name != nil || in.Version != nil || in.Stage != nil || in.Alias != nil || in.Latest != nil {
			return registry.Ref{}, errs.Field("uri", "names the version a second time: give the uri, or the name and which version")
		}
		return registry.ParseURI(*in.URI)
	}
	if in.Version != nil && *in.Version < 1 {
		return registry.Ref{}, errs.Field("version", "is %d; versions are numbered from 1 on", *in.Version)
	}
	return registry.Ref{
		Name: valueOr(in.Name, ""), Version: valueOr(in.Version, 0), Stage: valueOr(in.Stage, ""), Alias: valueOr(in.Alias, ""),
		Latest: valueOr(in.Latest, false),
	}, nil
}

func (r *Resolver) resolveVersion(ctx context.Context, in model.ModelVersionRef) (*ent.ModelVersion, error) {
	ref, err := versionRef(in)
	if err != nil {
		return nil, err
	}
	return r.Registry.Resolve(ctx, ref)
}

func (r *Resolver) createModelVersion(ctx context.Context, in model.CreateModelVersionInput) (*ent.ModelVersion, error) {
	return r.Registry.CreateVersion(ctx, registry.CreateVersion{
		Name: in.Name, Source: in.Source, RunID: valueOr(in.RunID, ""), RunLink: valueOr(in.RunLink, ""), ModelID: valueOr(in.ModelID, ""),
		Description: in.Description, Tags: tags(in.Tags), Signature: valueOr(in.Signature, ""), CreateModel: in.CreateModel,
		IdempotencyKey: valueOr(in.IdempotencyKey, ""),
	})
}

func (r *Resolver) setModelRule(ctx context.Context, in model.SetModelRuleInput) (*ent.ModelRule, error) {
	return r.Registry.SetRule(ctx, registry.Rule{
		Name: in.Name, Stage: in.Stage, Kind: in.Kind, Key: in.Key, Value: in.Value, Goal: modelrule.Goal(in.Goal), Margin: in.Margin,
	})
}

func oneTag(key, value string) []tracking.Tag { return []tracking.Tag{{Key: key, Value: value}} }

func (r *Resolver) compareVersions(ctx context.Context, from, to model.ModelVersionRef) (*model.ModelVersionComparison, error) {
	a, err := versionRef(from)
	if err != nil {
		return nil, err
	}
	b, err := versionRef(to)
	if err != nil {
		return nil, err
	}
	found, err := r.Registry.Compare(ctx, a, b)
	if err != nil {
		return nil, err
	}
	announce(ctx, []*ent.ModelVersion{found.From, found.To})
	return versionComparison(found), nil
}

func versionComparison(c *registry.Comparison) *model.ModelVersionComparison {
	out := &model.ModelVersionComparison{
		From: c.From, To: c.To, Verdict: model.SchemaVerdict(c.Verdict), Schema: make([]*model.SchemaChange, len(c.Schema)),
		Params: textChanges(c.Params), Dependencies: textChanges(c.Dependencies), Metrics: make([]*model.MetricChange, len(c.Metrics)),
		Data: make([]*model.DataChange, len(c.Data)), Parts: append([]string{}, c.Parts...), Complete: c.Complete,
	}
	for i, s := range c.Schema {
		out.Schema[i] = &model.SchemaChange{
			Part: model.SchemaPart(s.Part), Name: s.Name, From: textOrNull(s.From), To: textOrNull(s.To), Breaks: s.Breaks, Why: s.Why,
		}
	}
	for i, m := range c.Metrics {
		out.Metrics[i] = &model.MetricChange{Key: m.Key, From: m.From, To: m.To}
	}
	for i, d := range c.Data {
		out.Data[i] = &model.DataChange{
			Name: d.Name, Context: d.Context, FromDigest: textOrNull(d.FromDigest), ToDigest: textOrNull(d.ToDigest),
		}
	}
	return out
}

func textChanges(in []registry.TextChange) []*model.TextChange {
	out := make([]*model.TextChange, len(in))
	for i, c := range in {
		out[i] = &model.TextChange{Key: c.Key, From: c.From, To: c.To}
	}
	return out
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// findRegisteredModel and findModelVersion find nodes by what numbered made.
func (r *Resolver) findRegisteredModel(ctx context.Context, id string) (*ent.RegisteredModel, error) {
	n, err := parseNumbered(registeredModelPrefix, id)
	if err != nil {
		return nil, err
	}
	found, err := r.Registry.ModelsByID(ctx, []int{n})
	if err != nil {
		return nil, err
	}
	if m := found[n]; m != nil && m.LifecycleStage == registeredmodel.LifecycleStageActive {
		return m, nil
	}
	return nil, errs.New(errs.NotFound, "no registered model has the id %.60s", id)
}

func (r *Resolver) findModelVersion(ctx context.Context, id string) (*ent.ModelVersion, error) {
	n, err := parseNumbered(modelVersionPrefix, id)
	if err != nil {
		return nil, err
	}
	found, err := r.Registry.VersionsByID(ctx, []int{n})
	if err != nil {
		return nil, err
	}
	if v := found[n]; v != nil && v.LifecycleStage == modelversion.LifecycleStageActive {
		return v, nil
	}
	return nil, errs.New(errs.NotFound, "no model version has the id %.60s", id)
}

// at is a point in time that a query gives.
func at(millis int64) time.Time { return time.UnixMilli(millis) }

func parseNumbered(prefix, id string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, prefix))
	if err != nil || n < 0 {
		return 0, errs.Field("id", "%.60q is not a global id: a number follows %s", id, prefix)
	}
	return n, nil
}
