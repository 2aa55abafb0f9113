package autolog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A journal is an append-only sequence of frames in segment files of a directory. A frame is its length and its CRC-32C,
// both little-endian uint32, and its payload. A position counts bytes from the journal's beginning over all segments; a
// segment's name is the position at which it begins, so that old ones can be removed.
//
// Frames are written at once, and durable after commit: a killed process loses nothing that was appended, a crashed
// machine nothing that was committed. A torn or damaged tail is cut off when the journal is opened.
type journal struct {
	dir     string
	limit   int64
	segment int64 // the size at which the next segment is begun

	mu       sync.Mutex
	segments []segment
	tail     *os.File // the last segment, open for appending
	end      int64    // position after the last frame
	size     int64    // bytes on disk
	kept     int64    // bytes that the file keptFree still holds
	noSpace  bool     // the disk was full once
	grown    chan struct{}

	syncMu sync.Mutex
	synced int64

	readMu  sync.Mutex
	reader  *os.File // the segment read last
	readAt  int64    // its beginning
	damaged int64    // bytes given up when it was opened
}

type segment struct {
	begin, end int64
}

const (
	frameHeader = 8
	// maxFrame bounds a frame: the records of one observation, at most.
	maxFrame      = 80 << 20
	segmentSize   = 64 << 20
	journalPrefix = "journal-"
	// keptFree is a file that holds so many bytes of the disk, for the ends of runs and for what is said of them, when all else
	// has filled it. It gives up what a frame needs and no more: others would take the rest.
	keptFree        = "kept-free"
	keptFreeSize    = 128 << 10
	diskBlock       = 4096
	defaultMaxSpool = 4 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errSpoolFull is given when an append would go over the journal's limit, or the disk is full.
var errSpoolFull = errors.New("the spool is at its limit")

// diskFull tells errors of a disk that takes no more.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// openJournal opens or makes the journal in dir, of at most limit bytes.
func openJournal(dir string, limit int64) (*journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal: %w", err)
	}
	j := &journal{dir: dir, limit: limit, segment: segmentSize, grown: make(chan struct{})}
	begins, err := j.list()
	if err != nil {
		return nil, err
	}
	for i, begin := range begins {
		end, onDisk, err := j.verify(begin)
		if err != nil {
			return nil, err
		}
		if i > 0 && begin < j.segments[i-1].end {
			return nil, fmt.Errorf("journal %s: segment at %d overlaps the one before", dir, begin)
		}
		j.damaged += onDisk - (end - begin)
		j.segments = append(j.segments, segment{begin, end})
		j.size += end - begin
	}
	if len(j.segments) == 0 {
		return j, j.roll(0)
	}
	last := j.segments[len(j.segments)-1]
	if err := os.Truncate(j.path(last.begin), last.end-last.begin); err != nil {
		return nil, fmt.Errorf("cut journal's torn tail: %w", err)
	}
	j.tail, err = os.OpenFile(j.path(last.begin), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j.end, j.synced = last.end, last.end
	return j, nil
}

func (j *journal) path(begin int64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s%016x", journalPrefix, begin))
}

func (j *journal) list() ([]int64, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var begins []int64
	for _, entry := range entries {
		if digits, ok := strings.CutPrefix(entry.Name(), journalPrefix); ok {
			if begin, err := strconv.ParseInt(digits, 16, 64); err == nil {
				begins = append(begins, begin)
			}
		}
	}
	slices.Sort(begins)
	return begins, nil
}

// verify reads a segment to its first damaged frame: the position of that, and the file's size.
func (j *journal) verify(begin int64) (end, size int64, err error) {
	file, err := os.Open(j.path(begin))
	if err != nil {
		return 0, 0, fmt.Errorf("open journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("size of journal: %w", err)
	}
	end = begin
	for {
		payload, err := readFrame(file, end-begin)
		if err != nil {
			return end, info.Size(), nil // the first unreadable frame is where the journal ends
		}
		end += frameHeader + int64(len(payload))
	}
}

var errDamaged = errors.New("damaged frame")

func readFrame(file io.ReaderAt, offset int64) ([]byte, error) {
	var header [frameHeader]byte
	if _, err := file.ReadAt(header[:], offset); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	length := binary.LittleEndian.Uint32(header[:4])
	if length == 0 || length > maxFrame {
		return nil, errDamaged
	}
	payload := make([]byte, length)
	if _, err := file.ReadAt(payload, offset+frameHeader); err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
		return nil, errDamaged
	}
	return payload, nil
}

// roll begins a new segment. The caller holds mu or is alone.
func (j *journal) roll(begin int64) error {
	file, err := os.OpenFile(j.path(begin), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("begin journal segment: %w", err)
	}
	if j.tail != nil {
		err = errors.Join(j.tail.Sync(), j.tail.Close())
	}
	j.tail, j.end = file, begin
	j.segments = append(j.segments, segment{begin, begin})
	return err
}

// keepFree takes room on the disk. Where there is none the journal does without.
func (j *journal) keepFree() {
	path := filepath.Join(j.dir, keptFree)
	if info, err := os.Stat(path); err != nil || info.Size() != keptFreeSize {
		room := make([]byte, keptFreeSize)
		_, _ = rand.Read(room) // which file systems cannot make smaller
		if os.WriteFile(path, room, 0o600) != nil {
			_ = os.Remove(path)
			return
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = keptFreeSize
}

// release gives the disk back what a frame of n bytes needs, and tells whether anything was left to give. The caller holds mu.
func (j *journal) release(n int64) bool {
	if j.kept == 0 {
		return false
	}
	j.kept = max(0, j.kept-(n/diskBlock+2)*diskBlock)
	path := filepath.Join(j.dir, keptFree)
	if j.kept == 0 {
		return os.Remove(path) == nil
	}
	return os.Truncate(path, j.kept) == nil
}

// append writes a frame and gives its position. errSpoolFull when it would go over the limit, `reserve` bytes less, or the disk is
// full.
func (j *journal) append(payload []byte, reserve int64) (int64, error) {
	return j.appendFrame(payload, reserve, false)
}

// appendLast is append for what must be said in the end: on a disk that is full it takes the room that was kept.
func (j *journal) appendLast(payload []byte, reserve int64) (int64, error) {
	return j.appendFrame(payload, reserve, true)
}

func (j *journal) appendFrame(payload []byte, reserve int64, last bool) (int64, error) {
	if len(payload) == 0 || len(payload) > maxFrame {
		return 0, fmt.Errorf("append to journal: a frame of %d bytes; at most %d", len(payload), maxFrame)
	}
	frame := make([]byte, frameHeader, frameHeader+len(payload))
	binary.LittleEndian.PutUint32(frame[:4], uint32(len(payload))) // bounded above
	binary.LittleEndian.PutUint32(frame[4:], crc32.Checksum(payload, castagnoli))
	frame = append(frame, payload...)

	j.mu.Lock()
	defer j.mu.Unlock()
	if j.tail == nil {
		return 0, os.ErrClosed
	}
	if j.size+int64(len(frame)) > j.limit-reserve {
		return 0, errSpoolFull
	}
	err := j.write(frame)
	for diskFull(err) && last && j.release(int64(len(frame))) {
		err = j.write(frame)
	}
	if diskFull(err) {
		j.noSpace = true
		return 0, errors.Join(errSpoolFull, err)
	}
	if err != nil {
		return 0, err
	}
	at := j.end
	j.end += int64(len(frame))
	j.size += int64(len(frame))
	j.segments[len(j.segments)-1].end = j.end
	close(j.grown)
	j.grown = make(chan struct{})
	return at, nil
}

// write puts a frame behind the last one, or leaves all as it was. The caller holds mu.
func (j *journal) write(frame []byte) error {
	tail := j.segments[len(j.segments)-1]
	if tail.end-tail.begin >= j.segment {
		if err := j.roll(j.end); err != nil {
			return err
		}
		tail = j.segments[len(j.segments)-1]
	}
	if _, err := j.tail.Write(frame); err != nil {
		// Half a frame may lie there now: the next must not follow it.
		return errors.Join(fmt.Errorf("append to journal: %w", err), j.tail.Truncate(tail.end-tail.begin))
	}
	return nil
}

// ranOutOfSpace tells whether the disk was full once.
func (j *journal) ranOutOfSpace() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.noSpace
}

// commit returns when everything appended before the call is durable. Concurrent callers share a sync.
func (j *journal) commit() error {
	j.mu.Lock()
	want := j.end
	j.mu.Unlock()
	j.syncMu.Lock()
	defer j.syncMu.Unlock()
	if j.synced >= want {
		return nil
	}
	j.mu.Lock()
	end, tail := j.end, j.tail
	j.mu.Unlock()
	if tail == nil {
		return os.ErrClosed
	}
	// A segment that was closed meanwhile was synced by roll.
	if err := tail.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("sync journal: %w", err)
	}
	j.synced = end
	return nil
}

// read gives the frame at a position and the position after it. io.EOF at the end. A position in a part that is gone
// continues with the next segment.
func (j *journal) read(at int64) (payload []byte, next int64, err error) {
	j.mu.Lock()
	i := slices.IndexFunc(j.segments, func(s segment) bool { return at < s.end })
	var s segment
	if i >= 0 {
		s = j.segments[i]
	}
	j.mu.Unlock()
	if i < 0 {
		return nil, at, io.EOF
	}
	at = max(at, s.begin)
	j.readMu.Lock()
	defer j.readMu.Unlock()
	if j.reader == nil || j.readAt != s.begin {
		if j.reader != nil {
			_ = j.reader.Close()
		}
		if j.reader, err = os.Open(j.path(s.begin)); err != nil {
			j.reader = nil
			return nil, at, fmt.Errorf("open journal: %w", err)
		}
		j.readAt = s.begin
	}
	payload, err = readFrame(j.reader, at-s.begin)
	if err != nil {
		return nil, at, fmt.Errorf("journal at %d: %w", at, err)
	}
	return payload, at + frameHeader + int64(len(payload)), nil
}

// wait gives a channel that is closed when more is appended than there was at position `end`.
func (j *journal) wait(end int64) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end > end {
		done := make(chan struct{})
		close(done)
		return done
	}
	return j.grown
}

// begin is the position of the first frame that is still there.
func (j *journal) begin() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.segments[0].begin
}

// bytes is what the journal takes on disk.
func (j *journal) bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// trim removes whole segments below a position while the journal is larger than keep.
func (j *journal) trim(below, keep int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.segments) > 1 && j.size > keep && j.segments[0].end <= below {
		first := j.segments[0]
		if err := os.Remove(j.path(first.begin)); err != nil {
			return fmt.Errorf("trim journal: %w", err)
		}
		j.segments = j.segments[1:]
		j.size -= first.end - first.begin
	}
	return nil
}

func (j *journal) close() error {
	err := j.commit()
	_ = os.Remove(filepath.Join(j.dir, keptFree))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.readMu.Lock()
	defer j.readMu.Unlock()
	if j.tail != nil {
		err = errors.Join(err, j.tail.Close())
		j.tail = nil
	}
	if j.reader != nil {
		err = errors.Join(err, j.reader.Close())
		j.reader = nil
	}
	return err
}
