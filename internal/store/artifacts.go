package store

import (
	"context"
	"database/sql"
)

// ArtifactRow is what is recorded of a file.
type ArtifactRow struct {
	// RunPK is the run whose the file is; nil where it is a logged model's.
	RunPK            *int
	Location, SHA256 string
	Size, CreatedAt  int64
	CreatedBy        string
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
	return insertMany(ctx, tx, "artifact_references (run_id, location, size, sha256, created_at, created_by)",
		" ON CONFLICT (location) DO UPDATE SET run_id = EXCLUDED.run_id, size = EXCLUDED.size, sha256 = EXCLUDED.sha256,"+
			" created_at = EXCLUDED.created_at, created_by = EXCLUDED.created_by",
		once, func(args []any, row **ArtifactRow) []any {
			r := *row
			return append(args, r.RunPK, r.Location, r.Size, r.SHA256, r.CreatedAt, r.CreatedBy)
		})
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
