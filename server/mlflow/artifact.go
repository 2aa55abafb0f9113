package mlflow

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
)

const (
	// listPage is the size of a page of artifacts/list.
	listPage = 1_000
	// listedPart is about how much of an answer of the proxy, whose protocol has no pages, is sent at a time.
	listedPart = 64 << 10
)

// textFiles are shown as plain text whatever else they are: a browser must never run what a training uploaded.
var textFiles = map[string]bool{
	"txt": true, "log": true, "err": true, "cfg": true, "conf": true, "cnf": true, "cf": true, "ini": true, "properties": true,
	"prop": true, "hocon": true, "toml": true, "yaml": true, "yml": true, "xml": true, "json": true, "js": true, "py": true,
	"py3": true, "csv": true, "tsv": true, "md": true, "rst": true, "MLmodel": true, "MLproject": true,
}

// contentType says what a file is served as, by its name alone: nothing that a browser would run or render.
func contentType(name string) string {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	if ext == "" {
		ext = name
	}
	if textFiles[ext] {
		return "text/plain; charset=utf-8"
	}
	switch strings.ToLower(ext) {
	case "png", "gif", "webp", "bmp":
		return "image/" + strings.ToLower(ext)
	case "jpg", "jpeg":
		return "image/jpeg"
	case "pdf":
		return "application/pdf"
	case "zip", "gzip":
		return "application/" + strings.ToLower(ext)
	}
	return "application/octet-stream"
}

func (c *call) downloadArtifact() error {
	name, err := artifact.CleanPath(c.path)
	if err != nil {
		return err
	}
	file, info, err := c.Artifacts.Open(c, name)
	if err != nil {
		return err
	}
	defer file.Close()
	c.answered = true
	ServeFile(c.w, c.r, name, info, file)
	return nil
}

// ServeFile answers with an artifact, or the ranges of it that were asked for, in a way that no browser runs or renders
// what a training uploaded.
func ServeFile(w http.ResponseWriter, r *http.Request, name string, info artifact.Info, file *artifact.File) {
	h := w.Header()
	base := path.Base(name)
	h.Set("Content-Type", contentType(base))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": base}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if info.SHA256 != "" {
		h.Set("ETag", `"`+info.SHA256+`"`)
		if sum, err := hex.DecodeString(info.SHA256); err == nil {
			h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
		}
	}
	http.ServeContent(w, r, "", time.Time{}, file.Content())
	if file.Err() != nil {
		// Most of it is sent: that the connection ends before the answer is all that tells the client.
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
	}
}

func (c *call) uploadArtifact() error {
	name, err := artifact.CleanPath(c.path)
	if err != nil {
		return err
	}
	if c.r.ContentLength > c.MaxArtifactBytes {
		return tooLong(c.MaxArtifactBytes)
	}
	if _, err = c.Artifacts.Put(c, name, c.r.Body, c.MaxArtifactBytes); err != nil {
		return uploadError(err)
	}
	c.answered = true
	c.w.Header().Set("X-Content-Type-Options", "nosniff")
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// uploadError tells the sender's fault from the store's.
func uploadError(err error) error {
	var source *artifact.SourceError
	if errors.As(err, &source) {
		return bodyError(source.Err)
	}
	return err
}

func (c *call) deleteArtifact() error {
	name, err := artifact.CleanPath(c.path)
	if err != nil {
		return err
	}
	err = c.Artifacts.Delete(c, name)
	if errs.Is(err, errs.NotFound) && !errors.Is(err, artifact.ErrNoOwner) {
		return nil // what is not there is deleted already
	}
	return err
}

// listArtifacts lists a folder of the store, by base names.
func (c *call) listArtifacts() error {
	dir := c.query("path")
	if dir != "" {
		var err error
		if dir, err = artifact.CleanPath(dir); err != nil {
			return err
		}
	}
	begun := false
	err := c.Artifacts.Each(c, dir, func(files []artifact.Info) error {
		for _, f := range files {
			if begun {
				*c.out = append(*c.out, ',')
			} else {
				*c.out = append(*c.out, `{"files":[`...)
			}
			begun = true
			*c.out = appendFile(*c.out, path.Base(f.Path), f)
			if len(*c.out) >= listedPart {
				c.sendPart()
			}
		}
		return c.Err()
	})
	if err != nil {
		return c.cutOff(err)
	}
	if begun {
		*c.out = append(*c.out, `]}`...)
	}
	if c.answered {
		c.sendPart()
	}
	return nil
}

// sendPart sends what there is of a long answer, so that memory does not follow its length.
func (c *call) sendPart() {
	if !c.answered {
		c.answered = true
		beginJSON(c.w, http.StatusOK)
	}
	_, _ = c.w.Write(*c.out) // a client that is gone ends the context
	*c.out = (*c.out)[:0]
}

// cutOff gives the error to answer with. Where a part of the answer is sent, it cuts the connection, which is all that tells the
// client.
func (c *call) cutOff(err error) error {
	if !c.answered {
		return err
	}
	if c.Err() == nil {
		c.Log.ErrorContext(c, "a list of artifacts was cut off", "path", c.r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
}

func (c *call) listRunArtifacts() error {
	id, err := c.queryRunID()
	if err != nil {
		return err
	}
	run, err := c.Tracking.Run(c, id)
	if err != nil {
		return err
	}
	return c.listBelow(run.ArtifactLocation, "path")
}

func (c *call) listLoggedModelArtifacts() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	m, err := c.Tracking.LoggedModel(c, id)
	if err != nil {
		return err
	}
	return c.listBelow(m.ArtifactLocation, "artifact_directory_path")
}

// listBelow lists a folder of a run or a model by paths relative to its root, a page at a time.
func (c *call) listBelow(root, parameter string) error {
	within := c.query(parameter)
	if within != "" {
		var err error
		if within, err = artifact.CleanPath(within); err != nil {
			return renamed(err, func(string) string { return parameter })
		}
	}
	after, err := url.PathUnescape(c.query("page_token"))
	if err != nil || strings.Contains(strings.TrimSuffix(after, "/"), "/") {
		return invalidValue(echo([]byte(c.query("page_token"))), "page_token", "it is not one that this call gave")
	}
	below, err := artifact.Root(root)
	if err != nil {
		return err
	}
	dir := path.Join(below, within)
	files, more, err := c.Artifacts.List(c, dir, after, listPage)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.text("root_uri", root)
	list(&o, "files", files, func(b []byte, f artifact.Info) []byte {
		return appendFile(b, path.Join(within, path.Base(f.Path)), f)
	})
	if more {
		o.text("next_page_token", url.PathEscape(files[len(files)-1].Cursor()))
	}
	*c.out = o.end()
	return nil
}

func appendFile(b []byte, name string, f artifact.Info) []byte {
	o := newObject(b)
	o.text("path", name)
	o.boolean("is_dir", f.IsDir)
	if !f.IsDir {
		o.integer("file_size", f.Size)
	}
	return o.end()
}
