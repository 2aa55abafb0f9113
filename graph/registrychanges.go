package graph

import (
	"context"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
)

// versionFeed is the state of one Subscription.modelVersionsChanged.
type versionFeed struct {
	resolver *Resolver
	names    []string
	next     int64
	// greet: the first event has the cursor alone, so that a client can reconnect before anything has changed.
	greet bool
}

// followVersions answers Subscription.modelVersionsChanged. Names are looked up for each event: a model that is made later, or gets
// a name later, is followed from then on.
func (r *Resolver) followVersions(ctx context.Context, names []string, after *string, maxRate *float64) (<-chan *model.ModelVersionsChanged, error) {
	pace, err := eventPace(maxRate)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := registry.CheckName("names", name); err != nil {
			return nil, err
		}
	}
	feed := &versionFeed{resolver: r, names: names}
	// Nothing of runs is read: what was purged of them is not missed.
	if feed.next, feed.greet, err = r.changesFrom(ctx, []int{}, after); err != nil {
		return nil, err
	}
	return follow(ctx, r, following[model.ModelVersionsChanged]{
		match: func(e live.Event) bool { return e.RegisteredModelID != 0 }, interval: pace, read: feed.read,
	}), nil
}

func (f *versionFeed) read(ctx context.Context) (*model.ModelVersionsChanged, bool, error) {
	if f.greet {
		f.greet = false
		return &model.ModelVersionsChanged{Changes: []*model.ModelVersionChange{}, Cursor: changeCursor(f.next)}, true, nil
	}
	changed, next, err := f.resolver.Registry.ChangesSince(ctx, f.names, f.next, eventChanges)
	if err != nil || len(changed) == 0 {
		return nil, false, err
	}
	f.next = next
	out := &model.ModelVersionsChanged{Changes: make([]*model.ModelVersionChange, len(changed)), Cursor: changeCursor(next)}
	for i, v := range changed {
		out.Changes[i] = versionChange(v)
	}
	return out, len(changed) == eventChanges, nil
}

func versionChange(v *ent.ModelVersion) *model.ModelVersionChange {
	c := &model.ModelVersionChange{
		Kind: model.ModelVersionChangeKindUpdated, Name: registry.NameOf(v), Version: v.Version, ModelVersion: v,
	}
	if v.LifecycleStage != modelversion.LifecycleStageActive {
		c.Kind, c.ModelVersion = model.ModelVersionChangeKindDeleted, nil
	}
	return c
}

// announceVersions makes the versions of an event siblings.
func announceVersions(ctx context.Context, event *model.ModelVersionsChanged) []*model.ModelVersionChange {
	versions := make([]*ent.ModelVersion, 0, len(event.Changes))
	for _, change := range event.Changes {
		if change.ModelVersion != nil {
			versions = append(versions, change.ModelVersion)
		}
	}
	announce(ctx, versions)
	return event.Changes
}
