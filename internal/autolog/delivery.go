package autolog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// cursor is a place between two ops: the ops of the entry at Position from Index on come after it.
type cursor struct {
	Position int64 `json:"p"`
	Index    int   `json:"i,omitempty"`
}

// plan is a batch that is about to be sent. It is written down first, so that a repetition after a crash sends the same
// ops under the same sequence, which the server then tells from new ones. One that could not be written down has no sequence:
// whoever goes on after a crash does not know of it, and would give its number to other ops.
type plan struct {
	From     cursor `json:"from"`
	To       cursor `json:"to"`
	Run      string `json:"run"`
	Sequence int64  `json:"seq"`
	Log      bool   `json:"log,omitempty"`
}

// delivery remembers how far the journal was delivered, in a journal of its own that is written anew when it gets long.
type delivery struct {
	dir     string
	journal *journal

	at      cursor
	plan    *plan
	batches map[string]int64 // by run: the last sequence of logBatch
	logs    map[string]int64 // by run: the last sequence of appendRunLog
	// rejected counts the ops that the server refused for good.
	rejected int
	// unwritten is true while the disk is full, and how far the delivery came is known in memory alone.
	unwritten bool
}

type deliveryEntry struct {
	Plan *plan   `json:"plan,omitempty"`
	At   *cursor `json:"at,omitempty"`
	// Rejected is how many of the ops up to At were refused.
	Rejected int `json:"rejected,omitempty"`
	// Snapshot is all that the entries before it said.
	Snapshot *deliverySnapshot `json:"snapshot,omitempty"`
}

type deliverySnapshot struct {
	At       cursor           `json:"at"`
	Batches  map[string]int64 `json:"batches,omitempty"`
	Logs     map[string]int64 `json:"logs,omitempty"`
	Rejected int              `json:"rejected,omitempty"`
}

const maxDeliveryBytes = 4 << 20

func openDelivery(dir string) (*delivery, error) {
	j, err := openJournal(dir, 1<<40)
	if err != nil {
		return nil, err
	}
	d := &delivery{dir: dir, journal: j, batches: map[string]int64{}, logs: map[string]int64{}}
	for at := int64(0); ; {
		payload, next, err := j.read(at)
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, errors.Join(err, j.close())
		}
		var e deliveryEntry
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, errors.Join(fmt.Errorf("decode delivery: %w", err), j.close())
		}
		d.apply(e)
		at = next
	}
}

func (d *delivery) apply(e deliveryEntry) {
	switch {
	case e.Snapshot != nil:
		d.at, d.plan, d.rejected = e.Snapshot.At, nil, e.Snapshot.Rejected
		for run, sequence := range e.Snapshot.Batches {
			d.batches[run] = sequence
		}
		for run, sequence := range e.Snapshot.Logs {
			d.logs[run] = sequence
		}
	case e.Plan != nil:
		d.plan = e.Plan
	case e.At != nil:
		if d.plan != nil && d.plan.Sequence > 0 && e.Rejected == 0 {
			d.sequences(d.plan.Log)[d.plan.Run] = d.plan.Sequence
		}
		d.at, d.plan = *e.At, nil
		d.rejected += e.Rejected
	}
}

func (d *delivery) sequences(log bool) map[string]int64 {
	if log {
		return d.logs
	}
	return d.batches
}

// write remembers an entry. What a full disk does not take is kept in memory, and written as soon as there is room: delivering
// is what makes room. It tells whether the entry is written.
func (d *delivery) write(e deliveryEntry) (bool, error) {
	err := d.catchUp()
	if err == nil {
		err = d.append(e)
	}
	if err != nil && !errors.Is(err, errSpoolFull) {
		return false, err
	}
	d.unwritten = err != nil
	d.apply(e)
	return !d.unwritten, nil
}

// catchUp writes what is known in memory alone.
func (d *delivery) catchUp() error {
	if !d.unwritten {
		return nil
	}
	return d.append(d.snapshot())
}

func (d *delivery) append(e deliveryEntry) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode delivery: %w", err)
	}
	_, err = d.journal.append(payload, 0)
	return err
}

func (d *delivery) snapshot() deliveryEntry {
	return deliveryEntry{Snapshot: &deliverySnapshot{At: d.at, Batches: d.batches, Logs: d.logs, Rejected: d.rejected}}
}

// begin writes down a plan from where the delivery stands.
func (d *delivery) begin(run string, to cursor, log bool) (plan, error) {
	p := plan{From: d.at, To: to, Run: run, Sequence: d.sequences(log)[run] + 1, Log: log}
	written, err := d.write(deliveryEntry{Plan: &p})
	if !written {
		p.Sequence = 0
	}
	return p, err
}

// done says that everything before a place was delivered, or refused for good.
func (d *delivery) done(to cursor, rejected int) error {
	written, err := d.write(deliveryEntry{At: &to, Rejected: rejected})
	if err != nil || !written || d.journal.bytes() < maxDeliveryBytes {
		return err
	}
	if err := d.compact(); !diskFull(err) {
		return err
	}
	return nil // the long journal does as well
}

// compact replaces the entries by one snapshot. A kill at any instant leaves the old or the new.
func (d *delivery) compact() error {
	next := d.dir + ".new"
	if err := os.RemoveAll(next); err != nil {
		return fmt.Errorf("compact delivery: %w", err)
	}
	j, err := openJournal(next, 1<<40)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(d.snapshot())
	if err == nil {
		_, err = j.append(payload, 0)
	}
	if err = errors.Join(err, j.close()); err != nil {
		return fmt.Errorf("compact delivery: %w", err)
	}
	// The file of the snapshot takes the place of the first segment, which is then the only one.
	old := d.journal
	if err := errors.Join(old.close(), os.Rename(j.path(0), old.path(0)), os.RemoveAll(next)); err != nil {
		return fmt.Errorf("compact delivery: %w", err)
	}
	d.journal, err = openJournal(d.dir, 1<<40)
	return err
}

func (d *delivery) close() error { return d.journal.close() }
