package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

// parseStage reads the name of a stage, in any case of letters.
func parseStage(text string) (string, error) {
	stages := []string{"None", "Staging", "Production", "Archived"}
	i := slices.IndexFunc(stages, func(s string) bool { return strings.EqualFold(s, text) })
	if i < 0 {
		return "", errs.New(errs.Invalid, "there is no stage %q: they are %s", printable(text), strings.Join(stages, ", "))
	}
	return stages[i], nil
}

type modelsTransition struct {
	connection
	listing
	Version string `arg:"" help:"NAME/3, NAME/Staging, NAME@ALIAS or NAME/latest."`
	Stage   string `arg:"" help:"None, Staging, Production or Archived."`
	Archive bool   `help:"Archive all other versions that are in the stage."`
	Reason  string `placeholder:"WHY" help:"Kept in the history."`
	DryRun  bool   `name:"dry-run" env:"-" help:"Hold the version against the rules of the stage, say what would be done, and do nothing."`
}

func (t *modelsTransition) Run(ctx context.Context, std streams) error {
	stage, err := parseStage(t.Stage)
	if err != nil {
		return err
	}
	return withVersion(ctx, t.connection, t.Version, func(c *client.Client, v client.ModelVersionRow) error {
		var others []client.ModelVersionRow
		if t.Archive {
			if others, err = othersIn(ctx, c, v, stage); err != nil {
				return err
			}
		}
		moved, err := client.TransitionModelVersion(ctx, c, client.TransitionModelVersionStageInput{
			Name: v.Name, Version: v.Version, Stage: stage, ArchiveExistingVersions: t.Archive, Reason: t.Reason, DryRun: t.DryRun,
		})
		if err != nil {
			return explainRules(ctx, c, v, stage, err)
		}
		if t.JSON {
			return putJSON(std.out, moved.TransitionModelVersionStage)
		}
		return put(std.out, movedText(v, stage, others, t.DryRun))
	})
}

// othersIn gives the versions of a model in a stage, but one.
func othersIn(ctx context.Context, c *client.Client, but client.ModelVersionRow, stage string) ([]client.ModelVersionRow, error) {
	filter := "name = " + filterText(but.Name) + " AND stage = " + filterText(stage)
	found, err := findVersions(ctx, c, filter, []string{"version_number"}, pageSize)
	return slices.DeleteFunc(found, func(v client.ModelVersionRow) bool { return v.Version == but.Version }), err
}

func movedText(v client.ModelVersionRow, stage string, others []client.ModelVersionRow, dryRun bool) string {
	text := fmt.Sprintf("%s is in %s (before: %s)", versionName(v), stage, v.Stage)
	switch {
	case dryRun && v.Stage == stage:
		text = fmt.Sprintf("%s is in %s already", versionName(v), stage)
	case dryRun:
		text = fmt.Sprintf("would bring %s from %s into %s", versionName(v), v.Stage, stage)
	case v.Stage == stage:
		text = fmt.Sprintf("%s was in %s already", versionName(v), stage)
	}
	if len(others) > 0 {
		numbers := make([]string, len(others))
		for i, o := range others {
			numbers[i] = strconv.Itoa(o.Version)
		}
		archived := "; archived: "
		if dryRun {
			archived = ", and archive: "
		}
		text += archived + strings.Join(numbers, ", ")
	}
	return text + "\n"
}

// explainRules adds to a refusal by the rules of a stage what to do about each.
func explainRules(ctx context.Context, c *client.Client, v client.ModelVersionRow, stage string, err error) error {
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "rules") {
		return err //nolint:wrapcheck // an error for users already
	}
	answer, rulesErr := client.ModelRules(ctx, c, v.Name)
	if rulesErr != nil || answer.RegisteredModel == nil {
		return err //nolint:wrapcheck // an error for users already
	}
	var todo []string
	for _, r := range answer.RegisteredModel.Rules {
		if r.Stage == stage && strings.Contains(err.Error(), r.Text) {
			todo = append(todo, remedy(r, v))
		}
	}
	if len(todo) == 0 {
		return err //nolint:wrapcheck // an error for users already
	}
	return errs.Wrap(errs.Conflict, err, "%v\n%s", err, strings.Join(todo, "\n"))
}

// remedy says what is to be done for a version to satisfy a rule.
func remedy(r client.RuleRow, v client.ModelVersionRow) string {
	switch r.Kind {
	case client.ModelRuleKindApproval:
		return fmt.Sprintf("Somebody else approves with `cairn models approve %s %s`.", versionName(v), r.Stage)
	case client.ModelRuleKindTag:
		return printable(fmt.Sprintf("Set the tag with `cairn models tag set %s %s=%s`.", versionName(v), r.Key, valueOr(r.Value, "VALUE")))
	case client.ModelRuleKindMetric, client.ModelRuleKindSignature:
		return printable(fmt.Sprintf("See what differs with `cairn models diff %s/%s %s`.", v.Name, r.Stage, versionName(v)))
	}
	return "See the rules with `cairn models show " + printable(v.Name) + "`."
}

type modelsRollback struct {
	connection
	listing
	destructive
	Name   string `arg:"" help:"The registered model."`
	Stage  string `default:"Production" placeholder:"STAGE" help:"Production or Staging (default: Production)."`
	Reason string `placeholder:"WHY" help:"Kept in the history."`
}

// Help is shown by --help, below the line of modelCommands.
func (r *modelsRollback) Help() string {
	return "The version that was in the stage before the present one comes back, as the history tells, and the present one is archived. " +
		"A second rollback goes one further back. Rules do not count: what comes back was let in before."
}

func (r *modelsRollback) Run(ctx context.Context, std streams) error {
	stage, err := parseStage(r.Stage)
	if err != nil {
		return err
	}
	return withModels(ctx, r.connection, r.Name, func(c *client.Client) error {
		// Found before the question: it says what comes back, and nobody confirms what cannot be done.
		target, err := client.RollbackModel(ctx, c, r.Name, stage, "", true)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		back := target.RollbackModelStage
		if r.DryRun && r.JSON {
			return putJSON(std.out, back)
		}
		if ok, err := r.confirmed(std, fmt.Sprintf("bring %s back into %s, and archive what is there", versionName(back), stage)); err != nil || !ok {
			return err
		}
		done, err := client.RollbackModel(ctx, c, r.Name, stage, r.Reason, false)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if r.JSON {
			return putJSON(std.out, done.RollbackModelStage)
		}
		text := fmt.Sprintf("%s is in %s again\n", versionName(done.RollbackModelStage), stage)
		if now := done.RollbackModelStage.Version; now != back.Version {
			text += fmt.Sprintf("not version %d: the stage was changed meanwhile\n", back.Version)
		}
		return put(std.out, text)
	})
}

type modelsApprove struct {
	connection
	listing
	Version  string `arg:"" help:"NAME/3, NAME/Staging, NAME@ALIAS or NAME/latest."`
	Stage    string `arg:"" help:"Staging, Production or Archived."`
	Reason   string `placeholder:"WHY" help:"Kept in the history."`
	Withdraw bool   `help:"Take your approval back."`
}

func (a *modelsApprove) Run(ctx context.Context, std streams) error {
	stage, err := parseStage(a.Stage)
	if err != nil {
		return err
	}
	return withVersion(ctx, a.connection, a.Version, func(c *client.Client, v client.ModelVersionRow) error {
		var row client.ModelVersionRow
		text := fmt.Sprintf("approved %s for %s\n", versionName(v), stage)
		if a.Withdraw {
			text = fmt.Sprintf("took the approval of %s for %s back\n", versionName(v), stage)
			done, doErr := client.WithdrawModelVersionApproval(ctx, c, v.Name, v.Version, stage, a.Reason)
			if err = doErr; err == nil {
				row = done.WithdrawModelVersionApproval
			}
		} else {
			done, doErr := client.ApproveModelVersion(ctx, c, v.Name, v.Version, stage, a.Reason)
			if err = doErr; err == nil {
				row = done.ApproveModelVersion
			}
		}
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if a.JSON {
			return putJSON(std.out, row)
		}
		return put(std.out, text)
	})
}
