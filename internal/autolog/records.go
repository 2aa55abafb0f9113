package autolog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

// Bounds of what an adapter may record; beyond them the value is cut, or the record left out with a warning.
const (
	maxParamValue = 6000
	maxTagValue   = 5000
	maxKey        = 250
	maxBlobs      = 10_000
)

// translator turns an adapter's answer to one observation into ops. It reads and writes files, and no state.
type translator struct {
	state *state // only its pure functions and config
	mask  *masker
	// blobs is the directory of the spool's blobs; files that of the session's files.
	blobs, files string

	session, adapter, fit, run string
	sequence                   uint64
	timeMS                     int64

	// known tells whether a run was opened; measured gives the last point of a metric of a run, and modelID the id of its
	// newest model of a name, empty when there is none.
	known    func(run string) bool
	measured func(run, key string) (op, bool)
	modelID  func(run, name string) string
	// filter says which params, metrics and artifacts the user wants of adapters.
	filter filter

	ops      []op
	warnings []warningOp
	opened   map[string]bool
	models   []recordedModel
	written  int
	bytes    int64
}

type warningOp struct{ run, text string }

// recordedModel is a model of this answer, and the keys of the metrics that belong to it.
type recordedModel struct {
	run, name, id string
	metrics       []string
}

func (t *translator) translate(records []*autologv1.Record) {
	t.opened = map[string]bool{}
	for _, record := range records {
		if err := t.record(record); err != nil {
			t.warnings = append(t.warnings, warningOp{t.run, fmt.Sprintf("%s: %v", t.adapter, err)})
		}
	}
	for _, m := range t.models {
		t.modelMetrics(m)
	}
}

// modelMetrics records the points that a model names as points of the model too.
func (t *translator) modelMetrics(m recordedModel) {
	for _, key := range m.metrics {
		if !t.filter.wants(key) {
			continue
		}
		point, ok := t.measured(m.run, key)
		for _, o := range t.ops {
			if o.Kind == opMetric && o.Run == m.run && o.Key == key {
				point, ok = o, true
			}
		}
		if !ok {
			t.warnings = append(t.warnings, warningOp{m.run,
				fmt.Sprintf("%s: the model %.60q names the metric %.60q, which was not recorded", t.adapter, m.name, key)})
			continue
		}
		t.ops = append(t.ops, point.ofModel(m.id))
	}
}

// modelOf gives the id of a run's model, those of this answer included.
func (t *translator) modelOf(run, name string) string {
	id := t.modelID(run, name)
	for _, m := range t.models {
		if m.run == run && m.name == name {
			id = m.id
		}
	}
	return id
}

// runOf resolves a reference of the fit's.
func (t *translator) runOf(ref string) (string, error) {
	if ref == "" {
		return t.run, nil
	}
	run := t.childID(ref)
	if !t.opened[run] && !t.known(run) {
		return "", fmt.Errorf("the run %.60q was not opened", ref)
	}
	return run, nil
}

func (t *translator) childID(ref string) string {
	return t.state.deriveID("child", t.session, t.adapter, t.fit, ref)
}

func (t *translator) record(record *autologv1.Record) error {
	if child := record.GetChildRun(); child != nil {
		return t.childRun(child)
	}
	run, err := t.runOf(record.GetRun())
	if err != nil {
		return err
	}
	switch what := record.GetWhat().(type) {
	case *autologv1.Record_Param:
		return t.param(run, what.Param)
	case *autologv1.Record_Tag:
		if err := checkKey("tag", what.Tag.GetKey()); err != nil {
			return err
		}
		value := t.mask.value(what.Tag.GetKey(), truncate(what.Tag.GetValue(), maxTagValue))
		t.ops = append(t.ops, op{Kind: opTag, Run: run, Key: what.Tag.GetKey(), Value: value, KeepExisting: true})
	case *autologv1.Record_Metric:
		return t.metric(run, what.Metric)
	case *autologv1.Record_Dataset:
		d := what.Dataset
		t.ops = append(t.ops, op{Kind: opDataset, Run: run, Dataset: &dataset{
			Name: truncate(d.GetName(), 500), Digest: d.GetDigest(), SourceType: d.GetSourceType(), Source: t.mask.text(d.GetSource()),
			Schema: d.GetSchema(), Profile: d.GetProfile(), Context: d.GetContext()}})
	case *autologv1.Record_File:
		return t.file(run, what.File)
	case *autologv1.Record_Model:
		return t.model(run, what.Model)
	case *autologv1.Record_ChildEnd:
		status := what.ChildEnd.GetStatus()
		if status != statusFailed && status != statusKilled {
			status = statusFinished
		}
		t.ops = append(t.ops, op{Kind: opFinishRun, Run: run, Status: status, TimeMS: what.ChildEnd.GetEndMs()})
	case *autologv1.Record_Warning:
		t.warnings = append(t.warnings, warningOp{run, what.Warning.GetMessage()})
	default:
		return fmt.Errorf("a record of a kind (%T) that this agent does not know: use the adapter of this version", what)
	}
	return nil
}

func checkKey(what, key string) error {
	if key == "" || len(key) > 4*maxKey || len([]rune(key)) > maxKey {
		return fmt.Errorf("%s %.60q: a key has 1 to %d characters", what, key, maxKey)
	}
	return nil
}

func (t *translator) param(run string, p *autologv1.Param) error {
	if err := checkKey("param", p.GetKey()); err != nil {
		return err
	}
	if !t.filter.wants(p.GetKey()) {
		return nil
	}
	value := t.mask.value(p.GetKey(), p.GetValue())
	if cut := truncate(value, maxParamValue); cut != value {
		t.warnings = append(t.warnings, warningOp{run, fmt.Sprintf("the param %.60s was cut to %d characters", p.GetKey(), maxParamValue)})
		value = cut
	}
	t.ops = append(t.ops, op{Kind: opParam, Run: run, Key: p.GetKey(), Value: value, KeepExisting: true})
	return nil
}

func (t *translator) metric(run string, m *autologv1.Metric) error {
	if err := checkKey("metric", m.GetKey()); err != nil {
		return err
	}
	if !t.filter.wants(m.GetKey()) {
		return nil
	}
	point := op{
		Kind: opMetric, Run: run, Key: m.GetKey(), Number: sdk.Float(m.GetValue()), TimeMS: m.GetTimeMs(), Step: stepOf(m.GetStep()),
		Measurement: m.GetMeasurement(), KeepExisting: true,
	}
	t.ops = append(t.ops, point)
	if m.GetModel() == "" {
		return nil
	}
	if id := t.modelOf(run, m.GetModel()); id != "" {
		t.ops = append(t.ops, point.ofModel(id))
	}
	return nil
}

func (t *translator) childRun(child *autologv1.ChildRun) error {
	if child.GetRef() == "" {
		return errors.New("a child run without a reference")
	}
	parent, err := t.runOf(child.GetParent())
	if err != nil {
		return err
	}
	run := t.childID(child.GetRef())
	if t.opened[run] || t.known(run) {
		return fmt.Errorf("the run %.60q was opened twice", child.GetRef())
	}
	t.opened[run] = true
	experiment := t.state.config.Experiment
	if t.run != t.state.config.RunID && !t.known(t.run) {
		// Below a run of the user's: in its experiment, which the server knows.
		experiment = ""
	}
	t.ops = append(t.ops, op{
		Kind: opCreateRun, Run: run, Name: truncate(child.GetName(), 500), Experiment: experiment, Parent: parent,
		User: t.state.config.User, TimeMS: child.GetStartMs(), Tags: map[string]string{tagExecID: t.state.config.ExecID},
	})
	return nil
}

func (t *translator) file(run string, f *autologv1.File) error {
	if err := checkPath(f.GetPath()); err != nil {
		return err
	}
	if !t.filter.wants(f.GetPath()) {
		return nil
	}
	blob, err := t.blob(f, nil)
	if err != nil {
		return err
	}
	t.ops = append(t.ops, op{Kind: opArtifact, Run: run, Path: f.GetPath(), Blob: blob})
	return nil
}

func (t *translator) model(run string, m *autologv1.Model) error {
	id := "m-" + t.state.deriveID("model", t.session, t.adapter, strconv.FormatUint(t.sequence, 10), strconv.Itoa(len(t.ops)))
	out := &model{ID: id, Name: m.GetName(), Type: m.GetModelType(), Params: map[string]string{}, Tags: m.GetTags()}
	for key, value := range m.GetParams() {
		out.Params[key] = truncate(t.mask.value(key, value), maxParamValue)
	}
	ids := strings.NewReplacer(sdk.RunIDPlaceholder, run, sdk.ModelIDPlaceholder, id)
	for _, f := range m.GetFiles() {
		if err := checkPath(f.GetPath()); err != nil {
			return fmt.Errorf("model %s: %w", m.GetName(), err)
		}
		var replace *strings.Replacer
		if f.GetPath() == "MLmodel" {
			replace = ids
		}
		blob, err := t.blob(f, replace)
		if err != nil {
			return fmt.Errorf("model %s: %w", m.GetName(), err)
		}
		out.Files = append(out.Files, modelFile{Path: f.GetPath(), Blob: blob})
	}
	t.ops = append(t.ops, op{Kind: opModel, Run: run, Model: out})
	t.models = append(t.models, recordedModel{run: run, name: m.GetName(), id: id, metrics: m.GetMetrics()})
	return nil
}

// checkPath refuses what is not a clean relative path.
func checkPath(p string) error {
	if p == "" || len(p) > 1024 || path.Clean(p) != p || path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") ||
		strings.ContainsAny(p, "\\\x00") {
		return fmt.Errorf("the artifact path %.100q is not clean and relative", p)
	}
	return nil
}

// blob keeps the bytes of a file in the spool until they are delivered. Its name follows from the observation, so that a
// replay writes the same one again.
func (t *translator) blob(f *autologv1.File, replace *strings.Replacer) (string, error) {
	if t.written >= maxBlobs {
		return "", fmt.Errorf("more than %d files in one observation", maxBlobs)
	}
	name := fmt.Sprintf("%s-%s-%d-%d", t.session, t.adapter, t.sequence, t.written)
	t.written++
	target := filepath.Join(t.blobs, name)
	source := io.Reader(bytes.NewReader(f.GetData()))
	if replace != nil && f.GetSource() == "" {
		source = strings.NewReader(replace.Replace(string(f.GetData())))
	}
	if f.GetSource() != "" {
		file, err := t.openSource(f.GetSource())
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }()
		// A second name costs nothing; a copy is for file systems without links.
		if info, err := file.Stat(); err == nil && linkBlob(f.GetSource(), target) {
			t.bytes += info.Size()
			return name, nil
		}
		source = file
	}
	n, err := writeBlob(target, source)
	t.bytes += n
	return name, err
}

// openSource opens a file that a hook wrote. Only files of the session's own directory are read: an adapter cannot make
// the agent upload anything else.
func (t *translator) openSource(source string) (*os.File, error) {
	relative, err := filepath.Rel(t.files, source)
	if err != nil {
		return nil, fmt.Errorf("the file %.200s is not in the session's directory", source)
	}
	root, err := os.OpenRoot(t.files)
	if err != nil {
		return nil, fmt.Errorf("open the session's directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Lstat(relative)
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the file %.200s is not in the session's directory", source)
	}
	file, err := root.Open(relative)
	if err != nil {
		return nil, fmt.Errorf("open %.200s: %w", source, err)
	}
	return file, nil
}

// linkBlob makes target another name of a file, replacing what a replay left.
func linkBlob(source, target string) bool {
	err := os.Link(source, target)
	if errors.Is(err, os.ErrExist) && os.Remove(target) == nil {
		err = os.Link(source, target)
	}
	return err == nil
}

func writeBlob(name string, source io.Reader) (int64, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a name of the agent's in its own spool
	if err != nil {
		return 0, fmt.Errorf("write blob: %w", err)
	}
	n, err := io.Copy(file, source)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return n, fmt.Errorf("write blob: %w", err)
	}
	return n, nil
}

func stepOf(step int64) json.Number { return json.Number(strconv.FormatInt(step, 10)) }
