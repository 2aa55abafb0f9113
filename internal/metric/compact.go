package metric

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/store"
)

const (
	// compactInterval is the least time between two looks for runs to fold. A look that takes long, at many runs that need
	// none, is followed by a pause of compactPause times as long.
	compactInterval = 2 * time.Second
	compactPause    = 20
	// A run is folded when this many points or batches wait, or its oldest batch has waited for long enough. To fold a few
	// points into long tails is put off, since it writes the tails anew.
	foldPoints   = 16_384
	foldBatches  = 2_048
	foldAge      = 30 * time.Second
	foldLatest   = 10 * time.Minute
	tailsPerFold = 4
	// foldLeast is the number of points below which a run's only batch is left alone: it is read as fast as a tail is.
	foldLeast = 1024
	// compactShards is the number of leases among which replicas share the runs.
	compactShards = 8
	leasePrefix   = "compact metrics "
	leaseTime     = 30 * time.Second
	// faultyFor is how long a run whose points are damaged is left alone, failedFor one that could not be folded for another
	// reason, which may be the database's.
	faultyFor  = 10 * time.Minute
	failedFor  = time.Minute
	runsAtOnce = 1000
)

// Variables for tests alone, as in fold.go.
var (
	// slicePoints bounds what is folded at once, and so the time for which a writer waits: about ten milliseconds.
	slicePoints = 65_536
	// sliceKey is what the first point of a series counts for in that: its key is written too, and where all the keys of a wide
	// run are new, into as many new tails.
	sliceKey = 12
	// deletedAtOnce bounds how many batches one transaction removes.
	deletedAtOnce = int64(512)
)

// Compactor folds batches into chunks, tails and roll-ups, in the background and in small slices. It may be stopped, or
// killed, at any instant: what a transaction did not finish is as if it had not begun.
type Compactor struct {
	db     *store.DB
	log    *slog.Logger
	owner  string
	cancel context.CancelFunc
	done   sync.WaitGroup
	leases map[int]heldLease
	faulty map[int]time.Time
	// all: fold every batch, whatever the cost.
	all     bool
	folding time.Duration // spent on folding in this pass, not on looking
	writing store.Hold    // in this pass
	// beforeWrite is called before each transaction; tests end the compactor there.
	beforeWrite func() error
}

type heldLease struct {
	store.Lease
	renew time.Time
}

// StartCompactor begins to fold. The caller closes it before the database.
func StartCompactor(db *store.DB, log *slog.Logger) *Compactor {
	ctx, cancel := context.WithCancel(context.Background())
	c := newCompactor(db, log)
	c.cancel = cancel
	c.done.Go(func() { c.loop(ctx) })
	return c
}

func newCompactor(db *store.DB, log *slog.Logger) *Compactor {
	return &Compactor{db: db, log: log, owner: ownerName(), leases: map[int]heldLease{}, faulty: map[int]time.Time{},
		beforeWrite: func() error { return nil }}
}

// ownerName tells an operator who holds a lease; no two compactors have the same.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.200s, process %d, %.8s", host, os.Getpid(), rand.Text())
}

// Close ends the compactor, and gives its leases back.
func (c *Compactor) Close() {
	c.cancel()
	c.done.Wait()
}

func (c *Compactor) loop(ctx context.Context) {
	timer := time.NewTimer(compactInterval)
	defer timer.Stop()
	defer c.release()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		c.folding = 0
		began := time.Now()
		if err := c.pass(ctx, nil); err != nil && ctx.Err() == nil {
			c.log.Warn("fold metric batches; trying again", "error", err)
		}
		timer.Reset(max(compactInterval, compactPause*(time.Since(began)-c.folding)))
	}
}

func (c *Compactor) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, l := range c.leases {
		if err := c.db.Release(ctx, l.Lease); err != nil {
			c.log.Debug("release a lease", "error", err)
		}
	}
}

// Compaction counts runs.
type Compaction struct {
	// Folded runs have no batches left, but for those that came meanwhile.
	Folded int `json:"folded"`
	// Damaged runs have points that cannot be read, and stay as they are.
	Damaged int `json:"damaged"`
	// Left runs are those that another server folds.
	Left int `json:"left"`
}

// CompactAll folds all batches that there are, whatever their age, and tells after each run how far it is. It is for
// commands; servers beside it may go on.
func CompactAll(ctx context.Context, db *store.DB, log *slog.Logger, progress func(Compaction)) error {
	c := newCompactor(db, log)
	defer c.release()
	c.all = true
	return c.pass(ctx, progress)
}

// due tells whether a run is to be folded now; tail is the number of points in its tails.
func due(p store.PendingRun, tail int, now time.Time) bool {
	age := now.Sub(time.UnixMilli(p.Oldest))
	worthIt := p.Points*tailsPerFold >= int64(tail)
	return p.Batches >= foldBatches || age >= foldLatest || worthIt && (p.Points >= foldPoints || age >= foldAge)
}

// pass folds the runs that are due, of the shards that this replica has. It calls progress, if any, after each run.
func (c *Compactor) pass(ctx context.Context, progress func(Compaction)) error {
	var done Compaction
	defer func() {
		if done.Folded > 0 {
			c.log.Debug("folded metric batches", "runs", done.Folded, "took", c.folding, "held_writer", c.writing.Longest())
		}
	}()
	tell := func() {
		if progress != nil {
			progress(done)
		}
	}
	for after := 0; ; {
		runs, err := store.PendingRuns(ctx, c.db.Read(), after, runsAtOnce)
		if err != nil {
			return err
		}
		for _, p := range runs {
			after = p.RunPK
			if !c.all && p.Batches == 1 && p.Points < foldLeast {
				continue
			}
			lease, held, err := c.hold(ctx, p.RunPK%compactShards)
			if err != nil {
				return err
			}
			if !held {
				done.Left++
				tell()
			}
			if !held || time.Now().Before(c.faulty[p.RunPK]) {
				continue
			}
			tails, err := store.TailHeads(ctx, c.db.Read(), []int{p.RunPK})
			if err != nil {
				return err
			}
			if !c.all && !due(p, countPoints(tails), time.Now()) {
				continue
			}
			began := time.Now()
			err = c.foldRun(ctx, p.RunPK, lease, tails)
			c.folding += time.Since(began)
			switch {
			case err == nil:
				done.Folded++
			case !errors.Is(err, errCorrupt):
				c.faulty[p.RunPK] = time.Now().Add(failedFor) // should it be the run, it holds up no other
				return err
			default:
				done.Damaged++
				c.faulty[p.RunPK] = time.Now().Add(faultyFor)
				var met faults
				met.add(p.RunPK, "", err)
				met.tell(ctx, c.db.Read(), c.log, "a run's metric points are damaged and stay as they are: `cairn db check` names them")
			}
			tell()
		}
		if len(runs) < runsAtOnce {
			return nil
		}
	}
}

func countPoints(tails []store.Tail) int {
	n := 0
	for _, t := range tails {
		n += t.Points
	}
	return n
}

// hold gives the lease of a shard, when no other replica has it.
func (c *Compactor) hold(ctx context.Context, shard int) (store.Lease, bool, error) {
	if l, ok := c.leases[shard]; ok && time.Now().Before(l.renew) {
		return l.Lease, l.Token >= 0, nil
	}
	l, held, err := c.db.Acquire(ctx, fmt.Sprintf("%s%d", leasePrefix, shard), c.owner, leaseTime)
	if err != nil {
		return store.Lease{}, false, err
	}
	if !held {
		l.Token = -1
	}
	c.leases[shard] = heldLease{l, time.Now().Add(leaseTime / 2)}
	return l, held, nil
}

// errLost: another replica folds the run now, or the run is gone, or is being removed.
var errLost = errors.New("the run is folded by another, or is gone")

// foldRun folds all batches of a run, a slice at a time. That it was lost on the way is no error.
func (c *Compactor) foldRun(ctx context.Context, runPK int, lease store.Lease, tails []store.Tail) error {
	run, err := c.target(ctx, runPK, lease)
	if err == nil {
		err = c.foldTarget(ctx, run, tails)
	}
	if err == nil || errors.Is(err, errLost) {
		return nil
	}
	// What was read of a run that is being removed does not fit together.
	if _, gone := c.target(ctx, runPK, lease); errors.Is(gone, errLost) {
		return nil
	}
	return err
}

func (c *Compactor) foldTarget(ctx context.Context, run target, tails []store.Tail) error {
	for {
		if len(tails) == 0 {
			tails = []store.Tail{{RunPK: run.pk}}
		}
		news, err := gather(ctx, c.db.Read(), run.pk, tails)
		if err != nil || news.upTo == 0 {
			return err
		}
		for i, pieces := range news.byTail {
			if len(pieces) == 0 {
				continue
			}
			if err := c.foldRange(ctx, run, tails[i], pieces, news.upTo); err != nil {
				return err
			}
		}
		if err := c.forget(ctx, run, news.first, news.upTo); err != nil {
			return err
		}
		if !news.more {
			return nil
		}
		if tails, err = store.TailHeads(ctx, c.db.Read(), []int{run.pk}); err != nil {
			return err
		}
	}
}

// target is the run that is folded, and the right to do so.
type target struct {
	pk int
	// id is the key of its writes: they take their turn among the run's other writes.
	id    string
	lease store.Lease
}

func (c *Compactor) target(ctx context.Context, runPK int, lease store.Lease) (target, error) {
	t := target{pk: runPK, lease: lease}
	err := store.EachRow(ctx, c.db.Read(), "SELECT run_id FROM runs WHERE id = ? AND NOT purging", []any{runPK}, func(rows *sql.Rows) error {
		return rows.Scan(&t.id)
	})
	if err == nil && t.id == "" {
		err = errLost
	}
	return t, err
}

// news are the points of some batches, for each row of tails in the order of their keys.
type news struct {
	byTail      [][]piece
	first, upTo int64
	more        bool
}

func gather(ctx context.Context, q store.Querier, runPK int, tails []store.Tail) (*news, error) {
	byKey := make([]map[string]*piece, len(tails))
	out := &news{byTail: make([][]piece, len(byKey))}
	points := 0
	err := store.EachBatch(ctx, q, []int{runPK}, 0, func(b store.Batch) error {
		if points >= slicePoints {
			out.more = true
			return errEnough
		}
		if out.first == 0 {
			out.first = b.Sequence
		}
		out.upTo = b.Sequence
		points += b.Points
		return decodeBatch(b.Payload, nil, func(columns Columns) error {
			at := tailOf(tails, columns.Key)
			if b.Sequence <= tails[at].Sequence {
				return nil // an earlier fold, which did not come to its end, has it
			}
			if byKey[at] == nil {
				byKey[at] = map[string]*piece{}
			}
			p := byKey[at][columns.Key]
			if p == nil {
				p = &piece{Columns: Columns{Key: columns.Key, StepScale: columns.StepScale}}
				byKey[at][columns.Key] = p
				points += sliceKey
			}
			return p.add(columns, b.Sequence)
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for i, pieces := range byKey {
		for _, p := range pieces {
			out.byTail[i] = append(out.byTail[i], *p)
		}
		sort.Slice(out.byTail[i], func(a, b int) bool { return out.byTail[i][a].Key < out.byTail[i][b].Key })
	}
	return out, nil
}

// tailOf gives the index of the row whose range of keys a key lies in. The first row begins at the empty key.
func tailOf(tails []store.Tail, key string) int {
	return max(sort.Search(len(tails), func(i int) bool { return tails[i].FirstKey > key })-1, 0)
}

// foldRange folds pieces into one row of tails. What costs time is done before the transaction, which only writes.
func (c *Compactor) foldRange(ctx context.Context, run target, read store.Tail, pieces []piece, upTo int64) error {
	var tail []piece
	var ids map[string]int
	var states map[string]seriesState
	err := c.db.Read().Snapshot(ctx, func(q store.Querier) (err error) { // what another replica folds meanwhile is no damage
		if tail, err = loadTail(ctx, q, read); err != nil {
			return err
		}
		keys := make([]string, len(pieces))
		for i := range pieces {
			keys[i] = pieces[i].Key
		}
		ids, states, err = loadStates(ctx, q, read.RunPK, keys)
		return err
	})
	if err != nil {
		return err
	}
	made, err := fold(tail, pieces, states)
	if err != nil {
		return err
	}
	chunks, rollups, rows, err := made.rows(read, ids, upTo)
	if err != nil {
		return err
	}
	return c.write(ctx, run, func(ctx context.Context, tx *store.Tx) error {
		ok, err := store.ReplaceTail(ctx, tx, read, rows)
		switch {
		case err != nil:
			return err
		case !ok:
			return errLost
		}
		if err := store.InsertChunks(ctx, tx, chunks); err != nil {
			return err
		}
		return store.UpsertRollups(ctx, tx, rollups)
	})
}

// forget removes batches whose points are all folded.
func (c *Compactor) forget(ctx context.Context, run target, first, upTo int64) error {
	for at := min(first+deletedAtOnce-1, upTo); ; at = min(at+deletedAtOnce, upTo) {
		err := c.write(ctx, run, func(ctx context.Context, tx *store.Tx) error {
			_, err := store.DeleteBatches(ctx, tx, run.pk, at)
			return err
		})
		if err != nil || at == upTo {
			return err
		}
	}
}

// write runs a transaction that holds the run's lock, if the run is still there and its lease this replica's. What a crash
// undoes of it is folded again.
func (c *Compactor) write(ctx context.Context, run target, fn store.WriteFunc) error {
	if err := c.beforeWrite(); err != nil {
		return err
	}
	return c.db.WriteRelaxed(ctx, run.id, func(ctx context.Context, tx *store.Tx) error {
		var id int
		found, err := tx.Scan(ctx, "SELECT id FROM runs WHERE id = ? AND NOT purging"+tx.LockRow(), []any{run.pk}, &id)
		if err != nil {
			return fmt.Errorf("lock run: %w", err)
		}
		held, err := tx.Holds(ctx, run.lease)
		if err != nil {
			return err
		}
		if !found || !held {
			return errLost
		}
		c.writing.Watch(tx)
		return fn(ctx, tx)
	})
}
