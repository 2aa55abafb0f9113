//go:build unix

package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func openS3(t *testing.T) *Store {
	t.Helper()
	location, _ := artifacttest.S3(t)
	require.NoError(t, Check(location))
	s, err := Open(location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// client gives the client of a bucket.
func client(t *testing.T, s *Store) *s3.Client {
	t.Helper()
	var c *s3.Client
	require.True(t, s.place.(*s3Bucket).blobs.As(&c))
	return c
}

func TestBucket(t *testing.T) {
	t.Parallel()
	s := openS3(t)
	ctx := context.Background()
	exists, err := Exists("s3://any/where")
	require.NoError(t, err)
	require.True(t, exists)
	large := strings.Repeat("0123456789abcdef", (3*partBytes+1000)/16)
	for name, content := range map[string]string{
		"0/r/artifacts/empty": "", "0/r/artifacts/one": "1", "0/r/artifacts/学习 率%.png": "ü", "0/r/artifacts/large": large,
		"0/r/artifacts/dir/x": "x", "0/r/artifacts/dir.txt": "t", "0/r/artifacts/dir-1": "d",
	} {
		info, err := s.Put(ctx, name, iotest.HalfReader(strings.NewReader(content)), 1<<30)
		require.NoError(t, err, name)
		require.Equal(t, hexSum([]byte(content)), info.SHA256)
		require.Equal(t, content, get(t, s, name))
	}
	_, err = s.Put(ctx, "a../b", strings.NewReader("x"), 10)
	require.Equal(t, errs.Invalid, errs.KindOf(err))
	f, _, err := s.Open(ctx, "0/r/artifacts/large")
	require.NoError(t, err)
	_, err = f.Seek(-5, io.SeekEnd)
	require.NoError(t, err)
	end, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, large[len(large)-5:], string(end))

	for size := 1; size < 9; size++ {
		var names []string
		after := ""
		for more := true; more; {
			var infos []Info
			infos, more, err = s.List(ctx, "0/r/artifacts", after, size)
			require.NoError(t, err)
			for _, i := range infos {
				names = append(names, strings.TrimPrefix(i.Path, "0/r/artifacts/"))
				after = i.Cursor()
			}
		}
		require.Equal(t, []string{"dir-1", "dir.txt", "dir", "empty", "large", "one", "学习 率%.png"}, names, size)
	}
	infos, _, err := s.List(ctx, "", "", 10)
	require.NoError(t, err)
	require.Len(t, infos, 1)
	infos, more, err := s.List(ctx, "0/r/artifacts/one", "", 10)
	require.NoError(t, err)
	require.Empty(t, infos)
	require.False(t, more)

	for name, want := range map[string]string{"0/r/artifacts/dir": "is a folder", "0/r/artifacts/none": "there is no artifact", "0/r/artifacts/di": "there is no artifact"} {
		_, _, err := s.Open(ctx, name)
		require.Equal(t, errs.NotFound, errs.KindOf(err))
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, s.Delete(ctx, "0/r/artifacts/dir"))
	require.Equal(t, errs.NotFound, errs.KindOf(s.Delete(ctx, "0/r/artifacts/dir")))
	require.Equal(t, "t", get(t, s, "0/r/artifacts/dir.txt"))
	require.NoError(t, s.Delete(ctx, "0"))
	infos, _, err = s.List(ctx, "", "", 10)
	require.NoError(t, err)
	require.Empty(t, infos)
	require.NoError(t, s.DeleteEmpty("0"))
}

// An upload that is cut off, is too large or was given up leaves no object, and no parts that the bucket would keep and bill.
func TestBucketForgetsWhatIsCutOff(t *testing.T) {
	t.Parallel()
	s := openS3(t)
	c := client(t, s)
	much := strings.Repeat("x", 3*partBytes)
	for what, body := range map[string]io.Reader{
		"early": io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"late":  io.MultiReader(strings.NewReader(much), iotest.ErrReader(errors.New("reset"))),
		"large": strings.NewReader(much + much),
	} {
		_, err := s.Put(context.Background(), "x/"+what, body, 4*partBytes)
		require.Error(t, err)
		var source *SourceError
		require.True(t, errors.As(err, &source) || errs.Is(err, errs.Exhausted), "%s: %v", what, err)
	}
	bucket := artifacttest.Bucket
	objects, err := c.ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &bucket})
	require.NoError(t, err)
	require.Empty(t, objects.Contents)
	parts, err := c.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err == nil { // this server answers with an error where there never was one
		require.Empty(t, parts.Uploads)
	}
}

// A bucket that is not there, or a server that is not, is told before anything is served.
func TestBucketThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	location, _ := artifacttest.S3(t)
	_, err := Open(strings.Replace(location, artifacttest.Bucket, "missing", 1))
	require.Equal(t, errs.Unavailable, errs.KindOf(err))
	require.ErrorContains(t, err, "artifacts: the bucket missing does not answer")
}

// A service on a bucket does all that it does on a folder, and finds what was changed behind its back.
func TestServiceOnBucket(t *testing.T) {
	t.Parallel()
	s, _ := newService(t, storetest.SQLite(t))
	s.files = openS3(t)
	ctx := context.Background()
	for _, size := range []int{100, checkedWhole + 100} {
		content := strings.Repeat("x", size)
		place := fmt.Sprintf("%s/%d", RunRoot(0, runA), size)
		_, err := s.Put(ctx, place, strings.NewReader(content), 1<<30)
		require.NoError(t, err)
		f, info, err := s.Open(ctx, place)
		require.NoError(t, err)
		require.Equal(t, hexSum([]byte(content)), info.SHA256)
		got, err := readAll(f)
		require.NoError(t, err)
		require.Equal(t, content, got)
		_, err = s.files.Put(ctx, place, strings.NewReader(content[1:]+"y"), 1<<30)
		require.NoError(t, err)
		f, _, err = s.Open(ctx, place)
		if err == nil {
			_, err = readAll(f)
		}
		require.Equal(t, errs.Damaged, errs.KindOf(err))
	}
	require.NoError(t, s.Delete(ctx, RunRoot(0, runA)))
	infos, _, err := s.List(ctx, RunRoot(0, runA), "", 10)
	require.NoError(t, err)
	require.Empty(t, infos)
}
