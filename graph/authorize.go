package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
)

// roles says what each root field needs. What is not here is denied; a test compares it with the schema.
var roles = map[string]token.Role{
	"Query.__schema":    token.RoleVIEWER,
	"Query.__type":      token.RoleVIEWER,
	"Query.__typename":  token.RoleVIEWER,
	"Query.compareRuns": token.RoleVIEWER, "Query.experiment": token.RoleVIEWER, "Query.experiments": token.RoleVIEWER,
	"Query.loggedModel": token.RoleVIEWER, "Query.metricSeries": token.RoleVIEWER, "Query.node": token.RoleVIEWER,
	"Query.run": token.RoleVIEWER, "Query.runs": token.RoleVIEWER, "Query.viewer": token.RoleVIEWER,
	"Query.garbage": token.RoleADMIN, "Query.tokens": token.RoleADMIN, "Query.databaseStatus": token.RoleADMIN,
	"Query.webhook": token.RoleADMIN, "Query.webhooks": token.RoleADMIN,
	"Query.artifactUpload": token.RoleEDITOR, "Query.dataset": token.RoleVIEWER, "Query.datasets": token.RoleVIEWER,
	"Query.loggedModels": token.RoleVIEWER, "Query.metricHistory": token.RoleVIEWER, "Query.server": token.RoleVIEWER,
	"Query.signedDownloadUrl": token.RoleVIEWER,
	"Query.runFacets":         token.RoleVIEWER, "Query.runGroups": token.RoleVIEWER,

	"Query.compareModelVersions": token.RoleVIEWER, "Query.modelHistory": token.RoleVIEWER, "Query.modelStageAt": token.RoleVIEWER,
	"Query.modelVersion": token.RoleVIEWER, "Query.modelVersions": token.RoleVIEWER,
	"Query.registeredModel": token.RoleVIEWER, "Query.registeredModels": token.RoleVIEWER,

	"Subscription.__typename":      token.RoleVIEWER,
	"Subscription.metricsAppended": token.RoleVIEWER,
	"Subscription.runsChanged":     token.RoleVIEWER,

	"Subscription.modelVersionsChanged": token.RoleVIEWER,
	"Subscription.runLogAppended":       token.RoleVIEWER,

	"Mutation.__typename":          token.RoleVIEWER,
	"Mutation.appendRunLog":        token.RoleEDITOR,
	"Mutation.createExperiment":    token.RoleEDITOR,
	"Mutation.createLoggedModel":   token.RoleEDITOR,
	"Mutation.createRun":           token.RoleEDITOR,
	"Mutation.deleteExperiment":    token.RoleEDITOR,
	"Mutation.deleteExperimentTag": token.RoleEDITOR,
	"Mutation.deleteRun":           token.RoleEDITOR,
	"Mutation.deleteTag":           token.RoleEDITOR,
	"Mutation.finalizeLoggedModel": token.RoleEDITOR,
	"Mutation.finishRun":           token.RoleEDITOR,
	"Mutation.heartbeatRun":        token.RoleEDITOR,
	"Mutation.logBatch":            token.RoleEDITOR,
	"Mutation.logInputs":           token.RoleEDITOR,
	"Mutation.recordFingerprint":   token.RoleEDITOR,
	"Mutation.restoreExperiment":   token.RoleEDITOR,
	"Mutation.restoreRun":          token.RoleEDITOR,
	"Mutation.setExperimentTag":    token.RoleEDITOR,
	"Mutation.setMetricGoal":       token.RoleEDITOR,
	"Mutation.setTag":              token.RoleEDITOR,
	"Mutation.updateExperiment":    token.RoleEDITOR,
	"Mutation.updateRun":           token.RoleEDITOR,
	"Mutation.logModel":            token.RoleEDITOR,
	"Mutation.logOutputs":          token.RoleEDITOR,
	"Mutation.collectGarbage":      token.RoleADMIN,
	"Mutation.createToken":         token.RoleADMIN,
	"Mutation.revokeToken":         token.RoleADMIN,

	"Mutation.abortArtifactUpload":    token.RoleEDITOR,
	"Mutation.beginArtifactUpload":    token.RoleEDITOR,
	"Mutation.completeArtifactUpload": token.RoleEDITOR,
	"Mutation.deleteArtifact":         token.RoleEDITOR,
	"Mutation.deleteLoggedModel":      token.RoleEDITOR,
	"Mutation.deleteLoggedModelTag":   token.RoleEDITOR,
	"Mutation.logLoggedModelParams":   token.RoleEDITOR,
	"Mutation.setLoggedModelTags":     token.RoleEDITOR,
	"Mutation.createWebhook":          token.RoleADMIN,
	"Mutation.deleteWebhook":          token.RoleADMIN,
	"Mutation.testWebhook":            token.RoleADMIN,
	"Mutation.updateWebhook":          token.RoleADMIN,

	"Mutation.approveModelVersion":          token.RoleEDITOR,
	"Mutation.createModelVersion":           token.RoleEDITOR,
	"Mutation.createRegisteredModel":        token.RoleEDITOR,
	"Mutation.deleteModelVersion":           token.RoleEDITOR,
	"Mutation.deleteModelVersionTag":        token.RoleEDITOR,
	"Mutation.deleteRegisteredModel":        token.RoleEDITOR,
	"Mutation.deleteRegisteredModelAlias":   token.RoleEDITOR,
	"Mutation.deleteRegisteredModelTag":     token.RoleEDITOR,
	"Mutation.renameRegisteredModel":        token.RoleEDITOR,
	"Mutation.rollbackModelStage":           token.RoleEDITOR,
	"Mutation.setModelVersionTag":           token.RoleEDITOR,
	"Mutation.setRegisteredModelAlias":      token.RoleEDITOR,
	"Mutation.setRegisteredModelTag":        token.RoleEDITOR,
	"Mutation.transitionModelVersionStage":  token.RoleEDITOR,
	"Mutation.updateModelVersion":           token.RoleEDITOR,
	"Mutation.updateRegisteredModel":        token.RoleEDITOR,
	"Mutation.withdrawModelVersionApproval": token.RoleEDITOR,
	"Mutation.deleteModelRule":              token.RoleADMIN,
	"Mutation.setModelRule":                 token.RoleADMIN,
}

// authorize tells whether the principal may have all root fields of an operation. An operation is allowed as a whole or
// not at all, so that nothing of it happens when a part of it may not.
func authorize(ctx context.Context, op *graphql.OperationContext) error {
	object := map[string]string{"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}[string(op.Operation.Operation)]
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{object}) {
		role, known := roles[object+"."+field.Name]
		if !known {
			return errs.New(errs.PermissionDenied, "%s is allowed to nobody", field.Name)
		}
		if err := auth.Require(ctx, role); err != nil {
			return err //nolint:wrapcheck // a designed error
		}
	}
	return nil
}
