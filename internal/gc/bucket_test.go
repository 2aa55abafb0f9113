package gc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// What lies in a bucket goes as what lies in a folder does, and what others still name stays.
func TestBucketIsCollected(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := &world{T: t, db: db, s: tracking.New(db, live.NewHub())}
	t.Cleanup(func() { w.s.Close() })
	location, _ := artifacttest.S3(t)
	var err error
	w.files, err = artifact.Open(location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.files.Close()) })
	w.artifacts = artifact.NewService(w.files, db)

	kept, _ := w.record(w.experiment("kept", ""))
	w.doom(w.experiment("beside", ""))
	removed := w.collect(gc.New(db, w.files))
	require.Equal(t, int64(4), removed.Files)
	folders, more, err := w.files.List(ctx, "", "", 10)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, folders, 1)
	root, err := artifact.Root(kept.ArtifactLocation)
	require.NoError(t, err)
	files, _, err := w.files.List(ctx, root+"/model", "", 10)
	require.NoError(t, err)
	require.Len(t, files, 1)
}
