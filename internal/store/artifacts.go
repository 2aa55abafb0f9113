package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// ArtifactRow is what is recorded of a file.
type ArtifactRow struct {
	// RunPK is the run whose the file is; nil where it is a logged model's.
	RunPK            *int
	Location, SHA256 string
	Size, CreatedAt  int64
	CreatedBy        string
	// PendingID, unless 0, has Content kept under that id until DropPending.
	PendingID int64
	Content   []byte
}

// RecordArtifacts records files, in place of what was recorded for the same locations; of rows for one location the last counts.
func RecordArtifacts(ctx context.Context, tx *Tx, rows []*ArtifactRow) error {
	last := make(map[string]int, len(rows))
	for i, row := range rows {
		last[row.Location] = i
	}
	once := make([]*ArtifactRow, 0, len(last))
	for i, row := range rows {
		if last[row.Location] == i { // PostgreSQL does not change a row twice in one statement
			once = append(once, row)
		}
	}
	err := insertMany(ctx, tx, "artifact_references (run_id, location, size, sha256, created_at, created_by)",
		" ON CONFLICT (location) DO UPDATE SET run_id = EXCLUDED.run_id, size = EXCLUDED.size, sha256 = EXCLUDED.sha256,"+
			" created_at = EXCLUDED.created_at, created_by = EXCLUDED.created_by",
		once, func(args []any, row **ArtifactRow) []any {
			r := *row
			return append(args, r.RunPK, r.Location, r.Size, r.SHA256, r.CreatedAt, r.CreatedBy)
		})
	if err != nil {
		return err
	}
	once = slices.DeleteFunc(once, func(row *ArtifactRow) bool { return row.PendingID == 0 })
	return insertMany(ctx, tx, "pending_contents (id, location, sha256, created_at, content)", "", once, func(args []any, row **ArtifactRow) []any {
		r := *row
		return append(args, r.PendingID, r.Location, r.SHA256, r.CreatedAt, r.Content)
	})
}

// PendingContent is the content of a file that the file system may not have for good.
type PendingContent struct {
	ID               int64
	Location, SHA256 string
	Content          []byte
}

// pendingPage bounds how many contents are in memory.
const pendingPage = 64

const selectPending = "SELECT id, location, sha256, content FROM pending_contents WHERE "

func pendingContents(ctx context.Context, q Querier, where string, args ...any) (out []PendingContent, err error) {
	err = EachRow(ctx, q, selectPending+where+" ORDER BY id LIMIT ?", append(args, pendingPage), func(rows *sql.Rows) error {
		var p PendingContent
		err := rows.Scan(&p.ID, &p.Location, &p.SHA256, &p.Content)
		out = append(out, p)
		return err
	})
	return out, err
}

// PendingContents gives the next contents behind an id that were kept before a time, in Unix milliseconds; none at the end.
func PendingContents(ctx context.Context, q Querier, after, before int64) ([]PendingContent, error) {
	return pendingContents(ctx, q, "id > ? AND created_at < ?", after, before)
}

// IDs are those from behind one to another.
type IDs struct{ Behind, To int64 }

// PendingContentsBelow gives the next contents behind an id of files in some folders and in those below them, and at their very
// paths, but those of some ids; "" is the folder of all.
func PendingContentsBelow(ctx context.Context, q Querier, folders []string, after int64, but IDs) ([]PendingContent, error) {
	const others = "id > ? AND (id <= ? OR id > ?)"
	if slices.Contains(folders, "") {
		return pendingContents(ctx, q, others, after, but.Behind, but.To)
	}
	args := make([]any, 0, 3*len(folders)+3)
	for _, folder := range folders {
		from, to := below(folder)
		args = append(args, folder, from, to)
	}
	where := strings.Repeat(" OR location = ? OR location > ? AND location < ?", len(folders))
	return pendingContents(ctx, q, "("+strings.TrimPrefix(where, " OR ")+") AND "+others, append(args, after, but.Behind, but.To)...)
}

// PendingContentByID gives a content that is kept; found is false where it is not.
func PendingContentByID(ctx context.Context, q Querier, id int64) (p PendingContent, found bool, err error) {
	err = EachRow(ctx, q, selectPending+"id = ?", []any{id}, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&p.ID, &p.Location, &p.SHA256, &p.Content)
	})
	return p, found, err
}

// PendingContentOf gives the content that is kept of a file; found is false where none is.
func PendingContentOf(ctx context.Context, q Querier, location, sum string) (content []byte, found bool, err error) {
	err = EachRow(ctx, q, "SELECT content FROM pending_contents WHERE location = ? AND sha256 = ? LIMIT 1", []any{location, sum}, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&content)
	})
	return content, found, err
}

// DropPending forgets contents that are kept.
func DropPending(ctx context.Context, tx *Tx, ids []int64) error {
	for _, part := range Parts(ids) {
		if _, err := tx.ExecContext(ctx, "DELETE FROM pending_contents WHERE id IN "+In(len(part)), Args(nil, part)...); err != nil {
			return fmt.Errorf("forget contents: %w", err)
		}
	}
	return nil
}

// RecordedArtifact gives size and SHA-256 of a file as they were recorded; an empty hash where nothing was.
func RecordedArtifact(ctx context.Context, q Querier, location string) (size int64, sum string, err error) {
	err = EachRow(ctx, q, "SELECT size, sha256 FROM artifact_references WHERE location = ?", []any{location}, func(rows *sql.Rows) error {
		return rows.Scan(&size, &sum)
	})
	return size, sum, err
}

// SameContent gives up to limit files that had a content when they were recorded.
func SameContent(ctx context.Context, q Querier, sum string, size int64, limit int) ([]string, error) {
	return scanColumn[string](ctx, q, "SELECT location FROM artifact_references WHERE sha256 = ? AND size = ? LIMIT ?", sum, size, limit)
}

// ArtifactOwner is a run or a logged model that may have artifacts.
type ArtifactOwner struct {
	// PK is 0 where there is none.
	PK       int
	Location string
	Deleted  bool
}

const (
	selectRunOwner   = "SELECT id, artifact_location, lifecycle_stage = 'deleted' FROM runs WHERE run_id = ?"
	selectModelOwner = "SELECT id, artifact_location, lifecycle_stage = 'deleted' FROM logged_models WHERE model_id = ?"
)

// RunOfArtifacts finds a run by its id.
func RunOfArtifacts(ctx context.Context, q Querier, runID string) (ArtifactOwner, error) {
	return artifactOwner(ctx, q, selectRunOwner, runID)
}

// ModelOfArtifacts finds a logged model by its id.
func ModelOfArtifacts(ctx context.Context, q Querier, modelID string) (ArtifactOwner, error) {
	return artifactOwner(ctx, q, selectModelOwner, modelID)
}

func artifactOwner(ctx context.Context, q Querier, query, id string) (o ArtifactOwner, err error) {
	err = EachRow(ctx, q, query, []any{id}, func(rows *sql.Rows) error { return rows.Scan(&o.PK, &o.Location, &o.Deleted) })
	return o, err
}
