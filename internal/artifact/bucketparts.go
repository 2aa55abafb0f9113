package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// presignLife is for how long a URL that a bucket takes or gives bytes at is good.
	presignLife = time.Hour
	// hashedAtOnce is up to what size a file is read and hashed whose parts went to the bucket past this server. Who waits for a
	// larger one would give up.
	hashedAtOnce = 256 << 20
)

// s3Bucket is a bucket whose server signs URLs for parts.
type s3Bucket struct {
	*bucket
	client *s3.Client
	name   string
}

func (b *s3Bucket) key(name string) *string {
	key := b.prefix + name
	return &key
}

func (b *s3Bucket) begin(ctx context.Context, name string, parts int) (Parts, error) {
	created, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: b.key(name)})
	if err != nil {
		return Parts{}, fmt.Errorf("begin upload in parts: %w", err)
	}
	out := Parts{ID: *created.UploadId}
	signer := s3.NewPresignClient(b.client, s3.WithPresignExpires(presignLife))
	for i := range parts {
		number := int32(i + 1)
		signed, err := signer.PresignUploadPart(ctx, &s3.UploadPartInput{Bucket: &b.name, Key: b.key(name), UploadId: created.UploadId, PartNumber: &number})
		if err != nil {
			return Parts{}, errors.Join(fmt.Errorf("sign a part's URL: %w", err), b.abort(ctx, name, out.ID))
		}
		out.URLs = append(out.URLs, signed.URL)
	}
	return out, nil
}

func (b *s3Bucket) abort(ctx context.Context, name, id string) error {
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: b.key(name), UploadId: &id})
	if err != nil && !noSuchUpload(err) {
		return fmt.Errorf("abort upload in parts: %w", err)
	}
	return nil
}

func noSuchUpload(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "NoSuchUpload"
}

func (b *s3Bucket) finish(_ context.Context, name, id string, parts []Part, maxBytes int64) (upload, error) {
	return &s3Parts{b: b, Info: Info{Path: name}, id: id, parts: parts, max: maxBytes}, nil
}

// s3Parts is an object whose parts the bucket has.
type s3Parts struct {
	b *s3Bucket
	Info
	id    string
	parts []Part
	max   int64
}

func (u *s3Parts) info() Info { return u.Info }

func (u *s3Parts) settle(context.Context, func() ([]string, error)) error { return nil }

func (u *s3Parts) discard(because error) error { return because }

func (u *s3Parts) publish(ctx context.Context) error {
	done := make([]types.CompletedPart, len(u.parts))
	for i, p := range u.parts {
		number, etag := int32(p.Number), p.ETag
		done[i] = types.CompletedPart{PartNumber: &number, ETag: &etag}
	}
	_, err := u.b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.b.name, Key: u.b.key(u.Path), UploadId: &u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	var refused smithy.APIError
	switch {
	case err == nil:
	case noSuchUpload(err):
		return errNoParts(u.id)
	case errors.As(err, &refused) && refused.ErrorFault() == smithy.FaultClient || errors.As(err, &refused) && refused.ErrorCode() == "InvalidPart":
		return errs.Wrap(errs.Invalid, err, "the bucket does not take these parts for an upload (%.60s)", refused.ErrorCode())
	default:
		return fmt.Errorf("complete upload in parts: %w", err)
	}
	src, info, err := u.b.open(ctx, u.Path)
	if err != nil {
		return err
	}
	u.Size, u.ModTime = info.Size, info.ModTime
	switch {
	case info.Size > u.max:
		err = errors.Join(errs.New(errs.Exhausted, "the file is larger than %d bytes, the most that is accepted", u.max), u.b.remove(ctx, u.Path))
	case info.Size <= hashedAtOnce:
		_, u.SHA256, err = receive(ctx, nil, src, info.Size)
	}
	return errors.Join(err, src.Close())
}

// presign gives a URL at which the bucket gives a file.
func (b *s3Bucket) presign(ctx context.Context, name string) (string, error) {
	target, err := b.blobs.SignedURL(ctx, name, &blob.SignedURLOptions{Expiry: presignLife, Method: http.MethodGet})
	if err != nil {
		return "", fmt.Errorf("sign a file's URL: %w", err)
	}
	return target, nil
}

// DownloadURL gives a URL at which the store itself gives a file, for an hour, without further credentials. Nobody holds what is
// got there against its digest but who gets it. Errors: NotFound, and Unsupported where the store has no such URLs.
func (s *Service) DownloadURL(ctx context.Context, name string) (string, Info, error) {
	name, err := servicePath(name)
	if err != nil {
		return "", Info{}, err
	}
	b, ok := s.files.place.(*s3Bucket)
	if !ok {
		return "", Info{}, errs.New(errs.Unsupported, "Multipart download is not supported for the artifacts of this server; get the file through it")
	}
	f, info, err := s.Open(ctx, name)
	if err != nil {
		return "", Info{}, err
	}
	if err := f.Close(); err != nil {
		return "", Info{}, fmt.Errorf("close artifact: %w", err)
	}
	target, err := b.presign(ctx, name)
	return target, info, err
}

// TakesParts tells whether files can be uploaded in parts.
func (s *Service) TakesParts() bool {
	_, ok := s.files.place.(parted)
	return ok
}

// GivesURLs tells whether there is a DownloadURL.
func (s *Service) GivesURLs() bool {
	_, ok := s.files.place.(*s3Bucket)
	return ok
}
