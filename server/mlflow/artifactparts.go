package mlflow

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
)

// partsCall is what the calls of an upload in parts send. Its path is that of a file on the client's machine, of which the name
// alone counts; the folder is in the path of the request.
type partsCall struct {
	name     string
	uploadID string
	count    integer
	parts    []artifact.Part
}

func (c *call) decodeParts() (in partsCall, err error) {
	var local string
	err = c.decode(func(r *reader, key string) error {
		switch key {
		case "path":
			return r.text(&local)
		case "upload_id":
			return r.text(&in.uploadID)
		case "num_parts":
			return r.int64(&in.count)
		case "parts":
			return r.array(func(int) error {
				part, err := readPart(r)
				in.parts = append(in.parts, part)
				return err
			})
		}
		return r.skip()
	})
	if err != nil {
		return partsCall{}, err
	}
	base := local[strings.LastIndexAny(local, `/\`)+1:]
	if base == "" {
		return partsCall{}, missing("path")
	}
	in.name, err = artifact.CleanPath(path.Join(c.path, base))
	if c.path != "" && err == nil {
		_, err = artifact.CleanPath(c.path) // before Join cleaned it
	}
	if err == nil {
		_, err = artifact.CleanPath(base)
	}
	return in, err
}

func readPart(r *reader) (part artifact.Part, err error) {
	err = r.object(func(key []byte) error {
		switch string(key) {
		case "part_number":
			var n integer
			err := r.int64(&n)
			if n.value < 1 || n.value > artifact.MaxParts {
				n.value = 0 // refused where the order is looked at
			}
			part.Number = int(n.value)
			return err
		case "etag":
			return r.text(&part.ETag)
		}
		return r.skip()
	})
	part.ETag = strings.Trim(part.ETag, `"`)
	return part, err
}

func (c *call) createParts() error {
	in, err := c.decodeParts()
	if err != nil {
		return err
	}
	if !in.count.set {
		in.count.value = 1
	}
	if in.count.value < 1 || in.count.value > artifact.MaxParts {
		return errs.Field("num_parts", "is %d; it is from 1 to %d", in.count.value, artifact.MaxParts)
	}
	begun, err := c.Artifacts.BeginParts(c, in.name, int(in.count.value))
	if err != nil {
		return err
	}
	numbers := make([]int, in.count.value)
	for i := range numbers {
		numbers[i] = i + 1
	}
	o := newObject(*c.out)
	o.text("upload_id", begun.ID)
	list(&o, "credentials", numbers, func(b []byte, n int) []byte {
		one := newObject(b)
		if begun.URLs != nil {
			one.text("url", begun.URLs[n-1])
		} else {
			one.text("url", c.base()+"/api/2.0/mlflow-artifacts/parts/"+begun.ID+"/"+strconv.Itoa(n))
		}
		one.integer("part_number", int64(n))
		one.raw("headers", func(b []byte) []byte { return c.appendHeaders(b, begun.URLs == nil) })
		return one.end()
	})
	*c.out = o.end()
	return nil
}

// appendHeaders adds what is to be sent with a part. To this server it is sent with what the caller showed to begin the upload:
// the client sends nothing else with it.
func (c *call) appendHeaders(b []byte, here bool) []byte {
	headers := newObject(b)
	if authorization := c.r.Header.Get("Authorization"); here && authorization != "" {
		headers.text("Authorization", authorization)
	}
	return headers.end()
}

// base is where the client reaches this server, as it wrote it itself; a proxy says how it was reached.
func (c *call) base() string {
	scheme := "http"
	if c.r.TLS != nil || strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	prefix := c.r.Header.Get("X-Forwarded-Prefix")
	if prefix != "" && (prefix[0] != '/' || strings.HasPrefix(prefix, "//") || strings.ContainsAny(prefix, "?#\\@\r\n")) {
		prefix = ""
	}
	return scheme + "://" + c.r.Host + strings.TrimRight(prefix, "/")
}

func (c *call) completeParts() error {
	in, err := c.decodeParts()
	if err != nil {
		return err
	}
	_, err = c.Artifacts.FinishParts(c, in.name, in.uploadID, in.parts, c.MaxArtifactBytes)
	return err
}

func (c *call) abortParts() error {
	in, err := c.decodeParts()
	if err != nil {
		return err
	}
	return c.Artifacts.AbortParts(c, in.name, in.uploadID)
}

func (c *call) uploadPart() error {
	id, text, _ := strings.Cut(c.path, "/")
	number, err := strconv.Atoi(text)
	if err != nil {
		return invalidValue(strconv.Quote(text), "part_number", "it must be an integer")
	}
	if c.r.ContentLength > c.MaxArtifactBytes {
		return tooLong(c.MaxArtifactBytes)
	}
	part, err := c.Artifacts.PutPart(c, id, number, c.r.Body, c.MaxArtifactBytes)
	if err != nil {
		return uploadError(err)
	}
	c.answered = true
	c.w.Header().Set("ETag", `"`+part.ETag+`"`)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// listParts is for a client that was cut off: it goes on with the parts that have not come.
func (c *call) listParts() error {
	parts, err := c.Artifacts.PartsSoFar(c, strings.TrimSuffix(c.path, "/"))
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "parts", parts, func(b []byte, p artifact.Part) []byte {
		one := newObject(b)
		one.integer("part_number", int64(p.Number))
		one.text("etag", p.ETag)
		one.integer("size", p.Size)
		return one.end()
	})
	*c.out = o.end()
	return nil
}

func (c *call) presignedDownload() error {
	name, err := artifact.CleanPath(c.path)
	if err != nil {
		return err
	}
	target, info, err := c.Artifacts.DownloadURL(c, name)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.text("url", target)
	o.raw("headers", func(b []byte) []byte { return append(b, '{', '}') })
	o.integer("file_size", info.Size)
	*c.out = o.end()
	return nil
}

// presignedOfRun answers the calls that are for runs whose artifacts clients reach without this server.
func (c *call) presignedOfRun() error {
	return errs.New(errs.Invalid, "The artifacts of this server's runs are transferred through it, or by mlflow-artifacts/presigned; a URL of their store is given for no run")
}
