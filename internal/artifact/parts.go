package artifact

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// MaxParts is how many parts an upload may have.
const MaxParts = 10_000

// Part is a piece of a file that is uploaded in pieces.
type Part struct {
	// Number is from 1 on.
	Number int
	Size   int64
	// ETag names the content.
	ETag string
}

// Parts is an upload in parts that was begun.
type Parts struct {
	ID string
	// URLs are where the store itself takes the parts, without further credentials; nil where PutPart takes them.
	URLs []string
}

// parted is a place that takes files in parts.
type parted interface {
	// begin begins an upload.
	begin(ctx context.Context, name string, parts int) (Parts, error)
	// finish makes an upload of all parts, which are in order; their sizes may be unknown.
	finish(ctx context.Context, name, id string, parts []Part, maxBytes int64) (upload, error)
	// abort forgets an upload. That there is none is no error.
	abort(ctx context.Context, name, id string) error
}

func errUnparted() error {
	return errs.New(errs.Unsupported, "Multipart upload is not supported for the artifacts of this server; upload the file in one piece")
}

// BeginParts begins the upload of a file of a run or a model in parts. Errors: as of Put, and Unsupported.
func (s *Service) BeginParts(ctx context.Context, name string, parts int) (Parts, error) {
	if parts < 1 || parts > MaxParts {
		return Parts{}, errs.Field("num_parts", "is %d; it is from 1 to %d", parts, MaxParts)
	}
	name, _, err := s.fileToChange(ctx, name)
	if err != nil {
		return Parts{}, err
	}
	p, ok := s.files.place.(parted)
	if !ok {
		return Parts{}, errUnparted()
	}
	return p.begin(ctx, name, parts)
}

// FinishParts stores the file whose parts were uploaded, as Put does. Errors: those of Put, NotFound for an upload that was not
// begun for the path, or has ended; Invalid for parts that are not all of it.
func (s *Service) FinishParts(ctx context.Context, name, id string, parts []Part, maxBytes int64) (Info, error) {
	name, o, err := s.fileToChange(ctx, name)
	if err != nil {
		return Info{}, err
	}
	for i, part := range parts {
		if part.Number != i+1 {
			return Info{}, errs.Field(fmt.Sprintf("parts[%d].part_number", i), "is %d; the parts are given in order, each once, from 1 on", part.Number)
		}
	}
	if len(parts) < 1 || len(parts) > MaxParts {
		return Info{}, errs.Field("parts", "has %d parts; there are from 1 to %d", len(parts), MaxParts)
	}
	p, ok := s.files.place.(parted)
	if !ok {
		return Info{}, errUnparted()
	}
	u, err := p.finish(ctx, name, id, parts, maxBytes)
	if err != nil {
		return Info{}, err
	}
	info, err := s.store(ctx, o, u)
	if err == nil {
		err = p.abort(ctx, name, id)
	}
	return info, err
}

// AbortParts forgets an upload in parts. That there is none is no error.
func (s *Service) AbortParts(ctx context.Context, name, id string) error {
	name, _, err := s.fileToChange(ctx, name)
	if err != nil {
		return err
	}
	p, ok := s.files.place.(parted)
	if !ok {
		return errUnparted()
	}
	return p.abort(ctx, name, id)
}

// partFolder is a place to which the parts are uploaded through this service.
func (s *Service) partFolder() (*folder, error) {
	d, ok := s.files.place.(*folder)
	if !ok {
		return nil, errs.New(errs.Unsupported, "the store takes the parts itself, at the URLs that it gave")
	}
	return d, nil
}

// PutPart stores a part, in place of one of the same number. Errors: NotFound for an upload that was not begun, or has ended.
func (s *Service) PutPart(ctx context.Context, id string, number int, r io.Reader, maxBytes int64) (Part, error) {
	d, err := s.partFolder()
	if err != nil {
		return Part{}, err
	}
	return d.putPart(ctx, id, number, r, maxBytes)
}

// PartsSoFar gives the parts of an upload that have come, by number: who was cut off goes on with the others.
func (s *Service) PartsSoFar(_ context.Context, id string) ([]Part, error) {
	d, err := s.partFolder()
	if err != nil {
		return nil, err
	}
	return d.partsSoFar(id)
}

// The parts of an upload lie in a folder of its own below that of uploads: NUMBER-SHA256, and "path" that says for which file
// they are and how many.
const (
	partsPrefix = "parts-"
	pathFile    = "path"
)

var partsID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

func errNoParts(id string) error {
	return errs.New(errs.NotFound, "there is no upload %.40q in parts, or it has ended; begin it again", id)
}

// partsAt gives the folder of an upload, for which file it is, and how many parts it has.
func (d *folder) partsAt(id string) (dir, name string, count int, err error) {
	if !partsID.MatchString(id) {
		return "", "", 0, errNoParts(id)
	}
	dir = uploads + "/" + partsPrefix + id
	text, err := d.root.ReadFile(filepath.FromSlash(dir + "/" + pathFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", 0, errNoParts(id)
	}
	if err != nil {
		return "", "", 0, describe(id, err)
	}
	number, name, _ := strings.Cut(string(text), " ")
	if count, err = strconv.Atoi(number); err != nil {
		return "", "", 0, errNoParts(id) // it was being begun when the server ended
	}
	return dir, name, count, nil
}

func (d *folder) begin(_ context.Context, name string, parts int) (Parts, error) {
	id := rand.Text()
	dir := uploads + "/" + partsPrefix + id
	if err := d.root.Mkdir(filepath.FromSlash(dir), 0o750); err != nil {
		return Parts{}, describe(name, err)
	}
	if err := d.root.WriteFile(filepath.FromSlash(dir+"/"+pathFile), []byte(strconv.Itoa(parts)+" "+name), 0o640); err != nil {
		return Parts{}, errors.Join(describe(name, err), d.root.RemoveAll(filepath.FromSlash(dir)))
	}
	return Parts{ID: id}, nil
}

func (d *folder) putPart(ctx context.Context, id string, number int, r io.Reader, maxBytes int64) (Part, error) {
	dir, name, count, err := d.partsAt(id)
	if err != nil {
		return Part{}, err
	}
	if number < 1 || number > count {
		return Part{}, errs.Field("part_number", "is %d; the upload was begun with %d parts", number, count)
	}
	there, err := d.partsIn(dir)
	if err != nil {
		return Part{}, err
	}
	for _, p := range there {
		if p.Number != number {
			maxBytes -= p.Size
		}
	}
	at := dir + "/" + rand.Text()
	f, err := d.root.OpenFile(filepath.FromSlash(at), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrNotExist) {
		return Part{}, errNoParts(id)
	}
	if err != nil {
		return Part{}, describe(name, err)
	}
	u := &folderUpload{d: d, at: at, file: f, Info: Info{Path: name}}
	if u.Size, u.SHA256, err = receive(ctx, writingEarly{f}, r, maxBytes); err != nil {
		return Part{}, u.discard(describe(name, err))
	}
	// It is not synced: the whole file will be.
	if err := u.close(); err != nil {
		return Part{}, u.discard(describe(name, err))
	}
	if err := d.root.Rename(filepath.FromSlash(at), filepath.FromSlash(dir+"/"+partName(number, u.SHA256))); err != nil {
		return Part{}, u.discard(describe(name, err))
	}
	// Another that came before under this number is not needed.
	for _, p := range there {
		if p.Number == number && p.ETag != u.SHA256 {
			_ = d.root.Remove(filepath.FromSlash(dir + "/" + partName(number, p.ETag))) // else it goes with the upload
		}
	}
	return Part{Number: number, Size: u.Size, ETag: u.SHA256}, nil
}

func partName(number int, sum string) string { return fmt.Sprintf("%05d-%s", number, sum) }

func (d *folder) partsSoFar(id string) ([]Part, error) {
	dir, _, _, err := d.partsAt(id)
	if err != nil {
		return nil, err
	}
	return d.partsIn(dir)
}

// partsIn gives the parts in a folder, by number.
func (d *folder) partsIn(dir string) ([]Part, error) {
	// Asked of the folder that is open: each part that comes looks at all others.
	within, err := d.root.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return nil, describe(dir, err)
	}
	defer func() { _ = within.Close() }() // it was only read
	w, err := readWindow(context.Background(), within, "", 2*MaxParts, windowBytes)
	if err != nil {
		return nil, describe(dir, err)
	}
	var out []Part
	for _, name := range w.names {
		number, sum, _ := strings.Cut(name, "-")
		n, err := strconv.Atoi(number)
		if err != nil || len(sum) != 64 {
			continue // the path, or a part that is coming
		}
		stat, err := within.Lstat(name)
		if err != nil {
			continue // replaced meanwhile
		}
		out = append(out, Part{Number: n, Size: stat.Size(), ETag: sum})
	}
	return out, nil
}

func (d *folder) finish(ctx context.Context, name, id string, parts []Part, maxBytes int64) (upload, error) {
	dir, path, count, err := d.partsAt(id)
	if err != nil {
		return nil, err
	}
	if path != name {
		return nil, errNoParts(id)
	}
	if len(parts) != count {
		return nil, errs.Field("parts", "has %d parts; the upload was begun with %d", len(parts), count)
	}
	there, err := d.partsIn(dir)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, p := range there {
		has[partName(p.Number, p.ETag)] = true
	}
	for i, p := range parts {
		if !has[partName(p.Number, p.ETag)] {
			return nil, errs.Field(fmt.Sprintf("parts[%d]", i), "has not come with the etag %.80q; upload part %d again", p.ETag, p.Number)
		}
	}
	whole := &partReader{open: func(i int) (io.ReadCloser, error) {
		return d.root.Open(filepath.FromSlash(dir + "/" + partName(parts[i].Number, parts[i].ETag)))
	}, count: count}
	u, err := d.receive(ctx, name, whole, maxBytes)
	if err = errors.Join(err, whole.close()); err != nil {
		var source *SourceError
		if errors.As(err, &source) {
			err = describe(name, source.Err) // it was the store that could not be read
		}
		return nil, err
	}
	return u, nil
}

// partReader reads parts one behind the other, each open while it is read alone.
type partReader struct {
	open  func(i int) (io.ReadCloser, error)
	at    int
	count int
	now   io.ReadCloser
}

func (p *partReader) Read(b []byte) (int, error) {
	for {
		if p.now == nil {
			if p.at == p.count {
				return 0, io.EOF
			}
			next, err := p.open(p.at)
			if err != nil {
				return 0, err
			}
			p.now = next
			p.at++
		}
		n, err := p.now.Read(b)
		if errors.Is(err, io.EOF) {
			if err := p.close(); err != nil {
				return n, err
			}
			err = nil
		}
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
	}
}

func (p *partReader) close() error {
	if p.now == nil {
		return nil
	}
	err := p.now.Close()
	p.now = nil
	return err
}

func (d *folder) abort(_ context.Context, _, id string) error {
	dir, _, _, err := d.partsAt(id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		err = d.root.RemoveAll(filepath.FromSlash(dir))
	}
	if err != nil {
		return describe(id, err)
	}
	return nil
}
