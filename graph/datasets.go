package graph

import (
	"context"
	"maps"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/tracking"
)

func datasetID(d *ent.Dataset) int { return d.ID }

func (r *Resolver) listDatasets(ctx context.Context, experiments []string, first *int, after *string) (*model.DatasetConnection, error) {
	ids, err := experimentIDs(experiments)
	if err != nil {
		return nil, err
	}
	below, err := numberCursor(after)
	if err != nil {
		return nil, err
	}
	found, more, err := r.Tracking.Datasets(ctx, ids, int(below), valueOr(first, defaultFirst))
	if err != nil {
		return nil, err
	}
	announce(ctx, found)
	cursors := make([]string, len(found))
	out := &model.DatasetConnection{Edges: make([]*model.DatasetEdge, len(found))}
	for i, d := range found {
		cursors[i] = changeCursor(int64(d.ID))
		out.Edges[i] = &model.DatasetEdge{Node: d, Cursor: cursors[i]}
	}
	out.PageInfo = pageInfo(cursors, more, after)
	return out, nil
}

func (r *Resolver) findDataset(ctx context.Context, id string) (*ent.Dataset, error) {
	n, err := parseDatasetID(id)
	if err != nil {
		return nil, err
	}
	return r.Tracking.Dataset(ctx, n)
}

func (r *Resolver) experimentOfDataset(ctx context.Context, d *ent.Dataset) (*ent.Experiment, error) {
	return experimentFor(ctx, r, d, func(d *ent.Dataset) int { return d.ExperimentID })
}

func (r *Resolver) contextsOf(ctx context.Context, d *ent.Dataset) ([]string, error) {
	found, err := forSiblings(ctx, d, "contexts", ofIDs(datasetID, r.Tracking.ContextsOf))
	return packed(found), err
}

// inputsOf gives what runs read. A data set that several read is one object, so that what it needs is loaded once.
func (r *Resolver) inputsOf(ctx context.Context, run *ent.Run) ([]*model.RunInput, error) {
	found, err := forSiblings(ctx, run, "inputs", func(ctx context.Context, runs []*ent.Run) (map[*ent.Run][]*ent.RunInput, error) {
		byRun, err := ofRuns(r.Tracking.InputsOf)(ctx, runs)
		var all []*ent.Dataset
		for _, inputs := range byRun {
			for _, in := range inputs {
				all = append(all, in.Edges.Dataset)
			}
		}
		announce(ctx, all)
		return byRun, err
	})
	out := make([]*model.RunInput, len(found))
	for i, in := range found {
		read := &model.RunInput{Dataset: in.Edges.Dataset, Context: in.Context, Tags: []*model.Tag{}}
		for _, key := range slices.Sorted(maps.Keys(in.Tags)) {
			read.Tags = append(read.Tags, &model.Tag{Key: key, Value: in.Tags[key]})
		}
		out[i] = read
	}
	return out, err
}

func (r *Resolver) logInputs(ctx context.Context, in model.LogInputsInput) (*ent.Run, error) {
	runID, err := parsed(tracking.ParseRunID, "runId", in.RunID)
	if err != nil {
		return nil, err
	}
	models := make([]string, len(in.Models))
	for i, id := range in.Models {
		if models[i], err = tracking.ParseModelID(id); err != nil {
			return nil, inList(err, "models", i)
		}
	}
	return r.Tracking.LogInputs(ctx, runID, inputs(in.Datasets), models)
}

func (r *Resolver) logOutputs(ctx context.Context, in model.LogOutputsInput) (*ent.Run, error) {
	runID, err := parsed(tracking.ParseRunID, "runId", in.RunID)
	if err != nil {
		return nil, err
	}
	outputs := make([]tracking.Output, len(in.Models))
	for i, o := range in.Models {
		id, err := parsed(tracking.ParseModelID, element("models", i)+".modelId", o.ModelID)
		if err != nil {
			return nil, err
		}
		outputs[i] = tracking.Output{ModelID: id, Step: o.Step}
	}
	return r.Tracking.LogOutputs(ctx, runID, outputs)
}
