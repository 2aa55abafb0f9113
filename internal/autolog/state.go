package autolog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Tags of Cairn's own.
const (
	tagExecID     = "cairn.exec_id"
	tagWarnings   = "cairn.autolog.warnings"
	tagSourceName = "mlflow.source.name"
	tagUser       = "mlflow.user"
)

const (
	maxWarnings     = 20
	maxWarningsText = 4000
	// maxRecorded bounds the metrics whose last points are kept for the models that name them.
	maxRecorded = 100_000
	// maxSiblings bounds the runs beside the command's that get a fingerprint.
	maxSiblings = 1000
)

var runIDPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// state is what the agent knows: a fold over the journal's entries, so that it is the same after a restart. It is not safe
// for concurrent use.
type state struct {
	config Config

	sessions map[string]*session
	// created has every run that the agent opened, and open those of them that were not finished yet.
	created map[string]bool
	open    map[string]*openRun
	// fits is where each fit writes.
	fits map[fitKey]string
	// claimed is true once a fit writes to the command's run: later ones open a run of their own.
	claimed bool
	// siblings are the runs that fits and the user's code opened beside the command's, in order.
	siblings []string
	warnings map[string][]string
	// recorded has, by run, what a model that comes later may name, and what may name a model.
	recorded map[string]*recorded
	// recordedOrder has the runs of recorded, oldest first.
	recordedOrder []string
	// points counts the points in recorded.
	points int

	packages []string
	python   string
	data     map[string][]dataFact        // by run
	seeds    map[string]map[string]string // by run
	origin   *commandOrigin
	// untracked has the patches of the untracked files that were imported, by name; empty ones are left out, the others
	// counted.
	untracked                     map[string]string
	untrackedKept, untrackedBytes int
	// began is true once the entries with which a command begins are there; end is set when it ended.
	began    bool
	logBytes int64
	end      *endEntry
}

type fitKey struct{ session, fit string }

// session is one training process.
type session struct {
	id       string
	python   string
	worker   bool
	accepted uint64 // every message up to this sequence is in the journal
	adapters map[string]*progress
	bye      *byeEntry
}

// progress is how far an adapter answered the observations of a session.
type progress struct {
	positions []int64 // in the journal, by order
	answered  int
	// skipped are observations at which the adapter died: it is not sent them again.
	skipped map[int]bool
	closed  bool
}

// openRun is a run that is to be finished with its session.
type openRun struct {
	session string
	status  string // of its last fit.end; empty when there was none
	lastMS  int64
}

// recorded is what adapters recorded of a run.
type recorded struct {
	points map[string]op     // the last point of each metric
	models map[string]string // ids of logged models, by name
}

func newState(config Config) *state {
	return &state{
		config: config, sessions: map[string]*session{}, created: map[string]bool{}, open: map[string]*openRun{},
		fits: map[fitKey]string{}, warnings: map[string][]string{}, recorded: map[string]*recorded{}, untracked: map[string]string{},
		data: map[string][]dataFact{}, seeds: map[string]map[string]string{},
	}
}

// apply folds an entry that lies at a position of the journal.
func (s *state) apply(e entry, position int64) {
	switch {
	case e.Session != nil:
		s.sessions[e.Session.ID] = &session{
			id: e.Session.ID, python: e.Session.Python, worker: e.Session.Worker, adapters: map[string]*progress{}}
		if s.python == "" {
			s.python = e.Session.Python
		}
	case e.Observation != nil:
		s.applyObservation(e.Observation, position)
	case e.Ops != nil:
		s.applyOps(e.Ops)
	case e.Facts != nil:
		if len(e.Facts.Packages) > len(s.packages) {
			s.packages = e.Facts.Packages
		}
		if e.Facts.Command != nil {
			s.origin = e.Facts.Command
		}
		if file := e.Facts.Untracked; file != nil {
			s.untracked[file.Name] = file.Patch
			s.untrackedBytes += len(file.Patch)
			if file.Patch != "" {
				s.untrackedKept++
			}
		}
	case e.Bye != nil:
		if known := s.sessions[e.Bye.Session]; known != nil {
			known.bye = e.Bye
		}
	case e.End != nil:
		s.end = e.End
	}
}

func (s *state) applyObservation(o *observationEntry, position int64) {
	known := s.sessions[o.Session]
	if known == nil {
		return
	}
	known.accepted = max(known.accepted, o.Sequence)
	p := known.progressOf(o.Adapter)
	p.positions = append(p.positions, position)
	if o.Fit != "" {
		s.fits[fitKey{o.Session, o.Fit}] = o.Run
		s.claimed = s.claimed || o.Run == s.config.RunID && !known.worker
	}
	if run := s.open[o.Run]; run != nil {
		run.lastMS = max(run.lastMS, o.TimeMS)
		if o.Kind == "fit.end" {
			run.status = fitStatus(o.Payload)
		}
	}
}

func (s *session) progressOf(adapter string) *progress {
	p := s.adapters[adapter]
	if p == nil {
		p = &progress{skipped: map[int]bool{}}
		s.adapters[adapter] = p
	}
	return p
}

func (s *state) applyOps(e *opsEntry) {
	if known := s.sessions[e.Session]; known != nil {
		switch {
		case e.Adapter == "":
			known.accepted = max(known.accepted, e.Sequence)
		case e.Closed:
			known.progressOf(e.Adapter).closed = true
		case e.Skipped > 0:
			p := known.progressOf(e.Adapter)
			p.skipped[e.Skipped-1] = true
			if p.answered == e.Skipped-1 {
				p.answered++
			}
		case e.Answered:
			known.progressOf(e.Adapter).answered++
		}
	}
	for _, o := range e.Ops {
		switch o.Kind {
		case opCreateRun:
			if o.Run == s.config.RunID {
				s.began = true
			} else if e.Adapter == "" && o.Parent == "" && len(s.siblings) < maxSiblings {
				s.siblings = append(s.siblings, o.Run)
			}
			s.created[o.Run] = true
			s.open[o.Run] = &openRun{session: e.Session, lastMS: o.TimeMS}
		case opFinishRun:
			delete(s.open, o.Run)
			// An adapter has nothing more to say of a run that it finishes. The user's own run may be finished before the
			// adapter has answered what happened in it.
			if e.Adapter != "" {
				s.forget(o.Run)
			}
		case opDataset:
			if s.described(o.Run) {
				s.data[o.Run] = append(s.data[o.Run], dataFact{Name: o.Dataset.Name, Digest: o.Dataset.Digest, Context: o.Dataset.Context})
			}
		case opParam:
			if s.described(o.Run) && isSeed(o.Key) {
				if s.seeds[o.Run] == nil {
					s.seeds[o.Run] = map[string]string{}
				}
				s.seeds[o.Run][o.Key] = o.Value
			}
		case opTag:
			if o.Key == tagWarnings {
				s.warnings[o.Run] = strings.Split(o.Value, "\n")
			}
		case opLog:
			s.logBytes += int64(len(o.Text))
		case opMetric:
			s.keepPoint(o)
		case opModel:
			s.recordedOf(o.Run).models[o.Model.Name] = o.Model.ID
		case opModelMetric, opArtifact, opFingerprint:
		}
		if run := s.open[o.Run]; run != nil && o.Kind == opMetric {
			run.lastMS = max(run.lastMS, o.TimeMS)
		}
	}
}

func (s *state) recordedOf(run string) *recorded {
	r := s.recorded[run]
	if r == nil {
		r = &recorded{points: map[string]op{}, models: map[string]string{}}
		s.recorded[run] = r
		s.recordedOrder = append(s.recordedOrder, run)
	}
	return r
}

// forget drops what was recorded of a run.
func (s *state) forget(run string) {
	r := s.recorded[run]
	if r == nil {
		return
	}
	s.points -= len(r.points)
	delete(s.recorded, run)
	s.recordedOrder = slices.DeleteFunc(s.recordedOrder, func(id string) bool { return id == run })
}

// makeRoom forgets finished runs, oldest first, until there is room for another point, and tells whether there is.
func (s *state) makeRoom(run string) bool {
	for s.points >= maxRecorded {
		at := slices.IndexFunc(s.recordedOrder, func(id string) bool { return id != run && s.open[id] == nil })
		if at < 0 {
			return false
		}
		s.forget(s.recordedOrder[at])
	}
	return true
}

// keepPoint remembers the last point of an adapter's metric, as far as there is room.
func (s *state) keepPoint(o op) {
	if !o.KeepExisting {
		return
	}
	r := s.recordedOf(o.Run)
	if _, known := r.points[o.Key]; !known {
		if !s.makeRoom(o.Run) {
			return
		}
		s.points++
	}
	r.points[o.Key] = o
}

// measured gives the last point that adapters recorded of a metric.
func (s *state) measured(run, key string) (op, bool) {
	if r := s.recorded[run]; r != nil {
		o, ok := r.points[key]
		return o, ok
	}
	return op{}, false
}

// modelID gives the id of a run's newest model of a name, empty when there is none.
func (s *state) modelID(run, name string) string {
	if r := s.recorded[run]; r != nil {
		return r.models[name]
	}
	return ""
}

// described tells whether a run gets a fingerprint: the command's and its siblings.
func (s *state) described(run string) bool {
	return run == s.config.RunID || slices.Contains(s.siblings, run)
}

// isSeed tells params that make a run repeatable.
func isSeed(key string) bool {
	key = strings.ToLower(key)
	if i := strings.LastIndex(key, "__"); i >= 0 {
		key = key[i+2:]
	}
	return key == "random_state" || key == "seed" || strings.HasSuffix(key, "_seed")
}

func fitStatus(payload json.RawMessage) string {
	var end struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(payload, &end) == nil && (end.Status == statusFailed || end.Status == statusKilled) {
		return end.Status
	}
	return statusFinished
}

// route decides where an observation of a fit writes, and gives the op that opens a run for it, where one must.
func (s *state) route(known *session, m message) (run string, create *op) {
	if m.Run != "" {
		return m.Run, nil
	}
	if m.Fit == "" || known.worker {
		return s.config.RunID, nil
	}
	if run, ok := s.fits[fitKey{known.id, m.Fit}]; ok {
		return run, nil
	}
	if !s.claimed {
		return s.config.RunID, nil
	}
	run = s.deriveID("sibling", known.id, m.Fit)
	if s.created[run] {
		return run, nil
	}
	name := s.config.RunName
	if name == "" {
		name = estimatorOf(m.Payload)
	}
	if name == "" {
		name = m.Adapter
	}
	return run, &op{
		Kind: opCreateRun, Run: run, Name: fmt.Sprintf("%s-%d", name, len(s.siblings)+2), Experiment: s.config.Experiment,
		User: s.config.User, TimeMS: m.TimeMS, Tags: s.commandTags(),
	}
}

// commandTags are those of each run that the command writes: the user's, and where it came from.
func (s *state) commandTags() map[string]string {
	tags := map[string]string{}
	for key, value := range s.config.Tags {
		tags[key] = value
	}
	tags[tagExecID] = s.config.ExecID
	tags[tagUser] = s.config.User
	tags["mlflow.source.type"] = "LOCAL"
	if s.config.SourceName != "" {
		tags[tagSourceName] = s.config.SourceName
	}
	if len(s.config.Argv) > 0 {
		tags["cairn.command"] = truncate(shellQuote(s.config.Argv), maxTagValue)
	}
	if s.origin != nil {
		for key, value := range s.origin.Code.tags() {
			tags[key] = value
		}
	}
	return tags
}

func estimatorOf(payload json.RawMessage) string {
	var start struct {
		Estimator string `json:"estimator"`
		Class     string `json:"estimator_name"`
	}
	if json.Unmarshal(payload, &start) != nil {
		return ""
	}
	if start.Class != "" {
		return truncate(start.Class, 100)
	}
	return truncate(start.Estimator, 100)
}

// deriveID gives an id of 32 hex digits that is the same for the same parts of the same command, so that a replay names
// the same runs.
func (s *state) deriveID(parts ...string) string {
	sum := sha256.Sum256([]byte(s.config.ExecID + "\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// warning gives the op that adds a warning to a run, or none when it is there already or there are too many.
func (s *state) warning(run, text string) (op, bool) {
	text = truncate(strings.ReplaceAll(text, "\n", " "), 500)
	all := s.warnings[run]
	if slices.Contains(all, text) || len(all) >= maxWarnings {
		return op{}, false
	}
	joined := strings.Join(append(slices.Clone(all), text), "\n")
	if len(joined) > maxWarningsText {
		return op{}, false
	}
	return op{Kind: opTag, Run: run, Key: tagWarnings, Value: joined}, true
}

// truncate cuts a text to at most n characters.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
