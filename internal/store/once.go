package store

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
)

// maxIdempotencyKey is in bytes.
const maxIdempotencyKey = 255

// Once gives what an earlier call with the same idempotency key made; make is called when there was none, and gives the
// id of what it made. Both happen in the caller's transaction.
func Once(ctx context.Context, tx *Tx, operation, key string, request any, create func() (string, error)) (string, error) {
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
		SetResultID(id).SetCreatedAt(time.Now().UnixMilli()).Exec(ctx); err != nil {
		return "", fmt.Errorf("store idempotency key: %w", err)
	}
	return id, nil
}
