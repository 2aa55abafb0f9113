package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // s3://
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// partBytes is how much of an upload is sent to a bucket at a time: an object has at most 10,000 parts.
	partBytes = 8 << 20
	// partsAtOnce bounds the memory of an upload, with partBytes.
	partsAtOnce = 2
	// reachTime is how long a bucket may take to answer when the server starts.
	reachTime = 15 * time.Second
	// removedAtOnce is how many objects of a folder are removed at the same time.
	removedAtOnce = 16
	// listedAtOnce is how many objects are listed by one request.
	listedAtOnce = 1000
)

// bucketSchemes are those of buckets, and the build tag of each that not every build has.
var bucketSchemes = map[string]string{"s3": "", "gs": "gcs", "azblob": "azure"}

// bucket is a place in an object store.
type bucket struct {
	blobs *blob.Bucket
	// prefix is before the name of each object, with its slash; empty for the whole bucket.
	prefix string
}

// bucketURL reads the URL of a bucket; nil is one of none.
func bucketURL(location string) (*url.URL, error) {
	m := schemePattern.FindStringSubmatch(location)
	if m == nil {
		return nil, nil //nolint:nilnil // a folder
	}
	scheme := strings.ToLower(m[1])
	tag, ok := bucketSchemes[scheme]
	if !ok {
		return nil, nil //nolint:nilnil // a folder
	}
	if !blob.DefaultURLMux().ValidBucketScheme(scheme) {
		return nil, errs.New(errs.Unsupported, "artifacts: this build has no %s://: build it with -tags %s, or name a folder or s3://BUCKET", scheme, tag)
	}
	// What is wrong may hold a secret, and is not shown.
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errs.Field("artifacts", "is not %s://BUCKET/PREFIX?SETTINGS; credentials are not part of it, but come from the environment", scheme)
	}
	u.Scheme = scheme
	if u.Path = strings.Trim(u.Path, "/"); u.Path != "" {
		if _, err := CleanPath(u.Path); err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "artifacts: the prefix %.100q in the bucket is not a clean path", u.Path)
		}
	}
	return u, nil
}

// openBucket opens a bucket, and asks it whether it is there.
func openBucket(u *url.URL) (place, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reachTime)
	defer cancel()
	prefix := ""
	if u.Path != "" {
		prefix = u.Path + "/"
	}
	whole := *u
	whole.Path = ""
	if u.Scheme == "s3" {
		whole.RawQuery = s3Settings(whole.Query()).Encode()
	}
	blobs, err := blob.OpenBucket(ctx, whole.String())
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "artifacts: the bucket %s cannot be opened: %v", u.Host, err)
	}
	if prefix != "" {
		blobs = blob.PrefixedBucket(blobs, prefix)
	}
	b := &bucket{blobs: blobs, prefix: prefix}
	if ok, err := blobs.IsAccessible(ctx); err != nil || !ok {
		if err == nil {
			err = errors.New("it is not there, or these credentials may not list it")
		}
		return nil, errors.Join(errs.Wrap(errs.Unavailable, err, "artifacts: the bucket %s does not answer: %v", u.Host, err), blobs.Close())
	}
	var client *s3.Client
	if blobs.As(&client) {
		return &s3Bucket{bucket: b, client: client, name: u.Host}, nil
	}
	return b, nil
}

// s3Settings adds what servers that are not Amazon's need where nothing else is said: a region, without which nothing is
// signed, and no checksums but those that the protocol always had. What is downloaded is held against its own digest.
func s3Settings(given url.Values) url.Values {
	byDefault := func(name, value string) {
		if !given.Has(name) {
			given.Set(name, value)
		}
	}
	byDefault("response_checksum_validation", "when_required")
	if given.Has("endpoint") {
		byDefault("region", "us-east-1")
		byDefault("request_checksum_calculation", "when_required")
	}
	return given
}

func (b *bucket) Close() error { return b.blobs.Close() }

// describeBucket says in a user's words what a bucket refused.
func describeBucket(name string, err error) error {
	switch gcerrors.Code(err) { //nolint:exhaustive // the others are faults
	case gcerrors.OK:
		return nil
	case gcerrors.NotFound:
		return errs.Wrap(errs.NotFound, err, "there is no artifact %.200q", name)
	case gcerrors.Canceled, gcerrors.DeadlineExceeded:
		return fmt.Errorf("artifact store: %w", err)
	case gcerrors.ResourceExhausted, gcerrors.PermissionDenied:
		return errs.Wrap(errs.Unavailable, err, "the bucket of artifacts refuses: its log, and the server's, say why")
	}
	return fmt.Errorf("artifact store: %w", err)
}

// bucketUpload is an object that is on its way: the bucket has all of it but the end.
type bucketUpload struct {
	Info
	// end ends what the bucket reads, well or badly.
	end  *io.PipeWriter
	sent chan error
}

func (u *bucketUpload) info() Info { return u.Info }

func (b *bucket) receive(ctx context.Context, name string, r io.Reader, maxBytes int64) (upload, error) {
	if strings.Contains(name, "../") {
		return nil, errs.Field("path", "%.100q has a folder whose name ends with two dots, which buckets do not have", name)
	}
	from, to := io.Pipe()
	u := &bucketUpload{Info: Info{Path: name}, end: to, sent: make(chan error, 1)}
	// Who sends may go away: the bucket is then told to forget what came, which needs a context of its own.
	own := context.WithoutCancel(ctx)
	go func() {
		err := b.blobs.Upload(own, name, from, &blob.WriterOptions{
			BufferSize: partBytes, MaxConcurrency: partsAtOnce, ContentType: "application/octet-stream", DisableContentTypeDetection: true,
		})
		_ = from.CloseWithError(err) // never fails; who still writes has the error
		u.sent <- err
	}()
	var err error
	if u.Size, u.SHA256, err = receive(ctx, to, r, maxBytes); err != nil {
		return nil, u.discard(err)
	}
	return u, nil
}

func (u *bucketUpload) settle(context.Context, func() ([]string, error)) error { return nil }

func (u *bucketUpload) publish(context.Context) error {
	_ = u.end.Close() // never fails
	if err := <-u.sent; err != nil {
		return describeBucket(u.Path, err)
	}
	u.ModTime = time.Now().UnixMilli()
	return nil
}

// errCutOff is what a bucket reads in place of the end of an upload that is not to be.
var errCutOff = errors.New("the upload was cut off")

func (u *bucketUpload) discard(because error) error {
	_ = u.end.CloseWithError(errCutOff) // never fails
	if err := <-u.sent; err != nil && !errors.Is(err, errCutOff) {
		var source *SourceError
		if !errors.As(because, &source) && errs.KindOf(because) == errs.Internal {
			return describeBucket(u.Path, err) // what the bucket said is why it could not be written
		}
	}
	return because
}

// object is a file of a bucket.
type object struct{ *blob.Reader }

// version is none: what is sent came over the network, and is hashed on its way.
func (object) version() (string, bool) { return "", false }

func (b *bucket) open(ctx context.Context, name string) (source, Info, error) {
	r, err := b.blobs.NewReader(ctx, name, nil)
	if err == nil {
		return object{r}, Info{Path: name, Size: r.Size(), ModTime: r.ModTime().UnixMilli()}, nil
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		if below, _, e := b.list(ctx, name, "", 1); e == nil && len(below) > 0 {
			return nil, Info{}, notFile(name, true)
		}
	}
	return nil, Info{}, describeBucket(name, err)
}

func (b *bucket) list(ctx context.Context, dir, after string, limit int) ([]Info, bool, error) {
	prefix := ""
	if dir != "" {
		prefix = dir + "/"
	}
	from := after
	if strings.HasSuffix(from, "/") {
		from += "\U0010FFFF" // behind all that is in it
	}
	options := &blob.ListOptions{Prefix: prefix, Delimiter: "/", BeforeList: func(as func(any) bool) error {
		var in *s3.ListObjectsV2Input
		if after != "" && as(&in) {
			start := b.prefix + prefix + from
			in.StartAfter = &start
		}
		return nil
	}}
	var out []Info
	for token := blob.FirstPageToken; len(token) > 0; {
		page, next, err := b.blobs.ListPage(ctx, token, min(listedAtOnce, limit+1), options)
		if err != nil {
			return nil, false, describeBucket(dir, err)
		}
		for _, o := range page {
			info, ok := objectInfo(o, prefix)
			if !ok || after != "" && o.Key <= prefix+from {
				continue
			}
			if len(out) == limit {
				return out, true, nil
			}
			out = append(out, info)
		}
		token = next
	}
	return out, false, nil
}

// objectInfo tells of an object or a folder, unless it is none of an artifact: the mark that some tools leave for a folder, or
// a name that no file has.
func objectInfo(o *blob.ListObject, prefix string) (Info, bool) {
	name := o.Key
	if o.IsDir {
		name = strings.TrimSuffix(name, "/")
	}
	if _, err := artifactPath(name); err != nil || o.Key == prefix {
		return Info{}, false
	}
	info := Info{Path: name, IsDir: o.IsDir}
	if !o.IsDir {
		info.Size, info.ModTime = o.Size, o.ModTime.UnixMilli()
	}
	return info, true
}

func (b *bucket) remove(ctx context.Context, name string) error {
	err := b.blobs.Delete(ctx, name)
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return describeBucket(name, err)
	}
	found := err == nil
	removals, ctx := errgroup.WithContext(ctx)
	removals.SetLimit(removedAtOnce)
	var listing error
	below := b.blobs.List(&blob.ListOptions{Prefix: name + "/"})
	for {
		o, err := below.Next(ctx)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				listing = err
			}
			break
		}
		found = true
		removals.Go(func() error {
			if err := b.blobs.Delete(ctx, o.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
				return err
			}
			return nil
		})
	}
	if err := removals.Wait(); err != nil {
		return describeBucket(name, err)
	}
	if listing != nil {
		return describeBucket(name, listing)
	}
	if !found {
		return errs.New(errs.NotFound, "there is no artifact %.200q", name)
	}
	return nil
}

func (b *bucket) removeEmpty(string) error { return nil }

// Cursor is what List takes to go on behind an entry: its name, and a slash where it is a folder, since in a bucket a file and
// a folder may have the same.
func (i Info) Cursor() string {
	if i.IsDir {
		return path.Base(i.Path) + "/"
	}
	return path.Base(i.Path)
}
