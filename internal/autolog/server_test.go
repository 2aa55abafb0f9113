package autolog

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cairnml/cairn/internal/client"
)

// fakeServer keeps what it is sent, by the rules of the schema: runs are made once, batches of a (client, sequence) count
// once and must come in order.
type fakeServer struct {
	*httptest.Server

	mu       sync.Mutex
	runs     map[string]*fakeRun
	models   map[string]*fakeModel
	requests map[string]int
	// unnumbered counts requests without a sequence.
	unnumbered int
	repeated   int
	heartbeats int
	// fail decides what a request is answered with: nil lets it through.
	fail func(operation string, variables json.RawMessage) *fakeFailure
}

type fakeFailure struct {
	status int
	code   string
	// stored is true when the answer is lost after the request was done.
	stored bool
}

type fakeRun struct {
	input     client.CreateRunInput
	params    map[string]string
	tags      map[string]string
	points    map[string][]float64
	steps     map[string][]string
	roles     map[string]client.MetricRole
	log       map[client.LogStream]string
	inputs    []client.DatasetInput
	artifacts map[string]string
	print     *client.RecordFingerprintInput
	status    client.RunStatus
	reason    string
	sequences map[string]int64
}

type fakeModel struct {
	input  client.CreateLoggedModelInput
	files  map[string]string
	status client.LoggedModelStatus
	points map[string][]float64
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	s := &fakeServer{runs: map[string]*fakeRun{}, models: map[string]*fakeModel{}, requests: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *fakeServer) failWith(f func(operation string, variables json.RawMessage) *fakeFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/artifacts/"); ok {
		s.put(w, path, string(body))
		return
	}
	if r.URL.Path != "/graphql" {
		_, _ = io.WriteString(w, "OK")
		return
	}
	var request struct {
		OperationName string          `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.requests[request.OperationName]++
	var failure *fakeFailure
	if s.fail != nil {
		failure = s.fail(request.OperationName, request.Variables)
	}
	if failure != nil && !failure.stored {
		failure.write(w)
		return
	}
	data, code := s.mutate(request.OperationName, request.Variables)
	switch {
	case failure != nil:
		failure.write(w)
	case code != "":
		(&fakeFailure{status: 200, code: code}).write(w)
	default:
		_, _ = fmt.Fprintf(w, `{"data":%s}`, data)
	}
}

func (f *fakeFailure) write(w http.ResponseWriter) {
	w.WriteHeader(f.status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"message":"%s, says the test","extensions":{"code":"%s"}}]}`, strings.ToLower(f.code), f.code)
}

func (s *fakeServer) put(w http.ResponseWriter, path, body string) {
	if rest, ok := strings.CutPrefix(path, "models/"); ok {
		id, file, _ := strings.Cut(rest, "/")
		if s.models[id] == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.models[id].files[file] = body
		return
	}
	id, file, _ := strings.Cut(path, "/")
	if s.runs[id] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.runs[id].artifacts[file] = body
}

func (s *fakeServer) mutate(operation string, variables json.RawMessage) (data, code string) {
	var all struct {
		Input  json.RawMessage `json:"input"`
		RunID  string          `json:"runId"`
		Model  string          `json:"modelId"`
		Status string          `json:"status"`
	}
	if json.Unmarshal(variables, &all) != nil {
		return "", "INVALID_ARGUMENT"
	}
	decode := func(v any) { _ = json.Unmarshal(all.Input, v) }
	switch operation {
	case "CreateRun":
		var in client.CreateRunInput
		decode(&in)
		if s.runs[*in.RunId] == nil {
			s.runs[*in.RunId] = &fakeRun{input: in, params: map[string]string{}, tags: map[string]string{}, points: map[string][]float64{},
				steps: map[string][]string{}, roles: map[string]client.MetricRole{}, log: map[client.LogStream]string{},
				artifacts: map[string]string{}, status: "RUNNING", sequences: map[string]int64{}}
			for _, tag := range in.Tags {
				s.runs[*in.RunId].tags[tag.Key] = tag.Value
			}
		}
		return `{"createRun":{"runId":"x","experiment":{"experimentId":"1"}}}`, ""
	case "RunExperiment":
		return `{"run":{"experiment":{"experimentId":"7"}}}`, ""
	case "CreateLoggedModel":
		var in client.CreateLoggedModelInput
		decode(&in)
		if s.models[*in.ModelId] == nil {
			s.models[*in.ModelId] = &fakeModel{input: in, files: map[string]string{}, status: client.LoggedModelStatusPending,
				points: map[string][]float64{}}
		}
		return `{"createLoggedModel":{"modelId":"x"}}`, ""
	case "FinalizeLoggedModel":
		s.models[all.Model].status = client.LoggedModelStatus(all.Status)
		return `{"finalizeLoggedModel":{"modelId":"x"}}`, ""
	case "HeartbeatRun":
		s.heartbeats++
		return `{"heartbeatRun":{"runId":"x"}}`, ""
	}
	var of struct {
		RunID string `json:"runId"`
	}
	decode(&of)
	run := s.runs[of.RunID]
	if run == nil {
		return "", "NOT_FOUND"
	}
	return s.mutateRun(run, operation, decode)
}

func (s *fakeServer) mutateRun(run *fakeRun, operation string, decode func(any)) (data, code string) {
	switch operation {
	case "FinishRun":
		var in client.FinishRunInput
		decode(&in)
		run.status = in.Status
		if in.Reason != nil {
			run.reason = *in.Reason
		}
		return `{"finishRun":{"runId":"x"}}`, ""
	case "LogBatch":
		var in client.LogBatchInput
		decode(&in)
		if !s.fresh(run, in.Client, in.Sequence) {
			return `{"logBatch":{"stored":false}}`, ""
		}
		return run.logBatch(in, s.models)
	case "LogInputs":
		var in client.LogInputsInput
		decode(&in)
		run.inputs = append(run.inputs, in.Datasets...)
		return `{"logInputs":{"runId":"x"}}`, ""
	case "AppendRunLog":
		var in client.AppendRunLogInput
		decode(&in)
		if s.fresh(run, in.Client, in.Sequence) {
			run.log[in.Stream] += in.Text
		}
		return `{"appendRunLog":1}`, ""
	case "RecordFingerprint":
		var in client.RecordFingerprintInput
		decode(&in)
		run.print = &in
		return `{"recordFingerprint":{"codeHash":""}}`, ""
	}
	return "", "INVALID_ARGUMENT"
}

// fresh tells whether a request is new: one without a sequence always is; sequences must come without a gap.
func (s *fakeServer) fresh(run *fakeRun, client *string, number *int64) bool {
	if client == nil {
		s.unnumbered++
		return true
	}
	sender, sequence := *client, *number
	if sequence <= run.sequences[sender] {
		s.repeated++
		return false
	}
	if sequence != run.sequences[sender]+1 {
		panic(fmt.Sprintf("%s: sequence %d after %d", sender, sequence, run.sequences[sender]))
	}
	run.sequences[sender] = sequence
	return true
}

func (run *fakeRun) logBatch(in client.LogBatchInput, models map[string]*fakeModel) (data, code string) {
	for _, p := range in.Metrics {
		if p.ModelId != nil && models[*p.ModelId] == nil {
			run.sequences[*in.Client]--
			return "", "NOT_FOUND"
		}
	}
	for _, p := range in.Metrics {
		if p.ModelId != nil {
			models[*p.ModelId].points[p.Key] = append(models[*p.ModelId].points[p.Key], float64(p.Value))
		}
	}
	for _, p := range in.Params {
		if p.Value == "spoiled" {
			run.sequences[*in.Client]--
			return "", "INVALID_ARGUMENT"
		}
	}
	for _, p := range in.Params {
		if _, ok := run.params[p.Key]; !ok || !p.KeepExisting {
			run.params[p.Key] = p.Value
		}
	}
	for _, tag := range in.Tags {
		run.tags[tag.Key] = tag.Value
	}
	for _, column := range in.Columns {
		run.roles[column.Key] = *column.Role
		run.points[column.Key] = append(run.points[column.Key], column.Values...)
		for _, step := range column.Steps {
			run.steps[column.Key] = append(run.steps[column.Key], fmt.Sprint(step))
		}
	}
	for _, point := range in.Metrics {
		if point.ModelId != nil {
			continue // the run has the point already: identical ones count once
		}
		run.points[point.Key] = append(run.points[point.Key], float64(point.Value))
		run.steps[point.Key] = append(run.steps[point.Key], string(point.Step))
	}
	return `{"logBatch":{"stored":true}}`, ""
}

// only gives the one run that is no child and no sibling of another.
func (s *fakeServer) only(t *testing.T) *fakeRun {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.runs) != 1 {
		t.Fatalf("%d runs", len(s.runs))
	}
	for _, run := range s.runs {
		return run
	}
	return nil
}

func sameFloats(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}
