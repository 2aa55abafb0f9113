//go:build unix

package artifact

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/artifactreference"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

const (
	runA    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	runGone = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	runS3   = "cccccccccccccccccccccccccccccccc"
	runOwn  = "dddddddddddddddddddddddddddddddd"
	runIn   = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" // below runA's folder
	modelA  = "m-" + runA
)

func newService(t *testing.T, db *store.DB) (*Service, string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for id, location := range map[string]string{
			runA: "mlflow-artifacts:/0/" + runA + "/artifacts", runGone: "mlflow-artifacts:/0/" + runGone + "/artifacts",
			runS3: "s3://bucket/" + runS3 + "/artifacts", runOwn: "mlflow-artifacts:/team/x/" + runOwn + "/artifacts",
			runIn: "mlflow-artifacts:/0/" + runA + "/artifacts/" + runIn + "/artifacts",
		} {
			stage := run.LifecycleStageActive
			if id == runGone {
				stage = run.LifecycleStageDeleted
			}
			if err := tx.Ent().Run.Create().SetRunID(id).SetExperimentID(0).SetName(id).SetStartTime(1).SetArtifactLocation(location).
				SetLifecycleStage(stage).SetCreatedAt(1).SetUpdatedAt(1).Exec(ctx); err != nil {
				return err
			}
		}
		return tx.Ent().LoggedModel.Create().SetModelID(modelA).SetExperimentID(0).SetName("m").SetStatus(loggedmodel.StatusREADY).
			SetArtifactLocation("mlflow-artifacts:/0/models/" + modelA + "/artifacts").SetCreatedAt(1).SetUpdatedAt(1).Exec(ctx)
	}))
	return NewService(openStore(t, dir), db), dir
}

func TestService(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, db *store.DB, settling bool) {
		s, dir := newService(t, db)
		s.pending.set(settling)
		ctx := auth.With(context.Background(), auth.Principal{Name: "token:ci", Role: token.RoleEDITOR})
		root := RunRoot(0, runA)

		info, err := s.Put(ctx, root+"/model/MLmodel", strings.NewReader("one"), 100)
		require.NoError(t, err)
		ref, err := db.Ent().ArtifactReference.Query().Only(ctx)
		require.NoError(t, err)
		require.Equal(t, info.SHA256, ref.Sha256)
		require.Equal(t, int64(3), ref.Size)
		require.Equal(t, "token:ci", ref.CreatedBy)
		require.Equal(t, root+"/model/MLmodel", ref.Location)
		require.NotNil(t, ref.RunID)

		f, opened, err := s.Open(ctx, root+"/model/MLmodel")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, info.SHA256, opened.SHA256)

		again, err := s.Put(ctx, root+"/model/MLmodel", strings.NewReader("two"), 100)
		require.NoError(t, err)
		require.NotEqual(t, info.SHA256, again.SHA256)
		listed, err := s.ListEach(ctx, []string{root + "/model"}, "", 10)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.False(t, listed[0].More)
		require.Len(t, listed[0].Infos, 1)
		require.Equal(t, again.SHA256, listed[0].Infos[0].SHA256, "the record follows the file")

		// What somebody wrote into the folder by another way is not what was uploaded; what was never uploaded has no known hash.
		require.NoError(t, s.settlePending(ctx, s.files.place.(*folder)))
		file := filepath.Join(dir, filepath.FromSlash(root), "model", "MLmodel")
		require.NoError(t, os.WriteFile(file, []byte("333"), 0o600))
		_, _, err = s.Open(ctx, root+"/model/MLmodel")
		require.Equal(t, errs.Damaged, errs.KindOf(err))
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "beside"), []byte("333"), 0o600))
		f, opened, err = s.Open(ctx, root+"/model/beside")
		require.NoError(t, err)
		content, err := io.ReadAll(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, "333", string(content))
		require.Empty(t, opened.SHA256)
		_, err = s.Put(ctx, root+"/model/MLmodel", strings.NewReader("two"), 100)
		require.NoError(t, err)

		_, err = s.Put(ctx, ModelRoot(0, modelA)+"/model.pkl", strings.NewReader("m"), 100)
		require.NoError(t, err)
		_, err = s.Put(ctx, "team/x/"+runOwn+"/artifacts/a", strings.NewReader("m"), 100)
		require.NoError(t, err, "an experiment may have a location of its own")

		inner := RunRoot(0, runA) + "/" + runIn + "/artifacts/a"
		_, err = s.Put(ctx, inner, strings.NewReader("m"), 100)
		require.NoError(t, err)
		_, err = db.Ent().ArtifactReference.Query().Where(artifactreference.Location(inner), artifactreference.HasRunWith(run.RunID(runIn))).Only(ctx)
		require.NoError(t, err, "the innermost run owns it")
		require.NoError(t, s.Delete(ctx, inner))

		// A folder goes with its records, and a name that only begins alike stays.
		_, err = s.Put(ctx, root+"/model_%x", strings.NewReader("stays"), 100)
		require.NoError(t, err)
		require.NoError(t, s.Delete(ctx, root+"/model"))
		refs, err := db.Ent().ArtifactReference.Query().Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 3, refs)
		require.Equal(t, errs.NotFound, errs.KindOf(s.Delete(ctx, root+"/model")))
	})
}

func TestServiceRefuses(t *testing.T) {
	t.Parallel()
	s, dir := newService(t, storetest.SQLite(t))
	ctx := context.Background()
	for path, kind := range map[string]errs.Kind{
		RunRoot(0, runGone) + "/x":                    errs.Conflict,
		RunRoot(0, runA):                              errs.Invalid, // the folder of the run itself
		RunRoot(0, strings.Repeat("f", 32)) + "/x":    errs.NotFound,
		RunRoot(1, runA) + "/x":                       errs.NotFound, // not its experiment
		RunRoot(0, runS3) + "/x":                      errs.NotFound,
		"team/x/" + runA + "/artifacts/x":             errs.NotFound,
		"0/" + modelA + "/artifacts/x":                errs.NotFound,
		"0/" + runA + "/x":                            errs.NotFound,
		"x":                                           errs.NotFound,
		RunRoot(0, runA) + "/../" + runGone:           errs.Invalid,
		RunRoot(0, runA) + "/%2e%2e/" + runGone + "/": errs.Invalid,
		uploads + "/x":                                errs.Invalid,
		RunRoot(0, runA) + "/C:/x":                    errs.Invalid, // as the path C:/x of the run is
		RunRoot(0, runA) + "/%43:/x":                  errs.Invalid,
		ModelRoot(0, modelA) + "/c:":                  errs.Invalid,
	} {
		_, err := s.Put(ctx, path, strings.NewReader("x"), 10)
		require.Equal(t, kind, errs.KindOf(err), path)
		if kind != errs.Invalid {
			require.Equal(t, kind, errs.KindOf(s.Delete(ctx, path)), path)
			continue
		}
		if path == RunRoot(0, runA) {
			continue
		}
		require.Equal(t, kind, errs.KindOf(s.Delete(ctx, path)), path)
		_, _, err = s.Open(ctx, path)
		require.Equal(t, kind, errs.KindOf(err), path)
		_, _, err = s.List(ctx, path, "", 1)
		require.Equal(t, kind, errs.KindOf(err), path)
	}
	_, err := s.Put(ctx, RunRoot(0, runA)+"/x", strings.NewReader("12345"), 4)
	require.Equal(t, errs.Exhausted, errs.KindOf(err))
	_, _, err = s.Open(ctx, RunRoot(0, runA)+"/x")
	require.Equal(t, errs.NotFound, errs.KindOf(err))
	require.Zero(t, leftovers(t, dir))
	n, err := s.db.Ent().ArtifactReference.Query().Count(ctx)
	require.NoError(t, err)
	require.Zero(t, n)
}

// Uploads to one path at the same time: the record is that of the file that stays.
func TestServiceKeepsRecordsInStep(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, db *store.DB, settling bool) {
		s, _ := newService(t, db)
		s.pending.set(settling)
		path := RunRoot(0, runA) + "/x"
		results := make(chan error, 16)
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				_, err := s.Put(context.Background(), path, strings.NewReader(strings.Repeat("x", i)), 100)
				results <- err
			})
		}
		group.Wait()
		close(results)
		for err := range results {
			require.NoError(t, err)
		}
		f, info, err := s.Open(context.Background(), path)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		ref, err := db.Ent().ArtifactReference.Query().Only(context.Background())
		require.NoError(t, err)
		require.Equal(t, ref.Size, info.Size)
		require.Equal(t, ref.Sha256, info.SHA256)
	})
}

// So it is where two replicas have one folder: whatever they upload to one path at the same time, what stays is what is recorded.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, db *store.DB, settling bool) {
		if !db.Postgres() {
			return // one process has the database
		}
		first, dir := newService(t, db)
		services := []*Service{first, NewService(openStore(t, dir), db), NewService(openStore(t, dir), db)}
		for _, s := range services {
			s.pending.set(settling)
		}
		path := RunRoot(0, runA) + "/x"
		var group sync.WaitGroup
		for i := range 48 {
			group.Go(func() {
				_, err := services[i%3].Put(context.Background(), path, strings.NewReader(strings.Repeat("x", i)), 100)
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		f, _, err := first.Open(context.Background(), path)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	})
}
