package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// checkedWhole is up to what size a file is read and checked before any of it is given.
	checkedWhole = 1 << 20
	// checkLife is for how long a file that was checked, and has not changed by what the file system says, is not hashed again.
	checkLife = 10 * time.Minute
	// maxChecks bounds of how many files that is known.
	maxChecks = 4096
)

// check is when which version of a file was found to be what was recorded, or came and was recorded.
type check struct {
	version string
	at      time.Time
}

// File is an artifact that was opened. What is read from its begin to its end is held against what was recorded of it: where
// they differ, the end is not given, but an error.
type File struct {
	io.ReadSeeker
	source source
}

// Content is what to read from; where nothing is to be checked, it is the file of the operating system.
func (f *File) Content() io.ReadSeeker { return f.ReadSeeker }

// Close closes the file.
func (f *File) Close() error { return f.source.Close() }

// Err is that what was read is not what was recorded, if it was found out while reading.
func (f *File) Err() error {
	if c, ok := f.ReadSeeker.(*checked); ok {
		return c.err
	}
	return nil
}

// checkedFile makes a file that is checked. Errors: Damaged where it is already known not to be what was recorded.
func (s *Service) checkedFile(ctx context.Context, src source, info Info, recorded recorded) (*File, error) {
	f := &File{ReadSeeker: src, source: src}
	if file, ok := src.(openFile); ok {
		f.ReadSeeker = file.File
	}
	if recorded.sha256 == "" {
		return f, nil
	}
	if info.Size != recorded.size {
		return nil, damaged(info, recorded, "%d bytes", info.Size)
	}
	if info.Size <= checkedWhole {
		content := make([]byte, info.Size)
		if _, err := io.ReadFull(src, content); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				err = damaged(info, recorded, "less than %d bytes", info.Size)
			}
			return nil, describe(info.Path, err)
		}
		if sum := hexSum(content); sum != recorded.sha256 {
			return nil, damaged(info, recorded, "SHA-256 %s", sum)
		}
		f.ReadSeeker = bytes.NewReader(content)
		return f, nil
	}
	version, _ := src.version()
	if known, ok := s.checks.Get(info.Path); ok && version != "" && known.version == version+recorded.sha256 && time.Since(known.at) < checkLife {
		return f, nil
	}
	c := &checked{source: src, size: info.Size, hasher: newHasher(), finish: func(sum string) error {
		if sum != recorded.sha256 {
			err := damaged(info, recorded, "SHA-256 %s", sum)
			s.logDamage(ctx, info.Path, err)
			return err
		}
		if now, steady := src.version(); version != "" && now == version && steady {
			s.checks.Add(info.Path, check{version + recorded.sha256, time.Now()})
		}
		return nil
	}}
	return &File{ReadSeeker: c, source: c}, nil
}

func hexSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// damaged is that a file is not what was recorded. Its cause says what was found.
func damaged(info Info, recorded recorded, found string, args ...any) error {
	return errs.Wrap(errs.Damaged, fmt.Errorf("found "+found, args...), "the artifact %.200q is damaged: what is stored is not what was uploaded (SHA-256 %s, %d bytes); upload it again, or restore it from a backup",
		info.Path, recorded.sha256, recorded.size)
}

func (s *Service) logDamage(ctx context.Context, path string, err error) {
	s.db.Logger().ErrorContext(ctx, "a stored artifact is not what was uploaded", "path", path, "error", err, "cause", errors.Unwrap(err))
}

// checked hashes what is read from the begin on, beside who sends it.
type checked struct {
	source
	size   int64
	hasher *hasher
	// block holds what is to be hashed next, filled bytes of it.
	block  *[blockBytes]byte
	filled int
	// at is where it is read, sum how far it is hashed.
	at, sum int64
	// finish judges the hash of the whole, once.
	finish func(sum string) error
	err    error
}

func (c *checked) Seek(offset int64, whence int) (int64, error) {
	at, err := c.source.Seek(offset, whence)
	if err == nil {
		c.at = at
	}
	return at, err
}

func (c *checked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.source.Read(p)
	if c.finish != nil && c.at <= c.sum && c.at+int64(n) > c.sum {
		c.add(p[c.sum-c.at : n])
	}
	c.at += int64(n)
	// Also where it is shorter than it was; where it is longer, the hash differs.
	if c.finish != nil && (c.sum >= c.size || errors.Is(err, io.EOF) && c.at == c.sum) {
		block := c.take()
		c.hasher.take(block, c.filled, true)
		c.err, c.finish = c.finish(c.hasher.sum()), nil
		if c.err != nil {
			return 0, c.err
		}
	}
	return n, err
}

// take gives the block that was filled, and has the next be another.
func (c *checked) take() *[blockBytes]byte {
	block := c.block
	if block == nil {
		block, c.filled = blocks.Get().(*[blockBytes]byte), 0 // the pool holds nothing else
	}
	c.block = nil
	return block
}

func (c *checked) add(p []byte) {
	c.sum += int64(len(p))
	for len(p) > 0 {
		if c.block == nil {
			c.block, c.filled = blocks.Get().(*[blockBytes]byte), 0 // the pool holds nothing else
		}
		n := copy(c.block[c.filled:], p)
		c.filled += n
		if p = p[n:]; c.filled == blockBytes {
			c.hasher.take(c.take(), blockBytes, false)
		}
	}
}

// Close also ends the hashing of what was not read to its end.
func (c *checked) Close() error {
	c.hasher.stop()
	return c.source.Close()
}
