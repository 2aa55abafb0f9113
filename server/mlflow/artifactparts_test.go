package mlflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

type begunParts struct {
	UploadID    string `json:"upload_id"`
	Credentials []struct {
		URL        string            `json:"url"`
		PartNumber int               `json:"part_number"`
		Headers    map[string]string `json:"headers"`
	} `json:"credentials"`
}

func (w *world) mpu(verb, dir string, body any) answer {
	w.Helper()
	text, err := json.Marshal(body)
	require.NoError(w, err)
	return w.send(http.MethodPost, "/api/2.0/mlflow-artifacts/mpu/"+verb+"/"+dir, "application/json", string(text))
}

// part uploads a part as MLflow's client does: with what the credential says, and nothing else.
func (w *world) part(url string, headers map[string]string, content string) (status int, etag string) {
	w.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, url, strings.NewReader(content))
	require.NoError(w, err)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w, err)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(w, err)
	require.NoError(w, answer.Body.Close())
	return answer.StatusCode, answer.Header.Get("ETag")
}

func TestUploadInParts(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		dir := "0/" + run + "/artifacts/deep"
		content := bytes.Repeat([]byte("0123456789"), 90_000)
		const size = 400_000
		count := (len(content) + size - 1) / size
		begin := func() begunParts {
			w.Helper()
			return into[begunParts](w.mpu("create", dir, map[string]any{"path": "/home/me/x y.bin", "num_parts": count}).ok())
		}
		type sent struct {
			PartNumber int    `json:"part_number"`
			ETag       string `json:"etag"`
			URL        string `json:"url"`
		}
		upload := func(b begunParts) []sent {
			w.Helper()
			parts := make([]sent, count)
			for i := count - 1; i >= 0; i-- { // in any order
				c := b.Credentials[i]
				status, etag := w.part(c.URL, c.Headers, string(content[i*size:min(len(content), (i+1)*size)]))
				require.Equal(w, http.StatusOK, status)
				parts[i] = sent{c.PartNumber, etag, c.URL}
			}
			return parts
		}
		begun := begin()
		require.Len(w, begun.Credentials, count)
		status, _ := w.part(begun.Credentials[0].URL, begun.Credentials[0].Headers, "to be replaced")
		require.Equal(w, http.StatusOK, status)
		parts := upload(begun)
		list := w.send(http.MethodGet, "/api/2.0/mlflow-artifacts/parts/"+begun.UploadID, "", "").ok()
		require.Equal(w, count, strings.Count(list.body, "etag"), list.body)
		w.send(http.MethodGet, artifacts+"/"+dir+"/x%20y.bin", "", "").notFound("x y.bin")
		complete := func(dir string, parts any) answer {
			return w.mpu("complete", dir, map[string]any{"path": "/home/me/x y.bin", "upload_id": begun.UploadID, "parts": parts})
		}
		for _, wrong := range []any{
			parts[1:], parts[:count-1], []sent{}, append(parts[:1:1], parts...), []sent{parts[0], {PartNumber: 2, ETag: "x"}, parts[2]},
		} {
			complete(dir, wrong).fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
		}
		complete(dir+"/else", parts).fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		complete(dir, parts).ok()
		got := w.send(http.MethodGet, artifacts+"/"+dir+"/x%20y.bin", "", "").ok()
		require.Equal(w, string(content), got.body)
		require.NotEmpty(w, got.header.Get("Repr-Digest"))
		complete(dir, parts).fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")

		// What is given up is gone, and may be given up again.
		begun = begin()
		upload(begun)
		abort := map[string]any{"path": "x y.bin", "upload_id": begun.UploadID}
		w.mpu("abort", dir, abort).ok()
		w.mpu("abort", dir, abort).ok()
		status, _ = w.part(begun.Credentials[0].URL, begun.Credentials[0].Headers, "late")
		require.Equal(w, http.StatusNotFound, status)

		for _, body := range []any{
			map[string]any{"path": "", "num_parts": 1}, map[string]any{"path": "a/", "num_parts": 1}, map[string]any{"path": "..", "num_parts": 1},
			map[string]any{"path": "x", "num_parts": 0}, map[string]any{"path": "x", "num_parts": 10_001}, map[string]any{"path": "%2e%2e", "num_parts": 1},
		} {
			w.mpu("create", dir, body).fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
		}
		for _, away := range []string{"0/" + run + "/artifacts/../../x", "%2e%2e/x", "a//b"} {
			w.mpu("create", away, map[string]any{"path": "x", "num_parts": 1}).fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
		}
		w.mpu("create", "0/x", map[string]any{"path": "x", "num_parts": 1}).fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		for _, id := range []string{"nothing", "..", "%2e%2e", strings.Repeat("A", 26)} {
			require.Equal(w, http.StatusNotFound, w.send(http.MethodPut, "/api/2.0/mlflow-artifacts/parts/"+id+"/1", "", "x").status, id)
		}
		w.send(http.MethodGet, "/api/2.0/mlflow-artifacts/presigned/"+dir+"/x%20y.bin", "", "").fails(http.StatusNotImplemented, "NOT_IMPLEMENTED")
	})
}

// A bucket takes the parts itself, and gives files itself, at URLs that it signs.
func TestUploadInPartsToBucket(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		location, _ := artifacttest.S3(t)
		w := newWorldAt(t, db, token.RoleEDITOR, location, 1<<30)
		run := w.newRun("0")
		dir := "0/" + run + "/artifacts"
		content := strings.Repeat("0123456789", 600_000)
		const size = 5 << 20 // the least that the protocol takes for a part that is not the last
		begun := into[begunParts](w.mpu("create", dir, map[string]any{"path": "x.bin", "num_parts": 2}).ok())
		var parts []map[string]any
		for i, c := range begun.Credentials {
			require.NotContains(w, c.URL, w.url)
			require.Empty(w, c.Headers)
			status, etag := w.part(c.URL, nil, content[i*size:min(len(content), (i+1)*size)])
			require.Equal(w, http.StatusOK, status)
			parts = append(parts, map[string]any{"part_number": c.PartNumber, "etag": etag, "url": c.URL})
		}
		w.mpu("complete", dir, map[string]any{"path": "x.bin", "upload_id": begun.UploadID, "parts": parts}).ok()
		got := w.send(http.MethodGet, artifacts+"/"+dir+"/x.bin", "", "").ok()
		require.Equal(w, content, got.body)
		require.NotEmpty(w, got.header.Get("Repr-Digest"))
		presigned := into[struct {
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
			Size    int               `json:"file_size"`
		}](w.send(http.MethodGet, "/api/2.0/mlflow-artifacts/presigned/"+dir+"/x.bin", "", "").ok())
		require.Equal(w, len(content), presigned.Size)
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, presigned.URL, nil)
		require.NoError(w, err)
		r.Header.Set("Range", "bytes=5-9")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(w, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(w, err)
		require.NoError(w, answer.Body.Close())
		require.Equal(w, content[5:10], string(body))

		begun = into[begunParts](w.mpu("create", dir, map[string]any{"path": "y", "num_parts": 1}).ok())
		w.mpu("abort", dir, map[string]any{"path": "y", "upload_id": begun.UploadID}).ok()
		w.mpu("complete", dir, map[string]any{"path": "y", "upload_id": begun.UploadID, "parts": parts[:1]}).fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")
		info := w.send(http.MethodGet, "/api/3.0/mlflow/server-info", "", "").ok()
		for _, field := range []string{"multipart_uploads_enabled", "multipart_downloads_enabled"} {
			require.Contains(w, info.body, fmt.Sprintf("%q:true", field))
		}
	})
}
