package autolog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

// leaseSeconds is how long a run counts as alive after a sign of life; heartbeatEvery is how often one is given.
const (
	leaseSeconds   = 60
	heartbeatEvery = 10 * time.Second
)

// deliverer turns ops into requests. Each of its requests may be repeated.
type deliverer struct {
	client *client.Client
	blobs  string
	// sender names the agent in batches, and output in pieces of output, so that the server tells a repetition from new ones.
	// The server counts the sequences of a name together, whatever they are of.
	sender, output string
	// experiments has the ids of the experiments of runs that the agent did not open.
	experiments map[string]string
}

// numbered names the sender of a request and its sequence, or neither where the request has no sequence.
func numbered(sender string, sequence int64) (*string, *int64) {
	if sequence == 0 {
		return nil, nil
	}
	return &sender, &sequence
}

// batch sends ops of one run that go into a logBatch.
func (d *deliverer) batch(ctx context.Context, run string, ops []op, sequence int64) error {
	input := client.LogBatchInput{RunId: run}
	input.Client, input.Sequence = numbered(d.sender, sequence)
	type series struct {
		key                       string
		measurement, keepExisting bool
	}
	columns := map[series]int{}
	for _, o := range ops {
		switch o.Kind {
		case opParam:
			input.Params = append(input.Params, client.ParamInput{Key: o.Key, Value: o.Value, KeepExisting: o.KeepExisting})
		case opTag:
			input.Tags = append(input.Tags, client.TagInput{Key: o.Key, Value: o.Value, KeepExisting: o.KeepExisting})
		case opMetric, opModelMetric:
			role := client.MetricRoleResult
			if o.Measurement {
				role = client.MetricRoleMeasurement
			}
			step, err := strconv.ParseInt(string(o.Step), 10, 64)
			if err != nil || o.ModelID != "" {
				at := time.UnixMilli(o.TimeMS).UTC()
				input.Metrics = append(input.Metrics, client.MetricPointInput{
					Key: o.Key, Value: client.MetricValue(o.Number), Step: o.Step, Time: &at, Role: &role,
					KeepExisting: o.KeepExisting, ModelId: optional(o.ModelID)})
				continue
			}
			s := series{o.Key, o.Measurement, o.KeepExisting}
			i, ok := columns[s]
			if !ok {
				i = len(input.Columns)
				columns[s] = i
				input.Columns = append(input.Columns, client.MetricColumnsInput{Key: o.Key, Role: &role, KeepExisting: o.KeepExisting})
			}
			c := &input.Columns[i]
			c.Steps, c.Times, c.Values = append(c.Steps, step), append(c.Times, o.TimeMS), append(c.Values, float64(o.Number))
		}
	}
	input.Tags = lastOfEach(input.Tags)
	_, err := client.LogBatch(ctx, d.client, input)
	return err
}

// lastOfEach keeps the last value of each tag: a batch has no order among its tags. A value of the user's stays also before
// one of an adapter's.
func lastOfEach(tags []client.TagInput) []client.TagInput {
	seen, own := map[string]bool{}, map[string]bool{}
	for _, tag := range tags {
		own[tag.Key] = own[tag.Key] || !tag.KeepExisting
	}
	out := make([]client.TagInput, 0, len(tags))
	for _, tag := range slices.Backward(tags) {
		if !seen[tag.Key] && (!tag.KeepExisting || !own[tag.Key]) {
			seen[tag.Key] = true
			out = append(out, tag)
		}
	}
	slices.Reverse(out)
	return out
}

// one sends an op that does not go into a batch.
func (d *deliverer) one(ctx context.Context, o op, sequence int64) error {
	var err error
	switch o.Kind {
	case opCreateRun:
		return d.createRun(ctx, o)
	case opFinishRun:
		at := time.UnixMilli(o.TimeMS).UTC()
		input := client.FinishRunInput{RunId: o.Run, Status: client.RunStatus(o.Status), EndTime: &at}
		if o.Reason != "" {
			input.Reason = &o.Reason
		}
		_, err = client.FinishRun(ctx, d.client, input)
	case opDataset:
		_, err = client.LogInputs(ctx, d.client, client.LogInputsInput{RunId: o.Run, Datasets: []client.DatasetInput{{
			Name: o.Dataset.Name, Digest: o.Dataset.Digest, SourceType: o.Dataset.SourceType, Source: o.Dataset.Source,
			Schema: optional(o.Dataset.Schema), Profile: optional(o.Dataset.Profile), Context: o.Dataset.Context}}})
	case opArtifact:
		err = d.client.PutArtifact(ctx, o.Run, o.Path, filepath.Join(d.blobs, o.Blob))
	case opModel:
		return d.model(ctx, o)
	case opLog:
		at := time.UnixMilli(o.TimeMS).UTC()
		input := client.AppendRunLogInput{RunId: o.Run, Stream: client.LogStream(o.Stream), Text: o.Text, Time: &at}
		input.Client, input.Sequence = numbered(d.output, sequence)
		_, err = client.AppendRunLog(ctx, d.client, input)
	case opFingerprint:
		return d.fingerprint(ctx, o)
	default:
		return errs.New(errs.Invalid, "spooled record of a kind %q that this program does not know", o.Kind)
	}
	return err
}

func (d *deliverer) createRun(ctx context.Context, o op) error {
	start, lease := time.UnixMilli(o.TimeMS).UTC(), leaseSeconds
	input := client.CreateRunInput{
		RunId: &o.Run, Name: optional(o.Name), ParentRunId: optional(o.Parent), StartTime: &start, UserId: optional(o.User),
		LeaseSeconds: &lease, ExperimentName: optional(o.Experiment),
	}
	if o.Experiment == "" && o.Parent != "" {
		id, err := d.experimentOf(ctx, o.Parent)
		if err != nil {
			return err
		}
		input.ExperimentId = &id
	}
	for _, key := range sortedKeys(o.Tags) {
		input.Tags = append(input.Tags, client.TagInput{Key: key, Value: o.Tags[key]})
	}
	created, err := client.CreateRun(ctx, d.client, input)
	if err == nil && len(d.experiments) < 10_000 {
		d.experiments[o.Run] = created.CreateRun.Experiment.ExperimentId
	}
	return err
}

func (d *deliverer) experimentOf(ctx context.Context, run string) (string, error) {
	if id, ok := d.experiments[run]; ok {
		return id, nil
	}
	found, err := client.RunExperiment(ctx, d.client, run)
	if err != nil {
		return "", err
	}
	if found.Run == nil {
		return "", errs.New(errs.NotFound, "there is no run %s", run)
	}
	d.experiments[run] = found.Run.Experiment.ExperimentId
	return d.experiments[run], nil
}

func (d *deliverer) model(ctx context.Context, o op) error {
	input := client.CreateLoggedModelInput{ModelId: &o.Model.ID, SourceRunId: &o.Run, Name: o.Model.Name, ModelType: o.Model.Type}
	for _, key := range sortedKeys(o.Model.Params) {
		input.Params = append(input.Params, client.ParamInput{Key: key, Value: o.Model.Params[key]})
	}
	for _, key := range sortedKeys(o.Model.Tags) {
		input.Tags = append(input.Tags, client.TagInput{Key: key, Value: o.Model.Tags[key]})
	}
	if _, err := client.CreateLoggedModel(ctx, d.client, input); err != nil {
		return err
	}
	for _, file := range o.Model.Files {
		if err := d.client.PutModelFile(ctx, o.Model.ID, file.Path, filepath.Join(d.blobs, file.Blob)); err != nil {
			if client.Retryable(err) || ctx.Err() != nil {
				return err
			}
			_, failed := client.FinalizeLoggedModel(ctx, d.client, o.Model.ID, client.LoggedModelStatusUploadFailed)
			return errors.Join(fmt.Errorf("file %s of the model: %w", file.Path, err), failed)
		}
	}
	_, err := client.FinalizeLoggedModel(ctx, d.client, o.Model.ID, client.LoggedModelStatusReady)
	return err
}

func (d *deliverer) fingerprint(ctx context.Context, o op) error {
	detail, err := json.Marshal(o.Fingerprint)
	if err != nil {
		return fmt.Errorf("encode fingerprint: %w", err)
	}
	input := client.RecordFingerprintInput{RunId: o.Run, Detail: string(detail)}
	input.CodeHash, input.DataHash, input.DependenciesHash, input.SeedsHash, input.CommandHash, input.HardwareHash = o.Fingerprint.hashes()
	_, err = client.RecordFingerprint(ctx, d.client, input)
	return err
}

// heartbeat says that a run is alive. A run that the server does not know yet needs none.
func (d *deliverer) heartbeat(ctx context.Context, run string) error {
	_, err := client.HeartbeatRun(ctx, d.client, run, leaseSeconds)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

// forget removes the blobs of an op that was delivered or refused for good, and gives their size.
func (d *deliverer) forget(o op) int64 {
	var freed int64
	for _, name := range o.blobs() {
		file := filepath.Join(d.blobs, name)
		if info, err := os.Stat(file); err == nil && os.Remove(file) == nil {
			freed += info.Size()
		}
	}
	return freed
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
