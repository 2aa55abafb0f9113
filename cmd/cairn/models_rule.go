package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsRule struct {
	List   modelsRuleList   `cmd:"" help:"List the rules of a model."`
	Set    modelsRuleSet    `cmd:"" help:"Make a rule for a stage, or replace the one of this kind and key. Needs the role admin."`
	Delete modelsRuleDelete `cmd:"" help:"Delete a rule. Needs the role admin."`
}

// ruleKinds are the names of the kinds on a command line.
var ruleKinds = []string{"approval", "metric", "tag", "signature"}

// ruleRef is what a rule is told from the others of a model by.
type ruleRef struct {
	Name  string `arg:"" help:"The registered model."`
	Stage string `arg:"" help:"Staging, Production or Archived."`
	Kind  string `arg:"" help:"approval: somebody else approves; metric: not worse than the replaced version; tag: it is set; signature: that of the replaced version."`
	Key   string `arg:"" optional:"" help:"The key of the metric or the tag."`
}

// parse reads stage and kind, in any case of letters.
func (r *ruleRef) parse() (stage string, kind client.ModelRuleKind, err error) {
	if stage, err = parseStage(r.Stage); err != nil {
		return "", "", err
	}
	if !slices.ContainsFunc(ruleKinds, func(k string) bool { return strings.EqualFold(k, r.Kind) }) {
		return "", "", errs.New(errs.Invalid, "there is no rule %q: they are %s", printable(r.Kind), strings.Join(ruleKinds, ", "))
	}
	kind = client.ModelRuleKind(strings.ToUpper(r.Kind))
	keyed := kind == client.ModelRuleKindMetric || kind == client.ModelRuleKindTag
	switch name := strings.ToLower(r.Kind); {
	case keyed && r.Key == "":
		return "", "", errs.New(errs.Invalid, "name the %s: `%s %s KEY`", name, printable(r.Stage), name)
	case !keyed && r.Key != "":
		return "", "", errs.New(errs.Invalid, "a rule %q has no key: leave %q out", name, printable(r.Key))
	}
	return stage, kind, nil
}

// rulesOf gives the rules of a model. NotFound when there is no such model.
func rulesOf(ctx context.Context, c *client.Client, name string) ([]client.RuleRow, error) {
	answer, err := client.ModelRules(ctx, c, name)
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	if answer.RegisteredModel == nil {
		return nil, noSuchModel(name)
	}
	return answer.RegisteredModel.Rules, nil
}

// find gives the rule of a model that is meant; nil when there is none.
func (r *ruleRef) find(rules []client.RuleRow, stage string, kind client.ModelRuleKind) *client.RuleRow {
	i := slices.IndexFunc(rules, func(rule client.RuleRow) bool { return rule.Stage == stage && rule.Kind == kind && rule.Key == r.Key })
	if i < 0 {
		return nil
	}
	return &rules[i]
}

type modelsRuleList struct {
	connection
	listing
	Name string `arg:"" help:"The registered model."`
}

func (l *modelsRuleList) Run(ctx context.Context, std streams) error {
	return withModels(ctx, l.connection, l.Name, func(c *client.Client) error {
		rules, err := rulesOf(ctx, c, l.Name)
		if err != nil {
			return err
		}
		if l.JSON {
			return putJSON(std.out, rules)
		}
		t := newTable("STAGE", "KIND", "KEY", "ASKS FOR", "SET", "BY")
		for _, r := range rules {
			t.add(r.Stage, strings.ToLower(string(r.Kind)), r.Key, short(r.Text), showTime(r.CreatedAt), r.CreatedBy)
		}
		return t.write(std.out)
	})
}

type modelsRuleSet struct {
	connection
	listing
	ruleRef
	Value  *string `placeholder:"TEXT" help:"The value that the tag must have (default: any)."`
	Goal   string  `default:"maximize" enum:"maximize,minimize" help:"Which direction of the metric is better: maximize or minimize (default: maximize)."`
	Margin float64 `placeholder:"NUMBER" help:"By how much better the metric must be; negative: it may be so much worse (default: 0)."`
}

// Help is shown by --help, below the line of modelsRule.
func (a *modelsRuleSet) Help() string {
	return "For example:\n\n" +
		"    cairn models rule set iris Production approval\n" +
		"    cairn models rule set iris Production tag reviewed --value yes\n" +
		"    cairn models rule set iris Production metric accuracy --margin=-0.01\n" +
		"    cairn models rule set iris Production signature"
}

func (a *modelsRuleSet) Run(ctx context.Context, std streams) error {
	stage, kind, err := a.parse()
	if err != nil {
		return err
	}
	return withModels(ctx, a.connection, a.Name, func(c *client.Client) error {
		rules, err := rulesOf(ctx, c, a.Name)
		if err != nil {
			return err
		}
		made, err := client.SetModelRule(ctx, c, client.SetModelRuleInput{
			Name: a.Name, Stage: stage, Kind: kind, Key: a.Key, Value: a.Value, Goal: client.Goal(strings.ToUpper(a.Goal)), Margin: a.Margin,
		})
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if a.JSON {
			return putJSON(std.out, made.SetModelRule)
		}
		text := fmt.Sprintf("%s: %s asks for %s", printable(a.Name), stage, printable(made.SetModelRule.Text))
		if before := a.find(rules, stage, kind); before != nil && before.Text != made.SetModelRule.Text {
			text += " (before: " + printable(before.Text) + ")"
		}
		return put(std.out, text+"\n")
	})
}

type modelsRuleDelete struct {
	connection
	listing
	destructive
	ruleRef
}

func (r *modelsRuleDelete) Run(ctx context.Context, std streams) error {
	stage, kind, err := r.parse()
	if err != nil {
		return err
	}
	return withModels(ctx, r.connection, r.Name, func(c *client.Client) error {
		rules, err := rulesOf(ctx, c, r.Name)
		if err != nil {
			return err
		}
		// Looked for before the question: nobody should confirm what cannot be done.
		rule := r.find(rules, stage, kind)
		if rule == nil {
			what := strings.TrimSpace(strings.ToLower(r.Kind) + " " + r.Key)
			return errs.New(errs.NotFound, "%s has no rule %q for %s; `cairn models rule list %[1]s` names those that it has", printable(r.Name), printable(what), stage)
		}
		what := fmt.Sprintf("the rule of %s for %s: %s", printable(r.Name), stage, printable(rule.Text))
		if ok, err := r.confirmed(std, "delete "+what); err != nil || !ok {
			return err
		}
		left, err := client.DeleteModelRule(ctx, c, r.Name, stage, kind, r.Key)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if r.JSON {
			return putJSON(std.out, left.DeleteModelRule.Rules)
		}
		return put(std.out, "deleted "+what+"\n")
	})
}
