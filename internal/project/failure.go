package project

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/client"
)

// Failure is a run that could not be started.
type Failure struct {
	RunID, Name, Experiment, User, Parent string
	Tags                                  map[string]string
	Params                                map[string]string
	// Killed is true when the user ended the preparation.
	Killed bool
	Reason string
	Began  time.Time
}

// Record puts it on the server as a run that failed, whole: created, described and ended with the reason.
func (f Failure) Record(ctx context.Context, api *client.Client) error {
	input := client.CreateRunInput{RunId: &f.RunID, ExperimentName: &f.Experiment, StartTime: &f.Began}
	for value, to := range map[string]**string{f.Name: &input.Name, f.User: &input.UserId, f.Parent: &input.ParentRunId} {
		if value != "" {
			*to = &value
		}
	}
	for key, value := range f.Tags {
		input.Tags = append(input.Tags, client.TagInput{Key: key, Value: value})
	}
	if _, err := client.CreateRun(ctx, api, input); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if len(f.Params) > 0 {
		batch := client.LogBatchInput{RunId: f.RunID}
		for key, value := range f.Params {
			batch.Params = append(batch.Params, client.ParamInput{Key: key, Value: value})
		}
		// A param that the server refuses must not leave the run open.
		_, _ = client.LogBatch(ctx, api, batch)
	}
	status := client.RunStatusFailed
	if f.Killed {
		status = client.RunStatusKilled
	}
	_, err := client.FinishRun(ctx, api, client.FinishRunInput{RunId: f.RunID, Status: status, Reason: &f.Reason})
	return err //nolint:wrapcheck // an error for users already
}
