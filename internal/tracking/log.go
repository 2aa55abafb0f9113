package tracking

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/fingerprint"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"

	"entgo.io/ent/dialect/sql"
)

const (
	maxLogText    = 256 << 10
	maxLogChunks  = 1000
	maxDetail     = 1 << 20
	maxDetailHash = 64
)

// AppendRunLog is a piece of a run's console output.
type AppendRunLog struct {
	RunID  string
	Stream runlogchunk.Stream
	Text   string
	// Time is Unix milliseconds; now when 0.
	Time int64
	// Client and Sequence name the piece, as of Batch; a client that also sends batches needs another name here.
	Client   string
	Sequence int64
}

// AppendRunLog stores console output and gives the sequence it got, or that of the newest piece when it was stored before.
func (s *Service) AppendRunLog(ctx context.Context, in AppendRunLog) (int64, error) {
	if len(in.Text) > maxLogText {
		return 0, errs.Field("text", "has %d bytes: at most %d are allowed", len(in.Text), maxLogText)
	}
	if err := CheckText("text", in.Text); err != nil {
		return 0, err
	}
	if err := runlogchunk.StreamValidator(in.Stream); err != nil {
		return 0, errs.Field("stream", "%q is neither STDOUT nor STDERR", in.Stream)
	}
	if (in.Client == "") != (in.Sequence == 0) || in.Sequence < 0 || len(in.Client) > maxClient {
		return 0, errs.Field("sequence", "client (at most %d bytes) and sequence go together; sequences are 1, 2, 3 …", maxClient)
	}
	if in.Time == 0 {
		in.Time = now()
	}
	var sequence int64
	err := s.db.WriteFor(ctx, in.RunID, func(ctx context.Context, tx *store.Tx) error {
		r, err := lockRun(ctx, tx, in.RunID)
		if err != nil {
			return err
		}
		if err := mustBeActive(r); err != nil {
			return err
		}
		sequence = r.LogSequence
		var clients []*store.ClientSequence
		if in.Client != "" {
			clients = append(clients, &store.ClientSequence{RunPK: r.ID, Client: in.Client})
			if err := store.LoadClients(ctx, tx, clients); err != nil || in.Sequence <= clients[0].Last {
				return err //nolint:wrapcheck // wrapped by the package that gives it
			}
			clients[0].Last = in.Sequence
		}
		sequence++
		if err := tx.Ent().Run.UpdateOneID(r.ID).SetLogSequence(sequence).Exec(ctx); err != nil {
			return fmt.Errorf("update run: %w", err)
		}
		if err := tx.Ent().RunLogChunk.Create().SetRunID(r.ID).SetSequence(sequence).SetStream(in.Stream).
			SetCreatedAt(in.Time).SetData([]byte(in.Text)).Exec(ctx); err != nil {
			return fmt.Errorf("store log: %w", err)
		}
		e := live.Event{RunID: r.RunID, ExperimentID: r.ExperimentID, Log: true, Sequence: sequence}
		tx.OnCommit(func() { s.hub.Publish(e) })
		return store.StoreClients(ctx, tx, clients)
	})
	return sequence, err
}

// RecordFingerprint stores what a run was made of; a later record replaces the earlier.
func (s *Service) RecordFingerprint(ctx context.Context, runID string, f ent.Fingerprint) (*ent.Fingerprint, error) {
	for _, h := range []string{f.CodeHash, f.DataHash, f.DependenciesHash, f.SeedsHash, f.CommandHash, f.HardwareHash} {
		if len(h) > maxDetailHash {
			return nil, errs.Field("hash", "has %d characters: at most %d are allowed", len(h), maxDetailHash)
		}
	}
	if err := checkJSON("detail", f.Detail, maxDetail); err != nil {
		return nil, err
	}
	var out *ent.Fingerprint
	_, err := s.changeRun(ctx, runID, func(ctx context.Context, tx *store.Tx, r *ent.Run, _ *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		err := tx.Ent().Fingerprint.Create().SetRunID(r.ID).SetCodeHash(f.CodeHash).SetDataHash(f.DataHash).
			SetDependenciesHash(f.DependenciesHash).SetSeedsHash(f.SeedsHash).SetCommandHash(f.CommandHash).
			SetHardwareHash(f.HardwareHash).SetDetail(f.Detail).SetCreatedAt(now()).
			OnConflict(sql.ConflictColumns(fingerprint.FieldRunID)).UpdateNewValues().Exec(ctx)
		if err != nil {
			return fmt.Errorf("store fingerprint: %w", err)
		}
		out, err = tx.Ent().Fingerprint.Query().Where(fingerprint.RunID(r.ID)).Only(ctx)
		return notFound(err, "fingerprint", run.FieldID)
	})
	return out, err
}
