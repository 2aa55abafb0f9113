// Package artifacttest starts what tests of artifacts need.
package artifacttest

import (
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// Bucket is the one bucket of an S3 server.
const Bucket = "artifacts"

var credentials = sync.OnceValue(func() error {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
})

// S3 starts an S3 server for a test, and gives where a store lies in its bucket, and the server's URL.
func S3(t testing.TB) (location, server string) {
	t.Helper()
	require.NoError(t, credentials())
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket(Bucket))
	web := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.StdLog(log.New(io.Discard, "", 0)))).Server())
	t.Cleanup(web.Close)
	return "s3://" + Bucket + "/team/store?use_path_style=true&endpoint=" + url.QueryEscape(web.URL), web.URL
}
