// Package tracking is the core of experiment tracking: experiments, runs, params, tags, inputs and logged models. Both
// shells, GraphQL and MLflow's REST, are thin layers over it.
package tracking

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/idempotencykey"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
)

// Service records and reads what trainings do. All methods are safe for concurrent use and return *errs.Error for what is
// the caller's fault.
type Service struct {
	db      *store.DB
	hub     *live.Hub
	metered *changeMeter
	batches *batchWriter
}

// New makes the service. The caller closes it before the database.
func New(db *store.DB, hub *live.Hub) *Service {
	s := &Service{db: db, hub: hub}
	s.metered = startChangeMeter(s.noteChanges)
	s.batches = newBatchWriter(hub, s.metered)
	return s
}

// Close stores the changes that are noted and not yet stored.
func (s *Service) Close() { s.metered.stop() }

// Tag is a key and a value; the last write wins.
type Tag struct {
	Key, Value string
	// KeepExisting, of a run's tag: a value that was set without it stays. It is how autolog adapters write.
	KeepExisting bool
}

// Param is an input of a run, written once.
type Param struct {
	Key, Value string
	// KeepExisting: a value that the param has already stays, and this one gives way to any that comes later without
	// KeepExisting. It is how autolog adapters write. Else another value is a Conflict.
	KeepExisting bool
}

func now() int64 { return time.Now().UnixMilli() }

// Once gives what an earlier call with the same idempotency key made; make is called when there was none, and gives the
// id of what it made. Both happen in the caller's transaction.
func Once(ctx context.Context, tx *store.Tx, operation, key string, request any, create func() (string, error)) (string, error) {
	if key == "" {
		return create()
	}
	if len(key) > maxIdempotencyKey {
		return "", errs.Field("idempotencyKey", "has %d bytes: at most %d are allowed", len(key), maxIdempotencyKey)
	}
	text, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("hash request: %w", err)
	}
	sum := sha256.Sum256(text)
	hash := hex.EncodeToString(sum[:])
	earlier := func() (id string, found bool, err error) {
		made, err := tx.Ent().IdempotencyKey.Query().Where(idempotencykey.Operation(operation), idempotencykey.Key(key)).Only(ctx)
		switch {
		case ent.IsNotFound(err):
			return "", false, nil
		case err != nil:
			return "", false, fmt.Errorf("look up idempotency key: %w", err)
		case made.RequestHash != hash:
			return "", false, errs.New(errs.Conflict, "idempotencyKey: %q was used before with another input; use a new key", key)
		}
		return made.ResultID, true, nil
	}
	if id, found, err := earlier(); err != nil || found {
		return id, err
	}
	id, err := create()
	if errs.KindOf(err) == errs.Exists {
		// Another replica may have committed the same request between the two looks.
		if id, found, again := earlier(); again != nil || found {
			return id, again
		}
	}
	if err != nil {
		return "", err
	}
	if err := tx.Ent().IdempotencyKey.Create().SetOperation(operation).SetKey(key).SetRequestHash(hash).
		SetResultID(id).SetCreatedAt(now()).Exec(ctx); err != nil {
		return "", fmt.Errorf("store idempotency key: %w", err)
	}
	return id, nil
}
