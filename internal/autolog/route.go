package autolog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

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

// join gives the ops by which a run that the user's code opened by itself, over mlflow, becomes one of the command's: its tags, where
// the user has set none. What closes the runs of the command describes it too.
func (s *state) join(run string) []op {
	if s.created[run] || s.joined[run] || run == s.config.RunID || len(s.siblings) >= maxSiblings {
		return nil
	}
	tags := s.commandTags()
	ops := make([]op, 0, len(tags))
	for _, key := range sortedKeys(tags) {
		ops = append(ops, op{Kind: opTag, Run: run, Key: key, Value: tags[key], KeepExisting: true})
	}
	return ops
}

// commandTags are those of each run that the command writes: the user's, and where it came from.
func (s *state) commandTags() map[string]string {
	tags := map[string]string{}
	for key, value := range s.config.Tags {
		tags[key] = value
	}
	tags[tagExecID] = s.config.ExecID
	tags[tagUser] = s.config.User
	tags["mlflow.source.type"] = cmp.Or(s.config.SourceType, "LOCAL")
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
