package autolog

import (
	"encoding/json"
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
	maxWarning      = 500
	maxWarningsText = 4000
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
	// siblings are the runs that fits and the user's code opened beside the command's, in order. Those in joined were opened
	// over mlflow.
	siblings []string
	joined   map[string]bool
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
	// closed: nothing more comes of the adapter. gaveUp says why where the session had not ended.
	closed bool
	gaveUp string
}

// openRun is a run that is to be finished with its session.
type openRun struct {
	session string
	status  string // of its last fit.end; empty when there was none
	lastMS  int64
}

func newState(config Config) *state {
	return &state{
		config: config, sessions: map[string]*session{}, created: map[string]bool{}, joined: map[string]bool{}, open: map[string]*openRun{},
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
			p := known.progressOf(e.Adapter)
			p.closed, p.gaveUp = true, e.GaveUp
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
			if e.Adapter == "" && o.KeepExisting && o.Key == tagExecID { // of join; the user's own tags do not give way
				s.joined[o.Run] = true
				s.siblings = append(s.siblings, o.Run)
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

// warning gives the op that adds a warning to a run, or none when it is there already or there are too many.
func (s *state) warning(run, text string) (op, bool) {
	text = truncate(strings.ReplaceAll(text, "\n", " "), maxWarning)
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

// replaceWarning gives the op that puts another warning in the place of one that a run has.
func (s *state) replaceWarning(run, old, text string) op {
	text = truncate(strings.ReplaceAll(text, "\n", " "), maxWarning)
	all := slices.Clone(s.warnings[run])
	if slices.Contains(all, text) {
		all = slices.DeleteFunc(all, func(said string) bool { return said == old })
	} else if at := slices.Index(all, old); at >= 0 {
		all[at] = text
	}
	return op{Kind: opTag, Run: run, Key: tagWarnings, Value: strings.Join(all, "\n")}
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
