package mlflowimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

const (
	// ownersAtOnce and filesAtOnce bound what is copied at the same time: each file waits for a disk or a network.
	ownersAtOnce = 4
	filesAtOnce  = 8
	// proxied is how runs name places in the store of MLflow's own server.
	proxied = "mlflow-artifacts:"
)

// owned is a run or a logged model of MLflow's, and the place that it names.
type owned struct{ id, location string }

// ownerKind is what the two that have artifacts differ in.
type ownerKind struct {
	what string
	// page reads the next of them after one, in the order of their ids.
	page string
	// end is how the place of one ends, before "/ID/artifacts".
	end  string
	here func(context.Context, store.Querier, []string) (map[string]tracking.ArtifactPlace, error)
	take func(context.Context, *store.DB, tracking.ArtifactPlace) error
}

var (
	runOwners = ownerKind{"artifacts of run", "SELECT run_uuid, COALESCE(artifact_uri, '') FROM runs WHERE run_uuid > ? ORDER BY run_uuid LIMIT ?", "",
		tracking.RunArtifacts, tracking.TakeRunArtifacts}
	modelOwners = ownerKind{"files of logged model", "SELECT model_id, COALESCE(artifact_location, '') FROM logged_models WHERE model_id > ? " +
		"ORDER BY model_id LIMIT ?", "/models", tracking.ModelArtifacts, tracking.TakeModelArtifacts}
)

// copier copies artifacts from the places of MLflow's into Cairn's store.
type copier struct {
	*target
	origins  []*artifact.Origin
	progress func(Progress)
	// of guards the report and what is told.
	of   sync.Mutex
	done Progress
}

// openOrigins opens the places to copy from. The caller closes them, also after an error.
func openOrigins(locations []string) (origins []*artifact.Origin, err error) {
	for _, location := range locations {
		from, err := artifact.OpenOrigin(location)
		if err != nil {
			return origins, err //nolint:wrapcheck // an error for users already
		}
		origins = append(origins, from)
	}
	return origins, nil
}

func closeOrigins(origins []*artifact.Origin) (err error) {
	for _, from := range origins {
		err = errors.Join(err, from.Close())
	}
	return err
}

// artifacts copies what runs and logged models have in the places that are to be copied.
func (t *target) artifacts(ctx context.Context, s *Source, origins []*artifact.Origin, progress func(Progress)) error {
	if len(origins) == 0 {
		return nil
	}
	c := &copier{target: t, origins: origins, progress: progress, done: Progress{Doing: "copying artifacts", Copying: true}}
	kinds := []ownerKind{runOwners}
	if s.loggedModels {
		kinds = append(kinds, modelOwners)
	}
	for _, kind := range kinds {
		n, err := s.count(ctx, "SELECT COUNT(*) FROM ("+strings.Split(kind.page, " WHERE ")[0]+") AS owners")
		if err != nil {
			return err
		}
		c.done.Of += n
	}
	for _, kind := range kinds {
		if err := c.all(ctx, s, kind); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) all(ctx context.Context, s *Source, kind ownerKind) error {
	for last := ""; ; {
		var page []owned
		var ids []string
		err := store.EachRow(ctx, s.look.Read(), kind.page, []any{last, pageRuns}, func(rows *sql.Rows) error {
			var o owned
			err := rows.Scan(&o.id, &o.location)
			page, ids = append(page, o), append(ids, o.id)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		last = ids[len(ids)-1]
		places := map[string]tracking.ArtifactPlace{}
		if c.here != nil {
			if places, err = kind.here(ctx, c.here, ids); err != nil {
				return err
			}
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(ownersAtOnce)
		for _, o := range page {
			place, there := places[o.id]
			if !there && c.db != nil || s.others[o.id] {
				continue // it was left out, or is there as something else, and is named already
			}
			group.Go(func() error { return c.owner(ctx, kind, o, place) })
		}
		if err := group.Wait(); err != nil {
			return err //nolint:wrapcheck // says what
		}
	}
}

// owner copies the artifacts of a run or a logged model and, once all of them are here, lets it name this place.
func (c *copier) owner(ctx context.Context, kind ownerKind, o owned, place tracking.ArtifactPlace) error {
	defer c.tell(func(p *Progress) { p.Runs++ })
	from, dir, err := c.find(ctx, kind, o)
	if err != nil {
		return err
	}
	if from == nil {
		if !strings.HasPrefix(o.location, proxied) {
			c.note(func(r *Report) { r.Elsewhere++ })
		}
		return nil
	}
	root := ""
	if place.Own != "" { // else it is not here yet, in a dry run
		if root, err = artifact.Root(place.Own); err != nil {
			return fmt.Errorf("%s %s: %w", kind.what, o.id, err)
		}
	}
	var runPK int
	if kind.end == "" {
		runPK = place.PK
	}
	var left error
	files, within := errgroup.WithContext(ctx)
	files.SetLimit(filesAtOnce)
	err = from.Each(ctx, dir, func(name string, size int64, refused error) error {
		if refused != nil {
			c.note(func(r *Report) { r.Artifacts.MLflow++; left = errors.Join(left, refused) })
			return nil //nolint:nilerr // it is told with the others
		}
		if err := within.Err(); err != nil {
			return err //nolint:wrapcheck // the file's own error is what counts
		}
		files.Go(func() error {
			failed, err := c.file(within, from, dir+"/"+name, runPK, root, name, size)
			if failed != nil {
				c.note(func(*Report) { left = errors.Join(left, failed) })
			}
			return err
		})
		return nil
	})
	if failed := files.Wait(); failed != nil {
		err = failed
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", kind.what, o.id, err)
	case left != nil:
		first, more, _ := strings.Cut(left.Error(), "\n")
		if more != "" {
			first = fmt.Sprintf("%s; and %d more", first, strings.Count(more, "\n")+1)
		}
		c.note(func(r *Report) {
			r.problem(kind.what, o.id, errs.Wrap(errs.Invalid, left, "not all were copied, and it goes on naming %s: %s", place.Location, first))
		})
		return nil
	case c.db == nil || place.Own == place.Location:
		return nil
	}
	return kind.take(ctx, c.db, place)
}

// find finds the folder of an owner in one of the places that are copied: where it says, or, of one in the store of MLflow's server
// and of what was moved, by the end of that. nil where it is in none. It must be the owner's own: who reads and removes artifacts
// here goes by that.
func (c *copier) find(ctx context.Context, kind ownerKind, o owned) (*artifact.Origin, string, error) {
	location := strings.TrimSuffix(o.location, "/")
	end := kind.end + "/" + o.id + "/artifacts"
	if !strings.HasSuffix(location, end) {
		return nil, "", nil
	}
	for _, from := range c.origins {
		if dir, ok := from.Within(location); ok {
			return from, dir, nil
		}
	}
	dir, ok := belowStore(location)
	if !ok { // the experiment's folder is the last thing before
		before := strings.TrimSuffix(location, end)
		dir = before[strings.LastIndex(before, "/")+1:] + end
	}
	if _, err := artifact.CleanPath(dir); err != nil {
		return nil, "", nil //nolint:nilerr // it is none of a store
	}
	for _, from := range c.origins {
		if has, err := from.Has(ctx, dir); err != nil || has {
			return from, dir, err //nolint:wrapcheck // an error for users already
		}
	}
	return nil, "", nil
}

// belowStore gives the path of a place in the store of MLflow's server: mlflow-artifacts:/PATH, or mlflow-artifacts://HOST/PATH.
func belowStore(location string) (string, bool) {
	if !strings.HasPrefix(location, proxied) {
		return "", false
	}
	u, err := url.Parse(location)
	if err != nil {
		return "", false
	}
	return strings.TrimLeft(u.Path, "/"), true
}

// file copies one file, unless it is here. failed says why it stays where it is.
func (c *copier) file(ctx context.Context, from *artifact.Origin, at string, runPK int, root, name string, size int64) (failed, err error) {
	to := root + "/" + name
	var sum string
	var recorded int64
	if c.here != nil && root != "" {
		if recorded, sum, err = store.RecordedArtifact(ctx, c.here, to); err != nil {
			return nil, err //nolint:wrapcheck // wrapped by the store
		}
	}
	count := func(cairn, fresh int64) {
		c.note(func(r *Report) { r.Artifacts.MLflow++; r.Artifacts.Cairn += cairn; r.Artifacts.New += fresh })
	}
	switch {
	case sum != "" && recorded == size:
		count(1, 0)
		return nil, nil
	case sum != "":
		count(0, 0)
		return errs.New(errs.Exists, "%.200q is there with %d bytes, and here with %d; nothing of it was changed", name, size, recorded), nil
	case c.db == nil:
		count(0, 1)
		return nil, nil
	}
	if failed, err = c.bring(ctx, from, at, runPK, to); failed != nil || err != nil {
		count(0, 0)
		return failed, err
	}
	count(1, 1)
	c.tell(func(p *Progress) { p.Files++; p.Bytes += size })
	return nil, nil
}

// bring stores a file. failed says what is wrong with the file itself.
func (c *copier) bring(ctx context.Context, from *artifact.Origin, at string, runPK int, to string) (failed, err error) {
	r, err := from.Open(ctx, at)
	if err != nil {
		return err, nil //nolint:wrapcheck // an error for users already
	}
	_, err = c.files.Bring(ctx, runPK, to, r)
	err = errors.Join(err, r.Close())
	var unread *artifact.SourceError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err() //nolint:wrapcheck // nothing to add
	case errors.As(err, &unread), errs.Is(err, errs.Invalid), errs.Is(err, errs.Conflict):
		return err, nil
	}
	return nil, err
}

func (c *copier) note(do func(r *Report)) {
	c.of.Lock()
	defer c.of.Unlock()
	do(c.report)
}

func (c *copier) tell(do func(p *Progress)) {
	c.of.Lock()
	defer c.of.Unlock()
	do(&c.done)
	if c.progress != nil {
		c.progress(c.done)
	}
}

// placed is a version here, where its files lie, and whether it is known what these say.
type placed struct {
	id       int
	location string
	read     bool
}

// relocateVersions lets versions, whose files were copied with those of their runs and logged models, name where these are now, and
// say what is in them: when they were registered, they may not have been here.
func (t *target) relocateVersions(ctx context.Context, s *Source) error {
	if t.db == nil {
		return nil
	}
	for last := 0; ; {
		var page []placed
		err := store.EachRow(ctx, t.here, "SELECT v.id, v.artifact_location, m.id IS NOT NULL FROM model_versions v "+
			"LEFT JOIN model_manifests m ON m.model_version_id = v.id WHERE v.id > ? ORDER BY v.id LIMIT ?", []any{last, pageRuns},
			func(rows *sql.Rows) error {
				var v placed
				err := rows.Scan(&v.id, &v.location, &v.read)
				page = append(page, v)
				return err
			})
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1].id
		for _, v := range page {
			if err := t.relocate(ctx, s, v); err != nil {
				return err
			}
		}
	}
}

func (t *target) relocate(ctx context.Context, s *Source, v placed) error {
	if !strings.HasPrefix(v.location, proxied) {
		now, err := t.movedTo(ctx, s, v.location)
		if err != nil || now == "" {
			return err
		}
		v.location, v.read = now, false
	}
	if v.read {
		return nil
	}
	return t.models.Relocate(ctx, v.id, v.location) //nolint:wrapcheck // an error for users already
}

// movedTo gives where in this server's store a place of MLflow's is that was copied with its owner; "" of any other. The owner is
// the innermost that the place is named after and that says so itself.
func (t *target) movedTo(ctx context.Context, s *Source, location string) (string, error) {
	parts := strings.Split(strings.TrimSuffix(location, "/"), "/")
	for i := len(parts) - 1; i > 0; i-- {
		if parts[i] != "artifacts" {
			continue
		}
		for _, kind := range []struct {
			query string
			here  func(context.Context, store.Querier, string) (store.ArtifactOwner, error)
			known bool
		}{
			{"SELECT COALESCE(artifact_uri, '') FROM runs WHERE run_uuid = ?", store.RunOfArtifacts, true},
			{"SELECT COALESCE(artifact_location, '') FROM logged_models WHERE model_id = ?", store.ModelOfArtifacts, s.loggedModels},
		} {
			if !kind.known {
				continue
			}
			was := ""
			err := store.EachRow(ctx, s.look.Read(), kind.query, []any{parts[i-1]}, func(rows *sql.Rows) error { return rows.Scan(&was) })
			if err != nil {
				return "", err
			}
			if was == "" || onDisk(was) != onDisk(strings.Join(parts[:i+1], "/")) {
				continue
			}
			owner, err := kind.here(ctx, t.here, parts[i-1])
			if err != nil {
				return "", err //nolint:wrapcheck // wrapped by the store
			}
			if !strings.HasPrefix(owner.Location, proxied) {
				return "", nil
			}
			return strings.Join(append([]string{owner.Location}, parts[i+1:]...), "/"), nil
		}
	}
	return "", nil
}

// onDisk gives the path of a file: URL, and any other place as it is.
func onDisk(location string) string {
	location = strings.TrimSuffix(location, "/")
	if strings.HasPrefix(location, "file:") {
		if u, err := url.Parse(location); err == nil && u.Path != "" {
			return u.Path
		}
	}
	return location
}
