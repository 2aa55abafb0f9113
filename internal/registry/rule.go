package registry

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelmanifest"
	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/ent/modelversiontag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// Rule is what a version must satisfy to come into a stage of a model by a transition.
type Rule struct {
	Name, Stage string
	Kind        modelrule.Kind
	// Key is that of the metric or the tag.
	Key string
	// Value is what the tag must have; any value when nil.
	Value *string
	// Goal says which direction of the metric is better.
	Goal modelrule.Goal
	// Margin is by how much better than that of the replaced version the metric must be; negative: it may be so much worse.
	Margin float64
}

// maxRules bounds the rules of a model.
const maxRules = 100

func (r *Rule) check() error {
	var err error
	if r.Stage, err = ParseStage("stage", r.Stage); err != nil {
		return err
	}
	if r.Stage == StageNone {
		return errs.Field("stage", "rules are for stages that a version is brought into, and None is where it begins")
	}
	if err := modelrule.KindValidator(r.Kind); err != nil {
		return errs.Field("kind", "%.40q is none of APPROVAL, METRIC, TAG and SIGNATURE", r.Kind)
	}
	if r.Goal == "" {
		r.Goal = modelrule.GoalMAXIMIZE
	}
	if err := modelrule.GoalValidator(r.Goal); err != nil {
		return errs.Field("goal", "%.40q is neither MINIMIZE nor MAXIMIZE", r.Goal)
	}
	keyed := r.Kind == modelrule.KindMETRIC || r.Kind == modelrule.KindTAG
	switch {
	case keyed:
		if err := tracking.CheckKey("key", r.Key); err != nil {
			return err
		}
	case r.Key != "":
		return errs.Field("key", "is for rules METRIC and TAG, and not for %s", r.Kind)
	}
	if r.Value != nil {
		if r.Kind != modelrule.KindTAG {
			return errs.Field("value", "is for rules TAG, and not for %s", r.Kind)
		}
		if err := checkText("value", *r.Value, MaxDescription); err != nil {
			return err
		}
	}
	if r.Kind != modelrule.KindMETRIC && r.Margin != 0 || math.IsNaN(r.Margin) || math.IsInf(r.Margin, 0) {
		return errs.Field("margin", "is a finite number, for rules METRIC")
	}
	return nil
}

// SetRule makes a rule, or replaces the one of the same stage, kind and key. Conflict beyond so many rules of a model.
func (s *Service) SetRule(ctx context.Context, in Rule) (*ent.ModelRule, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var out *ent.ModelRule
	_, err := s.changeModel(ctx, in.Name, func(ctx context.Context, c *change) error {
		same := c.tx.Ent().ModelRule.Query().Where(modelrule.RegisteredModelID(c.model.ID))
		n, err := same.Clone().Count(ctx)
		if err != nil {
			return fmt.Errorf("count rules: %w", err)
		}
		old, err := same.Where(modelrule.Stage(in.Stage), modelrule.KindEQ(in.Kind), modelrule.Key(in.Key)).IDs(ctx)
		if err != nil {
			return fmt.Errorf("read rules: %w", err)
		}
		if n-len(old) >= maxRules {
			return errs.New(errs.Conflict, "%.260q has %d rules, the most that a model may have: remove one first", c.model.Name, n)
		}
		if _, err := c.tx.Ent().ModelRule.Delete().Where(modelrule.IDIn(old...)).Exec(ctx); err != nil {
			return fmt.Errorf("replace rule: %w", err)
		}
		out, err = c.tx.Ent().ModelRule.Create().SetRegisteredModelID(c.model.ID).SetStage(in.Stage).SetKind(in.Kind).SetKey(in.Key).
			SetNillableValue(in.Value).SetGoal(in.Goal).SetMargin(in.Margin).SetCreatedAt(c.now).SetCreatedBy(c.by).Save(ctx)
		if err != nil {
			return fmt.Errorf("store rule: %w", err)
		}
		c.record(ent.ModelHistory{Action: modelhistory.ActionRULE, ToStage: in.Stage, Detail: RuleText(out)})
		return nil
	})
	return out, err
}

// DeleteRule removes a rule. NotFound when there is none of this stage, kind and key.
func (s *Service) DeleteRule(ctx context.Context, name, stage string, kind modelrule.Kind, key string) (*ent.RegisteredModel, error) {
	stage, err := ParseStage("stage", stage)
	if err != nil {
		return nil, err
	}
	return s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		r, err := c.tx.Ent().ModelRule.Query().Where(modelrule.RegisteredModelID(c.model.ID), modelrule.Stage(stage),
			modelrule.KindEQ(kind), modelrule.Key(key)).Only(ctx)
		if ent.IsNotFound(err) {
			return errs.Wrap(errs.NotFound, err, "%.260q has no rule %s %.60q for %s", c.model.Name, kind, key, stage)
		}
		if err != nil {
			return fmt.Errorf("read rule: %w", err)
		}
		if _, err := c.tx.Ent().ModelRule.Delete().Where(modelrule.ID(r.ID)).Exec(ctx); err != nil {
			return fmt.Errorf("delete rule: %w", err)
		}
		c.record(ent.ModelHistory{Action: modelhistory.ActionRULE_REMOVAL, ToStage: stage, Detail: RuleText(r)})
		return nil
	})
}

// RuleText says what a rule asks for.
func RuleText(r *ent.ModelRule) string {
	switch r.Kind {
	case modelrule.KindAPPROVAL:
		return "approval by another principal"
	case modelrule.KindSIGNATURE:
		return "the same signature as the replaced version"
	case modelrule.KindTAG:
		if r.Value != nil {
			return fmt.Sprintf("tag %q with the value %q", r.Key, *r.Value)
		}
		return fmt.Sprintf("tag %q", r.Key)
	case modelrule.KindMETRIC:
		direction := "at least"
		margin := r.Margin
		if r.Goal == modelrule.GoalMINIMIZE {
			direction, margin = "at most", -margin
		}
		text := fmt.Sprintf("metric %q %s that of the replaced version", r.Key, direction)
		switch {
		case margin > 0:
			text += " plus " + number(margin)
		case margin < 0:
			text += " minus " + number(-margin)
		}
		return text
	}
	return string(r.Kind)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// checkRules holds a version against the rules of a stage. The error names each rule that it breaks.
func (c *change) checkRules(ctx context.Context, v *ent.ModelVersion, stage string) error {
	rules, err := c.tx.Ent().ModelRule.Query().Where(modelrule.RegisteredModelID(c.model.ID), modelrule.Stage(stage)).
		Order(ent.Asc(modelrule.FieldKind, modelrule.FieldKey)).All(ctx)
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	if len(rules) == 0 {
		return nil
	}
	replaced, _, err := c.present(ctx, stage)
	if err != nil {
		return err
	}
	var broken []string
	for _, r := range rules {
		why, err := c.breaks(ctx, r, v, replaced)
		if err != nil {
			return err
		}
		if why != "" {
			broken = append(broken, RuleText(r)+" ("+why+")")
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "version %d of %.260q cannot come into %s: the rules of this stage ask for %s",
		v.Version, c.model.Name, stage, strings.Join(broken, ", and for "))
}

// breaks says how a version breaks a rule; "" when it does not. replaced is nil when the stage is empty.
func (c *change) breaks(ctx context.Context, r *ent.ModelRule, v, replaced *ent.ModelVersion) (string, error) {
	switch r.Kind {
	case modelrule.KindAPPROVAL:
		return c.lacksApproval(ctx, v, r.Stage)
	case modelrule.KindTAG:
		tag, err := c.tx.Ent().ModelVersionTag.Query().
			Where(modelversiontag.ModelVersionID(v.ID), modelversiontag.Key(r.Key)).Only(ctx)
		switch {
		case ent.IsNotFound(err):
			return "it is not set", nil
		case err != nil:
			return "", fmt.Errorf("read tag: %w", err)
		case r.Value != nil && tag.Value != *r.Value:
			return fmt.Sprintf("it is %.100q", tag.Value), nil
		}
		return "", nil
	case modelrule.KindSIGNATURE:
		return c.otherSignature(ctx, v, replaced)
	case modelrule.KindMETRIC:
		return c.worseMetric(ctx, r, v, replaced)
	}
	return "", fmt.Errorf("rule %d is of the unknown kind %s", r.ID, r.Kind)
}

func (c *change) otherSignature(ctx context.Context, v, replaced *ent.ModelVersion) (string, error) {
	if replaced == nil {
		return "", nil
	}
	before, err := c.signature(ctx, replaced)
	if err != nil || before == "" {
		return "", err
	}
	after, err := c.signature(ctx, v)
	switch {
	case err != nil || after == before:
		return "", err
	case after == "":
		return fmt.Sprintf("it has none, and version %d has", replaced.Version), nil
	}
	return fmt.Sprintf("it differs from that of version %d", replaced.Version), nil
}

func (c *change) signature(ctx context.Context, v *ent.ModelVersion) (string, error) {
	m, err := c.tx.Ent().ModelManifest.Query().Where(modelmanifest.ModelVersionID(v.ID)).Only(ctx)
	if ent.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read signature: %w", err)
	}
	return m.Signature, nil
}

// worseMetric compares the metric of a version with that of the one it replaces. The version must have it; where the replaced
// one has none, or there is none, nothing is compared.
func (c *change) worseMetric(ctx context.Context, r *ent.ModelRule, v, replaced *ent.ModelVersion) (string, error) {
	value, found, err := metricOf(ctx, c.tx.Ent(), v, r.Key)
	if err != nil {
		return "", err
	}
	if !found || math.IsNaN(value) {
		return fmt.Sprintf("version %d has no value of it", v.Version), nil
	}
	if replaced == nil {
		return "", nil
	}
	before, found, err := metricOf(ctx, c.tx.Ent(), replaced, r.Key)
	if err != nil || !found || math.IsNaN(before) {
		return "", err
	}
	holds := value >= before+r.Margin
	if r.Goal == modelrule.GoalMINIMIZE {
		holds = value <= before-r.Margin
	}
	if holds {
		return "", nil
	}
	return fmt.Sprintf("it is %s, and %s of version %d", number(value), number(before), replaced.Version), nil
}
